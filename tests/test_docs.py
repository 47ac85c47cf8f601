"""The documentation stays true: what can be listed is listed, what is linked is there, what is quoted is quoted right.

A failure names the edit to make.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, get_args

import cfn_flip
import pytest
import typer.main

from bridge.errors import FAILURE_CLASSES, Refused
from bridge.observability import Cause
from bridge.profiles.profile_change import WarningKind
from bridge.receiving import signature_diagnosis
from bridge.settings import ConnectionSettings, checked
from bridge.storage import ledger
from bridge.webhook import Webhook
from cli.main import app
from functions.deliver import addresses
from functions.deliver.delivery import Outcome
from functions.monitor.rounds import METRICS
from functions.sources.forms import mapping as forms
from functions.sources.forms.reading.names import answer_names
from functions.sources.forms.registry import VENDORS
from functions.sources.manifest import manifest
from functions.sources.registry import SOURCE_PACKAGES, settings_model, source_module

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
TEMPLATE = cfn_flip.load_yaml((ROOT / "template.yaml").read_text())
CODE = [*ROOT.glob("functions/**/*.py"), *ROOT.glob("layers/core/bridge/**/*.py")]

FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ROW = re.compile(r"^\|(.+)\|$", re.MULTILINE)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(text: str) -> str:
    """The text without its blocks of code."""
    return FENCED.sub("", text)


def code_in(text: str) -> list[str]:
    """Lines of blocks of code that are not another language's, and pieces of code in a sentence."""
    lines = [
        line for language, block in FENCED.findall(text) if language != "json" for line in block.splitlines()
    ]
    return [*lines, *INLINE.findall(prose(text))]


def marked(text: str) -> set[str]:
    """What stands between backticks."""
    return set(INLINE.findall(prose(text)))


def rows(text: str) -> list[list[str]]:
    """The cells of all tables."""
    return [[cell.strip() for cell in row.split("|")] for row in ROW.findall(prose(text))]


def section(text: str, heading: str) -> str:
    """A chapter with everything below it."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^\1 |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"there is no heading {heading!r} any more"
    return found.group(2)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = HEADING.findall(prose(page.read_text(encoding="utf-8")))
    plain = [re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files and anchors that a page links to, without the web."""
    for address in LINK.findall(prose(page.read_text(encoding="utf-8"))):
        if not re.match(r"[a-z]+:", address):
            path, _, anchor = address.partition("#")
            yield ((page.parent / path).resolve() if path else page), anchor


# ── Links ─────────────────────────────────────────────────────────────────────────────────────────────────────


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), f"{page.name} links to {target}, which is not there"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {target.name} has no heading for #{anchor}"


def test_every_file_of_the_documentation_is_linked_from_somewhere() -> None:
    linked = {target for page in PAGES for target, _ in links(page) if target != page}
    lost = [path for path in DOCS.rglob("*") if path.is_file() and path.resolve() not in linked]
    assert not lost, f"link to these from README.md or another page: {[str(path) for path in lost]}"


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_every_source_has_a_page_on_how_to_connect_it(source: str) -> None:
    page = DOCS / f"connect-{source}.md"
    assert page.exists(), f"write docs/connect-{source}.md"
    assert page in {target for target, _ in links(README)}, f"link to docs/connect-{source}.md from README.md"


@pytest.mark.parametrize("record", sorted(DOCS.glob("decisions/*.md")), ids=lambda path: path.stem)
def test_a_decision_says_why_what_and_what_follows(record: Path) -> None:
    headings = HEADING.findall(record.read_text(encoding="utf-8"))
    assert headings[1:] == ["Context", "Decision", "Consequences"]
    assert headings[0].startswith(f"{int(record.stem[:4])}. "), "the title begins with the record's number"


# ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────


@each_page
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", text_of("Makefile"), re.MULTILINE))
    for piece in code_in(page.read_text(encoding="utf-8")):
        for target in re.findall(r"(?:^|[\s;&])make ([a-z][a-z0-9-]*)", piece):
            assert target in targets, f"{page.name} names `make {target}`, which the Makefile does not have"


