"""The built functions, each behind AWS's emulator, with moto for AWS and the sandbox for Batch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import uvicorn

from bench.emulator import Emulator
from bench.event import signed_event
from bridge.storage.parameters import Parameters
from bridge.storage.secrets import Secrets
from functions.sources.registry import SOURCE_PACKAGES
from local.aws import LocalAws, forget_all
from local.connections import BATCH_KEYS, local_secret, seed, seed_settings
from local.environment import aws_variables
from local.process import ROOT
from local.routes import Match, Router
from local.samples import Sample, body_of, read_sample
from local.sandbox.app import ProjectKeys, SandboxApp, create_app
from local.serving import HOST, local_socket
from local.template import Deployment, deploy

if TYPE_CHECKING:
    from tests.conftest import Artifact

STACK, REGION = "built", "eu-west-1"


@dataclass(frozen=True)
class Cloud:
    """A deployed stack whose functions run only when a test starts them."""

    artifact: Artifact
    deployment: Deployment
    session: boto3.Session
    endpoint: str
    sandbox: SandboxApp

    def cold(self, function: str) -> Emulator:
        """An execution environment of a function by its logical id, with the variables of the template."""
        settings = self.deployment.functions[function]
        return Emulator(
            self.artifact.emulator,
            self.artifact.python,
            self.artifact.build,
            folder=self.artifact.build / function,
            handler=settings.handler,
            environment={**settings.environment, "AWS_ENDPOINT_URL": self.endpoint},
        )

    def receiver(self, source: str) -> Match:
        """The route of a source's connection `main`, and with it the function that answers there."""
        match = Router(self.deployment.routes).match("POST", f"/{source}/main")
        assert match, f"template.yaml has no route for /{source}/main"
        return match

    def event(self, sample: Sample, secret: str | None = None) -> dict[str, Any]:
        """A file of events/, signed, as API Gateway hands it over."""
        _, content = read_sample(sample.file)
        return signed_event(
            self.receiver(sample.source),
            sample.source,
            content["topic"],
            body_of(content),
            secret or local_secret(sample.source),
            {"content-type": content["content_type"], **content.get("headers", {})},
        )

    def queued(self) -> list[dict[str, Any]]:
        """The messages in the queue of webhooks, which is empty afterwards."""
        client, url = self.session.client("sqs"), self.deployment.variable("QUEUE_URL")
        answer = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        for message in messages:
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return messages

    def records(self, *messages: dict[str, Any]) -> dict[str, Any]:
        """The messages as Lambda hands them over. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""
        return {
            "Records": [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                    "messageAttributes": {},
                    "md5OfBody": message["MD5OfBody"],
                    "eventSource": "aws:sqs",
                    "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:{self.deployment.queue_name('QUEUE_URL')}",
                    "awsRegion": REGION,
                }
                for message in messages
            ]
        }


@pytest.fixture(scope="module")
def cloud(artifact: Artifact) -> Iterator[Cloud]:
    with LocalAws() as aws, pytest.MonkeyPatch.context() as environment, batch() as (sandbox, address):
        for name, value in aws_variables(aws.endpoint, REGION).items():
            environment.setenv(name, value)
        forget_all()  # moto's state is this process's, and so other tests'
        session = boto3.Session(region_name=REGION)
        deployment = deploy(ROOT / "template.yaml", STACK, session, {"BatchApiUrl": f"{address}/2.11"})
        parameters = Parameters(STACK, session.client("ssm"))
        seed(Secrets(STACK, session.client("secretsmanager")), parameters, SOURCE_PACKAGES)
        seed_settings(parameters, SOURCE_PACKAGES)
        yield Cloud(artifact, deployment, session, aws.endpoint, sandbox)


@contextmanager
def batch() -> Iterator[tuple[SandboxApp, str]]:
    """Batch's sandbox in a thread, and its address."""
    keys = ProjectKeys(str(BATCH_KEYS["rest_api_key"]))
    app = create_app(projects={str(BATCH_KEYS["project_key"]): keys})
    listening = local_socket(0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    yield app, f"http://{HOST}:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()
