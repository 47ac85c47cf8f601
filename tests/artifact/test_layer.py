"""The built layer holds what the functions import, and nothing that the Lambda runtime brings itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.process import ROOT

if TYPE_CHECKING:
    from tests.conftest import Artifact

pytestmark = pytest.mark.artifact

OF_THE_RUNTIME = {"boto3", "botocore", "s3transfer", "dateutil", "six.py", "urllib3"}
TO_DEPLOY = ROOT / ".aws-sam/build"
MOST_MEGABYTES = 30

IMPORT_EVERYTHING = """
import importlib, pathlib, sys
layer = pathlib.Path(sys.argv[1])
for root in (layer / "bridge", pathlib.Path("functions")):
    for path in root.rglob("*.py"):
        parts = path.relative_to(root.parent).with_suffix("").parts
        importlib.import_module(".".join(part for part in parts if part != "__init__"))
for name in sys.argv[2:]:
    assert layer not in pathlib.Path(sys.modules[name].__file__).parents, name
"""


@pytest.fixture(params=["to run here", "to deploy"])
def layer(request: pytest.FixtureRequest, artifact: Artifact) -> Path:
    """The layer with this machine's wheels, and the one with Lambda's."""
    build = artifact.build if request.param == "to run here" else TO_DEPLOY
    if not build.exists():
        pytest.skip("no artifact to deploy: `make artifact` makes it, on Linux with Python 3.13")
    return build / "CoreLayer/python"


def test_the_layer_leaves_out_what_the_runtime_brings(layer: Path) -> None:
    assert OF_THE_RUNTIME & {path.name for path in layer.iterdir()} == set()


def test_the_layer_is_small(layer: Path) -> None:
    size = sum(path.stat().st_size for path in layer.rglob("*") if path.is_file())
    assert size < MOST_MEGABYTES * 1_000_000, (
        f"{size / 1_000_000:.1f} MB: each is paid for at every cold start"
    )


def test_every_module_of_the_layer_has_its_byte_code(layer: Path) -> None:
    missing = [
        path.relative_to(layer)
        for path in layer.rglob("*.py")
        if not (path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc").exists()
    ]
    assert missing == []


def test_what_is_deployed_is_made_for_lambdas_processor() -> None:
    if not TO_DEPLOY.exists():
        pytest.skip("no artifact to deploy: `make artifact` makes it, on Linux with Python 3.13")
    extensions = [path.name for path in (TO_DEPLOY / "CoreLayer/python").rglob("*.so")]
    assert extensions
    assert [name for name in extensions if not name.endswith("cpython-313-aarch64-linux-gnu.so")] == []


def test_every_module_of_bridge_and_functions_can_be_imported(artifact: Artifact) -> None:
    layer = artifact.build / "CoreLayer/python"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    run = subprocess.run(
        [artifact.python, "-W", "error", "-c", IMPORT_EVERYTHING, layer, "boto3", "botocore", "urllib3"],
        cwd=artifact.build / "DeliverFunction",
        env=environment | {"PYTHONPATH": str(layer), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
