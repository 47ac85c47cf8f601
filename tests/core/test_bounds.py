"""Whatever a source names fits a row, and no two names become one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bounds import HASHED, MAX_KEY_PART_BYTES, bounded, cut
from bridge.profiles.versions import ProfileState
from bridge.storage import ledger
from bridge.storage.ledger import Ledger, Receipt, fact_row, link_row, profile_row, receipt_row, tries_row
from tests.core.stand_ins import MAX_ROW_BYTES, Strict, problem_of
from tests.simulated import SimulatedDynamo

NAMES = (
    st.text(st.characters())
    | st.text("aé漢\ud800", min_size=80, max_size=300)
    | st.text("a").map(lambda text: HASHED + text)
)
LONG = ["x" * 420_000, "漢" * 90, "\ud800", HASHED + "0" * 64, "", "\x00", "x" * 256, "x" * 257]


@given(NAMES)
def test_a_name_is_kept_or_hashed_and_always_fits(text: str) -> None:
    kept = bounded(text)
    assert len(kept.encode()) <= MAX_KEY_PART_BYTES
    assert kept == text or kept.startswith(HASHED)


@given(NAMES, NAMES)
def test_no_two_names_become_one(first: str, second: str) -> None:
    assert (bounded(first) == bounded(second)) == (first == second)


@pytest.mark.parametrize("text", ["shopify:customer:1", "x" * 256, "Zoë#1043", "\x00"])
def test_what_real_tools_send_is_kept_as_it_is(text: str) -> None:
    assert bounded(text) == text


@pytest.mark.parametrize("text", ["", "x" * 128, "x" * 129, "漢" * 1000])
def test_what_is_cut_says_so(text: str) -> None:
    assert len(cut(text)) <= 128
    assert cut(text) == text or cut(text).endswith("…")


# ── Every row of the ledger ─────────────────────────────────────────────────────────────────────────────


def receipt(text: str) -> Receipt:
    many = (text,) * 1000
    return Receipt(
        id=text,
        source="shopify",
        connection="main",
        topic=text,
        status="parked",
        received_at="2026-09-10T12:00:00Z",
        finished_at="2026-09-10T12:00:00Z",
        project="default",
        custom_id=text[:512],
        events=many,
        attributes=many,
        references=many,
        warnings=many,
        failure_class="mapping_failed",
        reason=text,
        owed=many,
    )


# what makes a row  of any text
ROWS = {
    "receipt": lambda text: receipt_row(receipt(text)),
    "link": lambda text: link_row("default", text, "ada", learnt_by="shopify/main"),
    "fact": lambda text: fact_row("default", text, "19.90", "ada"),
    "profile": lambda text: profile_row("default", text, ProfileState()),
    "gone": lambda text: ledger.gone_row("default", text, 1.0),
    "emails": lambda text: ledger.emails_row("default", text, frozenset({"0" * 32}), 1.0),
    "tries": lambda text: tries_row(text, ledger.Attempts(1, 1), 1.0),
}


def test_every_maker_of_rows_is_tried() -> None:
    makers = {name.removesuffix("_row") for name in vars(ledger) if name.endswith("_row")}
    assert makers <= set(ROWS), "try the new row with any text: add it to ROWS"


@pytest.mark.parametrize("text", LONG, ids=lambda text: f"{text[:3]!a} {len(text)}")
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_row_is_taken_whatever_a_source_names(row: Any, text: str) -> None:
    assert problem_of(row(text)) == ""
    assert sum(len(str(value)) for value in row(text).values()) < MAX_ROW_BYTES * 0.9


@pytest.mark.parametrize("text", LONG, ids=lambda text: f"{text[:3]!a} {len(text)}")
def test_what_is_hashed_is_found_under_its_own_name(text: str) -> None:
    kept = Ledger("ledger", Strict(SimulatedDynamo()))
    kept.commit([link_row("default", text, "ada"), fact_row("default", text, "19.90", "ada")])
    kept.remember_kinds("default", {text: "string"})
    kept.commit([tries_row(text, ledger.Attempts(3, 1), 1.0), receipt_row(receipt(text))])
    assert kept.links("default", [text, "other"]) == {text: "ada"}
    assert kept.facts("default", [text, "other"]) == {text: "19.90"}
    assert kept.kinds("default", [text, "other"]) == {text: "string"}
    assert kept.tries([text]) == {text: ledger.Attempts(3, 1)}
    assert kept.known([text]).taken_in_part == {text}
