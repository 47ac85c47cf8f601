"""The sandbox as a product of its own: its command, its documentation, and what it does not know."""

import ast
import re
from pathlib import Path

import pytest

from local.sandbox import limits
from local.sandbox.__main__ import HOST, read_arguments
from local.sandbox.errors import BatchError
from local.sandbox.faults import EFFECTS
from local.sandbox.lookin import INDEX

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "local/sandbox").glob("*.py"))
PAGE = (ROOT / "docs/batch-sandbox.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_the_judge_knows_nothing_of_what_it_judges(source) -> None:
    imported = [
        name.name if isinstance(node, ast.Import) else node.module or ""
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    ]
    ours = {name for name in imported if name.partition(".")[0] in ("bridge", "functions", "cli", "local")}
    # The guard in front of every listener knows hosts and origins, and nothing of the bridge or of Batch.
    assert all(name.startswith(("local.sandbox", "local.loopback")) for name in ours)


@pytest.mark.parametrize("name", [name for name in vars(limits) if name.isupper()])
def test_every_limit_is_documented(name) -> None:
    assert f"`{name}`" in PAGE, f"add {name} to docs/batch-sandbox.md"


@pytest.mark.parametrize("name", [*EFFECTS, "delay_seconds", "retry_after", "count", "seconds"])
def test_every_fault_is_documented(name) -> None:
    assert f'"{name}"' in PAGE, f"add the fault {name} to docs/batch-sandbox.md"


@pytest.mark.parametrize("route", INDEX)
def test_every_look_in_route_is_documented(route) -> None:
    assert f"`{route}`" in PAGE, f"add {route} to docs/batch-sandbox.md"


@pytest.mark.parametrize("error", BatchError.__subclasses__(), ids=lambda error: error.title)
def test_every_error_is_documented(error) -> None:
    assert re.search(rf"\| {error.status} \| `{error.title}` \| {error.code} \|", PAGE)


def test_the_command_listens_on_loopback_with_keys_of_its_own(monkeypatch) -> None:
    monkeypatch.delenv("BATCH_PORT", raising=False)
    chosen = read_arguments([])
    assert (HOST, chosen.port, chosen.no_rate_limit) == ("127.0.0.1", 8081, False)
    for default in (chosen.project_key, chosen.rest_api_key, chosen.app_key):
        assert f"`{default}`" in PAGE


def test_the_command_takes_ports_and_keys(monkeypatch) -> None:
    monkeypatch.setenv("BATCH_PORT", "9001")
    assert read_arguments([]).port == 9001
    chosen = read_arguments(["--port", "9002", "--project-key", "p", "--rest-api-key", "r"])
    assert (chosen.port, chosen.project_key, chosen.rest_api_key) == (9002, "p", "r")
