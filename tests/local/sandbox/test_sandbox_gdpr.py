"""Requests to show or to remove what is known of a person."""

import pytest

from local.sandbox.limits import BLACKLIST_SECONDS, GDPR_REQUEST_LIFE_SECONDS

HEADERS = {"X-Authorization": "rest_shop"}


def ask(sandbox, request_type="remove", custom_id="ada", app_key="app_ios", headers=HEADERS):
    """Make a GDPR request."""
    body = {"request_type": request_type, "id": {"type": "custom_id", "value": custom_id}}
    return sandbox.call("POST", f"/1.0/{app_key}/gdpr/request", json=body, headers=headers)


def test_a_removal_deletes_the_profile_and_refuses_its_id_for_a_month(sandbox) -> None:
    sandbox.write(attributes={"city": "Paris"})
    assert ask(sandbox).status_code == 201
    assert sandbox.call("GET", "/sandbox/profiles/ada").status_code == 404
    sandbox.now += BLACKLIST_SECONDS - 1
    assert sandbox.write(attributes={"city": "Paris"}) == []
    assert sandbox.call("GET", "/sandbox/profiles/ada").status_code == 404
    sandbox.now += 1
    assert sandbox.write(attributes={"city": "Paris"}) == []
    assert sandbox.profile()["attributes"] == {"city": "Paris"}


def test_a_removal_reaches_one_profile_of_one_project(sandbox) -> None:
    club = {"Authorization": "Bearer rest_club", "X-Batch-Project": "project_club"}
    sandbox.write("ada")
    sandbox.write("grace")
    sandbox.update(sandbox.one("ada"), headers=club)
    ask(sandbox)
    left = sandbox.call("GET", "/sandbox/profiles").json()
    assert {(profile["project"], profile["custom_id"]) for profile in left} == {
        ("project_shop", "grace"),
        ("project_club", "ada"),
    }


def test_a_request_can_be_followed(sandbox) -> None:
    sandbox.write()
    token = ask(sandbox, "review").json()["token"]
    shown = sandbox.call("GET", f"/1.0/app_ios/gdpr/request/{token}", headers=HEADERS).json()
    assert shown == {
        "request_id": token,
        "request_date": "2026-01-05T11:00:00.000",
        "status": "done",
        "request_type": "review",
        "trigger_type": "api",
        "id": {"type": "custom_id", "value": "ada"},
    }
    assert sandbox.call("GET", "/1.0/app_ios/gdpr/requests", headers=HEADERS).json() == [shown]
    assert sandbox.call("GET", "/1.0/app_web/gdpr/requests", headers=HEADERS).json() == []
    assert sandbox.profile()["custom_id"] == "ada"


def test_an_unknown_person_is_an_error_of_a_request_that_is_done(sandbox) -> None:
    ask(sandbox, custom_id="nobody")
    [shown] = sandbox.call("GET", "/1.0/app_ios/gdpr/requests", headers=HEADERS).json()
    assert (shown["status"], shown["error"]) == ("done", "user not found")


def test_requests_expire(sandbox) -> None:
    token = ask(sandbox).json()["token"]
    sandbox.now += GDPR_REQUEST_LIFE_SECONDS
    assert sandbox.call("GET", "/1.0/app_ios/gdpr/requests", headers=HEADERS).json() == []
    assert sandbox.call("GET", f"/1.0/app_ios/gdpr/request/{token}", headers=HEADERS).status_code == 404


# app key, headers, status
KEYS = [
    ("app_ios", {}, 401),
    ("app_ios", {"X-Authorization": "wrong"}, 401),
    ("app_ios", {"Authorization": "Bearer rest_shop"}, 401),
    ("app_x", HEADERS, 401),
    ("app_club", HEADERS, 403),
]


@pytest.mark.parametrize(("app_key", "headers", "status"), KEYS)
def test_a_wrong_key_removes_nothing(sandbox, app_key, headers, status) -> None:
    sandbox.write()
    assert ask(sandbox, app_key=app_key, headers=headers).status_code == status
    assert sandbox.call("GET", f"/1.0/{app_key}/gdpr/requests", headers=headers).status_code == status
    assert sandbox.profile()["custom_id"] == "ada"


PERSON = {"type": "custom_id", "value": "ada"}
MALFORMED = [
    [],
    {},
    {"request_type": "remove"},
    {"id": PERSON},
    {"request_type": "erase", "id": PERSON},
    {"request_type": "remove", "id": PERSON, "why": "asked"},
    {"request_type": "remove", "id": PERSON, "callback_url": 1},
    {"request_type": "remove", "id": "ada"},
    {"request_type": "remove", "id": {"type": "custom_id"}},
    {"request_type": "remove", "id": {"type": "email", "value": "ada@example.com"}},
    {"request_type": "remove", "id": {"type": "custom_id", "value": ""}},
]


@pytest.mark.parametrize("body", MALFORMED)
def test_a_malformed_request_is_refused(sandbox, body) -> None:
    response = sandbox.call("POST", "/1.0/app_ios/gdpr/request", json=body, headers=HEADERS)
    assert response.status_code == 400
    assert response.json()["error_code"] in (30, 31)


def test_the_app_key_is_not_kept_in_the_log_of_calls(sandbox) -> None:
    ask(sandbox)
    [call] = sandbox.call("GET", "/sandbox/calls").json()
    assert (call["route"], call["project"]) == ("/1.0/{app_key}/gdpr/request", "project_shop")
