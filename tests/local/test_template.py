"""The local stack runs what template.yaml says, and nothing else."""

import json
from collections.abc import Iterator

import boto3
import pytest
from samtranslator.yaml_helper import yaml_parse

from functions.sources.registry import SOURCE_PACKAGES
from local.aws import LocalAws, forget_all
from local.environment import aws_variables
from local.process import ROOT
from local.routes import Router
from local.template import Deployment, deploy

REGION = "eu-west-1"
TEMPLATE = ROOT / "template.yaml"


@pytest.fixture(scope="module")
def session() -> Iterator[boto3.Session]:
    with LocalAws() as aws, pytest.MonkeyPatch.context() as environment:
        for name, value in aws_variables(aws.endpoint, REGION).items():
            environment.setenv(name, value)
        forget_all()  # moto's state is this process's, and so other tests'
        yield boto3.Session(region_name=REGION)


@pytest.fixture(scope="module")
def deployment(session: boto3.Session) -> Deployment:
    return deploy(TEMPLATE, "test", session, {"BatchApiUrl": "http://127.0.0.1:9/2.11"})


def declared(resource_type: str) -> set[str]:
    resources = yaml_parse(TEMPLATE.read_text())["Resources"]
    return {name for name, resource in resources.items() if resource["Type"] == resource_type}


def test_every_function_of_the_template_runs(deployment: Deployment) -> None:
    assert set(deployment.functions) == declared("AWS::Serverless::Function")


def test_functions_have_the_variables_of_the_template_with_their_references_resolved(
    deployment: Deployment,
) -> None:
    deliver = deployment.functions["DeliverFunction"]
    assert deliver.environment["BATCH_API_URL"] == "http://127.0.0.1:9/2.11"
    assert deliver.environment["STACK_NAME"] == "test"
    assert deliver.environment["DELIVER_CONCURRENCY"] == "5"
    assert deliver.environment["QUEUE_URL"].endswith("/test-webhooks.fifo")
    names = {name: function.arn.rpartition(":")[2] for name, function in deployment.functions.items()}
    assert f"{names['ShopifyFunction']}=shopify " in deliver.environment["SENDERS"]
    assert deliver.handler == "functions.deliver.handler.handler"
    assert deliver.timeout_seconds == 30


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_every_source_has_a_route(deployment: Deployment, source: str) -> None:
    match = Router(deployment.routes).match("POST", f"/{source}/main")
    assert match is not None
    assert match.parameters["connection"] == "main"


def test_queues_feed_the_functions_that_the_template_names(deployment: Deployment) -> None:
    webhooks = next(one for one in deployment.event_sources if one.queue == "test-webhooks.fifo")
    assert (webhooks.function, webhooks.batch_size, webhooks.reports_failures) == (
        "DeliverFunction",
        10,
        True,
    )
    assert webhooks.max_concurrency == 5
    waiting = next(one for one in deployment.event_sources if one.queue == "test-waiting")
    assert waiting.function == "RetryFunction"


def test_schedules_are_read_with_their_payload(deployment: Deployment) -> None:
    of_retry = [schedule for schedule in deployment.schedules if schedule.function == "RetryFunction"]
    assert {schedule.expression: json.loads(schedule.payload) for schedule in of_retry} == {
        "rate(15 minutes)": {
            "left_behind": True,
            "filter": {"classes": ["batch_unavailable", "bad_credentials"]},
        },
        "rate(1 minute)": {
            "release": True,
            "filter": {"classes": ["batch_unavailable", "bad_credentials"]},
        },
        "rate(12 hours)": {"archive": True},
    }
    [gaps] = [schedule for schedule in deployment.schedules if schedule.function == "GapsFunction"]
    assert (gaps.expression, gaps.payload) == ("rate(6 hours)", "{}")


def test_functions_may_loop_where_the_template_says_so(deployment: Deployment) -> None:
    looping = {name for name, function in deployment.functions.items() if function.may_loop}
    assert looping == {"DeliverFunction", "RetryFunction"}


def test_no_secret_is_made_by_the_template(deployment: Deployment, session: boto3.Session) -> None:
    assert session.client("secretsmanager").list_secrets()["SecretList"] == []


def test_cors_is_the_templates(deployment: Deployment) -> None:
    assert deployment.cors["allowMethods"] == ["POST"]


def test_a_bucket_is_reached_by_its_path(deployment: Deployment, session: boto3.Session) -> None:
    client, bucket = session.client("s3"), deployment.variable("BODIES_BUCKET")
    client.put_object(Bucket=bucket, Key="bodies/a", Body=b"content")
    assert client.get_object(Bucket=bucket, Key="bodies/a")["Body"].read() == b"content"
