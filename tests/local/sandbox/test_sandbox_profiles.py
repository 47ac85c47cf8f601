"""What a profile holds after calls: what was sent, in the order in which it was sent."""

import pytest


def test_a_profile_is_made_at_first_sight_and_kept_as_sent(sandbox) -> None:
    attributes = {
        "first_name": "Ada",
        "date(born)": "1815-12-10T00:00:00Z",
        "url(site)": "https://ada.example",
    }
    event = {"name": "order_paid", "time": "2026-01-05T10:00:00Z", "attributes": {"amount": 59.9}}
    assert sandbox.update(sandbox.one(attributes=attributes, events=[event])).json() == {"code": "SUCCESS"}
    profile = sandbox.profile()
    assert {name: profile[name] for name in ("custom_id", "attributes", "events")} == {
        "custom_id": "ada",
        "attributes": attributes,
        "events": [event],
    }


def test_identifiers_alone_make_a_profile(sandbox) -> None:
    assert sandbox.write() == []
    assert sandbox.profile()["attributes"] == {}


def test_events_stay_in_order_of_arrival_and_know_whether_their_time_was_sent(sandbox) -> None:
    sandbox.write(events=[{"name": "second", "time": "2026-01-05T10:00:00Z"}, {"name": "third"}])
    sandbox.now += 5
    sandbox.write(events=[{"name": "first", "time": "2026-01-05T09:00:00Z"}])
    profile = sandbox.profile()
    assert [event["name"] for event in profile["events"]] == ["second", "third", "first"]
    assert profile["events"][1] == {"name": "third"}
    assert [receipt["time_sent"] for receipt in profile["event_receipts"]] == [True, False, True]
    assert profile["event_receipts"][1]["time"] == "2026-01-05T11:00:00.000Z"
    assert profile["event_receipts"][2]["received_at"] == "2026-01-05T11:00:05.000Z"


def test_the_last_write_wins_and_null_deletes(sandbox) -> None:
    sandbox.write(attributes={"city": "Paris", "date(seen)": "2026-01-05T10:00:00Z", "age": 36})
    sandbox.write(attributes={"city": "London", "seen": None, "age": None, "never_there": None})
    assert sandbox.profile()["attributes"] == {"city": "London"}


def test_a_wrapped_key_can_be_deleted_under_its_own_name(sandbox) -> None:
    sandbox.write(attributes={"date(seen)": "2026-01-05T10:00:00Z"})
    sandbox.write(attributes={"date(seen)": None})
    assert sandbox.profile()["attributes"] == {}


def test_arrays_grow_and_shrink(sandbox) -> None:
    sandbox.write(attributes={"tags": ["a", "b"]})
    sandbox.write(attributes={"tags": {"$add": ["b", "c", "c"], "$remove": ["a", "z"]}})
    assert sandbox.profile()["attributes"] == {"tags": ["b", "c"]}
    sandbox.write(attributes={"tags": {"$remove": ["b", "c"]}, "new": {"$add": ["x"]}})
    assert sandbox.profile()["attributes"] == {"new": ["x"]}


def test_an_array_never_grows_beyond_its_limit(sandbox) -> None:
    sandbox.write(attributes={"tags": [f"t{number}" for number in range(25)]})
    [error] = sandbox.write(attributes={"tags": {"$add": ["one more"]}})
    assert error["attribute"] == "tags"
    assert len(sandbox.profile()["attributes"]["tags"]) == 25
    assert sandbox.write(attributes={"tags": {"$add": ["one more"], "$remove": ["t0"]}}) == []


# first value, later value of another type
RETYPED = [
    ({"x": "text"}, {"x": 1}),
    ({"x": 1}, {"x": 1.5}),
    ({"x": 1.5}, {"x": 1}),
    ({"x": True}, {"x": "true"}),
    ({"x": "2026-01-05T10:00:00Z"}, {"date(x)": "2026-01-05T10:00:00Z"}),
    ({"url(x)": "https://shop.example"}, {"x": "https://shop.example"}),
    ({"x": ["a"]}, {"x": "a"}),
    ({"x": "a"}, {"x": {"$add": ["b"]}}),
    ({"date(x)": "2026-01-05T10:00:00Z"}, {"url(x)": None}),
]


