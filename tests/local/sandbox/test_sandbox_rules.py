"""What of an operation applies, and what is refused and why."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.sandbox import limits
from local.sandbox.rules import Reading, read_operation
from local.sandbox.times import rfc_3339

NOW = 1_767_610_800.0
TIME = rfc_3339(NOW - 60)


def read(custom_id: str = "ada", **members: Any) -> Reading:
    """Judge an operation for one profile."""
    return read_operation({"identifiers": {"custom_id": custom_id}, **members}, NOW)


def reasons(reading: Reading) -> list[str]:
    """Give the reasons of all flaws."""
    return [flaw.reason for flaw in reading.flaws]


def read_event(**attributes: Any) -> Reading:
    """Judge one event with these attributes."""
    return read(events=[{"name": "order_paid", "time": TIME, "attributes": attributes}])


def test_the_example_of_batchs_own_pages_is_taken_whole() -> None:
    reading = read(
        attributes={
            "$email_address": "ana@example.org",
            "$email_marketing": "subscribed",
            "first_name": "Ana",
            "orders_count": 3,
            "total_spent": 129.5,
            "date(last_order_at)": "2026-01-05T09:12:00Z",
            "url(last_order_url)": "https://shop.example/o/7",
            "segments": {"$add": ["vip"], "$remove": ["prospect"]},
            "old_field": None,
        },
        events=[
            {
                "name": "order_paid",
                "time": TIME,
                "attributes": {
                    "$label": "web",
                    "$tags": ["first"],
                    "amount": 59.9,
                    "items": [{"sku": "T-1", "price": 29.95, "url(link)": "https://shop.example/t1"}],
                },
            }
        ],
    )
    assert reading.flaws == []
    assert len(reading.attributes) == 9
    assert len(reading.events) == 1
    assert reading.events[0].kinds["order_paid.items.price"] == "float"


@pytest.mark.parametrize(
    "custom_id", ["", "  ", "a\nb", "x" * 513, *sorted(limits.NULL_LIKE_WORDS), "NULL", " NaN "]
)
def test_a_custom_id_that_a_broken_mapping_sends_is_refused(custom_id: str) -> None:
    reading = read(custom_id, attributes={"first_name": "Ada"})
    assert reading.custom_id is None
    assert [flaw.category for flaw in reading.flaws] == ["identifier"]


@pytest.mark.parametrize("custom_id", ["a", "x" * 512, "shopify:123", " ada ", "nullify", "é"])
def test_any_other_text_is_a_custom_id(custom_id: str) -> None:
    assert read(custom_id).custom_id == custom_id


def test_an_installation_is_unknown() -> None:
    identifiers = {"installation": {"apikey": "a", "installation_id": "b"}}
    reading = read_operation({"identifiers": identifiers}, NOW)
    assert reading.custom_id is None
    assert reading.flaws[0].attribute == "installation"


# attribute, value
TAKEN = [
    ("$email_address", "ada@example.com"),
    ("$email_address", None),
    ("$sms_marketing", "unsubscribed"),
    ("$phone_number", "+33612345678"),
    ("$language", "fr"),
    ("$region", "FR"),
    ("$timezone", "Europe/Paris"),
    ("$topic_preferences", ["news", "sales_2"]),
    ("$topic_preferences", {"$remove": ["news"]}),
    ("a" * 30, "x"),
    ("city", "é" * 300),
    ("city", "😀" * 150),
    ("count", 0),
    ("count", 2**63 - 1),
    ("share", -0.5),
    ("is_member", False),
    ("date(born)", "1989-07-20T00:00:00Z"),
    ("date(born)", "1989-07-20T00:00:00.123456789+02:00"),
    ("date(born)", None),
    ("url(site)", "https://shop.example"),
    ("url(site)", "https://user@[::1]:8443/path?q=1#top"),
    ("url(site)", "myapp://home/1"),
    ("url(site)", "https://shop.example/café"),
    ("tags", ["x"] * 25),
    ("tags", {"$add": ["a"], "$remove": ["b"]}),
    ("gone", None),
]

# attribute, value
REFUSED = [
    ("First_name", "Ada"),
    ("first-name", "Ada"),
    ("", "Ada"),
    ("a" * 31, "x"),
    ("prénom", "Ada"),
    ("name\n", "Ada"),
    ("$nickname", "Ada"),
    ("$email_address", "ada"),
    ("$email_address", "ada@example"),
    ("$email_address", "ada lovelace@example.com"),
    ("$email_address", "a" * 120 + "@example.com"),
    ("$email_marketing", "yes"),
    ("$email_marketing", True),
    ("$phone_number", "0612345678"),
    ("$phone_number", "+0612345678"),
    ("$phone_number", "+1234567890123456"),
    ("$language", "fr-FR"),
    ("$language", "FR"),
    ("$region", "fr"),
    ("$timezone", "Paris"),
    ("$topic_preferences", ["News"]),
    ("$topic_preferences", ["flash-sales"]),
    ("$topic_preferences", "news"),
    ("$topic_preferences", []),
    ("city", ""),
    ("city", " \t "),
    ("city", "Paris\nFrance"),
    ("city", "Paris\u2028France"),
    ("city", "x" * 301),
    ("city", "😀" * 151),
    ("count", 2**63),
    ("count", 1e19),
    ("date(born)", "1989-07-20"),
    ("date(born)", "1989-07-20T00:00:00"),
    ("date(born)", "1989-02-30T00:00:00Z"),
    ("date(born)", "1989-07-20 00:00:00Z"),
    ("date(born)", "1989-07-20T24:00:00Z"),
    ("date(born)", "1989-07-20T00:00:00+99:00"),
    ("date(born)", 616896000),
    ("date(Born)", "1989-07-20T00:00:00Z"),
    ("date()", "1989-07-20T00:00:00Z"),
    ("date($x)", "1989-07-20T00:00:00Z"),
    ("time(born)", "1989-07-20T00:00:00Z"),
    ("url(site)", "shop.example/o/7"),
    ("url(site)", "https://"),
    ("url(site)", "https:///path"),
    ("url(site)", "https://shop.example/a b"),
    ("url(site)", "https://shop.example/\n"),
    ("url(site)", "https://shop.example/" + "x" * 2_048),
    ("url(site)", ["https://shop.example"]),
    ("tags", []),
    ("tags", ["x"] * 26),
    ("tags", ["a", 1]),
    ("tags", [["a"]]),
    ("tags", [{"a": "b"}]),
    ("tags", [""]),
    ("address", {"city": "Paris"}),
    ("tags", {}),
    ("tags", {"$add": []}),
    ("tags", {"$add": ["a"], "$set": ["b"]}),
    ("tags", {"$add": "a"}),
    ("tags", {"$add": ["a"], "$remove": ["a"]}),
    ("tags", {"$add": ["x"] * 26}),
]


@pytest.mark.parametrize(("attribute", "value"), TAKEN)
def test_an_attribute_that_batch_takes_is_taken_as_sent(attribute: str, value: object) -> None:
    reading = read(attributes={attribute: value})
    assert reading.flaws == []
    assert [(write.key, write.value) for write in reading.attributes] == [(attribute, value)]


@pytest.mark.parametrize(("attribute", "value"), REFUSED)
def test_a_bad_attribute_is_refused_alone_and_named(attribute: str, value: object) -> None:
    reading = read(attributes={"first_name": "Ada", attribute: value}, events=[{"name": "seen"}])
    assert [flaw.category for flaw in reading.flaws] == ["attribute"]
    assert reading.flaws[0].attribute == attribute
    assert [write.key for write in reading.attributes] == ["first_name"]
    assert len(reading.events) == 1


def test_over_the_number_of_attributes_none_applies_but_events_do() -> None:
    fifty = {f"a{number}": number for number in range(50)}
    assert len(read(attributes=fifty).attributes) == 50
    reading = read(attributes={**fifty, "$language": "fr"}, events=[{"name": "seen"}])
    assert (reading.attributes, len(reading.events), len(reading.flaws)) == ([], 1, 1)


def test_over_the_number_of_arrays_no_array_applies() -> None:
    arrays: dict[str, object] = {f"a{number}": ["x"] for number in range(15)}
    assert read(attributes=arrays).flaws == []
    reading = read(attributes={**arrays, "one_more": {"$add": ["x"]}, "first_name": "Ada"})
    assert [write.key for write in reading.attributes] == ["first_name"]
    assert len(reading.flaws) == 1


def test_one_name_in_two_forms_is_refused_the_second_time() -> None:
    reading = read(attributes={"born": "long ago", "date(born)": TIME})
    assert [write.key for write in reading.attributes] == ["born"]
    assert [flaw.attribute for flaw in reading.flaws] == ["date(born)"]


# event attributes that are taken
TAKEN_IN_EVENTS: list[dict[str, Any]] = [
    {},
    {f"a{number}": number for number in range(20)},
    {"$label": "x" * 200, "$tags": ["x" * 64] * 10},
    {"items": [{"sku": "A", "price": 1.5}] * 25},
    {"a": {"b": {"c": {"d": 1}}}},
    {"a": [{"b": {"c": 1}}]},
    {"date(paid_at)": TIME, "url(invoice)": "https://shop.example/i/1", "codes": ["A", "B"]},
]

# event attributes that are not, the path that is named
REFUSED_IN_EVENTS: list[tuple[dict[str, Any], str]] = [
    ({f"a{number}": number for number in range(21)}, "order_paid"),
    ({"a": {f"a{number}": number for number in range(21)}}, "order_paid.a"),
    ({"a": None}, "order_paid.a"),
    ({"a": {}}, "order_paid.a"),
    ({"a": []}, "order_paid.a"),
    ({"a": [1, 2]}, "order_paid.a"),
    ({"a": [["b"]]}, "order_paid.a"),
    ({"a": ["b", {"c": 1}]}, "order_paid.a"),
    ({"a": [{"b": 1}, "c"]}, "order_paid.a"),
    ({"a": [{}]}, "order_paid.a"),
    ({"a": [{"b": 1}] * 26}, "order_paid.a"),
    ({"a": {"b": {"c": {"d": {"e": 1}}}}}, "order_paid.a.b.c.d"),
    ({"a": [{"b": {"c": {"d": 1}}}]}, "order_paid.a.b.c"),
    ({"a": [{"b": [{"c": 1}]}]}, "order_paid.a.b"),
    ({"a": [{"b": 1}, {"b": 1.5}]}, "order_paid.a.b"),
    ({"a": 1, "url(a)": "https://shop.example"}, "order_paid.url(a)"),
    ({"A": 1}, "order_paid.A"),
    ({"a": "x" * 301}, "order_paid.a"),
    ({"$label": "x" * 201}, "order_paid.$label"),
    ({"$label": ["x"]}, "order_paid.$label"),
    ({"$tags": ["x"] * 11}, "order_paid.$tags"),
    ({"$tags": ["x" * 65]}, "order_paid.$tags"),
    ({"$tags": "x"}, "order_paid.$tags"),
    ({"$email_address": "ada@example.com"}, "order_paid.$email_address"),
    ({"a": {"$label": "x"}}, "order_paid.a.$label"),
    ({f"a{number}": ["x"] for number in range(11)}, "order_paid"),
    ({"date(paid_at)": "yesterday"}, "order_paid.date(paid_at)"),
    ({"url(invoices)": ["https://shop.example"]}, "order_paid.url(invoices)"),
    ({f"a{number}": ["x" * 300] * 25 for number in range(4)}, "order_paid"),
]


@pytest.mark.parametrize("attributes", TAKEN_IN_EVENTS)
def test_an_event_that_batch_takes_is_taken_as_sent(attributes: dict[str, Any]) -> None:
    reading = read_event(**attributes)
    assert reading.flaws == []
    assert reading.events[0].sent == {"name": "order_paid", "time": TIME, "attributes": attributes}


@pytest.mark.parametrize(("attributes", "path"), REFUSED_IN_EVENTS)
def test_an_event_with_a_bad_attribute_is_refused_whole(attributes: dict[str, Any], path: str) -> None:
    reading = read_event(**attributes)
    assert reading.events == []
    assert [(flaw.category, flaw.attribute) for flaw in reading.flaws] == [("event", path)]


def test_all_flaws_of_an_event_are_given() -> None:
    reading = read_event(A=1, b="", c=[])
    assert [flaw.attribute for flaw in reading.flaws] == ["order_paid.A", "order_paid.b", "order_paid.c"]


def test_a_bad_event_leaves_its_siblings_and_the_attributes_alone() -> None:
    events: list[Any] = [{"name": "ok"}, {"name": "Not Ok"}, {}, "text", {"name": "ok", "id": "1"}]
    reading = read(attributes={"first_name": "Ada"}, events=events)
    assert len(reading.attributes) == len(reading.events) == 1
    assert [flaw.attribute for flaw in reading.flaws] == ["events[1]", "events[2]", "events[3]", "ok"]


@pytest.mark.parametrize("attributes", [None, [], "text"])
def test_the_attributes_of_an_event_are_an_object(attributes: object) -> None:
    reading = read(events=[{"name": "seen", "attributes": attributes}])
    assert (reading.events, len(reading.flaws)) == ([], 1)


def test_over_the_number_of_events_none_applies() -> None:
    assert len(read(events=[{"name": "seen"}] * 15).events) == 15
    reading = read(attributes={"first_name": "Ada"}, events=[{"name": "seen"}] * 16)
    assert (len(reading.attributes), reading.events, len(reading.flaws)) == (1, [], 1)


# seconds from now, taken
TIMES = [(0, True), (-86_400, True), (-86_401, False), (1, True), (1.5, False), (86_400, False)]


@pytest.mark.parametrize(("offset", "taken"), TIMES)
def test_only_the_last_24_hours_are_a_time_for_an_event(offset: float, taken: bool) -> None:
    reading = read(events=[{"name": "seen", "time": rfc_3339(NOW + offset)}])
    assert bool(reading.events) is taken
    assert bool(reading.flaws) is not taken


@pytest.mark.parametrize("time", [None, 1_767_610_800, "now", "2026-01-05T10:59:00"])
def test_an_event_time_has_one_form(time: object) -> None:
    assert read(events=[{"name": "seen", "time": time}]).events == []


@given(st.datetimes().filter(lambda moment: 1 < moment.year < 9999), st.integers(-23 * 60, 23 * 60))
def test_every_moment_of_the_calendar_can_be_a_date(moment: datetime, offset: int) -> None:
    zone = timedelta(minutes=abs(offset))
    written = f"{moment.isoformat()}{'-' if offset < 0 else '+'}{str(zone).zfill(8)[:5]}"
    assert read(attributes={"date(at)": written}).flaws == []


@given(st.floats(NOW - 86_000, NOW))
def test_the_time_of_an_event_is_read_to_the_millisecond(seconds: float) -> None:
    reading = read(events=[{"name": "seen", "time": rfc_3339(seconds)}])
    assert reading.events[0].time == pytest.approx(seconds, abs=0.001)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, max_size=4), st.lists(json_values, max_size=3))
def test_whatever_is_sent_is_judged_and_nothing_of_it_is_repeated_in_a_reason(
    attributes: dict[str, Any], events: list[Any]
) -> None:
    marked = json.loads(json.dumps({"a": attributes, "e": events}))
    reading = read(attributes={"secret": "s3cr3t\nvalue", **marked["a"]}, events=marked["e"])
    assert all("s3cr3t" not in reason for reason in reasons(reading))
    taken = len(reading.attributes) + sum(flaw.category == "attribute" for flaw in reading.flaws)
    assert taken == len(marked["a"]) + ("secret" not in marked["a"])


@given(json_values)
def test_an_event_is_taken_whole_or_refused_with_a_reason(value: Any) -> None:
    reading = read_event(anything=value)
    assert bool(reading.events) is not bool(reading.flaws)


def test_the_clock_of_these_tests_is_the_one_they_say() -> None:
    assert datetime.fromtimestamp(NOW, UTC) == datetime(2026, 1, 5, 11, tzinfo=UTC)
