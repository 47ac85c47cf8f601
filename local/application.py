"""Put the local stack together in one process: AWS, the functions, the endpoint, the pollers, the Batch sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sqs.models import sqs_backends

from bridge.storage.connections import Connections
from bridge.storage.ledger import Ledger
from bridge.storage.parameters import Parameters
from bridge.storage.secrets import Secrets
from functions.sources.registry import SOURCE_PACKAGES
from local.aws import Moto
from local.connections import BATCH_KEYS, Connection, connection, seed, seed_settings
from local.endpoint import Endpoint, is_public
from local.environment import CREDENTIALS, aws_variables, function_variables
from local.gateway import Gateway
from local.moto_fifo import SqsFifoQueue
from local.pollers import Poller, keep_schedule
from local.process import ROOT
from local.provider_stub import Provider, create_provider
from local.reload import reload_on_change
from local.runtime import Environment, Function, RuntimeApi
from local.sandbox.app import ProjectKeys, Sandbox, SandboxApp, create_app
from local.serving import address, local_socket, served
from local.template import Deployment, deploy

BATCH_API_VERSION = "2.11"
MOST_PROCESSES = 2
"""Of a function that a queue feeds, unless told otherwise: a laptop has few processors."""
START_SECONDS = 30
IN_HAND_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Options:
    """Hold what may be chosen of a local stack. Port 0 is any free one."""

    port: int = 8080
    batch_port: int = 8081
    directory: Path = ROOT / ".local"
    template: Path = ROOT / "template.yaml"
    stack: str = "batch-bridge"
    region: str = "eu-west-1"
    sources: tuple[str, ...] = tuple(SOURCE_PACKAGES)
    processes: Mapping[str, int] = field(default_factory=dict)
    rate_limited: bool = True
    reload: bool = False
    told: Callable[[str], None] | None = None


class Application:
    """A local stack inside this process, once `running`."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.door_socket = local_socket(options.port)
        self.batch_socket = local_socket(options.batch_port)
        self.provider_socket = local_socket(0)
        self.provider = Provider(time.time)
        self.runtime = RuntimeApi()
        self.functions: dict[str, Function] = {}

    @property
    def url(self) -> str:
        return address(self.door_socket)

    @property
    def batch_url(self) -> str:
        return address(self.batch_socket)

    @property
    def provider_url(self) -> str:
        return address(self.provider_socket)

    @property
    def revision(self) -> str:
        """Return a text that changes whenever profiles, receipts or failures may have."""
        handled = sum(function.invocations for function in self.functions.values())
        answered = sum(queue.changes for queue in self.queues)
        return f"{self.sandbox.revision}.{handled}.{answered}"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run for the length of a `with`; ends every process that it started."""
        aws_socket = local_socket(0)
        endpoint = address(aws_socket)
        async with served(Moto(), [aws_socket]):
            await asyncio.to_thread(self.deploy, endpoint)
            async with (
                served(self.runtime.app, self.runtime.sockets),
                served(self.make_sandbox(), [self.batch_socket]),
                served(create_provider(self.provider), [self.provider_socket]),
                served(Endpoint(self.gateway(), self), [self.door_socket], is_public),
                background(self),
            ):
                described = self.describe(endpoint)
                try:
                    yield
                finally:
                    described.unlink(missing_ok=True)

    def gateway(self) -> Gateway:
        return Gateway(self.deployment, self.functions, self.options.told)

    def make_sandbox(self) -> SandboxApp:
        """Return the Batch sandbox, with the keys that the functions find in Secrets Manager."""
        keys = ProjectKeys(str(BATCH_KEYS["rest_api_key"]), tuple(BATCH_KEYS["app_keys"]))
        app = create_app(
            projects={str(BATCH_KEYS["project_key"]): keys},
            on_forget=self.forget,
            rate_limited=self.options.rate_limited,
        )
        self.sandbox: Sandbox = app.state.sandbox
        return app

    def deploy(self, endpoint: str) -> None:
        """Deploy the template, store the local secrets, and make ready the functions' environments."""
        options = self.options
        self.session = boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=options.region,
        )
        os.environ.update(aws_variables(endpoint, options.region))
        parameters = {
            "BatchApiUrl": f"{self.batch_url}/{BATCH_API_VERSION}",
            "ProviderUrl": self.provider_url,
            "PublicUrl": self.url,
        }
        self.deployment: Deployment = deploy(options.template, options.stack, self.session, parameters)
        stored = Parameters(options.stack, self.session.client("ssm"))
        seed(Secrets(options.stack, self.session.client("secretsmanager")), stored, options.sources)
        seed_settings(stored, options.sources)
        self.connections: list[Connection] = [connection(source, self.url) for source in options.sources]
        self.ledger = Ledger(self.deployment.variable("TABLE_NAME"), self.session.client("dynamodb"))
        self.known = Connections(self.ledger.table, self.ledger.client)
        self.dead_letters = self.queue(self.deployment.queue_name("DEAD_LETTER_QUEUE_URL"))
        self.make_environments(endpoint)

    def make_environments(self, endpoint: str) -> None:
        logs = self.options.directory / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        for name, settings in self.deployment.functions.items():
            function = self.functions[name] = Function(settings)
            variables = function_variables(settings, endpoint, self.options.region)
            for _ in range(self.processes_of(name)):
                self.runtime.add(Environment(function, variables, logs / f"{name}.log"))

    def processes_of(self, function: str) -> int:
        """Return how many processes a function has: one, or up to two where the template limits what a queue starts."""
        limits = [
            source.max_concurrency or 1
            for source in self.deployment.event_sources
            if source.function == function
        ]
        return self.options.processes.get(function, min(max(limits, default=1), MOST_PROCESSES))

    def queue(self, name: str) -> SqsFifoQueue:
        return next(queue for queue in self.queues if queue.name == name)

    @property
    def queues(self) -> list[SqsFifoQueue]:
        """Return all queues of the stack."""
        queues = sqs_backends[DEFAULT_ACCOUNT_ID][self.options.region].queues.values()
        return [queue for queue in queues if isinstance(queue, SqsFifoQueue)]

    def pollers(self) -> list[Poller]:
        """Return one for each queue that feeds a function."""
        return [
            Poller(source, self.queue(source.queue), self.options.region, self.functions[source.function])
            for source in self.deployment.event_sources
        ]

    async def started(self) -> None:
        """Wait until every function has come up; a function that does not is named on the console."""
        environments = self.runtime.environments.values()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await asyncio.gather(*(environment.came_up.wait() for environment in environments))

    async def forget(self) -> None:
        """Empty the queues with their memory of repeats, and the ledger, so that the same webhooks can be sent again.

        The types of names stay: the functions keep them in mind. The sandbox calls it once it has forgotten. What the
        functions have in hand at that moment is waited for.
        """
        self.forget_queues()
        answers = [answer for function in self.functions.values() for answer in function.in_hand]
        if answers:
            await asyncio.wait(answers, timeout=IN_HAND_SECONDS)
        self.forget_queues()
        self.sandbox.store.forget()
        self.provider.forget()
        await asyncio.to_thread(self.forget_ledger)

    def forget_queues(self) -> None:
        for queue in self.queues:
            queue.forget()

    def forget_ledger(self) -> None:
        table = boto3.resource("dynamodb").Table(self.ledger.table)
        with table.batch_writer() as writer:
            for row in table.scan(ProjectionExpression="pk")["Items"]:
                if not str(row["pk"]).startswith("kind#"):
                    writer.delete_item(Key={"pk": row["pk"]})

    def describe(self, endpoint: str) -> Path:
        """Say in `stack.json` where everything is, for the command line and for `LocalStack`."""
        described = {
            "stack": self.options.stack,
            "region": self.options.region,
            "url": self.url,
            "batch_url": self.batch_url,
            "provider_url": self.provider_url,
            "endpoint": endpoint,
            "pid": os.getpid(),
            "environment": aws_variables(endpoint, self.options.region),
            "functions": {name: function.settings.arn for name, function in self.functions.items()},
            "variables": {
                name: value
                for function in self.deployment.functions.values()
                for name, value in function.environment.items()
            },
        }
        whole = self.options.directory / "stack.json.new"
        whole.write_text(json.dumps(described, indent=2), encoding="utf-8")
        return whole.replace(self.options.directory / "stack.json")


@contextlib.asynccontextmanager
async def background(application: Application) -> AsyncIterator[None]:
    """Run processes, pollers and schedules, for the length of a `with`."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.live()) for one in application.runtime.environments.values()]
        await application.started()
        tasks += [group.create_task(poller.run()) for poller in application.pollers()]
        tasks += [
            group.create_task(keep_schedule(schedule, application.functions))
            for schedule in application.deployment.schedules
        ]
        if application.options.reload:
            watch = reload_on_change(list(application.runtime.environments.values()))
            tasks.append(group.create_task(watch))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
