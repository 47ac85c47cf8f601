"""Every source says what people need to know about it, in its own folder."""

from __future__ import annotations

import pytest

from functions.sources.manifest import FOLDER, manifest, path_of
from functions.sources.registry import SOURCE_PACKAGES

FILES = {path_of(source): source for source in SOURCE_PACKAGES}


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_a_source_has_a_name_and_a_place_to_paste_its_address(source: str) -> None:
    known = manifest(source)
    assert known.name
    assert known.where_to_paste.endswith((".", '".'))
    assert "  " not in known.where_to_paste
    assert "\n" not in known.where_to_paste


def test_a_manifest_belongs_to_a_source() -> None:
    found = {*FOLDER.glob("*/manifest.toml"), *FOLDER.glob("forms/vendors/*.toml")}
    assert found == set(FILES), f"no source of functions/sources/registry.py has {found ^ set(FILES)}"


@pytest.mark.parametrize(
    ("source", "key", "fits"),
    [
        ("stripe", "rk_live_1", True),
        ("stripe", "sk_live_1", False),
        ("shopify", "shpat_1", True),
        ("shopify", "id:secret", True),
        ("shopify", "id secret", False),
    ],
)
def test_an_api_key_is_known_by_its_form(source: str, key: str, fits: bool) -> None:
    expected = manifest(source).api_key
    assert expected is not None
    assert bool(expected.pattern.fullmatch(key)) is fits


def test_a_source_that_there_is_not_has_no_manifest() -> None:
    with pytest.raises(KeyError):
        manifest("acme")
