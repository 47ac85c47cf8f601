"""What a tester can see of the sandbox."""

from local.sandbox.calls import Call, CallLog
from local.sandbox.lookin import ROUTES


def test_the_index_names_every_route(sandbox) -> None:
    index = sandbox.call("GET", "/sandbox").json()["routes"]
    served = {
        f"{method} {route.path.replace(':path', '')}"
        for route in ROUTES
        for method in route.methods - {"HEAD"}
    }
    assert {route.partition("?")[0] for route in index} == served


def test_profiles_are_listed_with_the_newest_change_first(sandbox) -> None:
    for custom_id in ("ada", "grace", "joan", "ada"):
        sandbox.write(custom_id)
    listed = sandbox.call("GET", "/sandbox/profiles").json()
    assert [profile["custom_id"] for profile in listed] == ["ada", "joan", "grace"]
    listed = sandbox.call("GET", "/sandbox/profiles?limit=2").json()
    assert [profile["custom_id"] for profile in listed] == ["ada", "joan"]
    assert sandbox.call("GET", "/sandbox/profiles?project=project_club").json() == []


def test_a_custom_id_may_hold_anything_that_an_address_can(sandbox) -> None:
    for custom_id in ("shopify:123", "a/b c", "é?#%"):
        sandbox.write(custom_id)
    assert sandbox.profile("shopify:123")["custom_id"] == "shopify:123"
    assert sandbox.profile("shopify%3A123")["custom_id"] == "shopify:123"
    assert sandbox.profile("a%2Fb%20c")["custom_id"] == "a/b c"
    assert sandbox.profile("%C3%A9%3F%23%25")["custom_id"] == "é?#%"


def test_one_profile_is_found_in_all_projects_or_in_one(sandbox) -> None:
    club = {"Authorization": "Bearer rest_club", "X-Batch-Project": "project_club"}
    sandbox.write(attributes={"city": "Paris"})
    sandbox.now += 1
    sandbox.update(sandbox.one(attributes={"city": "London"}), headers=club)
    assert sandbox.profile("ada")["project"] == "project_club"
    assert sandbox.profile("ada?project=project_shop")["attributes"] == {"city": "Paris"}
    response = sandbox.call("GET", "/sandbox/profiles/ada?project=project_x")
    assert (response.status_code, response.json()) == (404, {"error": "unknown_profile"})


def test_every_call_is_remembered_with_its_answer_and_without_its_key(sandbox) -> None:
    operations = [sandbox.one("ada"), sandbox.one("grace")]
    sandbox.update(*operations)
    sandbox.now += 1
    sandbox.update(sandbox.one(), headers={"Authorization": "Bearer rest_shop_old"})
    sandbox.call("POST", "/nowhere", content=b"not json")
    response = sandbox.call("GET", "/sandbox/calls")
    first, second, third = response.json()
    assert first == {
        "time": "2026-01-05T11:00:00.000Z",
        "method": "POST",
        "route": "/2.11/profiles/update",
        "project": "project_shop",
        "operations": 2,
        "body": operations,
        "answer": {"status": 202, "body": {"code": "SUCCESS"}},
        "fault": None,
    }
    assert (second["project"], second["operations"], second["answer"]["status"]) == (None, 0, 401)
    assert (third["route"], third["body"], third["answer"]["status"]) == ("/nowhere", "not json", 404)
    assert "rest_shop" not in response.text
    assert sandbox.call("GET", "/sandbox/calls?limit=1").json() == [third]


def test_calls_are_remembered_within_bounds() -> None:
    log = CallLog(max_calls=3, max_bytes=10)
    for body in (b"1", b"2", b"3", b"4"):
        log.add(Call(0, "POST", "/", body))
    assert [call.body for call in log.last()] == [b"2", b"3", b"4"]
    log.add(Call(0, "POST", "/", b"123456789"))
    assert [call.body for call in log.last()] == [b"4", b"123456789"]
    log.add(Call(0, "POST", "/", b"x" * 20))
    assert [len(call.body) for call in log.last()] == [20]


def test_everything_can_be_forgotten(sandbox) -> None:
    sandbox.write(attributes={"x": 1})
    for _ in range(5):
        sandbox.update(*[sandbox.one(f"c{number}") for number in range(199)])
    body = {"request_type": "remove", "id": {"type": "custom_id", "value": "ada"}}
    gdpr = {"X-Authorization": "rest_shop"}
    sandbox.call("POST", "/1.0/app_ios/gdpr/request", json=body, headers=gdpr)
    sandbox.call("POST", "/sandbox/faults", json={"status": 503, "count": 9})
    revision = sandbox.app.state.sandbox.revision
    response = sandbox.call("DELETE", "/sandbox")
    assert (response.status_code, response.content, sandbox.forgotten) == (204, b"", 1)
    for route in ("profiles", "calls", "faults"):
        assert sandbox.call("GET", f"/sandbox/{route}").json() == []
    assert sandbox.call("GET", "/1.0/app_ios/gdpr/requests", headers=gdpr).json() == []
    assert sandbox.update(*[sandbox.one(f"c{number}") for number in range(200)]).status_code == 202
    assert sandbox.write(attributes={"x": "text"}) == []
    assert sandbox.profile()["attributes"] == {"x": "text"}
    assert sandbox.app.state.sandbox.revision > revision


def test_the_revision_grows_with_every_change_of_a_profile(sandbox) -> None:
    seen = [sandbox.app.state.sandbox.revision]
    for custom_id in ("ada", "grace", "ada"):
        sandbox.write(custom_id)
        seen.append(sandbox.app.state.sandbox.revision)
    sandbox.call("GET", "/sandbox/profiles")
    assert seen == sorted(set(seen))
    assert sandbox.app.state.sandbox.revision == seen[-1]


def test_what_does_not_exist_is_told_in_json(sandbox) -> None:
    for method, path, status in (
        ("GET", "/sandbox/nothing", 404),
        ("PUT", "/sandbox", 405),
        ("GET", "/sandbox/calls?limit=0", 400),
        ("GET", "/sandbox/profiles?limit=ten", 400),
    ):
        response = sandbox.call(method, path)
        assert response.status_code == status
        assert response.json().keys() == {"error"}
    assert sandbox.call("GET", "/sandbox/calls").json() == []
