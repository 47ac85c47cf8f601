"""The tables of what arrives are on the pages, and are what `make docs` makes of the examples and the presets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from functions.sources.registry import SOURCE_PACKAGES, source_module
from tools.becomes import Becomes, of_examples, of_preset
from tools.tables import TABLES, kinds, made_from, pages, tables, with_tables, write
from tools.texts import Refused

ROOT = Path(__file__).parent.parent
PRESETS = sorted(path.relative_to(ROOT) for path in ROOT.glob("presets/*.json"))
OF_SETTINGS = {"custom"}
"""What these become is said by each connection's settings, so that there is nothing to mention the source."""


def sources_on(page: str) -> list[str]:
    """What the tables of a page are made from."""
    return [place[2] for place in TABLES.finditer((ROOT / page).read_text(encoding="utf-8"))]


def becomes(topic: str, profile: dict[str, Any], **events: dict[str, Any]) -> Becomes:
    return Becomes(topic, profile, tuple(events.items()))


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_the_tables_on_a_page_are_what_the_examples_become(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == with_tables(ROOT, text), f"run make docs: docs/{page.name} tells of other examples"


@pytest.mark.parametrize("source", sorted(SOURCE_PACKAGES.keys() - OF_SETTINGS))
def test_every_source_has_its_tables_on_its_page(source: str) -> None:
    found = sources_on(f"docs/connect-{source}.md")
    assert found == [f"events/{source}"], f"copy the two comments of another page to docs/connect-{source}.md"


def test_every_preset_has_its_tables() -> None:
    assert sorted(sources_on("docs/presets.md")) == [str(path) for path in PRESETS]


@pytest.mark.parametrize("source", sorted(SOURCE_PACKAGES.keys() - OF_SETTINGS))
def test_the_tables_have_every_topic_that_is_mapped_and_no_other(source: str) -> None:
    [topics] = [one.topics for one in source_module(source, "receiver").SOURCES if one.name == source]
    assert {one.topic for one in of_examples(ROOT / "events" / source)} == topics


def test_several_examples_of_a_topic_are_told_together() -> None:
    page = tables([becomes("a", {"x": "1"}, one={"n": 1}), becomes("a", {"y": True}, two={"n": 2.5})])
    assert "| `a` | `one`, `two` | `x`, `y` |" in page
    assert "| the profile | text: `x`; yes/no: `y` |" in page
    assert "| `one` | whole number: `n` |\n| `two` | number: `n` |" in page


def test_a_topic_that_never_has_an_event_says_so_and_one_that_sometimes_has_none_too() -> None:
    page = tables([becomes("a", {"x": None}), becomes("b", {}, one={}), becomes("b", {})])
    assert "| `a` | *none* | `x` (emptied) |" in page
    assert "| `b` | `one`, or none | *none* |" in page


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("a", "x", "text: `a`"),
        ("a", 1, "whole number: `a`"),
        ("a", 1.5, "number: `a`"),
        ("a", False, "yes/no: `a`"),
        ("date(a)", "2026-09-01T09:00:00Z", "date: `date(a)`"),
        ("url(a)", "https://www.example.com", "link: `url(a)`"),
        ("a", ["x"], "list: `a`"),
        ("a", {"$add": ["x"]}, "list: `a`"),
        ("a", {"city": "x"}, "object: `a` (text: `city`)"),
        ("a", [{"sku": "x"}, {"price": 1.5}], "objects: `a` (text: `sku`; number: `price`)"),
    ],
)
def test_a_type_is_told_in_the_words_of_the_tagging_plan(name: str, value: Any, told: str) -> None:
    assert f"| `one` | {told} |" in tables([becomes("t", {}, one={name: value})])


def test_what_is_a_number_somewhere_is_a_number_and_other_types_may_not_differ() -> None:
    assert kinds([{"a": 1}, {"a": None}, {"a": 1.5}])["a"].word == "number"
    with pytest.raises(Refused, match=r"a\.b is a text in one example and a list in another"):
        kinds([{"a": {"b": "x"}}, {"a": {"b": []}}])


def test_events_with_the_same_attributes_share_a_row_and_an_old_ones_time_is_told_once() -> None:
    page = tables([becomes("t", {}, one={"a": 1, "date(occurred_at)": "x"}, two={"a": 2})])
    assert "| `one`, `two` | whole number: `a` |" in page
    assert page.count("date(occurred_at)") == 1


def test_a_preset_tells_what_each_rule_makes_of_its_topics(tmp_path: Path) -> None:
    rules = [
        {"attributes": {"name": "n"}},
        {"topics": ["a"], "attributes": {"plan": "p"}, "event": {"name": "one"}},
        {
            "topics": ["a", "b"],
            "event": {"name": "two", "attributes": {"paid": {"path": "x", "type": "boolean"}}},
        },
    ]
    preset = tmp_path / "presets/tool.json"
    preset.parent.mkdir()
    preset.write_text(json.dumps({"mapping": rules}))
    page = tables(of_preset(preset))
    assert "| `a` | `one`, `two` | `name`, `plan` |\n| `b` | `two` | `name` |\n" in page
    assert "| any other topic | *none* | `name` |" in page
    assert "| `two` | yes/no: `paid` |" in page


@pytest.fixture
def pages_alone(tmp_path: Path) -> Path:
    for part in ("docs", "events", "presets", "tests/sources/presets"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


def test_what_is_changed_by_hand_is_made_anew_and_all_around_it_stays(pages_alone: Path) -> None:
    page = pages_alone / "docs/connect-tally.md"
    right = page.read_text(encoding="utf-8")
    page.write_text(right.replace("`which_tours_interest_you`", "`tours`"), encoding="utf-8")
    assert write(pages_alone) == ["docs/connect-tally.md"]
    assert page.read_text(encoding="utf-8") == right
    assert write(pages_alone) == []


@pytest.mark.parametrize("gone", ["*.batch.json", "*.json"])
def test_nothing_is_written_where_an_example_is_missing(pages_alone: Path, gone: str) -> None:
    for path in (pages_alone / "events/tally").glob(gone):
        path.unlink()
    (pages_alone / "docs/connect-shopify.md").write_text(
        "<!-- made from events/shopify by `make docs`: change nothing until the end -->\n<!-- the end -->\n"
    )
    before = {path: path.read_bytes() for path in pages_alone.rglob("*.md")}
    with pytest.raises(Refused):
        write(pages_alone)
    assert {path: path.read_bytes() for path in pages_alone.rglob("*.md")} == before


def test_a_new_example_shows_on_the_page(pages_alone: Path) -> None:
    example = pages_alone / "events/tally/FORM_RESPONSE.batch.json"
    operations = json.loads(example.read_text(encoding="utf-8"))
    operations[0]["attributes"]["favourite_tea"] = ["oolong"]
    example.write_text(json.dumps(operations), encoding="utf-8")
    assert "list: `favourite_tea`" in pages(pages_alone)[pages_alone / "docs/connect-tally.md"]
    assert "`favourite_tea`" in made_from(pages_alone, "events/tally")
