"""Statements of an owner, whom most tests have speak: a mapping that does not say speaks for a visitor."""

from __future__ import annotations

from typing import Any

from bridge.profiles.profile_change import AttributeGroup, Person


def owners_person(*stated: Any, **further: Any) -> Person:
    """Return a person of whom an owner tells, unless it is stated otherwise."""
    return Person(*stated, **{"provenance": "owner", **further})


def owners_group(*stated: Any, **further: Any) -> AttributeGroup:
    """Return attributes that an owner states, unless it is stated otherwise."""
    return AttributeGroup(*stated, **{"provenance": "owner", **further})
