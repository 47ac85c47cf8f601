"""What sources write, in the forms that Batch takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.profiles import normalise
from bridge.profiles.normalise import THREE_DECIMAL_CURRENCIES, ZERO_DECIMAL_CURRENCIES

PARIS = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada@Example.COM \n", "ada@example.com"),
        ("ada+news.letter@mail.example.co.uk", "ada+news.letter@mail.example.co.uk"),
        ("zoë@example.com", "zoë@example.com"),
        ("a" * 116 + "@example.com", "a" * 116 + "@example.com"),
    ],
)
def test_an_e_mail_is_trimmed_and_in_lower_case(written: str, expected: str) -> None:
    assert normalise.email(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        " ",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@@example.com",
        "ada lovelace@example.com",
        "ada@exam ple.com",
        "ada@example.com, grace@example.com",
        "<ada@example.com>",
        "a" * 117 + "@example.com",
        "🎉" * 60 + "@example.com",
        "ada\x00@example.com",
        "\ud800@example.com",
        "ada\u200b@example.com",
        "ada@exämple.com",
    ],
)
def test_what_is_no_e_mail_that_batch_takes_is_none(written: str | None) -> None:
    assert normalise.email(written) is None


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("+33 6 12 34 56 78", None, "+33612345678"),
        ("0612345678", "FR", "+33612345678"),
        ("06.12.34.56.78", "fr", "+33612345678"),
        (" (0)6 12 34 56 78", "FR ", "+33612345678"),
        ("0033612345678", "FR", "+33612345678"),
        ("(202) 555-0143", "US", "+12025550143"),
        ("202-555-0143 ext. 7", "US", "+12025550143"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 (0)20 7946 0958", "FR", "+442079460958"),
        ("٠٦١٢٣٤٥٦٧٨", "FR", "+33612345678"),
    ],
)
def test_a_phone_is_in_e164_by_its_country(written: str, country: str | None, expected: str) -> None:
    assert normalise.phone(written, country) == expected


@pytest.mark.parametrize(
    ("written", "country"),
    [
        (None, "FR"),
        ("", "FR"),
        (" ", "FR"),
        ("0612345678", None),
        ("0612345678", ""),
        ("0612345678", "France"),
        ("0612345678", "ZZ"),
        ("call me", "FR"),
        ("12", "FR"),
        ("+999 123456789", None),
        ("1" * 300, "FR"),
        ("\ud800", "FR"),
    ],
)
def test_what_is_no_phone_is_none(written: str | None, country: str | None) -> None:
    assert normalise.phone(written, country) is None


@given(st.text(), st.none() | st.text(max_size=3))
def test_any_text_is_a_phone_in_e164_or_none(written: str, country: str | None) -> None:
    found = normalise.phone(written, country)
    assert found is None or (found[0] == "+" and found[1:].isdigit() and found.isascii())


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 9, 1, 8, 30, tzinfo=UTC), "2026-09-01T08:30:00Z"),
        (datetime(2026, 9, 1, 10, 30, tzinfo=PARIS), "2026-09-01T08:30:00Z"),
        (datetime(2026, 9, 1, 8, 30, 0, 500_000, tzinfo=UTC), "2026-09-01T08:30:00.500000Z"),
        (datetime(33, 4, 3, 15, 0, tzinfo=UTC), "0033-04-03T15:00:00Z"),
        (datetime(1, 1, 1, tzinfo=PARIS), None),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))), None),
        (None, None),
    ],
)
def test_a_time_is_in_utc(moment: datetime | None, expected: str | None) -> None:
    assert normalise.timestamp(moment) == expected


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.just(PARIS)))
def test_sortable_times_sort_as_they_happened(one: datetime, other: datetime) -> None:
    first, second = normalise.sortable(one), normalise.sortable(other)
    if first and second:
        assert (first < second, first == second) == (one < other, one == other)
        assert len(first) == len(second)


def test_no_time_is_older_than_any() -> None:
    assert normalise.sortable(None) < normalise.sortable(datetime(1, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1_788_251_400, datetime(2026, 9, 1, 8, 30, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (None, None),
        (10**12, None),
        (10**30, None),
        (-(10**30), None),
    ],
)
def test_a_unix_time_is_a_moment(seconds: int | None, expected: datetime | None) -> None:
    assert normalise.from_unix(seconds) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("19.90", Decimal("19.90")),
        (" 0.10 ", Decimal("0.10")),
        ("-5", Decimal(-5)),
        (7, Decimal(7)),
        (Decimal("1.10"), Decimal("1.10")),
        ("12345678901234567890.12", Decimal("12345678901234567890.12")),
        (None, None),
        ("", None),
        ("1,50", None),
        ("12 EUR", None),
        ("NaN", None),
        ("Infinity", None),
        ("sNaN", None),
        (True, None),
    ],
)
def test_a_number_is_read_exactly_or_not_at_all(
    written: str | int | Decimal | None, expected: Decimal | None
) -> None:
    assert normalise.decimal(written) == expected


@pytest.mark.parametrize(
    "written", ["1e999999999", "-1E101", "1e-999999999", "9" * 102, "1" * 1_000_000, 10**101]
)
def test_a_number_that_would_fill_the_memory_as_digits_is_none(written: str | int) -> None:
    assert normalise.decimal(written) is None


def test_the_longest_amount_is_read_exactly() -> None:
    assert normalise.decimal("9" * 101) == Decimal("9" * 101)


@pytest.mark.parametrize(
    ("minor", "currency", "expected"),
    [
        (1990, "EUR", "19.90"),
        (1990, "usd", "19.90"),
        (1, "EUR", "0.01"),
        (-1990, "EUR", "-19.90"),
        (0, "EUR", "0.00"),
        (1990, "JPY", "1990"),
        (1990, "krw", "1990"),
        (1990, "KWD", "1.990"),
        (1990, "tnd", "1.990"),
        (500, "UGX", "5.00"),
        (500, "ISK", "5.00"),
        (Decimal("1990.5"), "EUR", "19.905"),
        (10**24 + 1, "EUR", "10000000000000000000000.01"),
    ],
)
def test_money_is_exact_in_every_currency(minor: int | Decimal, currency: str, expected: str) -> None:
    assert str(normalise.major_units(minor, currency)) == expected


@pytest.mark.parametrize(("minor", "currency"), [(None, "EUR"), (100, None), (100, ""), (None, None)])
def test_money_without_amount_or_currency_is_none(minor: int | None, currency: str | None) -> None:
    assert normalise.major_units(minor, currency) is None


@given(
    st.integers(-(10**15), 10**15),
    st.sampled_from(["EUR", *ZERO_DECIMAL_CURRENCIES, *THREE_DECIMAL_CURRENCIES]),
)
def test_no_cent_is_lost(minor: int, currency: str) -> None:
    factor = (
        1 if currency in ZERO_DECIMAL_CURRENCIES else 1000 if currency in THREE_DECIMAL_CURRENCIES else 100
    )
    assert (normalise.major_units(minor, currency) or 0) * factor == minor


def test_no_currency_has_two_numbers_of_decimals() -> None:
    assert not ZERO_DECIMAL_CURRENCIES & THREE_DECIMAL_CURRENCIES
    assert (len(ZERO_DECIMAL_CURRENCIES), len(THREE_DECIMAL_CURRENCIES)) == (15, 5)


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("fr", "fr"),
        ("fr-FR", "fr"),
        ("fr_FR", "fr"),
        ("FR-fr", "fr"),
        (" en-US ", "en"),
        ("zh-Hans-CN", "zh"),
        ("pt_BR.UTF-8", "pt"),
        ("de-CH-1996", "de"),
        ("es-419", "es"),
        ("en-", "en"),
        (None, None),
        ("", None),
        ("french", None),
        ("f", None),
        ("fil", None),
        ("12", None),
        ("éé", None),
    ],
)
def test_a_language_is_read_from_any_form_of_locale(locale: str | None, expected: str | None) -> None:
    assert normalise.language(locale) == expected


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        ("FR", "FR"),
        (" fr ", "FR"),
        ("Fr", "FR"),
        (None, None),
        ("", None),
        ("FRA", None),
        ("France", None),
        ("É1", None),
    ],
)
def test_a_region_is_two_capital_letters(country: str | None, expected: str | None) -> None:
    assert normalise.region(country) == expected


def test_texts_are_as_long_as_batchs_sdks_count_them() -> None:
    assert [normalise.utf16_units(text) for text in ("", "ada", "Zoë", "漢字", "🎉", "\ud800")] == [
        0,
        3,
        3,
        2,
        2,
        1,
    ]
