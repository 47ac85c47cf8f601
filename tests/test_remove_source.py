"""A source can be taken out: `make remove-source` leaves nothing that misses it, and refuses what it cannot do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from functions.sources.registry import SOURCE_PACKAGES
from tests.checkout import ROOT, content, copied, passes, run
from tools.new_source import start
from tools.places import TAKEN_OUT, untold
from tools.remove_source import own_files, remove, still_named, words_of
from tools.texts import Refused, without_chapter, without_entries, without_item, without_rows

ALONE = [
    source for source in SOURCE_PACKAGES if list(SOURCE_PACKAGES.values()).count(SOURCE_PACKAGES[source]) == 1
]
EXAMPLES = {"shopify", "stripe", "custom"}
"""Tests of the core, the command line and the local stack are told with these."""
TAKEN = [source for source in ALONE if source not in EXAMPLES]

TESTS = ("test_architecture", "test_docs", "test_tables", "test_template", "sources/test_every_source")
PROMISES = "refuses_an_unsigned or every_topic or belongs_to_another or two_types"
"""Of those that every source makes, some that go through the registry or through all examples."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copied(tmp_path)


def test_without_a_source_everything_else_keeps_its_promises(checkout: Path) -> None:
    start(checkout, "acme")
    for source in (*TAKEN, "acme"):
        done = run(checkout, "-m", "tools.remove_source", source)
        assert done.returncode == 0, done.stderr
        assert own_files(checkout, source) == []
    chosen = f"not test_every_source or {PROMISES}"
    passes(
        checkout,
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        chosen,
        *(f"tests/{one}.py" for one in TESTS),
    )


def test_nothing_else_imports_a_source_or_reads_its_examples(checkout: Path) -> None:
    for source in TAKEN:
        remove(checkout, source)
    use = re.compile(rf"(?:functions[./]|events/|source_module\(\")(?:{'|'.join(TAKEN) or 'acme'})\b")
    found = [
        path
        for path, text in content(checkout).items()
        if path.suffix in (".py", ".yaml", ".toml") and use.search(text.decode())
    ]
    assert not found, "tell these with Shopify or Stripe, or go through functions.sources.registry"


def test_what_still_names_a_source_is_told(checkout: Path) -> None:
    start(checkout, "acme")
    (checkout / "docs/privacy.md").write_text(
        "# Privacy\n\nACME asks for it, acmeist does not.\nNor does he.\n"
    )
    remove(checkout, "acme")
    assert [place for place in still_named(checkout, "acme") if "privacy" in place] == ["docs/privacy.md:3"]


def test_a_source_that_was_started_and_taken_out_leaves_no_trace(checkout: Path) -> None:
    before = content(checkout)
    start(checkout, "acme")
    assert content(checkout) != before
    remove(checkout, "acme")
    assert content(checkout) == before


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "no source ''; there are: "),
        ("acme", "no source 'acme'"),
        ("deliver", "no source 'deliver'"),
        ("typeform", "shares functions.sources.forms with others"),
    ],
)
def test_what_is_no_source_or_shares_a_package_is_refused(name: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        words_of(ROOT, name)


@pytest.mark.parametrize("file", ["template.yaml", "docs/cost.md", "functions/sources/registry.py"])
def test_nothing_is_touched_where_a_landmark_is_gone(checkout: Path, file: str) -> None:
    start(checkout, "acme")
    (checkout / file).write_text("# Nothing\n")
    before = content(checkout)
    with pytest.raises(Refused):
        remove(checkout, "acme")
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


def test_a_row_goes_where_its_first_cell_is_about_the_source_alone() -> None:
    kept = "| Teapot | 2 |\n| Cup | Tea |\n| Cup, Tea, any other | 3 |\n"
    assert without_rows("| Tea order | 1 |\n| `init`, Tea | 1 |\n" + kept, "Tea") == kept


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
