"""User ids that a visitor hands over, proven by a signature of the owner's server."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.receiving import claims

SECRET = "identity-secret"
SIGNED = hmac.new(SECRET.encode(), b"form/main:1042", hashlib.sha256).hexdigest()


def proven(
    user_id: str | None, signature: str | None, *, source: str = "form", connection: str = "main"
) -> bool:
    """Whether the receiver's mark proves the id to deliver."""
    return claims.is_proven(user_id, claims.mark(SECRET, source, connection, [(user_id, signature)]))


def test_an_id_is_proven_by_the_hmac_of_connection_and_id() -> None:
    assert claims.signature(SECRET, "form", "main", "1042") == SIGNED
    assert proven("1042", SIGNED)
    assert proven(" 1042 ", f" {SIGNED.upper()}\n")


@pytest.mark.parametrize(
    ("user_id", "signature"),
    [
        ("1043", SIGNED),
        ("1042", SIGNED[:-1]),
        ("1042", ""),
        ("1042", None),
        (None, SIGNED),
        ("", SIGNED),
        ("1042", "é" * 64),
        ("\ud800", SIGNED),
        ("1042", "\ud800"),
        ("1042", hmac.new(b"", b"form/main:1042", hashlib.sha256).hexdigest()),
        ("1042", hmac.new(SECRET.encode(), b"1042", hashlib.sha256).hexdigest()),
    ],
)
def test_anything_else_proves_nothing(user_id: str | None, signature: str | None) -> None:
    assert not proven(user_id, signature)


def test_a_signature_holds_at_its_own_connection_alone() -> None:
    assert not proven("1042", SIGNED, connection="other")
    assert not proven("1042", SIGNED, source="typeform")


def test_the_mark_proves_the_id_that_was_signed_and_no_other() -> None:
    mark = claims.mark(SECRET, "form", "main", [("1042", SIGNED)])
    assert not claims.is_proven("1043", mark)
    assert not claims.is_proven(None, mark)
    assert not claims.is_proven("", {claims.HEADER: ""})
    assert "1042" not in mark[claims.HEADER]


def test_of_several_claims_each_is_proven_for_itself_and_only_the_first_are_looked_at() -> None:
    others = [(str(number), SIGNED) for number in range(claims.MAX_CLAIMS)]
    assert claims.is_proven("1042", claims.mark(SECRET, "form", "main", [("7", "x"), ("1042", SIGNED)]))
    assert claims.mark(SECRET, "form", "main", [*others, ("1042", SIGNED)]) == {}


@given(st.text(), st.text())
def test_no_text_is_proven_by_chance(user_id: str, signature: str) -> None:
    assert not proven(user_id, signature)


# ── The lines that the page has for each language ───────────────────────────────────────────────────────────

PAGE = Path("docs/user-ids.md").read_text(encoding="utf-8")
# language     command that runs a text, and how it shows the signature
RUNTIMES = {
    "python": ([sys.executable, "-c"], "\nprint(signature)"),
    "javascript": (["node", "-e"], "\nconsole.log(signature)"),
    "php": (["php", "-r"], "\necho $signature;"),
}


@pytest.mark.parametrize("language", RUNTIMES)
def test_the_three_lines_of_each_language_make_the_signature(language: str) -> None:
    [lines] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert len([line for line in lines.splitlines() if line]) == 3
    command, shows = RUNTIMES[language]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    ran = subprocess.run(
        [*command, lines + shows],
        env={**os.environ, "IDENTITY_SECRET": SECRET},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == SIGNED
