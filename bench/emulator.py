"""Run what `sam build` made as Lambda does: AWS's Runtime Interface Emulator in front of AWS's runtime client."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

HOST = "127.0.0.1"
START_SECONDS = 10
ANSWER_SECONDS = 60
LAYER = Path("CoreLayer/python")
INIT_REPORT = re.compile(r"INIT REPORT\(durationMs: ([0-9.]+)\)")
OF_THE_EMULATOR = re.compile(r".*\(rapid\)|(START|END|REPORT) RequestId:")

# Lambda says it of itself; without it Powertools takes tracing to be off. Nothing reads the place.
LAMBDA = {"LAMBDA_TASK_ROOT": "/var/task", "AWS_XRAY_DAEMON_ADDRESS": f"{HOST}:2000"}
NO_ACCOUNT = {
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
}


class Emulator:
    """One execution environment of a function, cold until its first invocation; a context manager.

    `build` is SAM's build folder, `folder` the one with the function's code, `environment` its variables.
    """

    def __init__(
        self,
        binary: Path,
        python: Path,
        build: Path,
        *,
        folder: Path,
        handler: str,
        environment: Mapping[str, str],
    ) -> None:
        self.port, runtime_port = free_ports(2)
        self.output = tempfile.TemporaryFile("a+")  # noqa: SIM115 - closed by __exit__; both sides append
        self.process = subprocess.Popen(
            [
                *(binary, "--runtime-interface-emulator-address", f"{HOST}:{self.port}"),
                *("--runtime-api-address", f"{HOST}:{runtime_port}"),
                *(python, "-m", "awslambdaric", handler),
            ],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(build / LAYER),
                "PYTHONDONTWRITEBYTECODE": "1",  # as in Lambda, where the layer cannot be written to
                **LAMBDA,
                **NO_ACCOUNT,
                **environment,
            },
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Emulator:
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection((HOST, self.port)).close()
            except OSError:
                time.sleep(0.01)
            else:
                return self
        raise RuntimeError(f"the emulator does not start: {self.text()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait(START_SECONDS)
        self.output.close()

    def invoke(self, event: object) -> Any:
        """What the function returns for an event, or its error as Lambda tells it."""
        answer = httpx.post(
            f"http://{HOST}:{self.port}/2015-03-31/functions/function/invocations",
            content=json.dumps(event),
            timeout=ANSWER_SECONDS,
        )
        return answer.json()

    def text(self) -> str:
        """All that was printed, by the emulator too."""
        self.output.seek(0)
        return self.output.read()

    def lines(self) -> list[str]:
        """What the function printed: its log and its metrics."""
        return [line for line in self.text().splitlines() if line and not OF_THE_EMULATOR.match(line)]

    def init_milliseconds(self) -> float:
        """How long the cold start took, from the start of the process until it asked for its first event."""
        [reported] = INIT_REPORT.findall(self.text())
        return float(reported)


def free_ports(number: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    with_sockets = [socket.create_server((HOST, 0)) for _ in range(number)]
    try:
        return [one.getsockname()[1] for one in with_sockets]
    finally:
        for one in with_sockets:
            one.close()
