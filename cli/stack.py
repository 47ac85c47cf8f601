"""Reach one stack: the local one of `make run`, or one deployed to AWS. The only module here that calls AWS."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bridge.ledger import Ledger
from bridge.parameters import Parameters
from bridge.secrets import Secrets
from cli.errors import CommandFailed

ROOT = Path(__file__).parent.parent
DESCRIPTION = Path(".local/stack.json")
RUN_FIRST = "no local stack is running: start one with `make run`, or name a deployed one with --stack"
RETRY_SECONDS = 75
"""The retry function ends within 60."""

Clients: TypeAlias = Callable[[str], Any]
Filter: TypeAlias = Mapping[str, Sequence[str]]
Retry: TypeAlias = Callable[[Filter, bool], dict[str, Any]]


class Stack:
    """One stack. `door` is the address before `/{source}/{connection}`; `clients` makes a boto3 client by its name.

    `retry(filter, dry_run)` runs one round of the retry function and returns its report; raises CommandFailed.
    `variables` are the functions' own, of a local stack; None where AWS would have to be asked.
    """

    def __init__(
        self,
        name: str,
        door: str,
        table: str,
        clients: Clients,
        retry: Retry,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.door = door.rstrip("/")
        self.table = table
        self.clients = clients
        self.retry = retry
        self.variables = variables

    @cached_property
    def secrets(self) -> Secrets:
        return Secrets(self.name, self.clients("secretsmanager"))

    @cached_property
    def parameters(self) -> Parameters:
        return Parameters(self.name, self.clients("ssm"))

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.table, self.clients("dynamodb"))

    def address(self, source: str, connection: str) -> str:
        """What a tool posts to."""
        return f"{self.door}/{source}/{connection}"

    def secret_names(self) -> list[tuple[str, str]]:
        """The stack's secrets as `(source, connection)` or `("batch", project)`, sorted. Raises CommandFailed."""
        prefix = f"{self.name}/"
        with aws_told():
            pages = self.secrets.client.get_paginator("list_secrets").paginate(
                Filters=[{"Key": "name", "Values": [prefix]}]
            )
            names = [secret["Name"] for page in pages for secret in page["SecretList"]]
        parts = [name.removeprefix(prefix).split("/") for name in names if name.startswith(prefix)]
        return sorted((part[0], part[1]) for part in parts if len(part) == 2)

    def signing_secrets(self, source: str, connection: str) -> list[str]:
        """The secrets of a connection, newest first; none where nothing is stored yet. Raises Unavailable."""
        stored = (self.secrets.load(f"{self.name}/{source}/{connection}") or {}).get("signing_secrets")
        texts = stored if isinstance(stored, list) else []
        return [text.strip() for text in texts if isinstance(text, str) and text.strip()]


def open_stack(name: str | None) -> Stack:
    """The deployed stack of this name, or the local one. Raises CommandFailed."""
    return local_stack(Path.cwd()) if name is None else deployed_stack(name, boto3.Session)


# ── On this machine ─────────────────────────────────────────────────────────────────────────────────────────


def local_stack(folder: Path) -> Stack:
    """The local stack that was started in this folder, in one above it, or in the project. Raises CommandFailed."""
    described = description(folder)
    session = boto3.Session(
        aws_access_key_id=described["environment"]["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=described["environment"]["AWS_SECRET_ACCESS_KEY"],
        region_name=described["region"],
    )
    url = str(described["url"])
    return Stack(
        name=described["stack"],
        door=url,
        table=described["variables"]["TABLE_NAME"],
        clients=lambda service: session.client(service, endpoint_url=described["endpoint"]),
        retry=lambda wanted, dry_run: retry_locally(url, wanted, dry_run=dry_run),
        variables=described["variables"],
    )


def description(folder: Path) -> dict[str, Any]:
    """What a running local stack says of itself. Raises CommandFailed where none runs."""
    for place in dict.fromkeys((folder, *folder.parents, ROOT)):
        try:
            described: dict[str, Any] = json.loads((place / DESCRIPTION).read_text(encoding="utf-8"))
            address = urlsplit(described["url"])
            socket.create_connection((str(address.hostname), address.port or 80), timeout=2).close()
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return described
    raise CommandFailed(RUN_FIRST)


def retry_locally(url: str, wanted: Filter, *, dry_run: bool) -> dict[str, Any]:
    """The local stack's route takes one value a field, so several values are several rounds, told as one."""
    names = {"classes": "class", "sources": "source", "ids": "id"}
    choices = itertools.product(*(wanted.get(name) or [""] for name in names))
    reports = [
        post_retry(url, {**dict(zip(names.values(), chosen, strict=True)), "dry_run": dry_run})
        for chosen in choices
    ]
    return {
        "retried": sum(report["retried"] for report in reports),
        "left": reports[-1]["left"],
        "more": any(report["more"] for report in reports),
        "webhooks": [webhook for report in reports for webhook in report["webhooks"]],
    }


def post_retry(url: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    try:
        with httpx.Client(trust_env=False, timeout=RETRY_SECONDS) as client:
            answer = client.post(f"{url}/_local/retry", json=dict(asked))
        report: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError):
        raise CommandFailed("the local stack does not answer; see its logs in .local/logs") from None
    if not answer.is_success:
        raise CommandFailed(f"the retry function failed: {report.get('error', answer.status_code)}")
    return report


# ── In AWS ──────────────────────────────────────────────────────────────────────────────────────────────────


def deployed_stack(name: str, make_session: Callable[[], Any]) -> Stack:
    """A stack in the AWS account and region that the environment names. Raises CommandFailed."""
    with aws_told():
        session = make_session()
        outputs = stack_outputs(session, name)

    def clients(service: str) -> Any:
        with aws_told():
            return session.client(service)

    try:
        function = outputs["Retry"]
        return Stack(
            name,
            outputs["Door"],
            outputs["Ledger"],
            clients,
            lambda wanted, dry_run: invoke_retry(lambda_client(session), function, wanted, dry_run=dry_run),
        )
    except KeyError as error:
        raise CommandFailed(
            f"stack {name} has no output {error}: is it batch-bridge, and up to date?"
        ) from None


def stack_outputs(session: Any, name: str) -> dict[str, str]:
    """The outputs of a CloudFormation stack. Raises what boto3 raises, and CommandFailed where there is no stack."""
    try:
        found = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise CommandFailed(f"no stack {name} in {session.region_name} of this AWS account") from None
    return {output["OutputKey"]: output["OutputValue"] for output in found[0].get("Outputs", [])}


def lambda_client(session: Any) -> Any:
    """Waits as long as the retry function may run, and never runs it twice."""
    patience = Config(read_timeout=RETRY_SECONDS, retries={"total_max_attempts": 1})
    return session.client("lambda", config=patience)


def invoke_retry(client: Any, function: str, wanted: Filter, *, dry_run: bool) -> dict[str, Any]:
    """One round of the deployed retry function. Raises CommandFailed."""
    event = {"filter": {name: list(values) for name, values in wanted.items()}, "dry_run": dry_run}
    with aws_told():
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        report: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise CommandFailed(f"the retry function failed: {report.get('errorType', 'see its log')}")
    return report


@contextlib.contextmanager
def aws_told() -> Iterator[None]:
    """Tell in a line what AWS has against a request. Raises CommandFailed."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise CommandFailed(told(error)) from None


def told(error: BaseException | None) -> str:
    """Why AWS refused, in a line."""
    if isinstance(error, ClientError):
        return (
            f"AWS answered {error.response['Error'].get('Code', 'with an error')} to {error.operation_name}"
        )
    return f"AWS: {str(error).rstrip('.')}"
