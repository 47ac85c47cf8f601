"""Deploy with `sam deploy`, once it is sure and shown where: `python -m tools.deploy`, or `make deploy`.

`sam deploy` reads no AWS_REGION, and `--guided` offers us-east-1 where nothing names a region. So the region is found
here, as `bridge` finds it, and handed on; without one nothing is deployed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import CommandFailed
from cli.stack import NO_REGION, REGION_VARIABLES, Place, region_named, session_at, told

ROOT = Path(__file__).parent.parent
SAM = ROOT / ".venv-sam/bin/sam"
CONFIGURATION = ROOT / "samconfig.toml"
DEFAULT_STACK = "batch-bridge"

Sessions = Callable[[Place, Mapping[str, str]], Any]


@dataclass(frozen=True, slots=True)
class Target:
    """Hold where a deployment goes, and with whose credentials."""

    stack: str
    region: str
    account: str
    caller: str
    profile: str | None = None

    def __str__(self) -> str:
        return (
            f"Deploying stack {self.stack}\n  to region {self.region}\n  of AWS account {self.account}\n"
            f"  as {self.caller}"
        )


def find_target(options: argparse.Namespace, environment: Mapping[str, str], sessions: Sessions) -> Target:
    """Find where to deploy: the options first, then the environment, samconfig.toml, and the AWS profile.

    Raises CommandFailed.
    """
    saved = saved_answers(options.config_file)
    profile = options.profile or (None if environment.get("AWS_PROFILE") else saved.get("profile"))
    region = options.region or region_named(environment) or saved.get("region")
    try:
        session = sessions(Place(region, profile), environment)
        caller = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise CommandFailed(told(error)) from None
    stack = options.stack_name or saved.get("stack_name", DEFAULT_STACK)
    return Target(stack, session.region_name, caller["Account"], caller["Arn"], profile)


def saved_answers(path: Path) -> dict[str, str]:
    """Return what `sam deploy --guided` has saved of an earlier deployment, and the project's own defaults."""
    try:
        saved = tomllib.loads(path.read_text(encoding="utf-8")).get("default", {})
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    parts = [saved.get(command, {}).get("parameters", {}) for command in ("global", "deploy")]
    return {name: text for part in parts for name, text in part.items() if isinstance(text, str)}


def sam_command(target: Target, rest: Sequence[str], options: argparse.Namespace) -> list[str]:
    """Return the call of `sam deploy` that means the target, whatever else is asked for."""
    command = [str(SAM), "deploy", "--region", target.region]
    command += ["--profile", target.profile] if target.profile else []
    command += ["--stack-name", options.stack_name] if options.stack_name else []
    command += ["--config-file", str(options.config_file)] if options.config_file != CONFIGURATION else []
    return [*command, *rest]


def read_arguments(arguments: Sequence[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    """Read what decides where; everything else is for `sam deploy`."""
    parser = argparse.ArgumentParser(prog="python -m tools.deploy", description=__doc__, allow_abbrev=False)
    parser.add_argument("--region")
    parser.add_argument("--profile")
    parser.add_argument("--stack-name")
    parser.add_argument("--config-file", type=Path, default=CONFIGURATION)
    return parser.parse_known_args(arguments)


def main() -> None:
    """Show where, then become `sam deploy`."""
    options, rest = read_arguments()
    try:
        target = find_target(options, os.environ, session_at)
    except CommandFailed as failed:
        reason = str(failed).replace(
            NO_REGION, NO_REGION.replace("pass --region", 'DEPLOY_ARGS="--region ..."')
        )
        sys.exit(f"Nothing deployed: {reason}")
    print(target, flush=True)
    environment = {**os.environ, **dict.fromkeys(REGION_VARIABLES, target.region)}
    command = sam_command(target, rest, options)
    os.execve(command[0], command, environment)  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    main()
