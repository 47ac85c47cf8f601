"""A local stack for tests, benchmarks and proofs: `with LocalStack() as stack: httpx.get(stack.url)`."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.process import ROOT

START_SECONDS = 60
END_SECONDS = 10


class StackFailed(Exception):
    """The stack did not start; the message is what it printed."""


class LocalStack:
    """A whole local stack in processes of its own, on free ports unless told otherwise.

    It keeps its logs and `stack.json` in `directory`: a temporary one unless told otherwise. `processes` says how
    many processes functions have, by logical id: `{"ShopifyFunction": 2}`. `template` runs another template.
    `rate_limited=False` lets the Batch sandbox take any number of profiles a second.

    Once started: `url` (the endpoint), `batch_url` (the sandbox), `name` (of the stack), and `environment`: the
    variables with which boto3, in this process or another, reaches the stack's AWS.
    """

    def __init__(
        self,
        port: int = 0,
        batch_port: int = 0,
        *,
        directory: Path | None = None,
        template: Path | None = None,
        processes: Mapping[str, int] | None = None,
        rate_limited: bool = True,
    ) -> None:
        self.temporary = tempfile.TemporaryDirectory(prefix="batch-bridge-") if directory is None else None
        self.directory = Path(self.temporary.name) if self.temporary else Path(str(directory))
        self.command = [sys.executable, "-m", "local", "--quiet", "--no-reload", "--until-input-ends"]
        self.command += [
            "--port",
            str(port),
            "--batch-port",
            str(batch_port),
            "--directory",
            str(self.directory),
        ]
        self.command += ["--template", str(template)] if template else []
        self.command += [] if rate_limited else ["--no-rate-limit"]
        for function, count in (processes or {}).items():
            self.command += ["--processes", f"{function}={count}"]
        self.description: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """Return the endpoint: `http://127.0.0.1:PORT`."""
        return str(self.description["url"])

    @property
    def batch_url(self) -> str:
        """Return the Batch sandbox: `http://127.0.0.1:PORT`."""
        return str(self.description["batch_url"])

    @property
    def name(self) -> str:
        """Return the name of the stack, with which its secrets and parameters begin."""
        return str(self.description["stack"])

    @property
    def environment(self) -> dict[str, str]:
        """Return variables for boto3: endpoint, region, credentials."""
        return dict(self.description["environment"])

    @property
    def variables(self) -> dict[str, str]:
        """Return the functions' variables from the template: QUEUE_URL, TABLE_NAME and their siblings."""
        return dict(self.description["variables"])

    def log(self, function: str) -> str:
        """Return all that a function has printed, by its logical id."""
        return (self.directory / "logs" / f"{function}.log").read_text(encoding="utf-8")

    def __enter__(self) -> LocalStack:
        self.directory.mkdir(parents=True, exist_ok=True)
        described = self.directory / "stack.json"
        described.unlink(missing_ok=True)
        with (self.directory / "stack.log").open("wb") as output:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
            )
        give_up_at = time.monotonic() + START_SECONDS
        while not described.exists():
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                raise StackFailed(self.end())
            time.sleep(0.02)
        self.description = json.loads(described.read_text(encoding="utf-8"))
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> str:
        """End the stack, which ends its functions, and return what it printed."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
        self.process.kill()
        self.process.wait()
        printed = (self.directory / "stack.log").read_text(encoding="utf-8")
        if self.temporary is not None:
            self.temporary.cleanup()
        return printed
