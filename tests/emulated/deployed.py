"""Deploy the real template to the second emulator: translated by SAM's own translator, through CloudFormation.

What the emulator lacks is in LACKS, and nowhere else: what is left out of the template, or made by hand after it.
`test_lacks.py` proves each of them, and fails as soon as the emulator has it.
"""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from bridge.storage.parameters import Parameters
from bridge.storage.secrets import Secrets
from functions.sources.registry import SOURCE_PACKAGES
from local.connections import BATCH_KEYS, CONNECTION, seed, settings
from local.process import ROOT
from local.routes import Router
from local.template import CODE_BUCKET, CODE_KEY, Json, read_routes, translate
from tests.emulated.ministack import ACCOUNT, REGION, Credentials, Ministack

TEMPLATE_KEY = "template.json"
PAYLOAD_VERSION = "2.0"
DEPLOY_SECONDS = 60
ASSUMED_NAME = "a-test"


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it was deployed; `name` is its logical id."""

    name: str
    physical: str
    arn: str
    role: str
    variables: Mapping[str, str]


class Deployed:
    """A stack on the emulator, with the local secrets and settings stored."""

    def __init__(self, emulator: Ministack, stack: str, translated: Json) -> None:
        self.emulator = emulator
        self.stack = stack
        self.translated = translated
        self.secrets = Secrets(stack, emulator.client("secretsmanager"))
        self.parameters = Parameters(stack, emulator.client("ssm"))

    @cached_property
    def functions(self) -> dict[str, Function]:
        """The functions by their logical ids."""
        client = self.emulator.client("lambda")
        found = {}
        for resource in self.resources("AWS::Lambda::Function"):
            deployed = client.get_function_configuration(FunctionName=resource["PhysicalResourceId"])
            name = resource["LogicalResourceId"]
            variables = deployed.get("Environment", {}).get("Variables", {})
            found[name] = Function(
                name, deployed["FunctionName"], deployed["FunctionArn"], deployed["Role"], variables
            )
        return found

    def resources(self, resource_type: str) -> list[Json]:
        """What CloudFormation made of one type."""
        pages = self.emulator.client("cloudformation").get_paginator("list_stack_resources")
        return [
            resource
            for page in pages.paginate(StackName=self.stack)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == resource_type
        ]

    @cached_property
    def targets(self) -> dict[str, str]:
        """The ARNs of all that an event may be handed to, by logical id: functions, and the aliases of them."""
        aliases = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in self.resources("AWS::Lambda::Alias")
        }
        return {name: function.arn for name, function in self.functions.items()} | aliases

    def physical(self, logical: str) -> str:
        """The name or id of a resource."""
        answer = self.emulator.client("cloudformation").describe_stack_resources(
            StackName=self.stack, LogicalResourceId=logical
        )
        return str(answer["StackResources"][0]["PhysicalResourceId"])

    def variable(self, name: str) -> str:
        """An environment variable of whichever function has it."""
        return next(
            function.variables[name] for function in self.functions.values() if name in function.variables
        )

    @cached_property
    def api(self) -> str:
        """The id of the HTTP API."""
        return str(self.resources("AWS::ApiGatewayV2::Api")[0]["PhysicalResourceId"])

    @property
    def host(self) -> str:
        """The Host header by which the emulator knows the HTTP API."""
        return f"{self.api}.execute-api.{self.emulator.endpoint.removeprefix('https://')}"

    def address(self, source: str, connection: str = CONNECTION) -> str:
        """What a tool posts to, and signs where it signs addresses; as in AWS, it has no port."""
        return f"https://{self.host.rpartition(':')[0]}/{source}/{connection}"

    def role_of(self, function: str) -> Credentials:
        """The credentials of a function's role, as Lambda takes them for it."""
        return assume(self.emulator, self.functions[function].role)

    def receiver(self, source: str) -> str:
        """The function that answers at a source's address, by its logical id."""
        routes = list(read_routes(described_api(self), {name: name for name in self.targets}))
        match = Router(routes).match("POST", f"/{source}/{CONNECTION}")
        assert match, f"no route for {source}"
        return next(name for name in self.functions if match.route.function.startswith(name))

    def renew(self, function: str) -> None:
        """Have a function begin anew, without anything in its memory, as after a deployment of other variables."""
        found = self.functions[function]
        variables = {**found.variables, "RENEWED_AT": str(time.time())}
        client = self.emulator.client("lambda")
        client.update_function_configuration(
            FunctionName=found.physical, Environment={"Variables": variables}
        )
        for alias in client.list_aliases(FunctionName=found.physical)["Aliases"]:
            version = client.publish_version(FunctionName=found.physical)["Version"]
            client.update_alias(FunctionName=found.physical, Name=alias["Name"], FunctionVersion=version)

    def invoke(self, function: str, event: object) -> Any:
        """What a function answers to an event."""
        answer = self.emulator.client("lambda").invoke(
            FunctionName=self.functions[function].physical, Payload=json.dumps(event).encode()
        )
        found = json.loads(answer["Payload"].read() or b"null")
        assert "FunctionError" not in answer, found
        return found


def assume(emulator: Ministack, role: str) -> Credentials:
    """Take a role on. It trusts Lambda alone, so the account is let in first; what the role may do stays as it is."""
    name = role.rpartition("/")[2]
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    emulator.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=document)
    answer = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName=ASSUMED_NAME)["Credentials"]
    return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])


# ── Deploy ──────────────────────────────────────────────────────────────────────────────────────────────────


