"""What came from outside never makes a terminal do anything: it is shown, not obeyed."""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.storage.ledger import Receipt
from cli import show
from cli.printable import printable
from tests.cli.conftest import STACK, Bridge

CLI = Path(__file__).parents[2] / "cli"
DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE = [
    "\x1b[2J",  # clears the screen
    "\x1b]0;title\x07",  # OSC: renames the window
    "\x1b]8;;https://evil.example\x1b\\\\link\x1b]8;;\x1b\\\\",  # OSC 8: a link to elsewhere
    "\x1b]52;c;ZXZpbA==\x07",  # OSC 52: writes the clipboard
    "\x9b31m",  # CSI as one character of C1
    "\x90evil\x9c",  # DCS
    "overwritten\r",
    "rubbed out\b\b\b",
    "one\ntwo",
    "\u202egpj.exe",
    "\u2066mixed\u2069",
    "\u061c",
    "\u2028",
    "\x7f",
    "\ud800",
]
OUTSIDE = st.text() | st.text(st.sampled_from([*"".join(HOSTILE), *"ab ["])) | st.sampled_from(HOSTILE)


def row(text: str) -> None:
    table = Table(text, box=None, expand=True)
    for content in (text, Text(text), show.cell(text)):
        table.add_row(content)
    show.console().print(table)


# what writes                            what may stand in it
WRITERS: list[tuple[Callable[[str], None], str]] = [
    (show.line, "\n"),
    (show.lines, "\n"),
    (show.error, "\n"),
    (show.progress, "\n"),
    (lambda text: show.document({text: [text]}), "\n"),
    (lambda text: show.grid([("name", text), (text, text)]), "\n"),
    (row, "\n"),
    (lambda text: show.console().print(text), "\n"),
]


def unprintable(output: str) -> set[str]:
    """The characters of an output that a terminal obeys, by the tables of Unicode and not by ours."""
    return {
        character
        for character in output
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in DIRECTIONS
    }


@pytest.mark.parametrize("writer", WRITERS, ids=lambda one: getattr(one[0], "__name__", "writer"))
@given(text=OUTSIDE)
def test_no_writer_lets_a_terminal_obey(writer: tuple[Callable[[str], None], str], text: str) -> None:
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "stderr", output)
        writer[0](text)
    assert unprintable(output.getvalue()) <= set(writer[1])


@given(text=OUTSIDE)
def test_what_is_harmless_stays_as_it_is_and_the_rest_is_shown(text: str) -> None:
    shown = printable(text)
    assert not unprintable(shown)
    assert printable(shown) == shown
    assert (shown == text) == (not unprintable(text))
    assert re.sub(r"[^a ]", "", shown).count("a") >= text.count("a")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_of_one_line_stays_one(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show.line(f"begins {text} ends")
    show.grid([("name", text)])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_marks_are_shown_as_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show.line("\u202egpj.exe \x1b[31mred \u00e9\u05d0\U0001f469\u200d\U0001f4bb")
    assert capsys.readouterr().out == "\\u202egpj.exe \\x1b[31mred \u00e9\u05d0\U0001f469\u200d\U0001f4bb\n"


def test_on_a_terminal_colours_are_all_that_is_sent() -> None:
    output = io.StringIO()
    console = show.SafeConsole(force_terminal=True, file=output, width=200, highlight=False, markup=False)
    for text in HOSTILE:
        console.print(Text(text, "bold red"))
    coloured = re.sub(r"\x1b\[[0-9;]*m", "", output.getvalue())
    assert unprintable(coloured) == {"\n"}
    assert "\x1b[1;31m" in output.getvalue()


def test_what_looks_like_markup_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    row("[link=https://evil.example]:skull:[/]")
    assert capsys.readouterr().out.count("[link=https://evil.example]:skull:[/]") == 4


def test_json_stays_what_it_was() -> None:
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        show.document({"name": "".join(HOSTILE)})
    assert json.loads(output.getvalue()) == {"name": "".join(HOSTILE)}


def test_a_receipt_with_a_hostile_topic_is_shown(bridge: Bridge, remember: Callable[..., Receipt]) -> None:
    hostile = "".join(HOSTILE[:-1])  # DynamoDB takes no half of a character
    remember("hostile", topic=hostile, reason=hostile, events=[hostile])
    result = bridge("receipt", "hostile", "--stack", STACK)
    assert result.exit_code == 0
    assert unprintable(result.stdout) == {"\n"}
    assert "\\x1b]52;c;" in result.stdout


def writers_beside_show() -> list[str]:
    """The places in cli/ that write to the terminal past `show`."""
    found = []
    for path in sorted(CLI.rglob("*.py")):
        if path == CLI / "show.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Name) else ""
            if name in (
                "print",
                "sys.stdout",
                "sys.stderr",
                "typer.echo",
                "typer.secho",
                "click.echo",
                "Console",
            ):
                found.append(f"{path.relative_to(CLI.parent)}:{node.lineno}: {name}: write with cli.show")
    return found


def test_nothing_writes_past_the_one_place() -> None:
    assert writers_beside_show() == []


def test_no_other_console_is_made_there() -> None:
    code = ast.parse((CLI / "show.py").read_text(encoding="utf-8"))
    made = [ast.unparse(call.func) for call in ast.walk(code) if isinstance(call, ast.Call)]
    assert "Console" not in made
    assert issubclass(show.SafeConsole, Console)
