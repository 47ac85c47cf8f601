"""Ask, when a tool is connected, what its visitors may say: once, for what no setting answers yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.settings import checked
from cli.stack import Stack
from functions.sources.registry import VISITED, settings_model


@dataclass(frozen=True, slots=True)
class Question:
    """A setting that is asked; the first of its `choices` is the safe one."""

    setting: str
    text: str
    choices: tuple[str, ...]


USER_ID = Question(
    "visitor_user_id",
    "May a user_id that visitors can change identify the profile? signed: only if your server signed it",
    ("signed", "ignore", "trust"),
)
SESSIONS = Question(
    "stripe_sessions",
    "Who creates checkout sessions? server: only your server; public: also payment links or pricing tables",
    ("public", "server"),
)

# source   what is asked of it beside what is asked of all; the file of a custom connection's settings answers
FURTHER: Mapping[str, tuple[Question, ...]] = {"stripe": (SESSIONS,)}


def questions(stack: Stack, source: str, connection: str) -> list[Question]:
    """Return what no stored setting answers. Raises Unavailable."""
    if source not in VISITED or source == "custom":
        return []
    stored = stack.parameters.load(f"/{stack.name}/{source}/{connection}") or {}
    return [one for one in (USER_ID, *FURTHER.get(source, ())) if one.setting not in stored]


def store_answers(stack: Stack, source: str, connection: str, answers: Mapping[str, str]) -> dict[str, Any]:
    """Add answers to the stored settings, and return these. Raises InvalidSettings, Unavailable."""
    settings = {**(stack.parameters.load(f"/{stack.name}/{source}/{connection}") or {}), **answers}
    checked(settings, settings_model(source))
    stack.parameters.write(source, connection, settings)
    return settings
