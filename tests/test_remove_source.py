"""A room can be taken out: `make remove-source` leaves nothing that misses it, and refuses what it cannot do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkout import ROOT, content, copied, passes, run
from tools.new_source import start
from tools.places import TAKEN_OUT, untold
from tools.remove_source import remove, still_named, words_of
from tools.texts import Refused, without_chapter, without_entries, without_item, without_rows

PROMISES = "refuses_an_unsigned or every_topic or belongs_to_another or two_types"
"""Of those that every source makes, some that go through the registry or through all examples."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copied(tmp_path)


def test_without_a_room_everything_else_keeps_its_promises(checkout: Path) -> None:
    done = run(checkout, "-m", "tools.remove_source", "woocommerce")
    assert done.returncode == 0, done.stderr
    assert not [path for path in content(checkout) if "woocommerce" in str(path)]
    tests = ("test_architecture", "test_docs", "test_tables", "test_template", "sources/test_every_source")
    passes(
        checkout,
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        f"not test_every_source or {PROMISES}",
        *(f"tests/{one}.py" for one in tests),
    )


def test_what_still_names_it_is_told_and_is_nothing_that_runs(checkout: Path) -> None:
    remove(checkout, "woocommerce")
    left = {place.partition(":")[0] for place in still_named(checkout, "woocommerce")}
    assert "README.md" in left
    code = {path for path in left if not path.endswith(".md")} - {"tests/test_remove_source.py"}
    assert code == {"layers/core/bridge/signatures.py"}, "only a docstring may name a source: move the rest"


def test_a_source_that_was_started_and_taken_out_leaves_no_trace(checkout: Path) -> None:
    before = content(checkout)
    start(checkout, "acme")
    assert content(checkout) != before
    remove(checkout, "acme")
    assert content(checkout) == before


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "no source ''; there are: shopify"),
        ("acme", "no source 'acme'"),
        ("deliver", "no source 'deliver'"),
        ("typeform", "shares functions.forms with others"),
    ],
)
def test_what_is_no_source_or_shares_a_room_is_refused(name: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        words_of(ROOT, name)


@pytest.mark.parametrize("file", ["template.yaml", "docs/cost.md"])
def test_nothing_is_touched_where_a_landmark_is_gone(checkout: Path, file: str) -> None:
    (checkout / file).write_text("# Nothing\n")
    before = content(checkout)
    with pytest.raises(Refused):
        remove(checkout, "woocommerce")
    assert content(checkout) == before


def test_every_file_that_a_line_is_taken_out_of_is_there() -> None:
    assert [path for path in TAKEN_OUT if not (ROOT / path).exists()] == []


def test_an_entry_goes_with_all_its_lines_and_with_those_of_pairs_that_begin_with_it() -> None:
    kept = 'A = {\n    "tea": "x",\n    "teapot": (\n        "y"\n    ),\n}\n'
    gone = '    "pot": (\n        "one"\n        "two"\n    ),\n    ("pot", "sk_"): "three",\n    "pot": "four",\n'
    assert without_entries(kept.replace("}", gone + "}"), "pot") == kept


def test_a_chapter_goes_with_all_that_is_below_it() -> None:
    page = "# Plan\n\n## Tea\n\nx\n\n### Tea: more\n\ny\n\n## Teapot\n\nz\n"
    assert without_chapter(page, "Tea") == "# Plan\n\n## Teapot\n\nz\n"
    assert without_chapter(page, "Teapot") == page.partition("## Teapot")[0]


def test_a_row_goes_for_its_first_cell_alone() -> None:
    page = "| Tea order | 1 |\n| Teapot | 2 |\n| Cup | Tea |\n"
    assert without_rows(page, "Tea") == "| Teapot | 2 |\n| Cup | Tea |\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[a](a), [b](b), [c](c).", "[a](a), [c](c)."),
        ("[a](a),\n[b](b), [c](c)", "[a](a),\n[c](c)"),
        ("[a](a), [b](b).", "[a](a)."),
        ("[a](a) and [b](b)", "[a](a) and [b](b)"),
    ],
)
def test_an_item_goes_with_its_comma(text: str, left: str) -> None:
    assert without_item(text, "[b](b)") == left


def test_a_sentence_keeps_the_words_of_a_link_that_leads_nowhere_any_more() -> None:
    words = {"name": "tea", "Title": "Tea", "address": "TeaAddress"}
    text = "It [repeats\nnothing](../docs/connect-tea.md#never), as [others](connect-teapot.md) do."
    assert untold(text, words) == "It repeats\nnothing, as [others](connect-teapot.md) do."
