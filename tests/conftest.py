"""What every test may ask for, and the rule that CI skips nothing."""

import gc
import os
import platform
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import hypothesis
import pytest

from bridge.observability import logger

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT.parent / "shared" / "samples"

# What the functions find in Lambda; set before a handler is imported, as it makes its clients then.
os.environ |= {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "STACK_NAME": "bridge-test",
    "QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/bridge-test-webhooks.fifo",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/bridge-test-dead-letters.fifo",
    "WAITING_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/bridge-test-waiting",
    "LEFT_BEHIND_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/bridge-test-left-behind",
    "BODIES_BUCKET": "bridge-test-bodies",
    "TABLE_NAME": "bridge-test-ledger",
    "BATCH_API_URL": "https://api.batch.com/2.11",
    "API_URL": "https://hooks.example.com",
    "PROVIDER_URL": "",
    "DELIVER_CONCURRENCY": "5",
    "SENDERS": "bridge-test-shopify=shopify bridge-test-forms=form,typeform bridge-test-watch=bridge",
    "POWERTOOLS_SERVICE_NAME": "batch-bridge",
    "POWERTOOLS_TRACE_DISABLED": "true",
}
# A fresh clone makes its table of characters within the first test: no test is slow for that, nor on a busy machine.
# The same code finds the same each time; `make fuzz` is what searches further.
hypothesis.settings.register_profile(
    "bridge",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("bridge")

# The models of botocore and moto are millions of objects that live as long as the tests: looking through them again and
# again for garbage took a seventh of the time, and a second at once from a test that measured time.
gc.set_threshold(50_000, 50, 50)

EMULATORS = ("moto", "ministack")
EMULATED = ROOT / "tests/emulated"
NOTHING_IS_SKIPPED = os.environ.get("BRIDGE_NO_SKIP") == "1"
MAY_BE_SKIPPED = "Skipped: samples folder missing"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Artifact:
    """What `sam build` made for this machine's processor, and what runs it as Lambda would."""

    build: Path  # one folder per function and per layer, named by logical id
    python: Path  # Python 3.13 with awslambdaric and boto3
    emulator: Path  # AWS's Runtime Interface Emulator


@pytest.fixture(scope="session")
def artifact() -> Artifact:
    processor = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    emulators = ROOT.glob(
        f".venv-sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-{processor}"
    )
    found = Artifact(
        build=ROOT / ".aws-sam/here/.aws-sam/build",
        python=ROOT / ".venv-lambda/bin/python",
        emulator=next(emulators, ROOT / ".venv-sam/aws-lambda-rie"),
    )
    missing = [path for path in (found.build, found.python, found.emulator) if not path.exists()]
    if missing:
        names = ", ".join(str(path.relative_to(ROOT)) for path in missing)
        pytest.skip(
            f"no built artifact to run ({names} missing): `make artifact` makes it, on Linux with Python 3.13"
        )
    return found


@pytest.fixture
def log() -> Generator[StringIO, None, None]:
    """What the functions log, as CloudWatch would have it."""
    stream = StringIO()
    before = logger.registered_handler.setStream(stream)
    yield stream
    logger.registered_handler.setStream(before)


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real webhook bodies of others, beside the project."""
    if not SAMPLES.is_dir():
        pytest.skip("samples folder missing: ../shared/samples is not beside the project")
    return SAMPLES


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome. As root it starts only with `--no-sandbox`."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on the PATH: install one, or run `make test` as root where apt-get is")
    return found


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if report.skipped and not hasattr(report, "wasxfail") and not reason.startswith(MAY_BE_SKIPPED):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, and BRIDGE_NO_SKIP is set: {reason}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which emulator of AWS the tests of ledger and queue run against; `make emulated` chooses the second."""
    parser.addoption("--emulator", choices=EMULATORS, default=EMULATORS[0])


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what needs the second emulator, which lives in an environment of its own."""
    is_other = collection_path == EMULATED and config.getoption("--emulator") != "ministack"
    return True if is_other else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on the second emulator."""
    for item in items:
        if EMULATED in item.path.parents:
            item.add_marker("emulated")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if NOTHING_IS_SKIPPED:
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if NOTHING_IS_SKIPPED:
        _refuse_skip(report)
    return report
