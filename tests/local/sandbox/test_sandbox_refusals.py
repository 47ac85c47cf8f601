"""Calls that are refused whole: nothing of them applies."""

import pytest

from local.sandbox.bucket import TokenBucket
from local.sandbox.errors import BatchError
from local.sandbox.state import Sandbox

UPDATE = "/2.11/profiles/update"


def refused(response) -> tuple[int, int, str]:
    """Give status, code and name, and check the body's form."""
    body = response.json()
    assert body.keys() == {"error_code", "error_message"}
    return response.status_code, body["error_code"], body["error_message"].partition(":")[0]


# headers, what Batch answers
KEYS = [
    ({}, (401, 10, "AUTHENTICATION_INVALID")),
    ({"Authorization": "rest_shop"}, (401, 10, "AUTHENTICATION_INVALID")),
    ({"Authorization": "Basic rest_shop"}, (401, 10, "AUTHENTICATION_INVALID")),
    ({"Authorization": "Bearer wrong"}, (401, 10, "AUTHENTICATION_INVALID")),
    ({"Authorization": "Bearer é"}, (401, 10, "AUTHENTICATION_INVALID")),
    ({"X-Batch-Project": "project_shop"}, (401, 10, "AUTHENTICATION_INVALID")),
    ({"Authorization": "Bearer rest_shop"}, (400, 30, "MISSING_PARAMETER")),
    ({"Authorization": "Bearer rest_club", "X-Batch-Project": "project_shop"}, (403, 12, "API_MISUSE")),
    ({"Authorization": "Bearer rest_shop", "X-Batch-Project": "project_x"}, (403, 12, "API_MISUSE")),
]


@pytest.mark.parametrize(("headers", "expected"), KEYS)
def test_a_wrong_key_or_project_opens_nothing(sandbox, headers, expected) -> None:
    encoded = {name: value.encode() for name, value in headers.items()}
    assert refused(sandbox.update(sandbox.one(), headers=encoded)) == expected
    assert sandbox.call("GET", "/sandbox/profiles").json() == []


# body, the name of the refusal
BODIES = [
    (b"", "MALFORMED_JSON_BODY"),
    (b"{", "MALFORMED_JSON_BODY"),
    (b"[NaN]", "MALFORMED_JSON_BODY"),
    (b'["\xff"]', "MALFORMED_JSON_BODY"),
    (b'["\\ud800"]', "MALFORMED_JSON_BODY"),
    (b"{}", "MALFORMED_PARAMETER"),
    (b"null", "MALFORMED_PARAMETER"),
    (b"[]", "MISSING_PARAMETER"),
    (b"[1]", "MALFORMED_PARAMETER"),
    (b"[{}]", "MISSING_PARAMETER"),
    (b'[{"attributes": {}}]', "MISSING_PARAMETER"),
    (b'[{"identifiers": {}}]', "MISSING_PARAMETER"),
    (b'[{"identifiers": []}]', "MALFORMED_PARAMETER"),
    (b'[{"identifiers": {"email": "a@b.co"}}]', "MALFORMED_PARAMETER"),
    (b'[{"identifiers": {"custom_id": 1}}]', "MALFORMED_PARAMETER"),
    (b'[{"identifiers": {"custom_id": null}}]', "MALFORMED_PARAMETER"),
    (b'[{"identifiers": {"custom_id": "a", "installation": {}}}]', "MALFORMED_PARAMETER"),
    (b'[{"identifiers": {"installation": {"apikey": "a"}}}]', "MALFORMED_PARAMETER"),
    (b'[{"identifiers": {"installation": {"apikey": "a", "installation_id": 1}}}]', "MALFORMED_PARAMETER"),
    (b'[{"identifiers": {"custom_id": "a"}, "event": {}}]', "MALFORMED_PARAMETER"),
    (b'[{"identifiers": {"custom_id": "a"}, "attributes": []}]', "MALFORMED_PARAMETER"),
    (b'[{"identifiers": {"custom_id": "a"}, "attributes": null}]', "MALFORMED_PARAMETER"),
    (b'[{"identifiers": {"custom_id": "a"}, "events": {}}]', "MALFORMED_PARAMETER"),
    (b'[{"identifiers": {"custom_id": "ok"}}, {"identifiers": {}}]', "MISSING_PARAMETER"),
]


