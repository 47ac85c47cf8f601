"""Check single values. No I/O; a check passes, or raises `Refused` with a reason without the value."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import available_timezones

from local.sandbox import limits
from local.sandbox.limits import Kind


class Refused(Exception):
    """A value that Batch would not take. The text is the reason, a constant phrase."""

    @property
    def reason(self) -> str:
        """Return why, in words that hold nothing of what was sent."""
        return str(self)


class Key(NamedTuple):
    """A member's key, taken apart: `date(born)` is the name `born` with the wrapper `date`."""

    name: str
    wrapper: str | None


_WRAPPED: Final = re.compile(r"(date|url)\((.*)\)", re.DOTALL)
_LINE_BREAK: Final = re.compile("[\n\r\v\f\x85\u2028\u2029]")
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_URL: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://"  # a scheme
    r"(?:[^\s/?#@]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(?::[0-9]+)?"  # user, host, port
    r"(?:[/?#][^\s\x00-\x1f\x7f]*)?"
)
_AREA_AND_CITY: Final = re.compile(r"[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_+-]+)+|UTC")


@lru_cache(maxsize=4_096)
def parse_key(key: str) -> Key:
    """Take a custom attribute's key apart; raises `Refused` when its name is not one."""
    wrapped = _WRAPPED.fullmatch(key)
    name = wrapped[2] if wrapped else key
    if not limits.NAME_PATTERN.fullmatch(name):
        raise Refused("the name is not 1 to 30 of a-z, 0-9 and _")
    return Key(name, wrapped[1] if wrapped else None)


def characters(text: str) -> int:
    """Count UTF-16 units, as Batch's own SDKs do: most emoji are two."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_string(value: object, longest: int = limits.MAX_STRING_CHARACTERS) -> None:
    """Refuse what is not one line of text of 1 to `longest` characters."""
    if not isinstance(value, str):
        raise Refused("is not a string")
    if not value.strip():
        raise Refused("the string is empty or blank")
    if characters(value) > longest:
        raise Refused(f"the string is longer than {longest} characters")
    if _LINE_BREAK.search(value):
        raise Refused("the string has more than one line")


def check_strings(value: object, most: int, longest: int = limits.MAX_STRING_CHARACTERS) -> None:
    """Refuse what is not an array of 1 to `most` strings."""
    if not isinstance(value, list):
        raise Refused("is not an array of strings")
    check_length(value, most)
    for item in value:
        check_string(item, longest)


def check_length(items: list[object], most: int) -> None:
    """Refuse an empty array, and one with more than `most` items."""
    if not items:
        raise Refused("the array is empty")
    if len(items) > most:
        raise Refused(f"the array has more than {most} items")


def read_time(value: object) -> float:
    """Turn an RFC 3339 time with a zone into seconds since 1970."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise Refused("is not an RFC 3339 time with a zone")
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError) as error:
        raise Refused("is not a time of the calendar") from error


def check_url(value: object) -> None:
    """Refuse what is not an absolute URL with a scheme and a host."""
    if not isinstance(value, str):
        raise Refused("is not a string")
    if characters(value) > limits.MAX_URL_CHARACTERS:
        raise Refused(f"the URL is longer than {limits.MAX_URL_CHARACTERS} characters")
    if not _URL.fullmatch(value):
        raise Refused("is not a URL with a scheme and a host")


def read_scalar(wrapper: str | None, value: object) -> Kind:
    """Say what kind of value this is: a string, a number, a boolean, a date or a URL."""
    if wrapper == "date":
        read_time(value)
        return "date"
    if wrapper == "url":
        check_url(value)
        return "url"
    if isinstance(value, str):
        check_string(value)
        return "string"
    if isinstance(value, bool):
        return "boolean"
    return _read_number(value)


def _read_number(value: object) -> Kind:
    if not isinstance(value, int | float):
        raise Refused("is not a value that Batch knows here")
    if not abs(value) <= limits.MAX_ABSOLUTE_NUMBER:
        raise Refused("the number does not fit in 64 bits")
    return "integer" if isinstance(value, int) else "float"


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _check_timezone(value: object) -> None:
    check_string(value)
    # A machine without a time zone database can only look at the form.
    known = value in _timezones() if _timezones() else bool(_AREA_AND_CITY.fullmatch(str(value)))
    if not known:
        raise Refused("is not an IANA time zone")


def _check_marketing(value: object) -> None:
    if value not in ("subscribed", "unsubscribed"):
        raise Refused("is neither subscribed nor unsubscribed")


def _check_email(value: object) -> None:
    check_string(value, limits.MAX_EMAIL_CHARACTERS)
    if not limits.EMAIL_PATTERN.fullmatch(str(value)):
        raise Refused("is not an e-mail address")


def _pattern_check(pattern: re.Pattern[str], reason: str) -> Callable[[object], None]:
    def check(value: object) -> None:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Refused(reason)

    return check


check_topic: Final = _pattern_check(limits.TOPIC_PATTERN, "a topic is not 1 to 300 of a-z, 0-9 and _")

# native attribute → what its value must be
NATIVE_CHECKS: Final[dict[str, Callable[[object], None]]] = {
    "$email_address": _check_email,
    "$email_marketing": _check_marketing,
    "$phone_number": _pattern_check(limits.PHONE_PATTERN, "is not an E.164 phone number"),
    "$sms_marketing": _check_marketing,
    "$language": _pattern_check(limits.LANGUAGE_PATTERN, "is not an ISO 639-1 code in lower case"),
    "$region": _pattern_check(limits.REGION_PATTERN, "is not an ISO 3166-1 alpha-2 code in upper case"),
    "$timezone": _check_timezone,
}
TOPICS: Final = "$topic_preferences"
