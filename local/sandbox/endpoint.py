"""Let Batch's callers in: every call meets the faults first, then its endpoint, and is remembered."""

import asyncio
import re
from typing import Final

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from local.sandbox import wire
from local.sandbox.calls import Call
from local.sandbox.endpoints import Answer, answer
from local.sandbox.errors import BY_STATUS, ServerError
from local.sandbox.faults import Fault
from local.sandbox.state import Sandbox

APP_KEY: Final = re.compile(r"^(/1\.0/)[^/]+(/gdpr/)")
NO_FAULT: Final = Fault(effect=None)


class Endpoint:
    """An ASGI application for everything that is not the look-in."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one call."""
        body = await wire.read_body(receive)
        if body is None:
            return
        sandbox = self._sandbox
        now = sandbox.clock()
        call = Call(now, scope["method"], scope["path"], body)
        fault = sandbox.faults.take(now) or NO_FAULT
        if fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        given = self._answer(call, Headers(scope=scope), fault)
        self._remember(call, given, fault)
        await _send(send, receive, given, fault)

    def _answer(self, call: Call, headers: Headers, fault: Fault) -> Answer | None:
        if fault.effect == "status":
            error = BY_STATUS.get(fault.status, ServerError)("asked for by a fault")
            return Answer(fault.status, error.as_body())
        if not fault.applies:
            return None
        given = answer(self._sandbox, call, headers, spoiled=fault.effect == "partial_errors")
        return None if fault.effect == "apply_then_drop" else given

    def _remember(self, call: Call, given: Answer | None, fault: Fault) -> None:
        call.route = APP_KEY.sub(r"\1{app_key}\2", call.route)
        call.fault = None if fault is NO_FAULT else fault.name()
        if given:
            call.answer_status, call.answer_body = given.status, given.body
        self._sandbox.calls.add(call)


async def _send(send: Send, receive: Receive, given: Answer | None, fault: Fault) -> None:
    if given is None:
        await wire.drop(send, receive)
        return
    body = orjson.dumps(given.body)
    headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    if fault.effect == "reset_mid_body":
        await wire.send_half_an_answer(send, receive, given.status, body, headers)
        return
    await wire.send_answer(send, given.status, body, headers)
