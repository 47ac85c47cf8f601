"""What a signature proves, and every way in which it proves nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidSignature
from bridge.receiving.signatures import (
    CLOCK_SKEW,
    MALFORMED_HEADER,
    MILLISECONDS,
    MISMATCH,
    NO_HEADER,
    REASONS,
    STALE,
    TOLERANCE_SECONDS,
    hmac_sha256,
    verify_base64,
    verify_timed,
    verify_timestamped_hex,
    verify_token,
)

NOW = 1_788_000_000
BODY = b'{"id": 1, "name": "Ada"}'
SECRETS = ("newest-secret", "older-secret", "oldest-secret")
ODD_TEXTS = ["é", "ключ", "🔑", "\ud800", "\x00", "=", "a" * 10_000, "²", "१२"]
SECRET_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def signed_base64(body: bytes, secret: str) -> str:
    """The signature as the provider makes it, by the book and not by the code under test."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def signed_hex(body: bytes, secret: str, timestamp: str = str(NOW)) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def reason_of(verify: object, *arguments: object) -> str:
    """Why a verification fails."""
    with pytest.raises(InvalidSignature) as caught:
        verify(*arguments)  # type: ignore[operator]
    assert caught.value.reason in REASONS
    return caught.value.reason


def test_the_digest_is_the_one_of_rfc_4231() -> None:
    assert hmac_sha256("Jefe", b"what do ya want for nothing?").hex() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


# ── HMAC in base64 ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("position", range(len(SECRETS)))
def test_every_secret_of_the_connection_may_sign(position: int) -> None:
    assert verify_base64(signed_base64(BODY, SECRETS[position]), BODY, SECRETS) == position


@pytest.mark.parametrize("absent", [None, ""])
def test_a_missing_signature_proves_nothing(absent: str | None) -> None:
    assert reason_of(verify_base64, absent, BODY, SECRETS) == NO_HEADER


@pytest.mark.parametrize("header", ["not base64!", "abc", *ODD_TEXTS[:4], "²"])
def test_a_signature_that_is_no_base64_proves_nothing(header: str) -> None:
    assert reason_of(verify_base64, header, BODY, SECRETS) == MALFORMED_HEADER


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        (signed_base64(BODY, "another secret"), BODY),
        (signed_base64(BODY + b" ", SECRETS[0]), BODY),
        (signed_base64(BODY, SECRETS[0]), BODY + b"\n"),
        (base64.b64encode(hashlib.sha1(BODY).digest()).decode(), BODY),
        (base64.b64encode(hmac_sha256(SECRETS[0], BODY)[:16]).decode(), BODY),
        (base64.b64encode(hmac_sha256(SECRETS[0], BODY).hex().encode()).decode(), BODY),
        ("AAAA", BODY),
    ],
    ids=["other secret", "other body", "longer body", "other hash", "half a digest", "hex within", "short"],
)
def test_a_signature_of_something_else_proves_nothing(signature: str, body: bytes) -> None:
    assert reason_of(verify_base64, signature, body, SECRETS) == MISMATCH


def test_without_a_secret_nothing_is_proven() -> None:
    assert reason_of(verify_base64, signed_base64(BODY, ""), BODY, ()) == MISMATCH
    assert reason_of(verify_token, "anything", ()) == MISMATCH
    assert reason_of(verify_timestamped_hex, str(NOW), [signed_hex(BODY, "")], BODY, (), NOW) == MISMATCH


@given(body=st.binary(), secret=SECRET_TEXTS, others=st.lists(SECRET_TEXTS, max_size=3))
def test_whatever_is_signed_is_proven(body: bytes, secret: str, others: list[str]) -> None:
    assert verify_base64(signed_base64(body, secret), body, [secret, *others]) == 0
    assert verify_timestamped_hex(str(NOW), [signed_hex(body, secret)], body, [secret, *others], NOW) == 0


@given(body=st.binary(min_size=1), data=st.data())
def test_a_single_flipped_bit_of_the_body_or_the_signature_is_noticed(
    body: bytes, data: st.DataObject
) -> None:
    flipped = flip(body, data)
    digest = flip(hmac_sha256(SECRETS[0], body), data)
    assert reason_of(verify_base64, signed_base64(body, SECRETS[0]), flipped, SECRETS) == MISMATCH
    assert reason_of(verify_base64, base64.b64encode(digest).decode(), body, SECRETS) == MISMATCH
    signatures = [signed_hex(body, SECRETS[0])]
    assert reason_of(verify_timestamped_hex, str(NOW), signatures, flipped, SECRETS, NOW) == MISMATCH
    assert reason_of(verify_timestamped_hex, str(NOW), [digest.hex()], body, SECRETS, NOW) == MISMATCH


def flip(content: bytes, data: st.DataObject) -> bytes:
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# ── HMAC in hex with a time ─────────────────────────────────────────────────────────────────────────────


def test_one_right_signature_among_several_proves() -> None:
    signatures = ["0" * 64, "not hex", signed_hex(BODY, SECRETS[1]), "f" * 64]
    assert verify_timestamped_hex(str(NOW), signatures, BODY, SECRETS, NOW) == 1


def test_the_newest_of_two_secrets_that_both_signed_is_named() -> None:
    signatures = [signed_hex(BODY, SECRETS[1]), signed_hex(BODY, SECRETS[0])]
    assert verify_timestamped_hex(str(NOW), signatures, BODY, SECRETS, NOW) == 0


