"""X-Ray hears of a call to Batch, not of its address, keys or person; Batch and Stripe hear of no trace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
TRACE = "Root=1-66a1b2c3-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1"
LAMBDA = {
    "LAMBDA_TASK_ROOT": str(ROOT),
    "AWS_LAMBDA_FUNCTION_NAME": "bridge-test-deliver",
    "_X_AMZN_TRACE_ID": TRACE,
    "POWERTOOLS_TRACE_DISABLED": "false",
    "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers/core")]),
}


@pytest.fixture(scope="module")
def probe() -> dict[str, Any]:
    """What was recorded of four calls, in a process of its own: patches are for a whole process."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.deliver.xray_probe"],
        cwd=ROOT,
        env={**os.environ, **LAMBDA},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def test_a_call_of_batch_is_a_subsegment_with_the_host_alone(probe: dict[str, Any]) -> None:
    assert [entity["name"] for entity in probe["entities"]] == ["api.batch.com"] * 3
    assert not [entity for entity in probe["entities"] if "http" in entity]


@pytest.mark.parametrize("told", ["app-key-1", "rest-key-1", "project-key-1", "gdpr", "ada", "https://"])
def test_x_ray_hears_no_address_no_key_and_no_person(probe: dict[str, Any], told: str) -> None:
    assert told not in json.dumps(probe["entities"])


def test_no_trace_header_leaves_for_batch_or_stripe(probe: dict[str, Any]) -> None:
    assert len(probe["headers"]) == 4
    for headers in probe["headers"]:
        assert not [name for name in headers if "trace" in name or "amzn" in name]
