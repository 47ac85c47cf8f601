"""Why a signature does not fit is told to people, cause by cause, and never to the sender."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidSignature
from bridge.receiving import signature_diagnosis
from bridge.receiving.signature_diagnosis import (
    CAUSES,
    MAX_DIGESTED_BYTES,
    MAX_EXAMINED_BYTES,
    Evidence,
    diagnose,
)
from bridge.webhook import Request, Source
from functions.sources.registry import signed, source_module

NOW = 1_788_000_000.0
SECRET, OTHER, STRANGER = "whsec_lovelace", "whsec_turing", "whsec_stranger"
BODY = json.dumps(
    {"type": "invoice.paid", "id": "evt_1", "amount": 10.50, "name": "Zoë Müller", "list": [1, 2]},
    ensure_ascii=False,
    separators=(",", ":"),
).encode()
URL = "https://door.example.com/stripe/main"


def source_of(name: str) -> Source:
    return next(source for source in source_module(name, "receiver").SOURCES if source.name == name)


def request(
    name: str, body: bytes = BODY, secret: str = SECRET, now: float = NOW, connection: str = "main"
) -> Request:
    headers, query = signed(name, "orders/paid", body, secret, now, URL)
    lowered = {key.lower(): value for key, value in headers.items()}
    return Request(name, connection, lowered, query, body, url=URL)


def cause(sent: Request, secrets: Sequence[str] = (SECRET,), **evidence: Any) -> str:
    """What the doctor says of a request that its source refuses."""
    source = source_of(sent.source)
    with pytest.raises(InvalidSignature) as refused:
        source.verify(sent, secrets, NOW)
    return diagnose(source, sent, Evidence(secrets, **evidence), refused.value.reason, NOW)


SIGNERS = ("shopify", "stripe", "woocommerce", "typeform", "tally")
each_signer = pytest.mark.parametrize("name", SIGNERS)


@each_signer
def test_a_body_that_was_wrapped_in_base64_on_the_way_is_known(name: str) -> None:
    sent = request(name)
    assert cause(replace(sent, body=base64.b64encode(sent.body))) == signature_diagnosis.BASE64_BODY


@each_signer
def test_a_signature_over_the_base64_of_the_body_is_known(name: str) -> None:
    sent = request(name, base64.b64encode(BODY))
    assert cause(replace(sent, body=BODY)) == signature_diagnosis.BASE64_BODY


REWRITES: dict[str, Callable[[bytes], bytes]] = {
    "spaced": lambda body: json.dumps(json.loads(body), ensure_ascii=False).encode(),
    "escaped": lambda body: json.dumps(json.loads(body), separators=(",", ":")).encode(),
    "indented": lambda body: json.dumps(json.loads(body), ensure_ascii=False, indent=2).encode(),
    "with a newline": lambda body: body + b"\n",
}


@each_signer
@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES)
def test_a_body_that_something_wrote_again_is_known(name: str, rewrite: Callable[[bytes], bytes]) -> None:
    sent = request(name)
    assert cause(replace(sent, body=rewrite(sent.body))) == signature_diagnosis.RESERIALISED_BODY


@each_signer
@pytest.mark.parametrize(
    "typed", [f"{SECRET}\n", f"{SECRET} ", f" {SECRET}", f"{SECRET}\r\n", f"\ufeff{SECRET}"]
)
def test_a_secret_with_a_stray_space_at_the_tool_is_known(name: str, typed: str) -> None:
    assert cause(request(name, secret=typed)) == signature_diagnosis.SECRET_HAS_WHITESPACE


def test_a_stored_secret_with_a_space_inside_is_known() -> None:
    assert cause(request("shopify"), secrets=["whsec_ lovelace"]) == signature_diagnosis.SECRET_HAS_WHITESPACE


@each_signer
def test_hex_in_place_of_base64_and_the_reverse_are_known(name: str) -> None:
    sent = request(name)
    swapped = {key: signature_diagnosis.other_encoding(value) for key, value in sent.headers.items()}
    assert swapped != sent.headers
    assert cause(replace(sent, headers=swapped)) == signature_diagnosis.WRONG_ENCODING


@each_signer
def test_the_secret_of_another_connection_is_known(name: str) -> None:
    sent = request(name, secret=OTHER)
    assert (
        cause(sent, others={"berlin": [STRANGER], "paris": [OTHER]}) == signature_diagnosis.OTHER_CONNECTION
    )


@each_signer
@pytest.mark.parametrize(("connection", "other"), [("main", "test"), ("shop-sandbox", "main")])
def test_the_secret_of_a_test_connection_on_a_live_one_is_known(
    name: str, connection: str, other: str
) -> None:
    sent = request(name, secret=OTHER, connection=connection)
    assert cause(sent, others={other: [OTHER]}) == signature_diagnosis.TEST_SECRET_ON_LIVE


@each_signer
def test_a_secret_that_was_taken_out_is_known(name: str) -> None:
    assert cause(request(name, secret=OTHER), previous=[OTHER]) == signature_diagnosis.PREVIOUS_SECRET_EXPIRED


def test_a_clock_that_is_ahead_is_told_from_a_recorded_webhook() -> None:
    stripe = source_of("stripe")
    for off, wanted in ((3600, "clock_skew"), (-3600, "stale")):
        with pytest.raises(InvalidSignature) as refused:
            stripe.verify(request("stripe", now=NOW + off), [SECRET], NOW)
        assert refused.value.reason == wanted


def test_an_old_webhook_with_another_connections_secret_is_told_by_the_secret() -> None:
    sent = request("stripe", secret=OTHER, now=NOW - 3600)
    assert cause(sent, others={"eu": [OTHER]}) == signature_diagnosis.OTHER_CONNECTION


@each_signer
def test_what_nobody_can_explain_is_unknown(name: str) -> None:
    sent = request(name, secret=STRANGER)
    assert cause(sent, previous=[OTHER], others={"eu": [OTHER]}) == signature_diagnosis.UNKNOWN


def test_a_large_body_is_not_digested_again_and_again() -> None:
    sent = request("shopify", b"1" * (MAX_DIGESTED_BYTES + 1), OTHER)
    assert cause(sent, others={"eu": [OTHER]}) == signature_diagnosis.UNKNOWN


def test_of_a_body_that_is_too_long_to_be_examined_the_secrets_are_tried_alone() -> None:
    text = json.dumps({"text": "x" * MAX_EXAMINED_BYTES}).encode()
    assert (
        cause(request("shopify", text, OTHER), previous=[OTHER])
        == signature_diagnosis.PREVIOUS_SECRET_EXPIRED
    )
    assert (
        cause(request("shopify", text, OTHER), others={"eu": [OTHER]}) == signature_diagnosis.OTHER_CONNECTION
    )
    for changed in (text + b"\n", base64.b64encode(text)):
        assert cause(replace(request("shopify", text), body=changed)) == signature_diagnosis.UNKNOWN


@pytest.mark.parametrize("length", [0, 10, 1_000, 16_000, 40_000, 100_000, 250_000, 6_000_000])
@pytest.mark.parametrize(
    "pattern", ["brackets", "braces", "list", "texts", "deep list", "escapes", "newlines", "base64"]
)
def test_what_is_digested_of_a_strangers_body_is_bounded(pattern: str, length: int) -> None:
    """However it is made, and however many secrets there are to try."""
    bodies = {
        "brackets": b"[" * (length // 2) + b"]" * (length // 2),
        "braces": b'{"a":' * (length // 6) + b"1" + b"}" * (length // 6),
        "list": b"[" + b"1," * (length // 2) + b"1]",
        "texts": b"[" + b'"",' * (length // 3) + b'""]',
        "deep list": b"[" * 12 + b"1," * (length // 2) + b"1" + b"]" * 12,
        "escapes": b'["' + b"\\u00e9" * (length // 6) + b'"]',
        "newlines": b"\n" * length,
        "base64": base64.b64encode(b"[" * (length * 3 // 4)),
    }
    digested: list[int] = []

    def verify(sent: Request, secrets: Sequence[str], now: float) -> int:
        del now
        digested.append(len(sent.body) * len(secrets))
        raise InvalidSignature("mismatch")

    source = replace(source_of("shopify"), verify=verify)
    sent = Request("shopify", "main", {}, {}, bodies[pattern])
    evidence = Evidence(["a", "b", "c"], ["d"] * 3, {str(number): ["e"] * 3 for number in range(20)})
    assert diagnose(source, sent, evidence, "mismatch", NOW) == signature_diagnosis.UNKNOWN
    assert sum(digested) <= MAX_DIGESTED_BYTES
    assert len(digested) <= 50


def test_every_cause_is_tried_whichever_fits() -> None:
    tried: list[int] = []

    def verify(sent: Request, secrets: Sequence[str], now: float) -> int:
        del now
        tried.append(len(secrets))
        if sent.body == b"fits" or OTHER in secrets:
            return 0
        raise InvalidSignature("mismatch")

    source = replace(source_of("shopify"), verify=verify)
    evidence = Evidence([SECRET], [STRANGER], {"eu": [STRANGER]})
    sent = Request("shopify", "main", {}, {}, b"does not")
    assert diagnose(source, sent, evidence, "mismatch", NOW) == signature_diagnosis.UNKNOWN
    of_none, tried[:] = len(tried), []
    assert (
        diagnose(source, sent, replace(evidence, previous=[OTHER]), "mismatch", NOW)
        != signature_diagnosis.UNKNOWN
    )
    assert len(tried) == of_none


@given(st.binary(max_size=200), st.text(max_size=80))
def test_whatever_is_sent_gets_one_of_the_causes(body: bytes, signature: str) -> None:
    sent = Request("shopify", "main", {"x-shopify-hmac-sha256": signature}, {}, body)
    evidence = Evidence([SECRET], [OTHER], {"eu": [STRANGER]})
    assert diagnose(source_of("shopify"), sent, evidence, "mismatch", NOW) in CAUSES
