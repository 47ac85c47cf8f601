"""Answer Batch's own routes. Nothing of HTTP but headers and statuses; faults are the endpoint's affair."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from local.sandbox import limits
from local.sandbox.calls import Call
from local.sandbox.errors import BatchError, MalformedParameter, RouteNotFound
from local.sandbox.keys import authorize_app, authorize_project
from local.sandbox.rules import Flaw, Reading, read_operation
from local.sandbox.shape import Operation, check_operations, read_array, read_json
from local.sandbox.state import Sandbox

DUPLICATE: Final = "the custom_id was already there in this call: merge its operations into one"


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold what a caller gets: a status and a body that becomes JSON."""

    status: int
    body: object


@dataclass(frozen=True, slots=True)
class Question:
    """Hold what a caller asked: headers in lower case, and what the path held."""

    sandbox: Sandbox
    call: Call
    headers: Mapping[str, str]
    path: Mapping[str, str]
    spoiled: bool


def answer(sandbox: Sandbox, call: Call, headers: Mapping[str, str], spoiled: bool) -> Answer:
    """Answer one call and note in it whose it is; `spoiled` refuses a part of every operation."""
    try:
        return _route(sandbox, call, headers, spoiled)
    except BatchError as error:
        return Answer(error.status, error.as_body())


def _route(sandbox: Sandbox, call: Call, headers: Mapping[str, str], spoiled: bool) -> Answer:
    for method, pattern, endpoint in ROUTES:
        found = pattern.fullmatch(call.route)
        if found and method == call.method:
            return endpoint(Question(sandbox, call, headers, found.groupdict(), spoiled))
    raise RouteNotFound


def edit_profiles(question: Question) -> Answer:
    """Take operations: `POST /2.x/profiles/update` and `/2.x/profiles/mass-update`."""
    sandbox, call, headers = question.sandbox, question.call, question.headers
    endpoint = question.path["endpoint"]
    project = authorize_project(
        sandbox.projects, headers.get("authorization"), headers.get("x-batch-project")
    )
    call.project = project
    _check_content(headers)
    operations = read_array(call.body, MAX_OPERATIONS[endpoint])
    call.operations = len(operations)
    now = sandbox.clock()
    sandbox.spend(endpoint, project, len(operations), now)
    errors = _apply(question, project, check_operations(operations), now)
    if errors:
        return Answer(202, {"code": "SUCCESS_WITH_PARTIAL_ERRORS", "errors": errors})
    return Answer(202, {"code": "SUCCESS"})


def _apply(
    question: Question, project: str, operations: list[Operation], now: float
) -> list[dict[str, object]]:
    errors: list[dict[str, object]] = []
    seen: set[str] = set()
    for index, operation in enumerate(operations):
        reading = read_operation(operation, now)
        _refuse_duplicate(reading, seen)
        if question.spoiled:
            reading.refuse_first()
        flaws = reading.flaws + question.sandbox.store.apply(project, reading, now)
        errors.extend(flaw.as_error(index) for flaw in flaws)
    return errors


def _refuse_duplicate(reading: Reading, seen: set[str]) -> None:
    if reading.custom_id is None:
        return
    if reading.custom_id in seen:
        reading.flaws.append(Flaw("identifier", "custom_id", DUPLICATE))
        reading.custom_id = None
        return
    seen.add(reading.custom_id)


def _check_content(headers: Mapping[str, str]) -> None:
    content_type = headers.get("content-type", "").partition(";")[0]
    if content_type.strip().lower() != "application/json":
        raise MalformedParameter("Content-Type is not application/json")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise MalformedParameter("the body is compressed")


def create_gdpr_request(question: Question) -> Answer:
    """Take a GDPR request: `POST /1.0/{app_key}/gdpr/request`; the token is the request's id."""
    project, app_key = _open_app(question)
    _check_content(question.headers)
    sandbox = question.sandbox
    asked = read_json(question.call.body)
    return Answer(201, {"token": sandbox.gdpr.create(project, app_key, asked, sandbox.clock()).request_id})


def show_gdpr_request(question: Question) -> Answer:
    """Show one GDPR request: `GET /1.0/{app_key}/gdpr/request/{id}`."""
    _, app_key = _open_app(question)
    sandbox = question.sandbox
    return Answer(200, sandbox.gdpr.one(app_key, question.path["id"], sandbox.clock()).as_json())


def list_gdpr_requests(question: Question) -> Answer:
    """List an app's GDPR requests: `GET /1.0/{app_key}/gdpr/requests`."""
    _, app_key = _open_app(question)
    sandbox = question.sandbox
    return Answer(200, [request.as_json() for request in sandbox.gdpr.all(app_key, sandbox.clock())])


def _open_app(question: Question) -> tuple[str, str]:
    app_key = question.path["app_key"]
    project = authorize_app(question.sandbox.projects, question.headers.get("x-authorization"), app_key)
    question.call.project = project
    return project, app_key


MAX_OPERATIONS: Final = {
    "update": limits.MAX_UPDATE_OPERATIONS,
    "mass-update": limits.MAX_MASS_UPDATE_OPERATIONS,
}

# method, path, what answers
ROUTES: Final[tuple[tuple[str, re.Pattern[str], Callable[[Question], Answer]], ...]] = (
    ("POST", re.compile(r"/2\.[0-9]+/profiles/(?P<endpoint>update|mass-update)"), edit_profiles),
    ("POST", re.compile(r"/1\.0/(?P<app_key>[^/]+)/gdpr/request"), create_gdpr_request),
    ("GET", re.compile(r"/1\.0/(?P<app_key>[^/]+)/gdpr/request/(?P<id>[^/]+)"), show_gdpr_request),
    ("GET", re.compile(r"/1\.0/(?P<app_key>[^/]+)/gdpr/requests"), list_gdpr_requests),
)