@each_page
def test_every_bridge_command_named_exists_with_its_options(page: Path) -> None:
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for piece in code_in(page.read_text(encoding="utf-8")):
        for name, rest in re.findall(r"(?:^|[\s/])bridge ([a-z]\w*)([^#;]*)", piece):
            assert name in commands, f"{page.name} names `bridge {name}`, which does not exist"
            options = {option for parameter in commands[name].params for option in parameter.opts}
            unknown = set(re.findall(r"--[a-z-]+", rest)) - options
            assert not unknown, f"{page.name}: `bridge {name}` has no {unknown}"


def test_every_bridge_command_is_documented() -> None:
    named = {
        name for page in PAGES for name in re.findall(r"bridge ([a-z]+)", page.read_text(encoding="utf-8"))
    }
    missing = {command.name for command in app.registered_commands if not command.hidden} - named
    assert not missing, f"say in docs/operating.md what these do: {missing}"


# ── Words ───────────────────────────────────────────────────────────────────────────────────────────────────────

# ours                the field's
DIALECT = {
    "the door": "the endpoint, or the receiver",
    "waiting room": "the delay queue, or waiting for the customer",
    "lane": "message group, or the customer's order",
    "lanes": "message groups",
    "mend": "fix",
    "mended": "fixed",
    "amiss": "problems",
    "doubled": "duplicated",
    "is away": "is unavailable",
    "for ever": "forever",
    "anew": "again",
    "stands in": "is in",
    "let in": "accepted",
}
GENERATED = {"mutation-tests.md"}  # its tables quote tools/mutation/mutations.toml
OF_WORDS = [page for page in PAGES if page.name not in {"CHANGELOG.md", *GENERATED}]


@pytest.mark.parametrize("page", OF_WORDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_uses_the_words_of_the_field(page: Path) -> None:
    text = INLINE.sub("", prose(page.read_text(encoding="utf-8")))
    words = " ".join(re.sub(r"\]\([^)]*\)", "]", text).lower().split())
    for ours, standard in DIALECT.items():
        assert not re.search(rf"\b{ours}\b", words), f"{page.name} says {ours!r}: say {standard!r}"


def sentences_of(module: Path) -> str:
    """Return the texts of a module that are more than one word, but for the docstrings of what no command runs."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    notes = {
        id(first.value)
        for node in ast.walk(tree)
        for name in ("body", "orelse")
        if isinstance(getattr(node, name, None), list)
        for first in getattr(node, name)
        if isinstance(first, ast.Expr)
    }
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in notes)
    return " . ".join(text.value for text in texts if isinstance(text.value, str) and " " in text.value)


def help_of_commands() -> str:
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    options = (option.help or "" for one in commands.values() for option in one.params)
    return " . ".join([*(one.help for one in commands.values()), *options])


def descriptions_of_the_template() -> str:
    text = text_of("template.yaml")
    titles = re.findall(r'"title": "([^"]*)"', text)
    return " . ".join([*titles, *re.findall(r"Description: (?:>\n)?(.*)", text)])


# where people read it   what it says
SPOKEN: dict[str, Callable[[], str]] = {
    "the help of `bridge`": help_of_commands,
    "template.yaml": descriptions_of_the_template,
    "local/page/page.html": lambda: text_of("local/page/page.html"),
    **{
        str(path.relative_to(ROOT)): partial(sentences_of, path)
        for folder in (
            "cli",
            "local/page",
            "proof",
            "functions/deliver",
            "functions/retry",
            "functions/monitor",
        )
        for path in sorted((ROOT / folder).rglob("*.py"))
    },
}


@pytest.mark.parametrize("place", SPOKEN)
def test_the_product_uses_the_words_of_the_field(place: str) -> None:
    words = " ".join(SPOKEN[place]().lower().split())
    for ours, standard in DIALECT.items():
        assert not re.search(rf"\b{ours}\b", words), f"{place} says {ours!r}: say {standard!r}"


# ── README ────────────────────────────────────────────────────────────────────────────────────────────────────


def is_excerpt(part: Any, whole: Any) -> bool:
    """Whether all that the part says is in the whole, lists in their order."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and is_excerpt(value, whole[name]) for name, value in part.items()
        )
    if isinstance(part, list):
        items = iter(whole)
        return all(any(is_excerpt(one, other) for other in items) for one in part)
    return bool(part == whole and type(part) is type(whole))


