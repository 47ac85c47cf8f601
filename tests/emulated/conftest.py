"""One emulator with the deployed template, and a Batch sandbox, for all tests here. Only `make emulated` runs them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn

from functions.sources.registry import SOURCE_PACKAGES
from local.connections import BATCH_KEYS
from local.loopback import LoopbackOnly, is_nobodys
from local.sandbox.app import ProjectKeys, SandboxApp, create_app
from local.serving import address, local_socket
from tests.emulated.deployed import Deployed, batch_keys, deploy
from tests.emulated.ministack import Ministack
from tests.emulated.sender import SETTLE_SECONDS, Sender, eventually

BATCH_API_VERSION = "2.11"


@dataclass(frozen=True)
class Batch:
    """The Batch sandbox; `url` is its address."""

    app: SandboxApp
    url: str

    @property
    def operations(self) -> list[dict[str, Any]]:
        """Every operation that the sandbox was sent and took, in order."""
        return [
            operation
            for call in self.app.state.sandbox.calls.last()
            if call.route.endswith("/profiles/update") and call.answer_status == 202
            for operation in json.loads(call.body)
        ]

    def profile(self, custom_id: str) -> dict[str, Any] | None:
        """What a profile holds, if it is there."""
        answer = httpx.get(f"{self.url}/sandbox/profiles/{custom_id}", trust_env=False)
        return answer.json() if answer.is_success else None


@pytest.fixture(scope="session")
def batch() -> Iterator[Batch]:
    keys = ProjectKeys(str(BATCH_KEYS["rest_api_key"]), tuple(BATCH_KEYS["app_keys"]))
    app = create_app(projects={batch_keys(source)["project_key"]: keys for source in SOURCE_PACKAGES})
    listening = local_socket(0)
    config = uvicorn.Config(LoopbackOnly(app, is_nobodys), log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    yield Batch(app, address(listening))
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture(scope="session")
def emulator() -> Iterator[Ministack]:
    with Ministack() as running:
        yield running


@pytest.fixture(scope="session")
def bridge(emulator: Ministack, batch: Batch) -> Deployed:
    """The template, deployed."""
    return deploy(emulator, "bridge", {"BatchApiUrl": f"{batch.url}/{BATCH_API_VERSION}"})


@pytest.fixture(scope="session")
def sender(bridge: Deployed) -> Iterator[Sender]:
    """Whoever posts webhooks to the deployed HTTP API."""
    with Sender(bridge) as made:
        yield made


@pytest.fixture
def fresh(bridge: Deployed, batch: Batch, sender: Sender) -> Deployed:
    """The stack once nothing is under way, with an empty Batch."""
    assert eventually(sender.is_idle, SETTLE_SECONDS)
    assert httpx.delete(f"{batch.url}/sandbox", trust_env=False).is_success
    return bridge