@pytest.mark.parametrize(("body", "name"), BODIES)
def test_a_malformed_body_is_refused_whole(sandbox, body, name) -> None:
    headers = {**sandbox.headers, "Content-Type": "application/json; charset=utf-8"}
    status, _, given = refused(sandbox.call("POST", UPDATE, content=body, headers=headers))
    assert (status, given) == (400, name)
    assert sandbox.call("GET", "/sandbox/profiles").json() == []


@pytest.mark.parametrize("extra", [{"Content-Type": "text/plain"}, {"Content-Encoding": "gzip"}])
def test_only_plain_json_is_read(sandbox, extra) -> None:
    assert refused(sandbox.update(sandbox.one(), headers={**sandbox.headers, **extra}))[:2] == (400, 31)


def test_201_operations_are_too_many_for_update(sandbox) -> None:
    operations = [sandbox.one(f"c{number}") for number in range(201)]
    assert refused(sandbox.update(*operations))[:2] == (400, 31)
    assert sandbox.update(*operations[:200]).status_code == 202


def test_10_001_operations_are_too_many_for_mass_update(sandbox) -> None:
    response = sandbox.call(
        "POST", "/2.11/profiles/mass-update", content=b"[" + b"1," * 10_000 + b"1]",
        headers={**sandbox.headers, "Content-Type": "application/json"},
    )  # fmt: skip
    assert refused(response)[:2] == (400, 31)


ELSEWHERE = [
    ("GET", UPDATE),
    ("PUT", UPDATE),
    ("POST", "/profiles/update"),
    ("POST", "/1.0/profiles/update"),
    ("POST", "/2.x/profiles/update"),
    ("POST", "/2.11/profiles/updates"),
    ("POST", "/2.11/profiles/update/"),
    ("GET", "/"),
    ("DELETE", "/1.0/app_ios/gdpr/request"),
]


@pytest.mark.parametrize(("method", "path"), ELSEWHERE)
def test_there_are_no_other_routes(sandbox, method, path) -> None:
    assert refused(sandbox.call(method, path, headers=sandbox.headers)) == (404, 20, "ROUTE_NOT_FOUND")


def test_update_takes_1_000_operations_at_once_and_300_a_second(sandbox) -> None:
    operations = [sandbox.one(f"c{number}") for number in range(200)]
    assert [sandbox.update(*operations).status_code for _ in range(6)] == [202] * 5 + [429]
    assert refused(sandbox.update(sandbox.one())) == (429, 60, "TOO_MANY_REQUESTS")
    sandbox.now += 1
    assert [sandbox.update(*operations).status_code for _ in range(2)] == [202, 429]
    sandbox.now += 60
    assert [sandbox.update(*operations).status_code for _ in range(6)] == [202] * 5 + [429]


def test_every_project_has_a_bucket_of_its_own(sandbox) -> None:
    operations = [sandbox.one(f"c{number}") for number in range(200)]
    for _ in range(6):
        sandbox.update(*operations)
    headers = {"Authorization": "Bearer rest_club", "X-Batch-Project": "project_club"}
    assert sandbox.update(*operations, headers=headers).status_code == 202


def test_a_benchmark_can_do_without_the_rate_limit() -> None:
    unlimited = Sandbox({}, clock=lambda: 0, rate_limited=False)
    for _ in range(100):
        unlimited.spend("update", "project_shop", 200, now=0)


def test_a_bucket_gives_all_or_nothing_and_never_runs_backwards() -> None:
    bucket = TokenBucket(per_second=10, burst=20)
    assert bucket.take(20, now=100)
    assert not bucket.take(6, now=100.5)
    assert bucket.take(5, now=100.5)
    assert not bucket.take(1, now=50)


def test_every_error_has_a_name_of_its_own() -> None:
    titles = [error.title for error in BatchError.__subclasses__()]
    assert len(set(titles)) == len(titles) == 9
