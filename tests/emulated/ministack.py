"""The second emulator of AWS: ministack, in a process group of its own, with IAM enforced. https://ministack.org

Nothing in it is ours or moto's: CloudFormation, SQS, DynamoDB, event source mappings, the HTTP API, IAM, and the
runtime of the functions, which are processes with the credentials of their role.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config

from local.serving import HOST, local_socket

ACCOUNT = "123456789012"
REGION = "eu-west-1"
START_SECONDS = 60
END_SECONDS = 2
ANSWER_SECONDS = 60
COMMAND = (sys.executable, "-m", "hypercorn", "ministack.app:app", "--config")
COMMAND += ("python:ministack.core.hypercorn_conf", "--keep-alive", "75")
"""As ministack starts itself, but for the one port: with TLS it would take 443 too."""
KEPT = ("PATH", "HOME", "LANG", "VIRTUAL_ENV", "SSL_CERT_FILE")
NO_RETRIES = Config(retries={"total_max_attempts": 1}, max_pool_connections=50)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who calls. An access key of twelve digits is the root of that account, whom no policy holds back."""

    access_key: str
    secret_key: str
    token: str | None = None


ROOT_USER = Credentials(ACCOUNT, "secret")


class Ministack:
    """One emulator, empty, for the length of a `with`. `endpoint` is its address, `log` what it printed."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ministack-"))
        with local_socket(0) as free:
            self.port: int = free.getsockname()[1]
        self.session = boto3.Session(region_name=REGION)

    @property
    def endpoint(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def certificate(self) -> str:
        """What the emulator proves itself with, made anew at each start: the stack's policies ask for TLS."""
        return str(self.folder / "ministack-tls/server.crt")

    @property
    def log(self) -> str:
        return (self.folder / "ministack.log").read_text(encoding="utf-8", errors="replace")

    def client(self, service: str, caller: Credentials = ROOT_USER, config: Config = NO_RETRIES) -> Any:
        """A boto3 client of a service, for whoever calls."""
        return self.session.client(
            service,
            endpoint_url=self.endpoint,
            verify=self.certificate,
            aws_access_key_id=caller.access_key,
            aws_secret_access_key=caller.secret_key,
            aws_session_token=caller.token,
            config=config,
        )

    def variables(self) -> dict[str, str]:
        """What the emulator is told. Its functions inherit it: nothing of this machine's own AWS is in it."""
        return {
            **{name: os.environ[name] for name in KEPT if name in os.environ},
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "AUTH": "true",
            "USE_SSL": "1",
            "IOT_MTLS_ENABLED": "0",  # else it listens for MQTT too
            "TMPDIR": str(self.folder),  # where it unpacks functions, and leaves them
            "NO_PROXY": HOST,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_XRAY_SDK_ENABLED": "false",  # no X-Ray daemon listens here
            "POWERTOOLS_TRACE_DISABLED": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def __enter__(self) -> Ministack:
        with (self.folder / "ministack.log").open("wb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "--bind", f"{HOST}:{self.port}"],
                env=self.variables(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        give_up_at = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > give_up_at:
                self.end()
                raise RuntimeError(f"ministack does not start: {self.log}")
            time.sleep(0.1)
        return self

    def reset(self) -> None:
        """Forget all that the emulator holds."""
        with self.http() as client:
            assert client.post("/_ministack/reset").is_success

    def answers(self) -> bool:
        """Whether it has come up."""
        try:
            with self.http() as client:
                return client.get("/_ministack/health").is_success
        except (httpx.HTTPError, OSError):
            return False

    def http(self) -> httpx.Client:
        """A client for requests that are none of boto3's."""
        context = ssl.create_default_context(cafile=self.certificate)
        return httpx.Client(base_url=self.endpoint, verify=context, trust_env=False, timeout=ANSWER_SECONDS)

    def __exit__(self, *_: object) -> None:
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end(self) -> None:
        """End the emulator and the functions that it started: all are of its process group."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(END_SECONDS)
