"""Which module may import which. Each failure names the file, the line and what to do about it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from bridge.observability import Cause
from functions.sources.registry import COMPARED, SOURCE_PACKAGES

# package    its folder
PACKAGES = {
    "bridge": "layers/core/bridge",
    "functions": "functions",
    "local": "local",
    "cli": "cli",
    "proof": "proof",
}
PATH = (".", "layers/core")
MAX_BODY_LINES = 30
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "data", "misc"}

# what a mapping may not touch   because
IMPURE = {
    "os": "it has no environment",
    "sys": "it has no environment",
    "io": "it reads no file",
    "pathlib": "it reads no file",
    "tempfile": "it reads no file",
    "shutil": "it reads no file",
    "logging": "it logs nothing",
    "time": "it has no clock: the webhook has received_at",
    "random": "the same webhook always means the same",
    "secrets": "the same webhook always means the same",
    "uuid": "the same webhook always means the same",
    "socket": "it calls nobody",
    "ssl": "it calls nobody",
    "http": "it calls nobody",
    "urllib.request": "it calls nobody",
    "subprocess": "it calls nobody",
    "asyncio": "it waits for nothing",
    "threading": "it waits for nothing",
    "boto3": "it calls nobody",
    "botocore": "it calls nobody",
    "httpx": "it calls nobody",
    "requests": "it calls nobody",
    "aws_lambda_powertools": "it logs nothing",
}
CLOCKS = {"now", "utcnow", "today"}
DATA_FILES = {("functions.sources.forms.recognition.phrases", "pathlib")}
"""What reads files all the same, as these are a part of the code: the words of each language."""


def modules() -> Iterator[tuple[str, Path]]:
    for package, folder in PACKAGES.items():
        for path in sorted(Path(folder).rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            yield ".".join([package, *(part for part in parts if part != "__init__")]), path


MODULES = dict(modules())


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def imports(module: str) -> tuple[tuple[str, int], ...]:
    """What a module imports, with the line: `bridge.storage.queue` also where it says `from bridge import queue`."""
    return tuple(imports_in(tree(module)))


def imports_in(content: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(content):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole if whole in MODULES else node.module), node.lineno


@cache
def closure(module: str) -> frozenset[str]:
    """The module and all of ours that it imports, and that these import."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in MODULES and name not in found:
            found.add(name)
            waiting += [imported for imported, _ in imports(name)]
    return frozenset(found)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def in_package(package: str) -> list[str]:
    return [name for name in MODULES if is_within(name, package)]


def offences(names: list[str], *forbidden: str) -> list[str]:
    """Where modules import what they must not: `layers/core/bridge/batch/limits.py:12 imports httpx`."""
    return [
        f"{MODULES[name]}:{line} imports {imported}"
        for name in names
        for imported, line in imports(name)
        if any(is_within(imported, package) for package in forbidden)
    ]


PACKAGE_NAMES = sorted(set(SOURCE_PACKAGES.values()))


def test_the_core_knows_nothing_of_who_uses_it() -> None:
    found = offences(in_package("bridge"), "functions", "local", "cli", "tests", "bench")
    assert not found, f"bridge is the bottom: move what it needs into bridge. {found}"


def test_functions_know_nothing_of_the_local_stack_and_the_command_line() -> None:
    found = offences(in_package("functions"), "local", "cli", "tests", "bench")
    assert not found, f"what is deployed holds bridge and functions alone. {found}"


def test_the_local_stack_and_the_command_line_are_imported_by_nobody() -> None:
    found = offences(in_package("local"), "cli", "tests", "bench") + offences(
        in_package("cli"), "tests", "bench"
    )
    assert not found, f"local and cli stand at the top. {found}"


@pytest.mark.parametrize("package", PACKAGE_NAMES)
def test_no_source_knows_of_another(package: str) -> None:
    others = {name for name in in_package("functions") if not is_within(name, package)}
    found = [
        f"{MODULES[name]}:{line} imports {imported}"
        for name in in_package(package)
        for imported, line in imports(name)
        if imported in others
    ]
    assert not found, f"what two sources need belongs into bridge. {found}"


VENDORS = "functions.sources.forms.vendors"


