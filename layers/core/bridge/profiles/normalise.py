"""Bring what sources write into the forms that Batch takes: e-mails, phones, times, money, languages.

Pure. Each function returns None for what it cannot read; the caller keeps the original where a warning is due.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import phonenumbers

EMAIL = re.compile(r"[^@\s]+@[A-Za-z0-9\-.]+\.[A-Za-z0-9]+")
MAX_EMAIL_CHARACTERS = 128
"""The least that Batch's SDKs take: Web 128, iOS and Android 256."""
MAX_DIGITS = 100
"""Nobody's amount is longer; `1e999999999` as a whole number would take minutes and a gigabyte to write down."""
LOCALE = re.compile(r"([A-Za-z]{2})(?:[-_]([A-Za-z]{2}))?(?:[-_.].*)?")

ZERO_DECIMAL_CURRENCIES = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"}
    | {"PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
"""https://docs.stripe.com/currencies#zero-decimal, without UGX: it has no decimals either, but Stripe's amounts have.
https://docs.stripe.com/currencies#special-cases"""
THREE_DECIMAL_CURRENCIES = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""https://docs.stripe.com/currencies#three-decimal"""


def email(text: str | None) -> str | None:
    """Return the address trimmed and in lower case, or None where it is none."""
    address = (text or "").strip().lower()
    if not address.isprintable() or not EMAIL.fullmatch(address):
        return None
    return address if utf16_units(address) <= MAX_EMAIL_CHARACTERS else None


def utf16_units(text: str) -> int:
    """Return how long a text is for JavaScript, Java and Swift, and so for Batch's SDKs: most emoji count twice."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def phone(text: str | None, country: str | None) -> str | None:
    """Return the number in E.164; `country` (ISO 3166-1 alpha-2) says what a national number means."""
    if not text or not text.strip():
        return None
    try:
        number = phonenumbers.parse(text, (country or "").strip().upper() or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def timestamp(moment: datetime | None) -> str | None:
    """Return RFC 3339 in UTC, e.g. `2026-09-01T08:30:00Z`."""
    in_utc = utc(moment)
    return None if in_utc is None else in_utc.isoformat().replace("+00:00", "Z")


def sortable(moment: datetime | None) -> str:
    """Return a text of fixed width that sorts as the moments do; no moment is the oldest."""
    in_utc = utc(moment)
    return "" if in_utc is None else in_utc.replace(tzinfo=None).isoformat(timespec="microseconds")


def utc(moment: datetime | None) -> datetime | None:
    """Return the moment in UTC; None where that lies before the year 1 or after 9999."""
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def from_unix(seconds: int | None) -> datetime | None:
    """Return the moment of a Unix time in seconds."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def decimal(text: str | int | Decimal | None) -> Decimal | None:
    """Return an exact decimal from a provider's text or number, of at most `MAX_DIGITS` digits before and behind the
    point."""
    if text is None or isinstance(text, bool):
        return None
    written = str(text).strip()
    try:
        number = Decimal(written[: 3 * MAX_DIGITS])
    except InvalidOperation:
        return None
    is_long = len(written) > 3 * MAX_DIGITS or not number.is_finite() or abs(number.adjusted()) > MAX_DIGITS
    return None if is_long else number


def major_units(minor: int | Decimal | None, currency: str | None) -> Decimal | None:
    """Return an amount in the currency's smallest unit as one in its major unit, exactly. None without a currency."""
    if minor is None or not currency:
        return None
    code = currency.upper()
    exponent = 0 if code in ZERO_DECIMAL_CURRENCIES else -3 if code in THREE_DECIMAL_CURRENCIES else -2
    return Decimal(minor).scaleb(exponent)


def language(locale: str | None) -> str | None:
    """Return ISO 639-1 in lower case, from `fr`, `fr-FR` or `fr_FR`."""
    found = LOCALE.fullmatch(locale.strip()) if locale else None
    return found.group(1).lower() if found else None


def region(country: str | None) -> str | None:
    """Return ISO 3166-1 alpha-2 in upper case."""
    code = (country or "").strip().upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


def units(quantities: Sequence[int | None]) -> int | None:
    """Return how many units there are of all items; None where one of them does not say."""
    known = [quantity for quantity in quantities if quantity is not None]
    return sum(known) if len(known) == len(quantities) else None
