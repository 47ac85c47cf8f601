"""What a tool that settings describe can never do, and that no preset lets a header decide what nobody signs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.settings import checked
from cli.sample import Sample
from cli.trial import Trial
from functions.sources.registry import settings_model

EXAMPLES = sorted(
    path for path in Path("events/custom").glob("*.json") if not path.name.endswith(".batch.json")
)
PRESETS = sorted(Path("presets").glob("*.json"))


@pytest.mark.parametrize(
    "path",
    [path for path in EXAMPLES if "settings" in json.loads(path.read_text())],
    ids=lambda path: path.stem,
)
def test_no_mapping_of_settings_erases_merges_or_leaves(path: Path) -> None:
    sample = Sample.load(path)
    stored = dict(sample.settings or {})
    trial = Trial(sample, "main", stored, checked(stored, settings_model("custom")))
    request = trial.request(sample.body, sample.content_type)
    change = trial.change(trial.webhook(request, trial.summary(request)))
    assert (change.privacy, change.connection, change.moves) == (None, None, ())


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_no_preset_reads_its_topic_off_a_header(path: Path) -> None:
    stored = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(checked(stored, settings_model("custom")).topic, str | None)
