"""Show what the sandbox holds and let a tester break it, under `/sandbox`. Batch has no such routes."""

from itertools import islice
from typing import Final

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.sandbox.faults import InvalidFault, read_fault
from local.sandbox.state import Sandbox

# route → what it does
INDEX: Final = {
    "GET /sandbox": "this index",
    "DELETE /sandbox": "forget profiles, types, calls, faults, rates, GDPR requests and the blacklist",
    "GET /sandbox/profiles?limit=&project=": "profiles as stored, the newest change first",
    "GET /sandbox/profiles/{custom_id}?project=": "one profile as stored",
    "GET /sandbox/calls?limit=": "the last calls with their answers, the newest last",
    "GET /sandbox/faults": "the faults in line, the first is working",
    "POST /sandbox/faults": "put a fault in line",
    "DELETE /sandbox/faults": "clear the line",
}


def _json(body: object, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _sandbox(request: Request) -> Sandbox:
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


def _limit(request: Request) -> int | None:
    asked = request.query_params.get("limit")
    if asked is None:
        return None
    if not asked.isascii() or not asked.isdigit() or int(asked) == 0:
        raise HTTPException(400, "limit is not a whole number above 0")
    return int(asked)


async def show_index(_request: Request) -> Response:
    """Say which routes there are."""
    return _json({"routes": INDEX})


async def forget(request: Request) -> Response:
    """Forget everything."""
    await _sandbox(request).forget()
    return Response(status_code=204)


async def list_profiles(request: Request) -> Response:
    """List profiles, the newest change first."""
    profiles = _sandbox(request).store.profiles(request.query_params.get("project"))
    return _json([profile.as_json() for profile in islice(profiles, _limit(request))])


async def show_profile(request: Request) -> Response:
    """Show one profile."""
    custom_id, project = request.path_params["custom_id"], request.query_params.get("project")
    profile = _sandbox(request).store.profile(custom_id, project)
    if profile is None:
        raise HTTPException(404, "unknown_profile")
    return _json(profile.as_json())


async def list_calls(request: Request) -> Response:
    """List the last calls, the newest last."""
    return _json([call.as_json() for call in _sandbox(request).calls.last(_limit(request))])


async def list_faults(request: Request) -> Response:
    """List the faults in line."""
    sandbox = _sandbox(request)
    return _json([fault.as_json() for fault in sandbox.faults.active(sandbox.clock())])


async def add_fault(request: Request) -> Response:
    """Put a fault in line."""
    sandbox = _sandbox(request)
    try:
        fault = read_fault(orjson.loads(await request.body()))
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, str(InvalidFault("the body is not JSON"))) from error
    except InvalidFault as error:
        raise HTTPException(400, str(error)) from error
    sandbox.faults.add(fault, sandbox.clock())
    return _json(fault.as_json(), status=201)


async def clear_faults(request: Request) -> Response:
    """Clear the line of faults."""
    _sandbox(request).faults.clear()
    return Response(status_code=204)


async def show_error(_request: Request, error: Exception) -> Response:
    """Say what is wrong in JSON."""
    if not isinstance(error, HTTPException):
        raise error
    return _json({"error": error.detail}, error.status_code)


ROUTES: Final = [
    Route("/sandbox", show_index, methods=["GET"]),
    Route("/sandbox", forget, methods=["DELETE"]),
    Route("/sandbox/profiles", list_profiles, methods=["GET"]),
    Route("/sandbox/profiles/{custom_id:path}", show_profile, methods=["GET"]),
    Route("/sandbox/calls", list_calls, methods=["GET"]),
    Route("/sandbox/faults", list_faults, methods=["GET"]),
    Route("/sandbox/faults", add_fault, methods=["POST"]),
    Route("/sandbox/faults", clear_faults, methods=["DELETE"]),
]
