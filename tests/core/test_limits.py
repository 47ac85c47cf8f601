"""Whatever a mapping says comes out as Batch takes it, and whatever was changed is told by name.

The judge is the Batch sandbox, which reads Batch's rules by itself, and where they are unclear in the stricter way.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.batch import limits
from bridge.batch.limits import Misfit, Warnings, fit_attributes, fit_event, names
from bridge.profiles.profile_change import Event, is_absent
from local.sandbox.rules import read_operation
from local.sandbox.shape import check_operations, read_array
from local.sandbox.store import Store

NOW = datetime(2026, 9, 10, 12, 0, tzinfo=UTC)
MAX_OPERATIONS = 200


def judged(**members: Any) -> list[str]:
    """What the sandbox finds wrong with an operation, sent over the wire."""
    operation = {"identifiers": {"custom_id": "ada"}, **members}
    body = json.dumps([operation], ensure_ascii=False, allow_nan=False).encode()
    [read] = check_operations(read_array(body, MAX_OPERATIONS))
    reading = read_operation(read, NOW.timestamp())
    flaws = reading.flaws + Store().apply("project", reading, NOW.timestamp())
    return [f"{flaw.attribute}: {flaw.reason}" for flaw in flaws]


def fitted_profile(**attributes: Any) -> tuple[dict[str, Any], list[str]]:
    """The attributes as sent, taken by the judge, and the warnings."""
    return fitted(attributes)


def fitted(attributes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    warnings = Warnings()
    found = fit_attributes(attributes, warnings)
    assert judged(attributes=found) == []
    return found, list(names(warnings.found))


def fitted_event(
    attributes: Mapping[str, Any], time: datetime | None = NOW, name: str = "order_paid"
) -> tuple[dict[str, Any], list[str]]:
    """The event as sent, taken by the judge, and the warnings."""
    warnings = Warnings()
    found = fit_event(Event(name, time, attributes), NOW, warnings)
    assert found is not None
    assert judged(events=[found]) == []
    return found, list(names(warnings.found))


def of_event(attributes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    event, warnings = fitted_event(attributes)
    return event["attributes"], warnings


# ── Names ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("key", "fitted_key"),
    [
        ("First name", "first_name"),
        ("Prénom", "prenom"),
        ("Order-Total (EUR)", "order_total_eur"),
        ("x)", "x"),
        ("date(Born on)", "date(born_on)"),
        ("url(Web Site)", "url(web_site)"),
        ("date(born", "date_born"),
        ("UPPER", "upper"),
        ("a" * 31, "a" * 30),
        ("a\nb", "a_b"),
        ("ﬁeld", "field"),
    ],
)
def test_a_name_that_batch_would_not_take_is_renamed_and_told(key: str, fitted_key: str) -> None:
    value = (
        "2026-09-01T00:00:00Z"
        if "date(" in fitted_key
        else "https://example.com/"
        if "url(" in fitted_key
        else "x"
    )
    assert fitted({key: value}) == ({fitted_key: value}, [f"renamed:{fitted_key}"])
    assert of_event({key: value}) == ({fitted_key: value}, [f"renamed:{fitted_key}"])


@pytest.mark.parametrize("key", ["", "   ", "()", "🎉", "date()", "日本", "$"])
def test_a_name_of_which_nothing_is_left_is_dropped_and_told(key: str) -> None:
    assert fitted({key: "x", "kept": "y"}) == ({"kept": "y"}, ["attribute_dropped:unnamed"])


@pytest.mark.parametrize("key", ["$custom", "$email", "$label"])
def test_a_native_name_that_batch_does_not_have_is_dropped_and_told(key: str) -> None:
    assert fitted({key: "x"}) == ({}, [f"attribute_dropped:{key[1:]}"])


def test_of_two_attributes_of_one_name_the_first_is_kept() -> None:
    assert fitted({"Name": "first", "name": "second"}) == (
        {"name": "first"},
        ["renamed:name", "attribute_dropped:name"],
    )
    assert fitted({"born": "1815", "date(born)": "1815-12-10"}) == (
        {"born": "1815"},
        ["attribute_dropped:born"],
    )
    assert of_event({"date(born)": "1815-12-10", "born": "1815"})[1] == ["attribute_dropped:born"]


def test_a_name_whose_first_value_is_dropped_is_free_again() -> None:
    assert fitted({"x": float("nan"), "X": 2})[0] == {"x": 2}


# ── Numbers of things ───────────────────────────────────────────────────────────────────────────────────


def test_of_51_attributes_the_last_is_dropped_and_told() -> None:
    found, warnings = fitted({f"a{number}": number for number in range(51)})
    assert (len(found), warnings) == (50, ["attribute_dropped:a50"])


def test_deletions_and_native_attributes_count_as_well() -> None:
    natives = {"$email_address": "ada@example.com", "$language": "fr"}
    found, warnings = fitted({**natives, **{f"a{number}": None for number in range(49)}})
    assert (len(found), warnings) == (50, ["attribute_dropped:a48"])


def test_of_too_many_attributes_an_address_is_kept_wherever_it_stands() -> None:
    own = {f"a{number}": number for number in range(50)}
    found, warnings = fitted({**own, "$email_address": "ada@example.com"})
    assert (len(found), found["$email_address"]) == (50, "ada@example.com")
    assert warnings == ["attribute_dropped:a49"]


def test_of_16_lists_the_last_is_dropped_whether_it_replaces_or_adds() -> None:
    lists: dict[str, Any] = {f"list_{number}": ["x"] for number in range(13)}
    lists |= {
        "added": {"$add": ["x"]},
        "$topic_preferences": ["news"],
        "removed": {"$remove": ["x"]},
        "text": "x",
    }
    found, warnings = fitted(lists)
    assert (len(found), warnings) == (16, ["attribute_dropped:removed"])
    assert found["text"] == "x"


def test_of_26_items_the_last_is_cut_and_told() -> None:
    items = [f"item {number}" for number in range(26)]
    assert fitted({"tags": items}) == ({"tags": items[:25]}, ["list_cut:tags"])
    found, warnings = fitted({"tags": {"$add": items, "$remove": ["old"]}})
    assert (len(found["tags"]["$add"]), found["tags"]["$remove"], warnings) == (
        25,
        ["old"],
        ["list_cut:tags"],
    )
    assert of_event({"items": [{"sku": item} for item in items]})[1] == ["list_cut:items"]


def test_of_21_attributes_of_an_event_or_an_object_in_it_the_last_is_dropped() -> None:
    many = {f"a{number}": number for number in range(21)}
    found, warnings = of_event({"inner": many})
    assert (len(found["inner"]), warnings) == (20, ["attribute_dropped:inner.a20"])
    found, warnings = of_event(many)
    assert (len(found), warnings) == (20, ["attribute_dropped:a20"])


def test_of_11_lists_in_an_event_the_last_is_dropped_wherever_it_stands() -> None:
    lists = {f"list_{number}": ["x"] for number in range(9)}
    found, warnings = of_event(
        {**lists, "items": [{"sizes": ["S"], "sku": "T-1"}, {"sku": "T-2"}], "$tags": ["x"]}
    )
    assert warnings == ["attribute_dropped:items.sizes"]
    assert found["items"] == [{"sku": "T-1"}, {"sku": "T-2"}]


def test_levels_below_the_third_are_dropped_and_told() -> None:
    found, warnings = of_event({"one": {"two": {"three": {"four": {"five": 1}}, "kept": 1}}})
    assert found == {"one": {"two": {"kept": 1}}}
    assert warnings == ["nested_too_deep:one.two.three.four"]
    assert of_event({"items": [{"sub": {"deep": 1}, "deeper": [{"x": 1}]}]}) == (
        {"items": [{"sub": {"deep": 1}}]},
        ["nested_too_deep:items.deeper"],
    )


# ── Texts ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a" * 300, "a" * 300),
        ("🎉" * 150, "🎉" * 150),
        ("שלום \u200fעולם", "שלום \u200fעולם"),
        ("two\r\nlines", "two lines"),
        ("  wide   apart  ", "wide apart"),
        ("nul\x00l", "nul l"),
        ("half \ud83c", "half"),
        ("para\u2029graph\u2028line\x85next\x0bv", "para graph line next v"),
    ],
)
def test_a_text_is_sent_on_one_line_without_what_is_no_character(text: str, sent: str) -> None:
    assert fitted_profile(note=text) == ({"note": sent}, [])
    assert of_event({"note": text}) == ({"note": sent}, [])


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a" * 301, "a" * 300),
        ("🎉" * 151, "🎉" * 150),
        ("a" * 299 + "🎉", "a" * 299),
        ("a" * 299 + " bc", "a" * 299),
    ],
)
def test_a_text_that_is_too_long_is_cut_between_characters_and_told(text: str, sent: str) -> None:
    assert fitted_profile(note=text) == ({"note": sent}, ["string_cut:note"])
    assert fitted_profile(notes=[text]) == ({"notes": [sent]}, ["string_cut:notes"])
    assert of_event({"items": [{"note": text}]}) == ({"items": [{"note": sent}]}, ["string_cut:items.note"])


@pytest.mark.parametrize("nothing", ["", "  ", "\n", "\x00", [], {}, ["", " "], "\ud800"])
def test_what_says_nothing_is_left_out_without_a_word(nothing: Any) -> None:
    assert fitted_profile(note=nothing) == ({}, [])
    assert of_event({"note": nothing, "nothing": None}) == ({}, [])


def test_null_deletes_a_profile_attribute() -> None:
    assert fitted_profile(note=None)[0] == {"note": None}
    assert fitted({"date(born)": None, "$email_address": None})[0] == {
        "date(born)": None,
        "$email_address": None,
    }


# ── Numbers ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("number", "sent"),
    [
        (2**63 - 1, 2**63 - 1),
        (-(2**63) + 1, -(2**63) + 1),
        (0, 0),
        (Decimal("19.90"), 19.9),
        (Decimal("10"), 10.0),
        (1e-320, 1e-320),
        (True, True),
    ],
)
def test_a_number_is_sent_as_it_is(number: Any, sent: float) -> None:
    for found, warnings in (fitted_profile(amount=number), of_event({"amount": number})):
        assert (found, type(found["amount"]), warnings) == ({"amount": sent}, type(sent), [])


@pytest.mark.parametrize("zero", [-0.0, Decimal("-0.00")])
def test_no_minus_stands_before_zero(zero: Any) -> None:
    assert str(fitted_profile(amount=zero)[0]["amount"]) == "0.0"


@pytest.mark.parametrize(
    "number",
    [
        2**63,
        -(2**63),
        10**400,
        float("nan"),
        float("inf"),
        -float("inf"),
        2.0**63,
        1e300,
        *map(Decimal, ("NaN", "sNaN", "Infinity", "1e400", "9223372036854775807.5")),
    ],
    ids=str,
)
def test_what_is_no_number_of_64_bits_is_dropped_and_told(number: Any) -> None:
    assert fitted_profile(amount=number) == ({}, ["number_dropped:amount"])
    assert of_event({"amount": number}) == ({}, ["number_dropped:amount"])


# ── Dates and links ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("2026-09-01T08:30:00Z", "2026-09-01T08:30:00Z"),
        ("2026-09-01T10:30:00+02:00", "2026-09-01T08:30:00Z"),
        ("2026-09-01 08:30:00", "2026-09-01T08:30:00Z"),
        (" 1815-12-10 ", "1815-12-10T00:00:00Z"),
        ("0033-04-03", "0033-04-03T00:00:00Z"),
        ("2026-09-01T08:30:00.123Z", "2026-09-01T08:30:00.123000Z"),
    ],
)
def test_a_date_is_sent_in_utc(text: str, sent: str) -> None:
    assert fitted({"date(seen)": text}) == ({"date(seen)": sent}, [])
    assert of_event({"date(seen)": text}) == ({"date(seen)": sent}, [])


@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "2026-13-01",
        "10/12/1815",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:00:00-05:00",
        20260901,
        1.5,
        True,
        ["2026-09-01"],
        {"$add": ["2026-09-01"]},
        {"year": 2026},
        "24:00",
        "\ud800",
    ],
)
def test_what_is_no_date_is_dropped_and_told(value: Any) -> None:
    for found, warnings in (fitted({"date(seen)": value}), of_event({"date(seen)": value})):
        assert found == {}
        assert [warning.partition(":")[2] for warning in warnings] == ["date(seen)"]


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com",
        "https://example.com/" + "a" * 2028,
        "https://ada:secret@example.com:8443/a?b=c#d",
        "http://[2001:db8::1]/",
        "app+demo://open/cart",
        "https://exämple.com/ü",
    ],
)
def test_a_link_is_sent_as_it_is(link: str) -> None:
    assert fitted({"url(page)": f" {link} "}) == ({"url(page)": link}, [])
    assert of_event({"url(page)": link}) == ({"url(page)": link}, [])


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com/" + "a" * 2029,
        "https://example.com/" + "🎉" * 1015,
        "example.com",
        "/cart",
        "//example.com",
        "https://",
        "https:///path",
        "https://user@",
        "https://:80",
        "https://example.com:port/",
        "https://a@b@c/",
        "http://[::1",
        "mailto:ada@example.com",
        "https://example.com/a b",
        "https://example.com/a\nb",
        "https://example.com/\x00",
        "https://example.com/\ud800",
        "1https://example.com",
        7,
        True,
        ["https://example.com"],
        {"$add": ["https://example.com"]},
    ],
)
def test_what_is_no_link_of_2048_characters_is_dropped_whole_and_told(value: Any) -> None:
    for found, warnings in (fitted({"url(page)": value}), of_event({"url(page)": value})):
        assert found == {}
        assert [warning.partition(":")[2] for warning in warnings] == ["url(page)"]


# ── Native attributes ───────────────────────────────────────────────────────────────────────────────────

NATIVES_TAKEN = [
    ("$email_address", " Ada@Example.com ", "ada@example.com"),
    ("$email_address", "a" * 116 + "@example.com", "a" * 116 + "@example.com"),
    ("$email_marketing", "subscribed", "subscribed"),
    ("$sms_marketing", "unsubscribed", "unsubscribed"),
    ("$phone_number", "+33612345678", "+33612345678"),
    ("$language", "FR", "fr"),
    ("$region", "fr", "FR"),
    ("$timezone", "Europe/Paris", "Europe/Paris"),
    ("$timezone", "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
    ("$timezone", "UTC", "UTC"),
    ("$topic_preferences", ["News", "sport_2"], ["news", "sport_2"]),
    ("$topic_preferences", "news", ["news"]),
    (
        "$topic_preferences",
        {"$add": ["news"], "$remove": ["sport"]},
        {"$add": ["news"], "$remove": ["sport"]},
    ),
]
NATIVES_DROPPED = [
    ("$email_address", "ada"),
    ("$email_address", "a" * 117 + "@example.com"),
    ("$email_address", "🎉" * 60 + "@example.com"),
    ("$email_address", "ada@\ud800.com"),
    ("$email_address", ["ada@example.com"]),
    ("$email_address", {"$add": ["ada@example.com"]}),
    ("$email_marketing", "yes"),
    ("$email_marketing", True),
    ("$email_marketing", "subscribed\nunsubscribed"),
    ("$sms_marketing", "unsubscribed now"),
    ("$phone_number", "0612345678"),
    ("$phone_number", "+0612345678"),
    ("$phone_number", "+1234567890123456"),
    ("$phone_number", "+٣٣٦١٢٣٤٥٦٧٨"),
    ("$phone_number", 33612345678),
    ("$language", "fra"),
    ("$language", "fr-FR"),
    ("$region", "FRA"),
    ("$region", "F"),
    ("$timezone", "Paris"),
    ("$timezone", "Europe/Nowhere"),
    ("$timezone", "../etc/passwd"),
    ("$timezone", "GMT+25"),
]


@pytest.mark.parametrize(("key", "value", "sent"), NATIVES_TAKEN)
def test_a_native_attribute_is_sent_in_batchs_form(key: str, value: Any, sent: Any) -> None:
    assert fitted({key: value}) == ({key: sent}, [])


@pytest.mark.parametrize(("key", "value"), NATIVES_DROPPED)
def test_a_native_attribute_that_batch_would_not_take_is_dropped_and_told(key: str, value: Any) -> None:
    assert fitted({key: value, "kept": 1}) == ({"kept": 1}, [f"value_dropped:{key}"])


@pytest.mark.parametrize("topics", [["new-s"], ["né"], ["a" * 301], [["news"]], [{"news": 1}]])
def test_a_topic_that_batch_would_not_take_is_dropped_and_told(topics: Any) -> None:
    found, warnings = fitted({"$topic_preferences": [*topics, "kept"]})
    assert (found, warnings) == ({"$topic_preferences": ["kept"]}, ["item_dropped:$topic_preferences"])


def test_every_native_attribute_of_the_limits_is_one_that_batch_has() -> None:
    samples = {key: value for key, value, _ in NATIVES_TAKEN}
    assert set(samples) == set(limits.NATIVE_ATTRIBUTES), (
        "add a sample of the new native attribute to NATIVES_TAKEN"
    )


def test_the_label_and_the_tags_of_an_event_are_fitted() -> None:
    assert of_event({"$label": "a" * 201, "$tags": ["Web", "web", "B" * 65, None, ""]}) == (
        {"$label": "a" * 200, "$tags": ["web", "b" * 64]},
        ["string_cut:$label", "string_cut:$tags"],
    )
    assert of_event({"$tags": [f"tag {number}" for number in range(11)]})[1] == ["list_cut:$tags"]
    assert of_event({"$tags": "web", "$label": 7}) == ({"$tags": ["web"], "$label": "7"}, [])


@pytest.mark.parametrize("label", [["web"], {"web": 1}])
def test_a_label_that_is_no_text_is_dropped_and_told(label: Any) -> None:
    assert of_event({"$label": label}) == ({}, ["value_dropped:$label"])


def test_labels_and_tags_have_no_place_within_an_object() -> None:
    assert of_event({"inner": {"$label": "x", "$tags": ["y"], "kept": 1}}) == (
        {"inner": {"kept": 1}},
        ["attribute_dropped:label", "attribute_dropped:tags"],
    )


# ── Lists and objects ───────────────────────────────────────────────────────────────────────────────────


def test_a_profile_has_no_objects() -> None:
    assert fitted_profile(address={"city": "Paris"}) == ({}, ["object_dropped:address"])
    assert fitted_profile(items=[{"sku": 1}, "kept", ["nested"]]) == (
        {"items": ["kept"]},
        ["item_dropped:items"],
    )


def test_a_list_holds_texts() -> None:
    assert fitted_profile(sizes=["S", 42, 1.5, True, None]) == ({"sizes": ["S", "42", "1.5", "True"]}, [])


def test_what_is_added_is_not_removed_at_once() -> None:
    assert fitted_profile(tags={"$add": ["vip", "new"], "$remove": ["vip ", "old"]}) == (
        {"tags": {"$add": ["vip", "new"], "$remove": ["old"]}},
        ["item_dropped:tags"],
    )


def test_a_list_in_an_event_holds_objects_or_texts_not_both() -> None:
    assert of_event({"items": [{"sku": "T-1"}, "text", ["list"], {}, None]}) == (
        {"items": [{"sku": "T-1"}]},
        ["item_dropped:items"],
    )
    assert of_event({"items": [["nested"], "kept"]}) == ({"items": ["kept"]}, ["item_dropped:items"])


def test_a_name_has_one_type_in_all_objects_of_an_event() -> None:
    found, warnings = of_event({"items": [{"size": "S", "price": 1.5}, {"size": 42, "price": 2}]})
    assert found == {"items": [{"size": "S", "price": 1.5}, {"price": 2.0}]}
    assert isinstance(found["items"][1]["price"], float)
    assert warnings == ["attribute_dropped:items.size"]


# ── Events ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["Order Paid", "", "a" * 31, "order-paid", "order_paid\n", "é"])
def test_an_event_whose_name_batch_would_not_take_is_dropped_and_told(name: str) -> None:
    warnings = Warnings()
    assert fit_event(Event(name, NOW), NOW, warnings) is None
    assert names(warnings.found) == ("event_dropped:name",)


@pytest.mark.parametrize("age", [timedelta(0), timedelta(hours=23, minutes=54), timedelta(microseconds=1)])
def test_an_event_of_today_is_sent_at_its_own_time(age: timedelta) -> None:
    event, warnings = fitted_event({"order_id": "7"}, NOW - age)
    assert datetime.fromisoformat(event["time"]) == NOW - age
    assert (event["attributes"], warnings) == ({"order_id": "7"}, [])


@pytest.mark.parametrize(
    "age", [timedelta(hours=23, minutes=55), timedelta(hours=24), timedelta(days=700_000)]
)
def test_an_older_event_is_sent_without_time_and_says_first_when_it_occurred(age: timedelta) -> None:
    event, warnings = fitted_event({f"a{number}": number for number in range(20)}, NOW - age)
    assert "time" not in event
    assert next(iter(event["attributes"])) == "date(occurred_at)"
    assert datetime.fromisoformat(event["attributes"]["date(occurred_at)"]) == NOW - age
    assert warnings == ["attribute_dropped:a19"]


@pytest.mark.parametrize("ahead", [timedelta(seconds=1), timedelta(days=365)])
def test_an_event_of_a_clock_ahead_happens_now(ahead: timedelta) -> None:
    assert fitted_event({}, NOW + ahead)[0]["time"] == "2026-09-10T12:00:00Z"


def test_an_event_without_a_time_happens_when_batch_gets_it() -> None:
    assert fitted_event({}, None)[0] == {"name": "order_paid", "attributes": {}}


def test_a_time_that_no_calendar_has_is_left_out_and_told() -> None:
    from_before = datetime.fromisoformat("0001-01-01T00:00:00+05:00")
    assert fitted_event({}, from_before) == (
        {"name": "order_paid", "attributes": {}},
        ["date_dropped:date(occurred_at)"],
    )


def test_an_event_over_25_kb_loses_the_end_of_its_longest_list_first() -> None:
    items = [{f"field_{number}": "é" * 300 for number in range(2)} for _ in range(25)]
    found, warnings = of_event({"order_id": "7", "items": items})
    assert 10 < len(found["items"]) < 25
    assert (found["order_id"], warnings) == ("7", ["list_cut:items"])


def test_an_event_over_25_kb_without_a_list_loses_its_largest_values() -> None:
    huge = {f"part_{number}": {f"text_{inner}": "漢" * 300 for inner in range(9)} for number in range(4)}
    found, warnings = of_event({"order_id": "7", **huge})
    assert found["order_id"] == "7"
    assert warnings
    assert {warning.partition(":")[0] for warning in warnings} == {"attribute_dropped"}


def test_a_body_of_very_many_names_is_fitted_in_a_moment() -> None:
    many = {f"name {number}": f"text {number}" for number in range(20_000)}
    assert len(fitted(many)[0]) == 50
    assert len(of_event(many)[0]) == 20


# ── Warnings ────────────────────────────────────────────────────────────────────────────────────────────


def test_warnings_are_kept_once_and_in_order() -> None:
    found = [Misfit("renamed", "b"), Misfit("list_cut", "a"), Misfit("renamed", "b")]
    assert names(found) == ("renamed:b", "list_cut:a")


def test_of_very_many_warnings_the_first_are_kept_and_the_others_counted() -> None:
    kept = names(Misfit("renamed", f"name_{number}") for number in range(5000))
    assert (len(kept), kept[0], kept[-1]) == (101, "renamed:name_0", "more:4900")
    assert names(Misfit("renamed", f"name_{number}") for number in range(100))[-1] == "renamed:name_99"


# ── Whatever comes ──────────────────────────────────────────────────────────────────────────────────────

MARK = "Zq7"  # is in every value, and in no name
CHARACTERS = st.characters() | st.sampled_from("aé漢🎉\u202e\u200f\x00\n\r\u2028\x85 \ud800\udfff")
TEXTS = st.text(CHARACTERS, max_size=12).map(lambda text: MARK + text)
LONG_TEXTS = st.builds(
    lambda text, times: MARK + text * times, st.text(CHARACTERS, min_size=1, max_size=3), st.integers(90, 350)
)
NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from([2**63, 2**63 - 1, -(2**63), 10**400, -0.0, 1e308, 5e-324, 2.0**63]),
    st.floats(),
    st.decimals(),
)
SPECIAL_TEXTS = st.sampled_from(
    [
        "2026-09-01T10:30:00+02:00",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31",
        "https://example.com/x",
        "https://a@b@c",
        "ada@example.com",
        "subscribed",
        "fr",
        "+33612345678",
        "Europe/Paris",
        "news",
        "",
        " ",
    ]
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, LONG_TEXTS, SPECIAL_TEXTS)
KEYS = st.one_of(
    st.text(CHARACTERS, max_size=5).filter(lambda text: MARK.lower() not in text.lower()),
    st.sampled_from([*"abcdefghij", "A", "é", "a" * 31, "$label", "$tags", "$add", "$remove", "$nope", ""]),
    st.builds(
        "{}({})".format, st.sampled_from(["date", "url"]), st.sampled_from([*"abcde", "", "É t", "(", ")"])
    ),
    st.sampled_from(sorted(limits.NATIVE_ATTRIBUTES)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(KEYS, inner, max_size=4),
        st.dictionaries(st.sampled_from(["$add", "$remove"]), st.lists(inner, max_size=3), min_size=1),
        st.lists(st.dictionaries(KEYS, inner, max_size=3), min_size=1, max_size=3),
        st.builds(lambda one, times: [one] * times, inner, st.integers(24, 30)),
    ),
    max_leaves=14,
)
ATTRIBUTES = st.one_of(
    st.dictionaries(KEYS, VALUES, max_size=10),
    st.builds(
        lambda values: {f"a{number}": value for number, value in enumerate(values)},
        st.lists(SCALARS | st.lists(TEXTS, max_size=2), min_size=18, max_size=60),
    ),
)
TIMES = (
    st.none()
    | st.datetimes(timezones=st.timezones())
    | st.just(NOW)
    | st.timedeltas(timedelta(days=-3), timedelta(days=3)).map(lambda off: NOW + off)
)
GENEROUS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@GENEROUS
@given(ATTRIBUTES)
def test_any_attributes_whatever_come_out_as_batch_takes_them(attributes: dict[str, Any]) -> None:
    found, warnings = fitted(attributes)
    assert MARK.lower() not in " ".join(warnings).lower()
    if not warnings:
        kept = {key: value for key, value in attributes.items() if value is None or not says_nothing(value)}
        assert set(found) == set(kept)
        assert all(is_same(key, value, found[key]) for key, value in kept.items())


@GENEROUS
@given(ATTRIBUTES, TIMES)
def test_any_event_whatever_comes_out_as_batch_takes_it(
    attributes: dict[str, Any], time: datetime | None
) -> None:
    event, warnings = fitted_event(attributes, time)
    assert MARK.lower() not in " ".join(warnings).lower()
    found = event["attributes"]
    if not warnings:
        kept = {key: value for key, value in attributes.items() if not says_nothing(value)}
        assert set(found) - {"date(occurred_at)"} == set(kept)
        assert all(is_same(key, value, found[key]) for key, value in kept.items())


@GENEROUS
@given(st.dictionaries(KEYS, SCALARS, min_size=1, max_size=8))
def test_whatever_is_missing_in_the_end_was_named(attributes: dict[str, Any]) -> None:
    for found, warnings in (fitted(attributes), of_event(attributes)):
        told = {re.sub(r".*\(|\)|\$", "", warning.partition(":")[2]) for warning in warnings}
        for key, value in attributes.items():
            if key not in found and not says_nothing(value):
                name = re.fullmatch(r"(?:date|url)\((.*)\)", key, re.DOTALL)
                plain = (
                    unicodedata.normalize("NFKD", name[1] if name else key).encode("ascii", "ignore").decode()
                )
                words = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:30].rstrip("_")
                assert words in told or (not words and "unnamed" in told) or key.lstrip("$") in told


def says_nothing(value: Any) -> bool:
    """Whether there is nothing to send: absent, or without a visible character, all the way down."""
    if isinstance(value, Mapping):
        return all(says_nothing(inner) for inner in value.values())
    if isinstance(value, list):
        return all(says_nothing(inner) for inner in value)
    return is_absent(value) or (isinstance(value, str) and not words_of(value))


def words_of(text: str) -> list[str]:
    return "".join(
        " " if unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") else sign for sign in text
    ).split()


def is_same(key: str, value: Any, found: Any) -> bool:
    """Whether what is sent without a warning is what was said."""
    if value is None or key.startswith(("date(", "$")):
        return (found is None) == (value is None)
    if isinstance(value, Mapping):
        kept = {name: inner for name, inner in value.items() if not says_nothing(inner)}
        return set(kept) == set(found) and all(
            is_same(name, inner, found[name]) for name, inner in kept.items()
        )
    if isinstance(value, list):
        items = [inner for inner in value if not says_nothing(inner)]
        return len(items) == len(found) and all(
            is_same("", inner if isinstance(inner, dict) else str(inner), sent)
            for inner, sent in zip(items, found, strict=True)
        )
    return words_of(value) == found.split() if isinstance(value, str) else float(value) == float(found)
