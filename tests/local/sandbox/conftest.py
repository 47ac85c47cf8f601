"""A sandbox in the test's own process, with a clock that the test sets."""

import asyncio
from typing import Any

import httpx
import pytest

from local.sandbox.app import ProjectKeys, SandboxApp, create_app

NOW = 1_767_610_800.0  # 2026-01-05T11:00:00Z

PROJECTS = {
    "project_shop": ProjectKeys("rest_shop", ("app_ios", "app_web")),
    "project_club": ProjectKeys("rest_club", ("app_club",)),
}
HEADERS = {"Authorization": "Bearer rest_shop", "X-Batch-Project": "project_shop"}


class Tester:
    """Calls one sandbox as a client does, and sets its clock."""

    headers = HEADERS

    def __init__(self) -> None:
        self.now = NOW
        self.forgotten = 0
        self.app: SandboxApp = create_app(
            projects=PROJECTS, clock=lambda: self.now, on_forget=self._count_forgetting
        )

    async def _count_forgetting(self) -> None:
        self.forgotten += 1

    @staticmethod
    def one(custom_id: str = "ada", **members: Any) -> dict[str, Any]:
        """Make an operation for one profile."""
        return {"identifiers": {"custom_id": custom_id}, **members}

    def write(self, custom_id: str = "ada", **members: Any) -> list[dict[str, Any]]:
        """Send one operation and give its partial errors."""
        return self.errors(self.one(custom_id, **members))

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Make one call; a dropped connection raises ConnectionResetError."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def update(self, *operations: Any, **options: Any) -> httpx.Response:
        """Send operations to /profiles/update."""
        return self.call(
            "POST", "/2.11/profiles/update", **{"json": list(operations), "headers": HEADERS, **options}
        )

    def errors(self, *operations: Any) -> list[dict[str, Any]]:
        """Send operations and give the partial errors."""
        response = self.update(*operations)
        assert response.status_code == 202, response.text
        body = response.json()
        assert (body["code"] == "SUCCESS") == ("errors" not in body)
        return body.get("errors", [])

    def profile(self, custom_id: str = "ada") -> dict[str, Any]:
        """Look a profile up."""
        response = self.call("GET", f"/sandbox/profiles/{custom_id}")
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture
def sandbox() -> Tester:
    """A sandbox with two projects, empty."""
    return Tester()
