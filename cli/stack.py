"""Reach one stack: the local one of `make run`, or one deployed to AWS. The only module here that calls AWS."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bridge.receiving.connection_list import store_connection
from bridge.storage.connections import Connections
from bridge.storage.ledger import Ledger
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import Secrets
from cli.errors import CommandFailed, WrongUsage

ROOT = Path(__file__).parent.parent
DESCRIPTION = Path(".local/stack.json")
RUN_FIRST = "no local stack is running: start one with `make run`, or name a deployed one with --stack"
# function   seconds that it may take, and a little
NO_REGION = "no region: pass --region, set AWS_REGION, or give the AWS profile one"
PATIENCE_SECONDS = {"Retry": 75, "Gaps": 135, "Deliver": 45}

# the variables that name a region, the first that is set holds; boto3 itself reads the second alone
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")

Clients: TypeAlias = Callable[[str], Any]
Event: TypeAlias = Mapping[str, Any]
Invoke: TypeAlias = Callable[[str, Event], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Hold where a stack is deployed, as the options say; what they leave out, the environment and the profile say."""

    region: str | None = None
    profile: str | None = None


HERE = Place()
"""Where nothing was said: the environment and its profile, or the local stack."""


class Stack:
    """One stack. `endpoint` is the address before `/{source}/{connection}`; `clients` makes a boto3 client by its name.

    `invoke("Retry", event)` is what a function answers to an event; raises CommandFailed. `variables` are those of the
    functions of a local stack; None where AWS would have to be asked. `region` is that of AWS; empty for a local stack.
    """

    def __init__(
        self,
        name: str,
        endpoint: str,
        table: str,
        clients: Clients,
        invoke: Invoke,
        queue_url: str = "",
        variables: Mapping[str, str] | None = None,
        region: str = "",
    ) -> None:
        self.name = name
        self.endpoint = endpoint.rstrip("/")
        self.table = table
        self.clients = clients
        self.invoke = invoke
        self.queue_url = queue_url
        self.variables = variables
        self.region = region

    @cached_property
    def secrets(self) -> Secrets:
        return Secrets(self.name, self.clients("secretsmanager"))

    @cached_property
    def parameters(self) -> Parameters:
        return Parameters(self.name, self.clients("ssm"))

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.table, self.clients("dynamodb"))

    @cached_property
    def connections(self) -> Connections:
        return Connections(self.table, self.clients("dynamodb"))

    @cached_property
    def caller(self) -> str:
        """Return who asks, for the log: the role or user of AWS, else `unknown`."""
        try:
            return str(self.clients("sts").get_caller_identity()["Arn"])
        except (ClientError, BotoCoreError):
            return "unknown"

    @cached_property
    def account(self) -> str:
        """Return the number of the AWS account. Raises CommandFailed."""
        with aws_told():
            return str(self.clients("sts").get_caller_identity()["Account"])

    @cached_property
    def queue(self) -> WebhookQueue:
        """Return the queue of webhooks, to put a request on."""
        return WebhookQueue(self.queue_url, client=self.clients("sqs"))

    def address(self, source: str, connection: str) -> str:
        """Return what a tool posts to."""
        return f"{self.endpoint}/{source}/{connection}"

    def secret_names(self) -> list[tuple[str, str]]:
        """Return the stack's secrets as `(source, connection)` or `("batch", project)`, sorted. Raises CommandFailed.

        Without those that hold API keys, which have three names.
        """
        prefix = f"{self.name}/"
        with aws_told():
            pages = self.secrets.client.get_paginator("list_secrets").paginate(
                Filters=[{"Key": "name", "Values": [prefix]}]
            )
            names = [secret["Name"] for page in pages for secret in page["SecretList"]]
        parts = [name.removeprefix(prefix).split("/") for name in names if name.startswith(prefix)]
        return sorted((part[0], part[1]) for part in parts if len(part) == 2)

    def store_connection(self, source: str, connection: str, stored: Mapping[str, Any]) -> None:
        """Store what proves a connection's webhooks, new or not. Raises Unavailable."""
        store_connection(self.secrets, self.parameters, source, connection, stored)

    def signing_secrets(self, source: str, connection: str) -> list[str]:
        """Return the secrets of a connection, newest first; none where nothing is stored yet. Raises Unavailable."""
        stored = (self.secrets.load(f"{self.name}/{source}/{connection}") or {}).get("signing_secrets")
        texts = stored if isinstance(stored, list) else []
        return [text.strip() for text in texts if isinstance(text, str) and text.strip()]


def open_stack(name: str | None, place: Place = HERE) -> Stack:
    """Open the deployed stack of this name, or the local one. Raises CommandFailed."""
    if name is not None:
        return deployed_stack(name, lambda: session_at(place, os.environ))
    if place != HERE:
        raise WrongUsage("--region and --profile need a deployed stack: name it with --stack")
    return local_stack(Path.cwd())


# ── On this machine ─────────────────────────────────────────────────────────────────────────────────────────


