"""The endpoint answers as API Gateway does, in front of functions that do and do not behave."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from local import gateway
from local.gateway import Gateway
from local.runtime import FunctionFailed
from local.template import Deployment, Route

CORS = {"allowOrigins": ["*"], "allowMethods": ["POST"], "allowHeaders": ["content-type"], "maxAge": 60}


class Handler:
    """Stands in for a function, and remembers its last event."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.event: dict[str, Any] = {}

    async def invoke(self, payload: bytes, trace: str = "") -> bytes:
        self.event = json.loads(payload)
        if isinstance(self.answer, Exception):
            raise self.answer
        return json.dumps(self.answer).encode()


def client(handler: Handler, cors: Mapping[str, Any] = CORS) -> TestClient:
    routes = (Route("POST", "/{source}/{connection}", "Function"),)
    deployment = Deployment("stack", "eu-west-1", {}, routes, (), (), cors)
    return TestClient(Gateway(deployment, {"Function": handler}))  # type: ignore[dict-item]


def test_a_request_reaches_the_function_and_its_answer_the_sender() -> None:
    handler = Handler({"statusCode": 201, "headers": {"x-a": "b"}, "body": "é"})
    answer = client(handler).post(
        "/shopify/main?a=1", content=b"{}", headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.content, answer.headers["x-a"]) == (201, "é".encode(), "b")
    assert handler.event["pathParameters"] == {"source": "shopify", "connection": "main"}
    assert handler.event["queryStringParameters"] == {"a": "1"}
    assert handler.event["body"] == "{}"
    assert answer.headers["apigw-requestid"] == handler.event["requestContext"]["requestId"]


@pytest.mark.parametrize(("routes", "status"), [(("GET",), 404), (("GET", "HEAD"), 200)])
def test_a_head_needs_a_route_of_its_own(routes: tuple[str, ...], status: int) -> None:
    """API Gateway makes no HEAD of a GET."""
    made = tuple(Route(method, "/{connection}/confirm/{token}", "Function") for method in routes)
    handler = Handler({"statusCode": 200, "body": ""})
    asgi = Gateway(Deployment("stack", "eu-west-1", {}, made, (), (), CORS), {"Function": handler})  # type: ignore[dict-item]
    answer = TestClient(asgi).head("/main/confirm/abc")
    assert answer.status_code == status
    assert handler.event.get("requestContext", {}).get("http", {}).get("method") in (None, "HEAD")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/a"), ("GET", "/shopify/main"), ("PUT", "/shopify/main")]
)
def test_what_no_route_takes_is_not_found(method: str, path: str) -> None:
    answer = client(Handler({})).request(method, path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


@pytest.mark.parametrize(
    "answer",
    [FunctionFailed("ValueError", "secret"), FunctionFailed("Sandbox.Timedout", ""), {"statusCode": "x"}],
)
def test_a_function_that_fails_is_a_500_that_tells_nothing(answer: object) -> None:
    response = client(Handler(answer)).post("/a/b")
    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})


def test_a_function_that_takes_too_long_is_a_503(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Handler):
        async def invoke(self, payload: bytes, trace: str = "") -> bytes:
            raise TimeoutError

    response = client(Slow({})).post("/a/b")
    assert (response.status_code, response.json()) == (503, {"message": "Service Unavailable"})


@pytest.mark.parametrize(
    ("megabytes", "message"), [(11, "Request Entity Too Large"), (7, "Request Too Long")]
)
def test_bodies_over_the_limits_never_reach_the_function(megabytes: int, message: str) -> None:
    handler = Handler({})
    answer = client(handler).post("/a/b", content=b"x" * megabytes * 1024 * 1024)
    assert (answer.status_code, answer.json()) == (413, {"message": message})
    assert handler.event == {}


def test_a_browser_is_told_what_it_may_send() -> None:
    answer = client(Handler({})).options("/form/main", headers={"origin": "https://www.example.com"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-max-age"] == "60"


def test_a_page_of_an_allowed_origin_may_read_the_answer() -> None:
    only = CORS | {"allowOrigins": ["https://www.example.com"]}
    allowed = client(Handler({}), only).post("/form/main", headers={"origin": "https://www.example.com"})
    assert allowed.headers["access-control-allow-origin"] == "https://www.example.com"
    other = client(Handler({}), only).post("/form/main", headers={"origin": "https://other.example.com"})
    assert "access-control-allow-origin" not in other.headers
    assert "access-control-allow-origin" not in client(Handler({}), only).post("/form/main").headers


def test_without_cors_a_preflight_is_not_found() -> None:
    assert client(Handler({}), {}).options("/form/main").status_code == 404


def test_each_answer_is_told_of_without_its_query() -> None:
    lines: list[str] = []
    deployment = Deployment("stack", "eu-west-1", {}, (), (), (), {})
    TestClient(Gateway(deployment, {}, lines.append)).post("/form/main?token=secret")
    assert lines[0].endswith("POST /form/main  404")
    assert gateway.MAX_BODY_BYTES == 10 * 1024 * 1024