def test_no_form_vendor_imports_another() -> None:
    found = [
        f"{MODULES[name]}:{line} imports {imported}"
        for name in in_package(VENDORS)
        for imported, line in imports(name)
        if is_within(imported, VENDORS)
    ]
    assert not found, f"what two vendors need belongs into functions/sources/forms/reading. {found}"


@cache
def loads(module: str) -> tuple[str, ...]:
    """Return what a module imports when it runs: not what only the type checker reads."""
    for_types = {
        imported
        for node in ast.walk(tree(module))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for imported in imports_in(node)
    }
    return tuple(name for name, line in imports(module) if (name, line) not in for_types)


def cycle(module: str) -> list[str]:
    """Return the imports that lead from the module back to itself: `a`, `b`, `a`; none where there are none."""
    waiting = [[module]]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop()
        for imported in loads(path[-1]):
            if imported == module:
                return [*path, imported]
            if imported in MODULES and imported not in seen:
                seen.add(imported)
                waiting.append([*path, imported])
    return []


def test_no_imports_lead_in_a_circle() -> None:
    circles = {" > ".join(circle) for name in MODULES if (circle := cycle(name))}
    assert not circles, f"move what both ends need into a module below them: {sorted(circles)}"


@pytest.mark.parametrize(
    "function", ["functions.deliver", "functions.gaps", "functions.retry", "functions.sources.registry"]
)
def test_sources_are_imported_through_the_registry_alone(function: str) -> None:
    found = offences(in_package(function), *PACKAGE_NAMES)
    assert not found, f"use functions.sources.registry.source_module(source, module). {found}"


def test_retrying_knows_nothing_of_sources_or_delivery() -> None:
    found = offences(in_package("functions.retry"), "functions.deliver", "functions.sources.registry")
    assert not found, f"retry moves envelopes and reads no body. {found}"


PURE = sorted(
    {
        name
        for package in PACKAGE_NAMES
        for entry in ("mapping", "models", "listing")
        for name in closure(f"{package}.{entry}")
        if f"{package}.{entry}" in MODULES
    }
)


def test_who_can_be_compared_has_a_list_of_what_happened() -> None:
    missing = [source for source in COMPARED if f"{SOURCE_PACKAGES[source]}.event_list" not in MODULES]
    assert not missing, (
        f"write event_list.py of {missing}, or take them out of COMPARED in functions/sources/registry.py"
    )


def test_every_source_has_a_receiver_a_mapping_and_a_signature() -> None:
    missing = [
        f"{package}.{module}"
        for package in PACKAGE_NAMES
        for module in ("receiver", "mapping", "signing")
        if f"{package}.{module}" not in MODULES
    ]
    assert not missing, f"write these modules: {missing}"


@pytest.mark.parametrize("module", PURE)
def test_a_mapping_and_all_that_it_imports_do_nothing_but_think(module: str) -> None:
    found = [
        f"{MODULES[module]}:{line} imports {imported}: {why}"
        for imported, line in imports(module)
        for package, why in IMPURE.items()
        if is_within(imported, package) and (module, package) not in DATA_FILES
    ]
    found += [
        f"{MODULES[module]}:{node.lineno} calls {ast.unparse(node.func)}()"
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS)
            or (isinstance(node.func, ast.Name) and node.func.id in ("open", "print", "input"))
        )
    ]
    assert not found, found


AWS = {
    f"bridge.storage.{name}"
    for name in ("queue", "archive", "secrets", "parameters", "ledger", "connections", "deadline")
}
# library    the modules that own it
OWNERS = {
    "httpx": {"bridge.batch.client", "bridge.providers.client"},
    "boto3": AWS,
    "botocore": AWS,
    "phonenumbers": {"bridge.profiles.normalise"},
    "requests": set(),
}


@pytest.mark.parametrize("library", OWNERS)
def test_what_is_foreign_has_one_owner(library: str) -> None:
    deployed = [
        name for name in (*in_package("bridge"), *in_package("functions")) if name not in OWNERS[library]
    ]
    found = offences(deployed, library)
    assert not found, f"only {sorted(OWNERS[library]) or 'nobody'} may import {library}. {found}"


COLD = """
import json, sys
import {package}.receiver
print(json.dumps(sorted(sys.modules)))
"""
HEAVY = (
    "pydantic",
    "pydantic_core",
    "httpx",
    "phonenumbers",
    "bridge.settings",
    "bridge.batch.client",
)


