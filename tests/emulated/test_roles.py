"""Each function's role may do its own work, and nothing of the others: IAM says so, and not our simulation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions.sources.registry import SOURCE_PACKAGES
from tests.emulated.deployed import Deployed

SOURCES = tuple(SOURCE_PACKAGES)
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}
WORKERS = ("DeliverFunction", "RetryFunction", "GapsFunction", "WatchFunction")

Call = Callable[[Any], Any]


@pytest.fixture(scope="module")
def clients(bridge: Deployed) -> Callable[[str, str], Any]:
    """Clients with the credentials of a function's role: `clients("ShopifyFunction", "sqs")`."""
    roles: dict[str, Any] = {}
    made: dict[tuple[str, str], Any] = {}

    def client(function: str, service: str) -> Any:
        if function not in roles:
            roles[function] = bridge.role_of(function)
        if (function, service) not in made:
            made[function, service] = bridge.emulator.client(service, roles[function])
        return made[function, service]

    return client


def is_denied(call: Callable[[], Any]) -> bool:
    """Whether IAM denies a call; any other answer is none of IAM's."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] in DENIED
    return False


@pytest.mark.parametrize("source", SOURCES)
def test_a_receiver_reads_its_own_secrets_and_no_others(bridge: Deployed, clients: Any, source: str) -> None:
    function = bridge.receiver(source)
    own = {other for other in SOURCES if bridge.receiver(other) == function}
    client = clients(function, "secretsmanager")
    assert client.get_secret_value(SecretId=f"{bridge.stack}/{source}/main")["SecretString"]
    foreign = [f"{bridge.stack}/{other}/main" for other in SOURCES if other not in own]
    for name in (*foreign, f"{bridge.stack}/batch/default"):
        assert is_denied(lambda name=name: client.get_secret_value(SecretId=name)), name


def forbidden_to_receivers(bridge: Deployed) -> dict[str, tuple[str, Call]]:
    """What no receiver may do: a service and a call of it."""
    table, bucket = bridge.variable("TABLE_NAME"), bridge.variable("BODIES_BUCKET")
    queue, parked = bridge.variable("QUEUE_URL"), bridge.variable("DEAD_LETTER_QUEUE_URL")
    secret, row = f"{bridge.stack}/shopify/main", {"pk": {"S": "profile#default#ada"}}
    retry = bridge.functions["RetryFunction"].physical
    return {
        "read the queue": ("sqs", lambda c: c.receive_message(QueueUrl=queue)),
        "delete from the queue": ("sqs", lambda c: c.delete_message(QueueUrl=queue, ReceiptHandle="a")),
        "empty the queue": ("sqs", lambda c: c.purge_queue(QueueUrl=queue)),
        "read what is parked": ("sqs", lambda c: c.receive_message(QueueUrl=parked)),
        "park": ("sqs", lambda c: c.send_message(QueueUrl=parked, MessageBody="a", MessageGroupId="a")),
        "read a row": ("dynamodb", lambda c: c.get_item(TableName=table, Key=row)),
        "read all rows": ("dynamodb", lambda c: c.scan(TableName=table)),
        "write a row": ("dynamodb", lambda c: c.put_item(TableName=table, Item=row)),
        "delete a row": ("dynamodb", lambda c: c.delete_item(TableName=table, Key=row)),
        "read a body": ("s3", lambda c: c.get_object(Bucket=bucket, Key="bodies/a")),
        "list bodies": ("s3", lambda c: c.list_objects_v2(Bucket=bucket)),
        "delete a body": ("s3", lambda c: c.delete_object(Bucket=bucket, Key="bodies/a")),
        "write elsewhere": ("s3", lambda c: c.put_object(Bucket=bucket, Key="parked/a", Body=b"")),
        "change a secret": (
            "secretsmanager",
            lambda c: c.put_secret_value(SecretId=secret, SecretString="{}"),
        ),
        "write settings": (
            "ssm",
            lambda c: c.put_parameter(Name=f"/{bridge.stack}/a/b", Value="{}", Type="String"),
        ),
        "run retry": ("lambda", lambda c: c.invoke(FunctionName=retry, Payload=b"{}")),
    }


RECEIVERS = ("ShopifyFunction", "StripeFunction", "WoocommerceFunction", "FormsFunction", "CustomFunction")


def test_these_are_the_receivers(bridge: Deployed) -> None:
    assert {bridge.receiver(source) for source in SOURCES} == set(RECEIVERS)
    assert set(bridge.functions) == {*RECEIVERS, *WORKERS}


@pytest.mark.parametrize("function", RECEIVERS)
def test_a_receiver_may_do_nothing_else(bridge: Deployed, clients: Any, function: str) -> None:
    allowed = [
        what
        for what, (service, call) in forbidden_to_receivers(bridge).items()
        if not is_denied(lambda service=service, call=call: call(clients(function, service)))
    ]
    assert allowed == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_receiver_notes_its_own_connections(bridge: Deployed, clients: Any, source: str) -> None:
    function = bridge.receiver(source)
    client, table = clients(function, "dynamodb"), bridge.variable("TABLE_NAME")

    def note(name: str) -> Any:
        return client.update_item(
            TableName=table,
            Key={"pk": {"S": f"connection#{name}/of-a-test"}},
            UpdateExpression="SET noted = :at",
            ExpressionAttributeValues={":at": {"S": "now"}},
        )

    assert note(source)
    # that it notes no others is a condition that the emulator does not know: see test_lacks.py


@pytest.mark.parametrize("source", SOURCES)
def test_a_receiver_writes_bodies_of_its_own_source_alone(
    bridge: Deployed, clients: Any, source: str
) -> None:
    function = bridge.receiver(source)
    client, bucket = clients(function, "s3"), bridge.variable("BODIES_BUCKET")
    client.put_object(Bucket=bucket, Key=f"bodies/{source}/main/of-a-test", Body=b"{}")
    others = [other for other in SOURCES if bridge.receiver(other) != function]

    def write(other: str) -> Any:
        return client.put_object(Bucket=bucket, Key=f"bodies/{other}/main/of-a-test", Body=b"{}")

    assert [other for other in others if not is_denied(lambda other=other: write(other))] == []


def forbidden_to_all(bridge: Deployed) -> dict[str, tuple[str, Call]]:
    """What no function may do, whatever its work."""
    table, bucket, queue = (bridge.variable(name) for name in ("TABLE_NAME", "BODIES_BUCKET", "QUEUE_URL"))
    deliver = bridge.functions["DeliverFunction"]
    name = f"{bridge.stack}/batch/default"
    return {
        "delete the table": ("dynamodb", lambda c: c.delete_table(TableName=table)),
        "delete the bucket": ("s3", lambda c: c.delete_bucket(Bucket=bucket)),
        "delete the queue": ("sqs", lambda c: c.delete_queue(QueueUrl=queue)),
        "change Batch's keys": (
            "secretsmanager",
            lambda c: c.put_secret_value(SecretId=name, SecretString="{}"),
        ),
        "delete Batch's keys": ("secretsmanager", lambda c: c.delete_secret(SecretId=name)),
        "list secrets": ("secretsmanager", lambda c: c.list_secrets()),
        "change a function": (
            "lambda",
            lambda c: c.update_function_configuration(FunctionName=deliver.physical, Description="a"),
        ),
        "make a role": ("iam", lambda c: c.create_role(RoleName="a", AssumeRolePolicyDocument="{}")),
        "take on another role": (
            "sts",
            lambda c: c.assume_role(RoleArn=deliver.role, RoleSessionName="another"),
        ),
    }


@pytest.mark.parametrize("function", [*RECEIVERS, *WORKERS])
def test_no_function_changes_what_it_stands_on(bridge: Deployed, clients: Any, function: str) -> None:
    allowed = [
        what
        for what, (service, call) in forbidden_to_all(bridge).items()
        if not is_denied(lambda service=service, call=call: call(clients(function, service)))
    ]
    assert allowed == []


@pytest.mark.parametrize("function", WORKERS)
def test_only_deliver_reads_batchs_keys(bridge: Deployed, clients: Any, function: str) -> None:
    client = clients(function, "secretsmanager")
    denied = is_denied(lambda: client.get_secret_value(SecretId=f"{bridge.stack}/batch/default"))
    assert denied == (function != "DeliverFunction")