def test_the_first_screen_quotes_a_real_webhook_and_its_real_call() -> None:
    webhook, call = (
        json.loads(block) for name, block in FENCED.findall(text_of("README.md")) if name == "json"
    )
    sample = json.loads(text_of("events/shopify/orders.paid.json"))
    assert is_excerpt(webhook, sample["body"]), (
        "README.md quotes what is not in events/shopify/orders.paid.json"
    )
    expected = json.loads(text_of("events/shopify/orders.paid.batch.json"))
    assert is_excerpt(call, expected), "README.md quotes what is not in events/shopify/orders.paid.batch.json"


def test_the_first_25_lines_have_the_commands_that_run_and_test_it() -> None:
    first = "\n".join(text_of("README.md").splitlines()[:25])
    commands = next(block for language, block in FENCED.findall(first) if language == "sh")
    assert [line.partition("#")[0].strip() for line in commands.strip().splitlines()] == [
        "make run",
        ".venv/bin/bridge send events/shopify/orders.paid.json",
        "make test",
    ]


def test_readme_has_at_most_150_lines() -> None:
    lines = len(text_of("README.md").splitlines())
    assert lines <= 150, f"README.md has {lines} lines: move what is not about a first start into docs/"


@each_page
def test_no_page_has_the_marks_of_a_conflict(page: Path) -> None:
    assert not re.search(r"^(<{7} |={7}$|>{7} )", page.read_text(encoding="utf-8"), re.MULTILINE)


@each_page
def test_every_block_of_json_is_json(page: Path) -> None:
    for language, block in FENCED.findall(page.read_text(encoding="utf-8")):
        if language == "json":
            json.loads(block)


# ── The tagging plan ──────────────────────────────────────────────────────────────────────────────────────────

CHAPTERS = {source: "Forms" if source in VENDORS else manifest(source).name for source in SOURCE_PACKAGES}
CALLS = sorted((ROOT / "events").glob("*/*.batch.json"))


def chapter(source: str) -> set[str]:
    """The names that the tagging plan's chapter of a source has."""
    names = marked(section(text_of("docs/tagging-plan.md"), CHAPTERS[source]))
    return names | marked(text_of("docs/presets.md")) if source == "custom" else names


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_the_tagging_plan_has_every_topic(source: str) -> None:
    missing = topics_of(source) - chapter(source)
    assert not missing, f"say in docs/tagging-plan.md what these become: {sorted(missing)}"