@pytest.mark.parametrize("package", PACKAGE_NAMES)
def test_a_function_that_receives_starts_without_what_it_does_not_need(package: str) -> None:
    """Pydantic alone would cost a third of the cold start, and Shopify waits five seconds."""
    run = subprocess.run(
        [sys.executable, "-c", COLD.format(package=package)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(PATH)},
    )
    loaded = json.loads(run.stdout)
    heavy = [name for name in (*HEAVY, f"{package}.mapping", f"{package}.payloads") if name in loaded]
    assert not heavy, (
        f"importing {package}.receiver loads {heavy}: import these where they are used, or not at all"
    )


QUESTIONS = {"What", "Whose", "Whom", "How", "Where", "Who", "Which", "When", "Why", "Whether"}
NO_VERBS = QUESTIONS | {
    *("A", "All", "An", "As", "At", "Both", "By", "Each", "Every", "First", "For", "From", "In", "It", "Its"),
    *("Many", "More", "No", "Nothing", "Of", "One", "Some", "That", "The", "These", "This", "Those", "With"),
}


def documented(module: str) -> Iterator[tuple[str, ast.AST, str]]:
    """Yield the place, the node and the first word of every docstring of a module."""
    for node in ast.walk(tree(module)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node)
            if text:
                yield f"{MODULES[module]}:{getattr(node, 'lineno', 1)}", node, text.split()[0].strip(".,:;`")


def test_no_docstring_begins_with_a_question() -> None:
    found = [
        f"{place} {word}" for module in MODULES for place, _, word in documented(module) if word in QUESTIONS
    ]
    assert not found, f"begin with a verb, in the present: Return, Verify, Store. {found}"


def test_the_docstring_of_a_function_begins_with_a_verb() -> None:
    found = [
        f"{place} {word}"
        for module in MODULES
        for place, node, word in documented(module)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (word in NO_VERBS or not word[:1].isupper())
    ]
    assert not found, f"begin with a verb, in the present: Return, Verify, Store. {found}"


def function_bodies(module: str) -> Iterator[tuple[str, int, int]]:
    """Each function with its line and the lines of its body, docstring not counted."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            yield node.name, node.lineno, lines


def causes_rung_by(module: str) -> set[str]:
    """Each text that a module may hand to `alarm`: what is in the calls, or any of its texts where a name does."""
    nodes = list(ast.walk(tree(module)))
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "alarm"]
    handed = [call.args[0] for call in calls]
    if not all(isinstance(one, ast.Constant) for one in handed):
        handed = [node for node in nodes if isinstance(node, ast.expr)]
    return {str(one.value) for one in handed if isinstance(one, ast.Constant)}


def test_every_cause_of_the_alarm_has_somebody_who_rings_it() -> None:
    silent = set(get_args(Cause)).difference(*map(causes_rung_by, MODULES))
    assert not silent, (
        f"nothing calls alarm() for {sorted(silent)}: call it, or take it out of Cause and the docs"
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_stay_under_30_lines(package: str) -> None:
    long = [
        f"{MODULES[module]}:{line} {name} has {lines}"
        for module in in_package(package)
        for name, line, lines in function_bodies(module)
        if lines >= MAX_BODY_LINES
    ]
    assert not long, f"split these functions: {long}"


def test_no_module_is_named_for_nothing() -> None:
    found = [str(path) for path in MODULES.values() if {*path.parts, path.stem} & NAMES_THAT_SAY_NOTHING]
    assert not found, f"name these for what is in them: {found}"


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path)
        for name, path in MODULES.items()
        if not ast.get_docstring(tree(name)) and path.read_text(encoding="utf-8").strip()
    ]
    assert not silent, f"begin these with a docstring of one line: {silent}"


def test_the_world_is_stood_in_for_and_never_patched() -> None:
    patched = [
        f"{path}:{line}"
        for folder in ("tests", "bench", *PACKAGES.values())
        for path in Path(folder).rglob("*.py")
        for imported, line in imports_in(ast.parse(path.read_text(encoding="utf-8")))
        if is_within(imported, "unittest.mock") or is_within(imported, "mock")
    ]
    assert not patched, f"inject the client or the transport instead of mock.patch: {patched}"