def test_hex_in_capitals_is_hex() -> None:
    assert verify_timestamped_hex(str(NOW), [signed_hex(BODY, SECRETS[0]).upper()], BODY, SECRETS, NOW) == 0


@pytest.mark.parametrize("off", [0, TOLERANCE_SECONDS, -TOLERANCE_SECONDS])
def test_a_time_within_the_tolerance_is_taken_in_both_directions(off: int) -> None:
    assert verify_timestamped_hex(str(NOW), [signed_hex(BODY, SECRETS[0])], BODY, SECRETS, NOW + off) == 0


@pytest.mark.parametrize("off", [TOLERANCE_SECONDS + 1, -TOLERANCE_SECONDS - 1, 10**9, -(10**9)])
def test_a_time_out_of_tolerance_is_refused_in_both_directions(off: int) -> None:
    signatures = [signed_hex(BODY, SECRETS[0])]
    assert reason_of(verify_timestamped_hex, str(NOW), signatures, BODY, SECRETS, NOW + off) == (
        STALE if off > 0 else CLOCK_SKEW
    )


@pytest.mark.parametrize(
    "timestamp", ["", "-1", "1.5", "now", f" {NOW}", "٣", "²", "9" * 13, "9" * 5000, "\ud800"]
)
def test_a_time_that_is_no_unix_time_is_refused(timestamp: str) -> None:
    text = timestamp.encode(errors="replace").decode()
    signatures = [signed_hex(BODY, SECRETS[0], text)]
    assert reason_of(verify_timestamped_hex, timestamp, signatures, BODY, SECRETS, NOW) == MALFORMED_HEADER


@pytest.mark.parametrize(
    "signatures",
    [[], [""], ["zz" * 32], ["ab" * 31], ["ab" * 33], ["ab " * 32], ["é" * 64], ["٣" * 64], ["\ud800"]],
)
def test_what_is_no_digest_in_hex_is_refused(signatures: list[str]) -> None:
    assert reason_of(verify_timestamped_hex, str(NOW), signatures, BODY, SECRETS, NOW) == MALFORMED_HEADER


def test_the_time_is_part_of_what_is_signed() -> None:
    signatures = [signed_hex(BODY, SECRETS[0], str(NOW - 1))]
    assert reason_of(verify_timestamped_hex, str(NOW), signatures, BODY, SECRETS, NOW) == MISMATCH


@pytest.mark.parametrize(
    ("timestamp", "units_per_second"),
    [(str(NOW), 1), (str(NOW * 1000), MILLISECONDS), ("0" * 3 + str(NOW), 1000)],
)
def test_the_signed_text_and_the_unit_of_its_time_are_the_providers(
    timestamp: str, units_per_second: int
) -> None:
    digest = hmac_sha256(SECRETS[1], BODY + b"@" + timestamp.encode())
    now = int(timestamp) / units_per_second
    arguments = timestamp, [digest], lambda time: BODY + b"@" + time, SECRETS
    assert verify_timed(*arguments, now + TOLERANCE_SECONDS, units_per_second) == 1
    assert reason_of(verify_timed, *arguments, now + TOLERANCE_SECONDS + 1, units_per_second) == STALE
    assert reason_of(verify_timed, *arguments, now - TOLERANCE_SECONDS - 1, units_per_second) == CLOCK_SKEW


def test_a_time_in_milliseconds_may_be_longer_but_not_any_length() -> None:
    signed = [hmac_sha256(SECRETS[0], b"")]
    arguments = "9" * 16, signed, lambda _: b"", SECRETS, NOW, MILLISECONDS
    assert reason_of(verify_timed, *arguments) == MALFORMED_HEADER


# ── A token in the address ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("position", range(len(SECRETS)))
def test_a_token_is_one_of_the_secrets(position: int) -> None:
    assert verify_token(SECRETS[position], SECRETS) == position
    assert verify_token(f" {SECRETS[position]}\n", SECRETS) == position


def test_a_token_that_is_missing_or_wrong_proves_nothing() -> None:
    assert reason_of(verify_token, None, SECRETS) == NO_HEADER
    assert reason_of(verify_token, "", SECRETS) == NO_HEADER
    assert reason_of(verify_token, SECRETS[0][:-1], SECRETS) == MISMATCH
    assert reason_of(verify_token, SECRETS[0] + "x", SECRETS) == MISMATCH


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_no_text_whatever_makes_another_error_than_a_refusal(text: str) -> None:
    reason_of(verify_base64, text, BODY, SECRETS)
    reason_of(verify_token, text, SECRETS)
    reason_of(verify_timestamped_hex, text, [text], BODY, SECRETS, NOW)
    reason_of(verify_timestamped_hex, str(NOW), [text], BODY, SECRETS, NOW)


def test_a_refusal_holds_nothing_of_what_was_sent() -> None:
    for verify, arguments in (
        (verify_base64, ("c2VjcmV0", BODY, SECRETS)),
        (verify_token, ("guess", SECRETS)),
        (verify_timestamped_hex, (str(NOW), ["ab" * 32], BODY, SECRETS, NOW)),
    ):
        with pytest.raises(InvalidSignature) as caught:
            verify(*arguments)
        assert caught.value.args == (MISMATCH,)