@pytest.mark.parametrize(("first", "later"), RETYPED)
def test_a_name_keeps_its_type_for_ever_in_the_whole_project(sandbox, first, later) -> None:
    assert sandbox.write(attributes=first) == []
    assert sandbox.write(attributes={"x": None}) == []
    [error] = sandbox.write("grace", attributes={**later, "city": "Paris"})
    assert (error["category"], error["bulk_index"], error["attribute"]) == ("attribute", 0, next(iter(later)))
    assert sandbox.profile("grace")["attributes"] == {"city": "Paris"}


def test_a_refused_value_gives_its_name_no_type(sandbox) -> None:
    assert len(sandbox.write(attributes={"x": "   "})) == 1
    assert sandbox.write(attributes={"x": 1}) == []


def test_another_project_has_types_of_its_own(sandbox) -> None:
    sandbox.write(attributes={"x": 1})
    headers = {"Authorization": "Bearer rest_club", "X-Batch-Project": "project_club"}
    response = sandbox.update(sandbox.one(attributes={"x": "text"}), headers=headers)
    assert response.json() == {"code": "SUCCESS"}


def test_names_in_events_keep_their_type_too_each_event_for_itself(sandbox) -> None:
    sandbox.write(events=[{"name": "paid", "attributes": {"items": [{"price": 1.5}]}}])
    assert sandbox.write(events=[{"name": "seen", "attributes": {"items": "none"}}]) == []
    [error] = sandbox.write(events=[{"name": "paid", "attributes": {"items": [{"price": 2}]}}])
    assert (error["category"], error["attribute"]) == ("event", "paid.items.price")
    assert [event["name"] for event in sandbox.profile()["events"]] == ["paid", "seen"]


def test_every_error_of_a_call_is_told_with_the_index_of_its_operation(sandbox) -> None:
    errors = sandbox.errors(
        sandbox.one("ada", attributes={"First": "x", "city": ""}),
        sandbox.one("grace", attributes={"city": "Paris"}),
        sandbox.one("joan", attributes={"country": "\n"}, events=[{"name": "Bad"}]),
    )
    assert [(error["bulk_index"], error["category"], error["attribute"]) for error in errors] == [
        (0, "attribute", "First"),
        (0, "attribute", "city"),
        (2, "attribute", "country"),
        (2, "event", "events[0]"),
    ]
    assert all(error["reason"] for error in errors)


def test_a_custom_id_counts_once_in_a_call(sandbox) -> None:
    [error] = sandbox.errors(
        sandbox.one(attributes={"city": "Paris"}), sandbox.one(attributes={"city": "London"})
    )
    assert (error["category"], error["bulk_index"], error["attribute"]) == ("identifier", 1, "custom_id")
    assert sandbox.profile()["attributes"] == {"city": "Paris"}


def test_a_bad_identifier_spoils_its_own_operation_only(sandbox) -> None:
    [error] = sandbox.errors(sandbox.one("undefined", attributes={"a": 1}), sandbox.one(attributes={"a": 1}))
    assert (error["category"], error["bulk_index"]) == ("identifier", 0)
    assert [profile["custom_id"] for profile in sandbox.call("GET", "/sandbox/profiles").json()] == ["ada"]


def test_an_error_of_many_attributes_names_none(sandbox) -> None:
    [error] = sandbox.write(attributes={f"a{number}": number for number in range(51)})
    assert error.keys() == {"category", "bulk_index", "reason"}


def test_mass_update_takes_the_same_operations(sandbox) -> None:
    operations = [sandbox.one(f"c{number}", attributes={"n": number}) for number in range(201)]
    response = sandbox.call("POST", "/2.4/profiles/mass-update", json=operations, headers=sandbox.headers)
    assert (response.status_code, response.json()) == (202, {"code": "SUCCESS"})
    assert sandbox.profile("c200")["attributes"] == {"n": 200}
