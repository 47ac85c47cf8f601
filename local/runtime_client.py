"""Speak the Lambda Runtime API for one function, where AWS's own client does not run."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

VERSION = "/2018-06-01/runtime"


@dataclass(frozen=True, slots=True)
class Context:
    """Hold what a handler knows about its invocation."""

    aws_request_id: str
    invoked_function_arn: str
    deadline_milliseconds: int
    function_name: str = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    function_version: str = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
    memory_limit_in_mb: str = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    log_group_name: str = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
    log_stream_name: str = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")

    def get_remaining_time_in_millis(self) -> int:
        """Return milliseconds until the function is killed."""
        return max(0, self.deadline_milliseconds - int(time.time() * 1000))


class RuntimeClient:
    """One connection to the Runtime API."""

    def __init__(self, address: str) -> None:
        self.connection = http.client.HTTPConnection(address)

    def next(self) -> tuple[bytes, Context]:
        """Wait for the next invocation."""
        self.connection.request("GET", f"{VERSION}/invocation/next")
        response = self.connection.getresponse()
        payload = response.read()
        if response.status != http.client.OK:
            raise ConnectionError(f"no invocation: {response.status}")
        os.environ["_X_AMZN_TRACE_ID"] = response.headers.get("Lambda-Runtime-Trace-Id", "")
        return payload, Context(
            response.headers["Lambda-Runtime-Aws-Request-Id"],
            response.headers["Lambda-Runtime-Invoked-Function-Arn"],
            int(response.headers["Lambda-Runtime-Deadline-Ms"]),
        )

    def post(self, path: str, content: object) -> None:
        """Tell the stack of a response or an error."""
        self.connection.request("POST", f"{VERSION}/{path}", json.dumps(content, ensure_ascii=False).encode())
        self.connection.getresponse().read()


def handler_named(name: str) -> Callable[[Any, Context], Any]:
    """Return `functions.sources.shopify.receiver.handler`, imported."""
    module, _, attribute = name.rpartition(".")
    handler: Callable[[Any, Context], Any] = getattr(import_module(module), attribute)
    return handler


def described(error: BaseException) -> dict[str, object]:
    """Return an error as the Runtime API takes it."""
    lines = traceback.format_exception(error)
    print("".join(lines), flush=True)
    return {"errorType": type(error).__name__, "errorMessage": str(error), "stackTrace": lines}


def serve(client: RuntimeClient, handler: Callable[[Any, Context], Any]) -> None:
    """Answer invocations until the stack is gone."""
    while True:
        payload, context = client.next()
        path = f"invocation/{context.aws_request_id}"
        try:
            answer = handler(json.loads(payload), context)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is its answer
            client.post(f"{path}/error", described(error))
        else:
            client.post(f"{path}/response", answer)


def main() -> None:
    """Import the handler that the command line names, and serve."""
    client = RuntimeClient(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = handler_named(sys.argv[1])
    except Exception as error:
        client.post("init/error", described(error))
        raise
    try:
        serve(client, handler)
    except (OSError, http.client.HTTPException):
        sys.exit("the stack is gone")


if __name__ == "__main__":
    main()