def local_stack(folder: Path) -> Stack:
    """Return the local stack that was started in this folder, in one above it, or in the project. Raises
    CommandFailed."""
    described = description(folder)
    session = boto3.Session(
        aws_access_key_id=described["environment"]["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=described["environment"]["AWS_SECRET_ACCESS_KEY"],
        region_name=described["region"],
    )
    url = str(described["url"])
    return Stack(
        name=described["stack"],
        endpoint=url,
        table=described["variables"]["TABLE_NAME"],
        clients=lambda service: session.client(service, endpoint_url=described["endpoint"]),
        invoke=lambda function, event: invoke_locally(url, function, event),
        queue_url=described["variables"]["QUEUE_URL"],
        variables=described["variables"],
    )


def description(folder: Path) -> dict[str, Any]:
    """Return what a running local stack says of itself. Raises CommandFailed where none runs."""
    for place in dict.fromkeys((folder, *folder.parents, ROOT)):
        try:
            described: dict[str, Any] = json.loads((place / DESCRIPTION).read_text(encoding="utf-8"))
            address = urlsplit(described["url"])
            socket.create_connection((str(address.hostname), address.port or 80), timeout=2).close()
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return described
    raise CommandFailed(RUN_FIRST)


def invoke_locally(url: str, function: str, event: Event) -> dict[str, Any]:
    """Return what a function of the local stack answers. Raises CommandFailed."""
    try:
        with httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS[function]) as client:
            answer = client.post(f"{url}/_local/functions/{function}Function/invoke", json=dict(event))
        found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError):
        raise CommandFailed("the local stack does not answer; see its logs in .local/logs") from None
    if not answer.is_success:
        raise failed(function, found.get("error"))
    return found


def failed(function: str, error: object) -> CommandFailed:
    return CommandFailed(f"the {function.lower()} function failed: {error or 'see its log'}")


# ── In AWS ──────────────────────────────────────────────────────────────────────────────────────────────────


def session_at(place: Place, environment: Mapping[str, str]) -> Any:
    """Open a session of AWS: the region is that of the option, of the environment, or else of the profile.

    Raises CommandFailed where nothing names a region, and what boto3 raises.
    """
    session = boto3.Session(profile_name=place.profile, region_name=place.region or region_named(environment))
    if session.region_name is None:
        raise CommandFailed(NO_REGION)
    return session


def region_named(environment: Mapping[str, str]) -> str | None:
    """Return the region that environment variables name."""
    return next((environment[name] for name in REGION_VARIABLES if environment.get(name)), None)


def deployed_stack(name: str, make_session: Callable[[], Any]) -> Stack:
    """Open a stack in the AWS account and region of a session. Raises CommandFailed."""
    with aws_told():
        session = make_session()
        outputs = stack_outputs(session, name)

    def clients(service: str) -> Any:
        with aws_told():
            return session.client(service)

    try:
        return Stack(
            name,
            outputs["Door"],
            outputs["Ledger"],
            clients,
            invoker(session, name, outputs),
            outputs["WebhooksQueueUrl"],
            region=session.region_name,
        )
    except KeyError as error:
        raise CommandFailed(
            f"stack {name} has no output {error}: is it batch-bridge, and up to date?"
        ) from None


def invoker(session: Any, name: str, outputs: Mapping[str, str]) -> Invoke:
    """Return what invokes the stack's functions, by the outputs that name them."""

    def invoke(function: str, event: Event) -> dict[str, Any]:
        if function not in outputs:
            raise CommandFailed(
                f"stack {name} has no {function.lower()} function: deploy a newer batch-bridge"
            )
        client = lambda_client(session, PATIENCE_SECONDS[function])
        return invoke_deployed(client, outputs[function], function, event)

    return invoke


def stack_outputs(session: Any, name: str) -> dict[str, str]:
    """Return the outputs of a CloudFormation stack. Raises what boto3 raises, and CommandFailed where there is no
    stack."""
    try:
        found = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise CommandFailed(f"no stack {name} in {session.region_name} of this AWS account") from None
    return {output["OutputKey"]: output["OutputValue"] for output in found[0].get("Outputs", [])}


def lambda_client(session: Any, seconds: int) -> Any:
    """Return a client that waits as long as the function may run, and never runs it twice."""
    patience = Config(read_timeout=seconds, retries={"total_max_attempts": 1})
    return session.client("lambda", config=patience)


def invoke_deployed(client: Any, deployed: str, function: str, event: Event) -> dict[str, Any]:
    """Return what a deployed function answers. Raises CommandFailed."""
    with aws_told():
        answer = client.invoke(FunctionName=deployed, Payload=json.dumps(event).encode())
        found: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise failed(function, found.get("errorType"))
    return found


@contextlib.contextmanager
def aws_told() -> Iterator[None]:
    """Tell in a line what AWS has against a request. Raises CommandFailed."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise CommandFailed(told(error)) from None


def told(error: BaseException | None) -> str:
    """Return why AWS refused, in a line."""
    if isinstance(error, ClientError):
        return (
            f"AWS answered {error.response['Error'].get('Code', 'with an error')} to {error.operation_name}"
        )
    return f"AWS: {str(error).rstrip('.')}"
