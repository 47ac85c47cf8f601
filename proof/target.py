"""Say where a proof runs: a stack whose Batch is a sandbox. Refuses any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from bridge.errors import BridgeError
from cli.connect import MAIN
from cli.errors import CommandFailed
from cli.stack import Stack, aws_told
from functions.sources.registry import SETTINGS
from local.connections import settings as local_settings
from proof.lives import LIVES
from proof.sender import Endpoints

BATCH = "batch.com"
DELIVER = "DeliverFunction"
QUEUES = ("QUEUE_URL", "WAITING_QUEUE_URL")
COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
NO_SANDBOX = "this stack's BATCH_API_URL leads to no Batch sandbox, and a proof sends people who do not exist"


@dataclass(frozen=True, slots=True)
class Target:
    """A stack and its sandbox. `queue_urls` are those in which webhooks wait."""

    stack: Stack
    sandbox_url: str
    queue_urls: tuple[str, ...]
    endpoint: Endpoints
    left_out: tuple[str, ...]

    def waiting(self) -> int:
        """Return how many webhooks are in the queues. Raises CommandFailed."""
        return sum(self.messages(url) for url in self.queue_urls)

    def messages(self, url: str) -> int:
        with aws_told():
            counts = self.stack.clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS))
        return sum(int(counts["Attributes"][name]) for name in COUNTS)


def ground(stack: Stack) -> Target:
    """Return what a proof needs to know of a stack. Raises CommandFailed where its Batch is not a sandbox."""
    variables = variables_of(stack)
    sandbox_url = sandbox_of(variables.get("BATCH_API_URL", ""))
    check_sandbox(sandbox_url)
    sources = [source for source in LIVES if is_ready(stack, source)]
    if not sources:
        raise CommandFailed("no connection `main` has a secret: `bridge connect` stores one")
    return Target(
        stack=stack,
        sandbox_url=sandbox_url,
        queue_urls=tuple(variables[name] for name in QUEUES if name in variables),
        endpoint=Endpoints(
            {source: stack.address(source, MAIN) for source in sources},
            {source: stack.signing_secrets(source, MAIN)[0] for source in sources},
        ),
        left_out=tuple(source for source in LIVES if source not in sources),
    )


def variables_of(stack: Stack) -> Mapping[str, str]:
    """Return what the deliver function of a stack sees of its environment. Raises CommandFailed."""
    if stack.variables is not None:
        return stack.variables
    with aws_told():
        resource = stack.clients("cloudformation").describe_stack_resource(
            StackName=stack.name, LogicalResourceId=DELIVER
        )
        name = resource["StackResourceDetail"]["PhysicalResourceId"]
        function: dict[str, Any] = stack.clients("lambda").get_function_configuration(FunctionName=name)
    variables: dict[str, str] = function.get("Environment", {}).get("Variables", {})
    return variables


def sandbox_of(batch_api_url: str) -> str:
    """Return the root of the sandbox at which calls arrive. Raises CommandFailed for Batch itself."""
    parts = urlsplit(batch_api_url)
    host = (parts.hostname or "").rstrip(".").lower()
    if not host or host == BATCH or host.endswith(f".{BATCH}"):
        raise CommandFailed(NO_SANDBOX)
    return f"{parts.scheme}://{parts.netloc}"


def check_sandbox(url: str, transport: httpx.BaseTransport | None = None) -> None:
    """Raises CommandFailed where nobody says at the address that it is a sandbox."""
    try:
        with httpx.Client(trust_env=False, timeout=10, transport=transport) as client:
            routes = client.get(f"{url}/sandbox").json()["routes"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        raise CommandFailed(NO_SANDBOX) from None
    if "GET /sandbox/profiles/{custom_id}?project=" not in routes:
        raise CommandFailed(NO_SANDBOX)


def is_ready(stack: Stack, source: str) -> bool:
    """Return whether `main` of a source has a secret and, where these say what it means, the settings of the local
    stack."""
    try:
        if not stack.signing_secrets(source, MAIN):
            return False
        return source not in SETTINGS or stack.parameters.read(source, MAIN) == local_settings(source)
    except BridgeError:
        return False


def functions_of(client: httpx.Client, stack_url: str) -> Sequence[Mapping[str, Any]]:
    """Return the functions of a local stack, with what they have done; none where the stack is not local."""
    try:
        answer = client.get(f"{stack_url}/_local/functions")
        found: list[dict[str, Any]] = answer.json() if answer.is_success else []
    except (httpx.HTTPError, ValueError):
        return []
    return found