@pytest.mark.parametrize("path", CALLS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_tagging_plan_has_every_event_and_attribute(path: Path) -> None:
    missing = written(path) - chapter(path.parent.name) - answers(path)
    assert not missing, f"docs/tagging-plan.md does not tell of {sorted(missing)}"


def written(path: Path) -> set[str]:
    """The names of the events and attributes in a call to Batch."""
    named = set()
    for operation in json.loads(path.read_text(encoding="utf-8")):
        named |= {*operation.get("attributes", {}), *(event["name"] for event in operation.get("events", []))}
        for event in operation.get("events", []):
            named |= event["attributes"].keys()
    return named


def answers(path: Path) -> set[str]:
    """What a form's own questions are called: these are documented by a rule, not one by one."""
    source = path.parent.name
    if source not in VENDORS:
        return set()
    stored = json.loads(path.with_name(path.name.replace(".batch.json", ".json")).read_text(encoding="utf-8"))
    headers = {name.lower(): value for name, value in stored.get("headers", {}).items()}
    webhook = Webhook(
        id="0",
        source=source,
        connection="main",
        topic=stored["topic"],
        headers=headers | {"content-type": stored["content_type"]},
        body=(stored.get("body_raw") or json.dumps(stored.get("body"), ensure_ascii=False)).encode(),
        received_at=datetime(2026, 9, 10, tzinfo=UTC),
        group="0",
    )
    submission = VENDORS[source].read(webhook)
    asked = (*submission.fields, *forms.hidden_answers(submission))
    return {forms.answer_key(name, field) for name, field in zip(answer_names(asked), asked, strict=True)}


@pytest.mark.parametrize("title", sorted(set(CHAPTERS.values()) - set(VENDORS)))
def test_every_event_and_attribute_of_the_tagging_plan_is_in_an_example(title: str) -> None:
    sources = {source for source in SOURCE_PACKAGES if CHAPTERS[source] == title}
    paths = [path for path in CALLS if path.parent.name in sources]
    topics = {topic for source in sources for topic in topics_of(source)}
    told = in_columns(section(text_of("docs/tagging-plan.md"), title), "Event", "Attribute")
    unseen = told - topics - {name for path in paths for name in written(path)}
    assert not unseen, f"show {sorted(unseen)} in an example, or take them out of docs/tagging-plan.md"


def topics_of(source: str) -> frozenset[str]:
    topics: frozenset[str]
    [topics] = [one.topics for one in source_module(source, "receiver").SOURCES if one.name == source]
    return topics


def in_columns(text: str, *headings: str) -> set[str]:
    """What stands between backticks in the columns of these headings."""
    found = set()
    for table in re.findall(r"(?:^\|.+\|$\n?)+", prose(text), re.MULTILINE):
        head, *body = rows(table)
        for cells in body:
            pairs = zip(head, cells, strict=True)
            found |= {name for heading, cell in pairs if heading in headings for name in INLINE.findall(cell)}
    return found


# ── Settings ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ConnectionSettings.model_fields)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    defaults = ConnectionSettings().model_dump(mode="json")
    page = text_of("docs/settings.md")
    row = next((cells for cells in rows(page) if cells[0] == f"[`{name}`](#{name})"), None)
    assert row, f"add a row and a chapter on `{name}` to docs/settings.md"
    assert json.loads(row[1].strip("`")) == defaults[name], (
        f"docs/settings.md has another default of `{name}`"
    )
    assert section(page, name).strip(), f"say in docs/settings.md what `{name}` is for"


def test_no_setting_is_documented_that_does_not_exist() -> None:
    listed = re.findall(r"^\| \[`(\w+)`\]", text_of("docs/settings.md"), re.MULTILINE)
    assert set(listed) == set(ConnectionSettings.model_fields)


def test_every_setting_of_any_other_tool_is_documented() -> None:
    page = text_of("docs/connect-custom.md")
    own = settings_model("custom").model_fields.keys() - ConnectionSettings.model_fields.keys()
    missing = {name for name in own if f"`{name}`" not in page}
    assert not missing, f"tell of {sorted(missing)} in docs/connect-custom.md"


def test_the_worked_example_of_any_other_tool_works() -> None:
    webhook, stored = (
        block for name, block in FENCED.findall(text_of("docs/connect-custom.md")) if name == "json"
    )
    settings = checked(json.loads(stored), settings_model("custom"))
    received = datetime(2026, 9, 10, tzinfo=UTC)
    change = source_module("custom", "mapping").to_change(
        Webhook("0", "custom", "cards", "card.redeemed", {}, webhook.encode(), received, "0"), settings
    )
    [event], [group] = change.events, change.groups
    assert (event.name, str(event.attributes["amount"])) == ("gift_card_redeemed", "25.00")
    assert group.attributes["$email_marketing"] == "subscribed"


@pytest.mark.parametrize("path", sorted(ROOT.glob("presets/*.json")), ids=lambda path: path.stem)
def test_every_preset_is_documented_with_its_names(path: Path) -> None:
    names = marked(section(text_of("docs/presets.md"), path.stem))
    settings = checked(json.loads(path.read_text(encoding="utf-8")), settings_model("custom"))
    used = {key for rule in settings.mapping for key in rule.attributes}
    for rule in settings.mapping:
        used |= {rule.event.name, *rule.event.attributes} if rule.event else set()
    assert not used - names, f"docs/presets.md does not tell of {sorted(used - names)} of {path.stem}"


# ── Operating ─────────────────────────────────────────────────────────────────────────────────────────────────


def listed_in(heading: str) -> set[str]:
    """What a chapter of the operating page has in the first column of its tables."""
    found = rows(section(text_of("docs/operating.md"), heading))
    return {name for cells in found for name in INLINE.findall(cells[0])}


@pytest.mark.parametrize("failure_class", FAILURE_CLASSES)
def test_every_failure_class_says_what_to_do(failure_class: str) -> None:
    assert failure_class in listed_in("Failure classes"), f"add {failure_class} to docs/operating.md"


@pytest.mark.parametrize("reason", signature_diagnosis.CAUSES)
def test_every_reason_of_a_refused_signature_is_explained(reason: str) -> None:
    assert reason in listed_in("Signature reasons"), f"add {reason} to docs/operating.md"


@pytest.mark.parametrize("refused", Refused.__subclasses__(), ids=lambda refused: refused.__name__)
def test_every_answer_of_the_endpoint_is_documented(refused: type[Refused]) -> None:
    found = rows(section(text_of("docs/operating.md"), "What the endpoint answers"))
    assert [str(refused.status), f"`{refused.code}`"] in [cells[:2] for cells in found], (
        f"add {refused.status} `{refused.code}` to docs/operating.md"
    )


@pytest.mark.parametrize("name", ["DELIVERED", "IGNORED", "PARKED", "WAITING", "RETRYING"])
def test_every_status_of_a_receipt_is_documented(name: str) -> None:
    status = getattr(ledger, name)
    assert status in listed_in("What a receipt says"), f"add {status} to docs/operating.md"


def resources(kind: str) -> list[str]:
    return [name for name, one in TEMPLATE["Resources"].items() if one["Type"] == kind]


@pytest.mark.parametrize("alarm", resources("AWS::CloudWatch::Alarm"))
def test_every_alarm_says_what_to_do(alarm: str) -> None:
    assert alarm in listed_in("Alarms"), f"add {alarm} to docs/operating.md"


def first_arguments(path: Path, *functions: str) -> Iterator[ast.expr]:
    """What functions of these names are called with."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in functions:
            yield node.args[0]


def counted(path: Path) -> Iterator[ast.expr]:
    """The names that `counts_of` yields, to be counted together."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.FunctionDef) and function.name == "counts_of":
            tuples = [node.value for node in ast.walk(function) if isinstance(node, ast.Yield)]
            yield from (found.elts[0] for found in tuples if isinstance(found, ast.Tuple))


def texts(expression: ast.expr) -> Iterator[str]:
    """What an expression may come to: a constant, one of two, or `f"Webhooks{outcome}"`."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        yield expression.value
    elif isinstance(expression, ast.IfExp):
        yield from (*texts(expression.body), *texts(expression.orelse))
    elif isinstance(expression, ast.JoinedStr):
        beginning = ast.literal_eval(expression.values[0])
        yield from (f"{beginning}{outcome.value.capitalize()}" for outcome in Outcome)
    else:
        assert ast.unparse(expression) == "name", f"no name to list in `{ast.unparse(expression)}`"


def test_every_metric_is_documented() -> None:
    published = {
        name
        for path in CODE
        for argument in (*first_arguments(path, "count", "measure_seconds"), *counted(path))
        for name in texts(argument)
    } | set(METRICS.values())
    published |= {
        one["MetricName"]
        for name in resources("AWS::Logs::MetricFilter")
        for one in TEMPLATE["Resources"][name]["Properties"]["MetricTransformations"]
    }
    listed = listed_in("Metrics")
    assert published == listed, (
        f"docs/operating.md lacks {sorted(published - listed)} and has {sorted(listed - published)} too many"
    )


def test_every_cause_of_the_alarm_on_what_needs_a_person_has_its_remedy() -> None:
    causes, listed = set(get_args(Cause)), listed_in("What needs a person")
    missing = causes - listed
    assert not missing, f"add {sorted(missing)} to the table in docs/operating.md"
    table = rows(section(text_of("docs/operating.md"), "What needs a person"))
    assert {name for cells in table for name in INLINE.findall(cells[0])} == causes


def test_every_kind_of_warning_is_documented() -> None:
    core = ROOT / "layers/core/bridge"
    kinds = {
        kind
        for path in (
            core / "batch/limits.py",
            core / "batch/attribute_types.py",
            ROOT / "functions/deliver/schema_drift/watcher.py",
            ROOT / "functions/deliver/consents.py",
        )
        for argument in first_arguments(path, "warnings.add", "self.warnings.add", "delivery.warnings.add")
        for kind in texts(argument)
    } | {*get_args(WarningKind), addresses.SHARED, addresses.CONFLICT}
    listed = listed_in("Warnings")
    assert kinds == listed, (
        f"docs/operating.md lacks {sorted(kinds - listed)}, has {sorted(listed - kinds)} too many"
    )


# ── Deploying and its cost ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", TEMPLATE["Parameters"])
def test_every_parameter_of_the_template_is_documented_with_its_default(name: str) -> None:
    found = rows(section(text_of("docs/deploy.md"), "Parameters"))
    default = TEMPLATE["Parameters"][name]["Default"]
    assert [f"`{name}`", f"`{default}`" if default != "" else "none"] in [cells[:2] for cells in found], (
        f"add {name} to docs/deploy.md"
    )


@pytest.mark.parametrize("name", TEMPLATE["Outputs"])
def test_every_output_of_the_template_is_documented(name: str) -> None:
    assert name in marked(section(text_of("docs/deploy.md"), "Outputs")), f"add {name} to docs/deploy.md"


def numbers(cells: list[str]) -> list[float]:
    """The numbers of a row after its name; empty cells are left out."""
    return [float(cell.strip("* ")) for cell in cells[1:] if cell.strip("* ")]


def priced(heading: str) -> tuple[list[list[float]], list[float]]:
    """The rows of a chapter's first table of prices, and its sums."""
    table = section(text_of("docs/cost.md"), heading).strip().partition("**Sum**")
    found = [cells for cells in rows(table[0]) if cells[0] != "What" and set(cells[0]) - {"-"}]
    return [numbers(cells) for cells in found], numbers(table[2].splitlines()[0].split("|"))


def test_the_cost_of_a_million_webhooks_is_added_up_right() -> None:
    lines, sums = priced("For a million webhooks")
    for single, tens, price, cost_single, cost_tens in lines:
        assert (cost_single, cost_tens) == pytest.approx((single * price, tens * price), abs=0.0051)
    assert sums == pytest.approx([sum(line[3] for line in lines), sum(line[4] for line in lines)])


def test_the_cost_of_a_month_is_added_up_right() -> None:
    lines, sums = priced("Each month, whatever comes")
    for units, price, cost in lines:
        assert cost == pytest.approx(units * price, abs=0.0051)
    assert sums == pytest.approx([sum(line[2] for line in lines)])


def test_the_cost_counts_the_alarm_metrics_and_routes_of_the_template() -> None:
    lines, _ = priced("Each month, whatever comes")
    alarms = [TEMPLATE["Resources"][name]["Properties"] for name in resources("AWS::CloudWatch::Alarm")]
    metrics = sum(sum("MetricStat" in one for one in alarm.get("Metrics", [])) or 1 for alarm in alarms)
    assert lines[1][0] == metrics, "docs/cost.md counts other alarm metrics than template.yaml"
    functions = [TEMPLATE["Resources"][name]["Properties"] for name in resources("AWS::Serverless::Function")]
    events = [event for function in functions for event in function.get("Events", {}).values()]
    paths = [event["Properties"]["Path"] for event in events if event["Type"] == "HttpApi"]
    webhooks = [path for path in paths if not path.endswith("{token}")]
    assert lines[3][0] == 6 * len(webhooks), "docs/cost.md counts other routes than template.yaml"