def deploy(emulator: Ministack, stack: str, parameters: Mapping[str, str]) -> Deployed:
    """Deploy the template, and store the secrets and settings of the local stack."""
    translated = with_batches(without_what_is_lacking(translated_template(parameters)))
    upload(emulator, translated)
    create(emulator, stack, parameters)
    deployed = Deployed(emulator, stack, translated)
    make_routes(deployed)
    seed(deployed.secrets, deployed.parameters, SOURCE_PACKAGES)
    for source in SOURCE_PACKAGES:
        give_a_project(deployed, source)
    return deployed


def give_a_project(deployed: Deployed, source: str) -> None:
    """Have a source write to a Batch project of its own: a name has one type in a project, whoever came first."""
    deployed.secrets.store(f"batch/{source}", batch_keys(source))
    deployed.parameters.write(source, CONNECTION, {**(settings(source) or {}), "project": source})


def batch_keys(source: str) -> dict[str, Any]:
    """The keys of a source's Batch project."""
    return {**BATCH_KEYS, "project_key": f"project_{source}"}


def translated_template(parameters: Mapping[str, str]) -> Json:
    """The template as CloudFormation."""
    return translate(ROOT / "template.yaml", boto3.Session(region_name=REGION), parameters)


def upload(emulator: Ministack, translated: Json) -> None:
    """Put code and template into S3, as `sam deploy` does: a template of this size has to come from there."""
    client = emulator.client("s3")
    if CODE_BUCKET not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_object(Bucket=CODE_BUCKET, Key=CODE_KEY, Body=packed())
    client.put_object(Bucket=CODE_BUCKET, Key=TEMPLATE_KEY, Body=json.dumps(translated).encode())


def packed() -> bytes:
    """One archive that is the code of every function, and the layer: this has what lies under `python/`.

    Other packages come from the environment in which the emulator runs.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder, inside in (
            (ROOT / "functions", "functions"),
            (ROOT / "layers/core/bridge", "python/bridge"),
        ):
            for path in files(folder):
                archive.write(path, Path(inside) / path.relative_to(folder))
    return content.getvalue()


def files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc")


def create(emulator: Ministack, stack: str, parameters: Mapping[str, str]) -> None:
    """Create the stack, and wait until it is complete."""
    client = emulator.client("cloudformation")
    client.create_stack(
        StackName=stack,
        TemplateURL=template_url(emulator),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    assert settled(emulator, stack) == "CREATE_COMPLETE", failures(emulator, stack)


def template_url(emulator: Ministack) -> str:
    return f"{emulator.endpoint}/{CODE_BUCKET}/{TEMPLATE_KEY}"


def settled(emulator: Ministack, stack: str) -> str:
    """The status of a stack once nothing is in progress."""
    client = emulator.client("cloudformation")
    give_up_at = time.monotonic() + DEPLOY_SECONDS
    while time.monotonic() < give_up_at:
        status = str(client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        if not status.endswith("IN_PROGRESS"):
            return status
        time.sleep(0.1)
    raise TimeoutError(f"{stack} does not settle")


def failures(emulator: Ministack, stack: str) -> list[str]:
    """What failed of a stack, and why."""
    events = emulator.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
        for event in events
        if "FAILED" in event["ResourceStatus"]
    ]


# ── What the emulator lacks ─────────────────────────────────────────────────────────────────────────────────


def without_what_is_lacking(translated: Json) -> Json:
    """The translated template without the resources that the emulator cannot make, and what depends on them."""
    resources = {name: one for name, one in translated["Resources"].items() if not is_lacking(one)}
    return {**translated, "Resources": resources}


def is_lacking(resource: Json) -> bool:
    """An alarm that computes with metrics. Proof: test_an_alarm_that_computes_cannot_be_made."""
    return resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]


BATCHES = ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")


def with_batches(part: Any) -> Any:
    """The template whose statements name the batch of an action too, which in SQS has no permission of its own.

    Proof: test_a_batch_of_sqs_has_a_permission_of_its_own.
    """
    if isinstance(part, list):
        return [with_batches(one) for one in part]
    if not isinstance(part, dict):
        return part
    changed = {name: with_batches(one) for name, one in part.items()}
    if "Effect" in changed and "Action" in changed:
        actions = changed["Action"] if isinstance(changed["Action"], list) else [changed["Action"]]
        changed["Action"] = [*actions, *(f"{action}Batch" for action in actions if action in BATCHES)]
    return changed


def make_routes(deployed: Deployed) -> None:
    """Make the API's routes. Proof: test_an_api_gets_no_routes_from_its_body."""
    client = deployed.emulator.client("apigatewayv2")
    targets = deployed.targets
    integrations = {
        arn: client.create_integration(
            ApiId=deployed.api,
            IntegrationType="AWS_PROXY",
            IntegrationUri=arn,
            PayloadFormatVersion=PAYLOAD_VERSION,
        )["IntegrationId"]
        for arn in targets.values()
    }
    for route in read_routes(described_api(deployed), {name: name for name in targets}):
        client.create_route(
            ApiId=deployed.api,
            RouteKey=f"{route.method} {route.path}",
            Target=f"integrations/{integrations[targets[route.function]]}",
        )


def described_api(deployed: Deployed) -> Json:
    """The description of the API; an integration names what it calls by its logical id in the place of its ARN."""
    [api] = [
        one for one in deployed.translated["Resources"].values() if one["Type"] == "AWS::ApiGatewayV2::Api"
    ]
    text = re.sub(r"\$\{(\w+)(\.Arn)?\}", r"\1", json.dumps(api["Properties"]["Body"]))
    body: Json = json.loads(text, object_hook=lambda one: one.get("Fn::Sub", one) if len(one) == 1 else one)
    return body
