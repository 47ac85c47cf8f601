"""`make deploy` and `bridge` go where AWS_REGION says, and say so first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.main import get_command
from typer.testing import CliRunner

from cli.errors import CommandFailed
from cli.main import app
from cli.stack import HERE, REGION_VARIABLES, Place, session_at
from tests.cli.conftest import template
from tools.deploy import find_target, read_arguments, sam_command

ROOT = Path(__file__).parent.parent
CONFIG = "[default]\nregion = eu-south-1\n[profile paris]\nregion = eu-west-3\n[profile nowhere]\n"
KEYS = "aws_access_key_id = test\naws_secret_access_key = test\n"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose AWS profiles are known, and whose environment names no region."""
    names = ("config", "credentials")
    config, credentials = (tmp_path / name for name in names)
    config.write_text(CONFIG)
    credentials.write_text("".join(f"[{name}]\n{KEYS}" for name in ("default", "paris", "nowhere")))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    for name in (*REGION_VARIABLES, "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return config


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


# what the options say          what the environment says                                          the region
REGIONS: list[tuple[Place, dict[str, str], str]] = [
    (HERE, {}, "eu-south-1"),
    (HERE, {"AWS_REGION": "eu-north-1"}, "eu-north-1"),
    (HERE, {"AWS_DEFAULT_REGION": "eu-central-1"}, "eu-central-1"),
    (HERE, {"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-north-1"),
    (HERE, {"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-central-1"}, "eu-central-1"),
    (Place("eu-west-1"), {"AWS_REGION": "eu-north-1"}, "eu-west-1"),
    (Place(profile="paris"), {}, "eu-west-3"),
    (Place(profile="paris"), {"AWS_REGION": "eu-north-1"}, "eu-north-1"),
    (Place("eu-west-1", "paris"), {}, "eu-west-1"),
]


@pytest.mark.parametrize(("place", "environment", "region"), REGIONS)
def test_the_region_is_that_of_the_option_the_environment_or_the_profile(
    config: Path, place: Place, environment: dict[str, str], region: str
) -> None:
    assert session_at(place, environment).region_name == region


@pytest.mark.parametrize(("place", "environment", "region"), REGIONS)
def test_make_deploy_goes_to_the_same_region_and_tells_sam(
    config: Path, aws: None, tmp_path: Path, place: Place, environment: dict[str, str], region: str
) -> None:
    given = ["--config-file", str(tmp_path / "none.toml"), "--guided"]
    given += ["--region", place.region] if place.region else []
    given += ["--profile", place.profile] if place.profile else []
    options, rest = read_arguments(given)
    target = find_target(options, environment, session_at)
    command = sam_command(target, rest, options)
    assert (target.region, target.account) == (region, "123456789012")
    assert command[command.index("--region") + 1] == region
    assert "--guided" in command
    assert all(word in str(target) for word in (region, "123456789012", "batch-bridge"))


@pytest.mark.parametrize(
    ("environment", "region"), [({}, "eu-west-2"), ({"AWS_REGION": "eu-north-1"}, "eu-north-1")]
)
def test_what_an_earlier_deployment_saved_is_known(
    config: Path, aws: None, tmp_path: Path, environment: dict[str, str], region: str
) -> None:
    saved = tmp_path / "samconfig.toml"
    saved.write_text(
        '[default.global.parameters]\nstack_name = "mine"\n'
        '[default.deploy.parameters]\nregion = "eu-west-2"\nprofile = "paris"\n'
    )
    options, _ = read_arguments(["--config-file", str(saved)])
    target = find_target(options, environment, session_at)
    assert (target.stack, target.region, target.profile) == ("mine", region, "paris")


def test_without_a_region_nothing_is_opened(config: Path) -> None:
    with pytest.raises(CommandFailed, match="no region: pass --region, set AWS_REGION"):
        session_at(Place(profile="nowhere"), {})


def test_without_a_region_nothing_is_deployed(config: Path) -> None:
    command = [sys.executable, "-m", "tools.deploy", "--profile", "nowhere"]
    ran = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert 'Nothing deployed: no region: DEPLOY_ARGS="--region ..."' in ran.stderr


def test_make_deploy_is_what_says_where() -> None:
    ran = subprocess.run(
        ["make", "--dry-run", "deploy"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "-m tools.deploy" in ran.stdout
    assert "sam deploy" not in ran.stdout


# ── bridge ──────────────────────────────────────────────────────────────────────────────────────────────────


def options_of(command: Any) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def commands() -> Mapping[str, Any]:
    found: Mapping[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("command", sorted(commands()))
def test_whatever_takes_a_stack_takes_its_region_and_profile(command: str) -> None:
    options = options_of(commands()[command])
    assert ("--stack" in options) == ("--region" in options) == ("--profile" in options)


@pytest.fixture
def deployed(config: Path, aws: None) -> str:
    """A stack in eu-west-3 alone."""
    boto3.client("cloudformation", region_name="eu-west-3").create_stack(
        StackName="there", TemplateBody=template()
    )
    return "there"


def ran(*arguments: str, typed: str = "", environment: Mapping[str, str] | None = None) -> Any:
    return CliRunner().invoke(app, [*arguments], input=typed, env=dict(environment or {}))


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        (["--region", "eu-west-3"], {}),
        (["--profile", "paris"], {}),
        ([], {"AWS_REGION": "eu-west-3"}),
        ([], {"AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "us-east-1"}),
        ([], {"AWS_PROFILE": "paris"}),
    ],
)
def test_bridge_finds_the_stack_where_it_is_told_to_look(
    deployed: str, options: list[str], environment: dict[str, str]
) -> None:
    result = ran("connections", "--stack", deployed, *options, environment=environment)
    assert (result.exit_code, result.stderr) == (0, "")


def test_bridge_says_where_it_looked(deployed: str) -> None:
    result = ran("connections", "--stack", deployed, "--region", "eu-central-1")
    assert result.stderr == "bridge: no stack there in eu-central-1 of this AWS account\n"


def test_connecting_says_region_and_account_before_it_stores(deployed: str) -> None:
    command = ("connect", "shopify", "--stack", deployed, "--region", "eu-west-3")
    secrets = boto3.client("secretsmanager", region_name="eu-west-3")

    stopped = ran(*command)  # no secret is typed: asked for it, the person leaves

    assert "Stack there in region eu-west-3 of AWS account 123456789012\n" in stopped.stderr
    assert stopped.exit_code != 0
    assert not secrets.list_secrets()["SecretList"]
    stored = ran(*command, "--secret-stdin", typed="shpss_secret\n")
    assert stored.stderr.startswith("Stack there in region eu-west-3 of AWS account 123456789012\n")
    assert [one["Name"] for one in secrets.list_secrets()["SecretList"]] == ["there/shopify/main"]


def test_a_region_without_a_stack_is_wrong_usage(config: Path) -> None:
    result = ran("connections", "--region", "eu-west-3")
    assert (result.exit_code, "name it with --stack" in result.stderr) == (2, True)
