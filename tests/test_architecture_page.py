"""docs/architecture.md and docs/glossary.md agree with the code: what they name exists, and no step is left out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import cfn_flip
import pytest

from functions.sources.registry import SOURCE_PACKAGES

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
TEMPLATE = cfn_flip.load_yaml((ROOT / "template.yaml").read_text(encoding="utf-8"))["Resources"]

INLINE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[a-z_]+(/[A-Za-z0-9_.-]+)+/?|template\.yaml")
CALL = re.compile(r"(?:\w+\.)?\w+\(\)")
RESOURCE = re.compile(r"[A-Z]\w+(Function|Queue|Alarm|Table|Bucket)")
STEP = re.compile(r"`(self\.[\w.]+)`")
WORD = re.compile(r"[a-z]+(?:_[a-z]+)+|[A-Z]+(?:_[A-Z]+)*|verify")
GLOSSARY_LIMIT = 40

RECEIVERS = {f"{package}.receiver.handler" for package in SOURCE_PACKAGES.values()}
FUNCTIONS = [
    name
    for name, one in TEMPLATE.items()
    if one["Type"] == "AWS::Serverless::Function" and one["Properties"]["Handler"] not in RECEIVERS
]

ROWS = [row for row in PAGE.splitlines() if row.startswith("| ") and CALL.search(row)]
PATHS = sorted({name for name in INLINE.findall(PAGE) if PATH.fullmatch(name)})
RESOURCES = sorted({name for name in re.findall(r"\w+(?![\w.])", PAGE) if RESOURCE.fullmatch(name)})
WORDS = re.findall(r"^\| (?!Word)([^|]+) \| [^|]+ \| `([^`]+)` \|$", GLOSSARY, re.MULTILINE)


def defined_in(path: Path) -> set[str]:
    """Return the functions, classes and methods that a module defines: `deliver`, `DeliveryPipeline.run`."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
    return names


def steps_of_delivery() -> list[str]:
    """Return what `DeliveryPipeline.run` calls on its own parts, in the order of the source."""
    tree = ast.parse((ROOT / "functions/deliver/pipeline.py").read_text(encoding="utf-8"))
    [run] = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name == "run"]
    calls = [
        (node.lineno, ast.unparse(node.func))
        for node in ast.walk(run)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("self.")
    ]
    return [name for _, name in sorted(calls)]


@pytest.mark.parametrize("path", PATHS)
def test_every_file_of_the_page_exists(path: str) -> None:
    assert (ROOT / path).exists(), f"correct {path} in docs/architecture.md"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_function_of_the_page_is_defined_in_a_file_of_its_row(row: str) -> None:
    files = [ROOT / name for name in INLINE.findall(row) if name.endswith(".py")]
    defined = {name for path in files for name in defined_in(path)}
    core = {name for path in (ROOT / "layers/core/bridge").rglob("*.py") for name in defined_in(path)}
    named = {name.removesuffix("()") for name in INLINE.findall(row) if CALL.fullmatch(name)}
    missing = named - defined - (core if "Where a change goes" in PAGE.partition(row)[0] else set())
    assert not missing, f"docs/architecture.md: no file of its row defines {sorted(missing)}"


def test_the_steps_of_deliver_are_all_on_the_page_in_their_order() -> None:
    assert STEP.findall(PAGE) == steps_of_delivery(), "correct the steps of deliver in docs/architecture.md"


def test_every_word_of_code_on_the_page_is_in_the_code() -> None:
    code = "\n".join(
        path.read_text() for path in (*ROOT.glob("functions/**/*.py"), *ROOT.glob("layers/**/*.py"))
    )
    words = {name for name in INLINE.findall(PAGE) if WORD.fullmatch(name)}
    assert {"routing_of", "TOPICS"} <= words
    missing = sorted(name for name in words if not re.search(rf"\b{name}\b", code))
    assert not missing, f"docs/architecture.md names {missing}, which the code does not have"


def test_the_diagram_names_code_that_exists() -> None:
    diagram = PAGE.partition("```mermaid")[2].partition("```")[0]
    defined = {
        name
        for folder in ("functions", "layers/core/bridge")
        for path in (ROOT / folder).rglob("*.py")
        for name in defined_in(path)
    }
    named = {name.removesuffix("()") for name in CALL.findall(diagram)}
    assert named
    assert not named - defined, f"the diagram of docs/architecture.md names {sorted(named - defined)}"


@pytest.mark.parametrize("name", RESOURCES)
def test_every_resource_of_the_page_is_in_the_template(name: str) -> None:
    assert name in TEMPLATE, f"correct {name} in docs/architecture.md"


def test_a_receiver_is_on_the_page_by_the_row_of_its_kind() -> None:
    [row] = [row for row in ROWS if "`ShopifyFunction`" in row]
    assert "`receiver()`" in row
    assert "one for each source" in row


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_the_template_that_is_no_receiver_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE, f"add {name} to the table of functions in docs/architecture.md"


def test_the_page_is_one_page() -> None:
    assert len(PAGE.splitlines()) <= 110, "docs/architecture.md is an overview: move detail to another page"


def test_the_glossary_has_at_most_40_words() -> None:
    rows = [row for row in GLOSSARY.splitlines() if row.startswith("| ")]
    assert len(WORDS) == len(rows) - 1, (
        "a row of docs/glossary.md is a word, its meaning and a name in the code"
    )
    assert len(WORDS) <= GLOSSARY_LIMIT, f"{len(WORDS)} words: use those of AWS, Batch, Stripe or Shopify"


@pytest.mark.parametrize(("word", "name"), WORDS, ids=[word for word, _ in WORDS])
def test_every_word_of_the_glossary_names_code_that_exists(word: str, name: str) -> None:
    code = [*ROOT.glob("functions/**/*.py"), *ROOT.glob("layers/core/bridge/**/*.py"), ROOT / "template.yaml"]
    used = re.compile(rf"\b{re.escape(name.rpartition('.')[2])}\b")
    is_used = (ROOT / name).exists() or any(used.search(path.read_text(encoding="utf-8")) for path in code)
    assert is_used, f"correct the name in the code of {word!r} in docs/glossary.md"
