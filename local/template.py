"""Deploy template.yaml to moto, and read what the local stack must run from what came of it. Repeats nothing of it.

SAM's own translator makes CloudFormation of it, and moto's CloudFormation makes queues, table, bucket, functions and
event source mappings. HTTP routes and schedules, which moto passes over, are read from the translation.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from moto.cloudformation.models import cloudformation_backends
from moto.cloudformation.parsing import clean_json
from moto.core.models import DEFAULT_ACCOUNT_ID
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

CODE_BUCKET, CODE_KEY = "local-code", "code.zip"
CODE_PROPERTIES = ("CodeUri", "ContentUri")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """A function as it was deployed; `name` is its logical id in the template."""

    name: str
    arn: str
    handler: str
    timeout_seconds: int
    memory_megabytes: int
    environment: Mapping[str, str]
    may_loop: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """`POST /shopify/{connection}` and the function that answers it; a method `ANY` takes all."""

    method: str
    path: str
    function: str


@dataclass(frozen=True, slots=True)
class EventSource:
    """A queue that feeds a function."""

    queue: str
    function: str
    batch_size: int
    window_seconds: int
    reports_failures: bool
    max_concurrency: int | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that is invoked with the same payload again and again."""

    name: str
    function: str
    expression: str
    payload: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployed stack: all that the local stack runs."""

    stack: str
    region: str
    functions: Mapping[str, FunctionSettings]
    routes: tuple[Route, ...]
    event_sources: tuple[EventSource, ...]
    schedules: tuple[Schedule, ...]
    cors: Mapping[str, Any]

    def queue_name(self, variable: str) -> str:
        """Return the name of the queue whose URL the functions know by this environment variable."""
        return self.variable(variable).rsplit("/", 1)[-1]

    def variable(self, name: str) -> str:
        """Return an environment variable of whichever function has it. Raises KeyError."""
        for function in self.functions.values():
            if name in function.environment:
                return function.environment[name]
        raise KeyError(name)


def deploy(path: Path, stack: str, session: boto3.Session, parameters: Mapping[str, str]) -> Deployment:
    """Deploy a template under this stack name with moto's CloudFormation, which the session's endpoint reaches."""
    translated = without_aliases(translate(path, session, parameters))
    client = session.client("s3")
    client.create_bucket(
        Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": session.region_name}
    )
    client.put_object(Bucket=CODE_BUCKET, Key=CODE_KEY, Body=b"")
    warnings.filterwarnings("ignore", message="Tried to parse")
    session.client("cloudformation").create_stack(
        StackName=stack,
        TemplateBody=json.dumps(translated),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    resources = resolved(stack, session.region_name, translated["Resources"])
    looping = {
        name
        for name, resource in translated["Resources"].items()
        if resource.get("Properties", {}).get("RecursiveLoop") == "Allow"
    }
    return read(stack, session, resources, looping)


def translate(path: Path, session: boto3.Session, parameters: Mapping[str, str]) -> Json:
    """Return the template as CloudFormation. Code runs from this folder, so its place in S3 is a name without
    content."""
    template = yaml_parse(path.read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for name in CODE_PROPERTIES:
            if name in properties:
                properties[name] = f"s3://{CODE_BUCKET}/{CODE_KEY}"
    translator = Translator({}, Parser(), boto_session=session)
    translated: Json = translator.translate(template, dict(parameters))
    return translated


def resolved(stack: str, region: str, resources: Mapping[str, Json]) -> dict[str, Json]:
    """Return the resources with their Refs, GetAtts and Subs resolved to what was deployed."""
    deployed = cloudformation_backends[DEFAULT_ACCOUNT_ID][region].get_stack(stack)
    return {
        name: {
            "Type": resource["Type"],
            "Properties": clean_json(resource["Properties"], deployed.resource_map),
        }
        for name, resource in resources.items()
        if resource["Type"] in READ_FROM_THE_TRANSLATION
    }


READ_FROM_THE_TRANSLATION = frozenset({"AWS::ApiGatewayV2::Api", "AWS::Scheduler::Schedule"})


def without_aliases(translated: Json) -> Json:
    """Return the template with functions in place of their aliases, which moto does not make: here the code of this
    folder runs, and there are no versions of it."""
    resources = translated["Resources"]
    aliases = {
        name: resource["Properties"]["FunctionName"]["Ref"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Alias"
    }
    kept = {
        name: resource
        for name, resource in resources.items()
        if resource["Type"] not in ("AWS::Lambda::Alias", "AWS::Lambda::Version")
    }
    text = json.dumps({**translated, "Resources": kept})
    for alias, function in aliases.items():
        text = text.replace(f'{{"Ref": "{alias}"}}', f'{{"Fn::GetAtt": ["{function}", "Arn"]}}')
        text = text.replace(f"${{{alias}}}", f"${{{function}.Arn}}")
    plain: Json = json.loads(text)
    return plain


def read(stack: str, session: boto3.Session, resources: Mapping[str, Json], looping: Set[str]) -> Deployment:
    """Return what was deployed. `looping` are the functions whose recursive loop detection is off."""
    functions = read_functions(stack, session, looping)
    names = {function.arn: function.name for function in functions}
    apis = [api["Body"] for api in of_type(resources, "AWS::ApiGatewayV2::Api")]
    return Deployment(
        stack=stack,
        region=session.region_name,
        functions={function.name: function for function in functions},
        routes=tuple(route for api in apis for route in read_routes(api, names)),
        event_sources=tuple(read_event_sources(session, names)),
        schedules=tuple(
            Schedule(
                name=schedule["Name"],
                function=names[schedule["Target"]["Arn"]],
                expression=schedule["ScheduleExpression"],
                payload=schedule["Target"].get("Input", "{}"),
            )
            for schedule in of_type(resources, "AWS::Scheduler::Schedule")
            if schedule.get("State", "ENABLED") == "ENABLED"
        ),
        cors=next((api.get("x-amazon-apigateway-cors", {}) for api in apis), {}),
    )


def read_functions(stack: str, session: boto3.Session, looping: Set[str]) -> list[FunctionSettings]:
    client = session.client("lambda")
    answer = session.client("cloudformation").describe_stack_resources(StackName=stack)
    functions = []
    for resource in answer["StackResources"]:
        if resource.get("ResourceType") != "AWS::Lambda::Function":
            continue
        deployed = client.get_function_configuration(FunctionName=resource["PhysicalResourceId"])
        functions.append(
            FunctionSettings(
                name=resource["LogicalResourceId"],
                arn=deployed["FunctionArn"],
                handler=deployed["Handler"],
                timeout_seconds=deployed["Timeout"],
                memory_megabytes=deployed["MemorySize"],
                environment={
                    name: str(value)  # a parameter of type Number too
                    for name, value in deployed.get("Environment", {}).get("Variables", {}).items()
                },
                may_loop=resource["LogicalResourceId"] in looping,
            )
        )
    return functions


def read_routes(api: Json, names: Mapping[str, str]) -> Iterator[Route]:
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            address = operation["x-amazon-apigateway-integration"]["uri"]
            arn = address.split("/functions/")[1].removesuffix("/invocations")
            any_method = method == "x-amazon-apigateway-any-method"
            yield Route("ANY" if any_method else method.upper(), path, names[arn])


def read_event_sources(session: boto3.Session, names: Mapping[str, str]) -> Iterator[EventSource]:
    for mapping in session.client("lambda").list_event_source_mappings()["EventSourceMappings"]:
        yield EventSource(
            queue=mapping["EventSourceArn"].rsplit(":", 1)[-1],
            function=names[mapping["FunctionArn"]],
            batch_size=mapping["BatchSize"],
            window_seconds=mapping.get("MaximumBatchingWindowInSeconds", 0),
            reports_failures="ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []),
            max_concurrency=mapping.get("ScalingConfig", {}).get("MaximumConcurrency"),
        )


def of_type(resources: Mapping[str, Json], resource_type: str) -> list[Json]:
    """Return the properties of the resources of one type."""
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == resource_type]
