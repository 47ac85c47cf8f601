"""Links by which a person confirms a consent: who can make one, and what comes of one that was changed."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.batch.limits import MAX_URL_CHARACTERS
from bridge.errors import ExpiredLink, InvalidLink
from bridge.receiving import consent_links
from bridge.receiving.consent_links import CHANNELS, CONFIRMED, VALID_FOR, Confirmation

SECRET = "confirm-secret"
WEBHOOK = "0123456789abcdef" * 2
MADE = datetime(2026, 9, 10, 12, 0, 0, 123456, tzinfo=UTC)
NOW = MADE.timestamp()
ASKED = Confirmation(WEBHOOK, "email", MADE, "Ada’s Teas")
CONFIRMATIONS = st.builds(
    Confirmation,
    st.binary(min_size=16, max_size=16).map(bytes.hex),
    st.sampled_from(list(CHANNELS)),
    st.timedeltas(timedelta(0), timedelta(days=50_000)).map(lambda later: MADE + later),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), max_size=30),
)


def key(secret: str = SECRET, source: str = "form", connection: str = "main", webhook: str = WEBHOOK) -> str:
    return consent_links.webhook_key(secret, source, connection, webhook)


def read(token: str, now: float = NOW, secret: str = SECRET) -> Confirmation:
    return consent_links.read(token, secret, "form", "main", now)


@given(CONFIRMATIONS)
def test_a_link_says_what_it_was_made_for(asked: Confirmation) -> None:
    token = consent_links.token(asked, key(webhook=asked.webhook_id))
    assert read(token, asked.made_at.timestamp() + 60) == asked


def test_a_link_is_good_for_seven_days() -> None:
    token = consent_links.token(ASKED, key())
    assert timedelta(days=7) == VALID_FOR
    assert read(token, NOW + 7 * 24 * 3600 - 1) == ASKED
    with pytest.raises(ExpiredLink):
        read(token, NOW + 7 * 24 * 3600)


@pytest.mark.parametrize(
    "signed",
    [
        key("another secret"),
        key(""),
        key(source="typeform"),
        key(connection="other"),
        key(webhook="f" * 32),
        SECRET,
        "",
    ],
)
def test_a_link_that_another_key_signed_is_none(signed: str) -> None:
    with pytest.raises(InvalidLink):
        read(consent_links.token(ASKED, signed))


def test_a_connection_without_a_secret_has_no_links() -> None:
    with pytest.raises(InvalidLink):
        read(consent_links.token(ASKED, key("")), secret="")


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_link_of_which_one_bit_was_changed_is_none(position: int, bit: int) -> None:
    packed = bytearray(base64.urlsafe_b64decode(consent_links.token(ASKED, key()) + "==="))
    packed[position % len(packed)] ^= 1 << bit
    with pytest.raises(InvalidLink):
        read(consent_links.encoded(bytes(packed)))


@given(st.text(max_size=300) | st.binary(max_size=200).map(consent_links.encoded))
def test_whatever_a_stranger_makes_up_is_no_link(text: str) -> None:
    with pytest.raises(InvalidLink):
        read(text)


@pytest.mark.parametrize("suffix", ["=", "==", " ", "\n", "A", "%00"])
def test_a_link_is_written_in_one_way_alone(suffix: str) -> None:
    with pytest.raises(InvalidLink):
        read(consent_links.token(ASKED, key()) + suffix)


@given(CONFIRMATIONS)
def test_a_link_holds_nothing_but_the_webhook_the_channel_the_moment_and_the_brand(
    asked: Confirmation,
) -> None:
    token = consent_links.token(asked, key(webhook=asked.webhook_id))
    nameless = consent_links.token(replace(asked, brand=""), key(webhook=asked.webhook_id))
    assert len(nameless) == 54
    assert len(token) <= consent_links.MAX_TOKEN_CHARACTERS


@given(st.text(min_size=200, max_size=400))
def test_a_long_brand_is_cut_so_that_the_link_stays_one(brand: str) -> None:
    brand = brand.encode(errors="ignore").decode()
    token = consent_links.token(replace(ASKED, brand=brand), key())
    assert brand.startswith(read(token).brand)
    assert len(f"https://hooks.example.com/woocommerce/{'c' * 63}/confirm/{token}") < MAX_URL_CHARACTERS


def test_the_button_makes_one_webhook_of_a_person_and_a_channel_however_often_it_is_pressed() -> None:
    first = consent_links.confirmed(ASKED, "form", "main", NOW + 60)
    again = consent_links.confirmed(
        replace(ASKED, made_at=MADE + timedelta(days=1)), "form", "main", NOW + 90
    )
    by_sms = consent_links.confirmed(replace(ASKED, channel="sms"), "form", "main", NOW + 60)
    elsewhere = consent_links.confirmed(ASKED, "form", "other", NOW + 60)
    assert first.id == again.id
    assert len({first.id, by_sms.id, elsewhere.id}) == 3


def test_what_the_button_queues_says_what_the_link_said_and_when_it_was_pressed() -> None:
    webhook = consent_links.confirmed(ASKED, "form", "main", NOW + 60)
    assert consent_links.stated(webhook) == replace(ASKED, brand="")
    assert (webhook.source, webhook.connection, webhook.topic) == ("form", "main", CONFIRMED)
    assert webhook.received_at == datetime.fromtimestamp(NOW + 60, UTC)
