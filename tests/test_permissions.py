"""Who may do what, word by word, as SAM translates template.yaml: a policy that grows wider fails here.

AWS's managed policies are not in a template; those that a role may have stand in `MANAGED`, with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from functions.deliver.erasure import request
from functions.deliver.senders import Senders
from functions.sources.registry import COMPARED, SOURCE_PACKAGES
from tests.test_template import FUNCTIONS, RESOURCES, SOURCES, TEMPLATE, fed_by_queues, of_type, translated


def notes(*sources: str) -> str:
    """A receiver may note things of its own connections."""
    rows_of_them = json.dumps([f"connection#{source}/*" for source in sources])
    condition = f'{{"ForAllValues:StringLike": {{"dynamodb:LeadingKeys": {rows_of_them}}}}}'
    return f"dynamodb:UpdateItem on LedgerTable if {condition}"


def leading(condition: str, *keys: str) -> str:
    return f'{{"ForAllValues:{condition}": {{"dynamodb:LeadingKeys": {json.dumps(keys)}}}}}'


ALLOWED = {
    "DeliverFunctionRole": (
        "deny sqs:DeleteMessage but on DeadLetterQueue, WebhooksQueue",
        "deny sqs:GetQueueAttributes but on DeadLetterQueue, WebhooksQueue",
        "deny sqs:ReceiveMessage but on DeadLetterQueue, WebhooksQueue",
        "dynamodb:BatchGetItem on LedgerTable",
        "dynamodb:BatchWriteItem on LedgerTable",
        "dynamodb:Query on LedgerTable/index/by_profile",
        "dynamodb:Scan on LedgerTable",
        "dynamodb:UpdateItem on LedgerTable",
        "s3:DeleteObject on BodiesBucket/bodies/*",
        "s3:DeleteObject on BodiesBucket/parked/*",
        "s3:GetObject on BodiesBucket/bodies/*",
        "s3:GetObject on BodiesBucket/parked/*",
        "s3:ListBucket on BodiesBucket",
        "s3:PutObject on BodiesBucket/bodies/*",
        "secretsmanager:GetSecretValue on secret:STACK/api/stripe/*",
        "secretsmanager:GetSecretValue on secret:STACK/batch/*",
        "sqs:ChangeMessageVisibility on DeadLetterQueue",
        "sqs:ChangeMessageVisibility on WebhooksQueue",
        "sqs:DeleteMessage on DeadLetterQueue",
        "sqs:DeleteMessage on WebhooksQueue",
        "sqs:ReceiveMessage on DeadLetterQueue",
        "sqs:SendMessage on DeadLetterQueue",
        "sqs:SendMessage on WaitingQueue",
        "sqs:SendMessage on WebhooksQueue",
        "ssm:GetParameter on parameter/STACK/*",
    ),
    "RetryFunctionRole": (
        "deny sqs:DeleteMessage but on DeadLetterQueue, LeftBehindQueue, WaitingQueue",
        "deny sqs:GetQueueAttributes but on DeadLetterQueue, LeftBehindQueue, WaitingQueue, WebhooksQueue",
        "deny sqs:ReceiveMessage but on DeadLetterQueue, LeftBehindQueue, WaitingQueue",
        "s3:DeleteObject on BodiesBucket/parked/*",
        "s3:GetObject on BodiesBucket/bodies/*",
        "s3:GetObject on BodiesBucket/parked/*",
        's3:ListBucket on BodiesBucket if {"StringLike": {"s3:prefix": "parked/*"}}',
        "s3:PutObject on BodiesBucket/bodies/*",
        "s3:PutObject on BodiesBucket/parked/*",
        "sqs:ChangeMessageVisibility on DeadLetterQueue",
        "sqs:DeleteMessage on DeadLetterQueue",
        "sqs:DeleteMessage on LeftBehindQueue",
        "sqs:ReceiveMessage on DeadLetterQueue",
        "sqs:ReceiveMessage on LeftBehindQueue",
        "sqs:SendMessage on DeadLetterQueue",
        "sqs:SendMessage on WebhooksQueue",
    ),
    "RetryFunctionScheduleRole": ("lambda:InvokeFunction on RetryFunctionAliaslive",),
    "RetryFunctionReleaseRole": ("lambda:InvokeFunction on RetryFunctionAliaslive",),
    "RetryFunctionArchiveRole": ("lambda:InvokeFunction on RetryFunctionAliaslive",),
    "WatchFunctionRole": (
        f"dynamodb:BatchGetItem on LedgerTable if {leading('StringLike', 'connection#*', 'erasure#*')}",
        f"dynamodb:Query on LedgerTable/index/by_profile if {leading('StringEquals', 'connections', 'erasures')}",
        f"dynamodb:UpdateItem on LedgerTable if {leading('StringLike', 'connection#*', 'erasure#*')}",
        "sqs:SendMessage on WebhooksQueue",
        "ssm:GetParameter on parameter/STACK/*",
    ),
    "WatchFunctionScheduleRole": ("lambda:InvokeFunction on WatchFunctionAliaslive",),
    "GapsFunctionRole": (
        "dynamodb:BatchGetItem on LedgerTable",
        "dynamodb:Query on LedgerTable/index/by_profile",
        f"dynamodb:UpdateItem on LedgerTable if {leading('StringLike', 'gaps#*')}",
        *(f"s3:PutObject on BodiesBucket/bodies/{source}/*" for source in COMPARED),
        "secretsmanager:GetSecretValue on secret:STACK/api/shopify/*",
        "secretsmanager:GetSecretValue on secret:STACK/api/stripe/*",
        "sqs:SendMessage on WebhooksQueue",
        *(
            f"ssm:{action} on parameter/STACK/{source}{ending}"
            for action in ("GetParameter", "GetParametersByPath")
            for source in COMPARED
            for ending in ("", "/*")
        ),
    ),
    "GapsFunctionScheduleRole": ("lambda:InvokeFunction on GapsFunctionAliaslive",),
    "ShopifyFunctionRole": (
        notes("shopify"),
        "s3:PutObject on BodiesBucket/bodies/shopify/*",
        "secretsmanager:GetSecretValue on secret:STACK/shopify/*",
        "sqs:SendMessage on WebhooksQueue",
        "ssm:GetParameter on parameter/STACK/connections/shopify",
    ),
    "StripeFunctionRole": (
        notes("stripe"),
        "s3:PutObject on BodiesBucket/bodies/stripe/*",
        "secretsmanager:GetSecretValue on secret:STACK/stripe/*",
        "sqs:SendMessage on WebhooksQueue",
        "ssm:GetParameter on parameter/STACK/connections/stripe",
    ),
    "WoocommerceFunctionRole": (
        notes("woocommerce"),
        "s3:PutObject on BodiesBucket/bodies/woocommerce/*",
        "secretsmanager:GetSecretValue on secret:STACK/woocommerce/*",
        "sqs:SendMessage on WebhooksQueue",
        "ssm:GetParameter on parameter/STACK/connections/woocommerce",
    ),
    "FormsFunctionRole": (
        notes(
            *(source for source, package in SOURCE_PACKAGES.items() if package == "functions.sources.forms")
        ),
        *(
            f"s3:PutObject on BodiesBucket/bodies/{source}/*"
            for source, package in SOURCE_PACKAGES.items()
            if package == "functions.sources.forms"
        ),
        *(
            f"secretsmanager:GetSecretValue on secret:STACK/{source}/*"
            for source, package in SOURCE_PACKAGES.items()
            if package == "functions.sources.forms"
        ),
        "sqs:SendMessage on WebhooksQueue",
        *(
            f"ssm:GetParameter on parameter/STACK/connections/{source}"
            for source, package in SOURCE_PACKAGES.items()
            if package == "functions.sources.forms"
        ),
        "ssm:GetParameter on parameter/STACK/form/*",
    ),
    "CustomFunctionRole": (
        notes("custom"),
        "s3:PutObject on BodiesBucket/bodies/custom/*",
        "secretsmanager:GetSecretValue on secret:STACK/custom/*",
        "sqs:SendMessage on WebhooksQueue",
        "ssm:GetParameter on parameter/STACK/connections/custom",
        "ssm:GetParameter on parameter/STACK/custom/*",
    ),
}
MANAGED = {
    "AWSLambdaBasicExecutionRole": "writes log lines; AWS's own least for a function",
    "AWSXrayWriteOnlyAccess": "writes traces; X-Ray has no resource to name",
    "AWSLambdaSQSQueueExecutionRole": "reads any queue, so a role that has it is denied all but its own",
}
POLLING = frozenset({"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"})
"""What AWSLambdaSQSQueueExecutionRole allows on every queue of the account.
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaSQSQueueExecutionRole.html"""
ASKED = {"RetryFunctionRole": {"WebhooksQueue"}}
"""Queues that a role may only ask how much they hold."""
ROLES = {name: one for name, one in translated().items() if one["Type"] == "AWS::IAM::Role"}
ACCOUNT = re.compile(r"arn:\$\{AWS::Partition\}:\w+:\$\{AWS::Region\}:\$\{AWS::AccountId\}:")


# ── Policies as text ────────────────────────────────────────────────────────────────────────────────────


def listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def place(resource: Any) -> str:
    """A resource of a policy in short: the logical id of ours, or the ARN without what every ARN of ours has."""
    if isinstance(resource, str):
        return resource
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    if "Ref" in resource:
        return str(resource["Ref"])
    template, values = resource["Fn::Sub"], {}
    if isinstance(template, list):
        template, values = template
    for name, value in values.items():
        template = template.replace(f"${{{name}}}", place(value))
    text = ACCOUNT.sub("", template).replace("${AWS::StackName}", "STACK")
    return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", text)


def rows(role: str) -> Iterator[str]:
    """What a role's own policies say, a line for each action on each resource."""
    for policy in ROLES[role]["Properties"].get("Policies", []):
        for statement in listed(policy["PolicyDocument"]["Statement"]):
            yield from rows_of(statement)


def rows_of(statement: dict[str, Any]) -> Iterator[str]:
    condition = statement.get("Condition")
    ending = f" if {json.dumps(condition, sort_keys=True)}" if condition else ""
    for action in listed(statement["Action"]):
        if statement["Effect"] == "Deny":
            spared = ", ".join(sorted(map(place, listed(statement["NotResource"]))))
            yield f"deny {action} but on {spared}{ending}"
        else:
            yield from (f"{action} on {place(one)}{ending}" for one in listed(statement["Resource"]))


def managed(role: str) -> set[str]:
    arns = ROLES[role]["Properties"].get("ManagedPolicyArns", [])
    return {json.dumps(arn).rpartition("/")[2].strip('"]}') for arn in arns}


# ── Roles ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_is_written_here_and_nothing_else(role: str) -> None:
    found, written = sorted(rows(role)), sorted(ALLOWED.get(role, ()))
    assert found == written, (
        f"if it is meant, let ALLOWED in tests/test_permissions.py say of {role}: {found}"
    )


def test_nothing_is_written_here_of_a_role_that_there_is_not() -> None:
    assert set(ALLOWED) == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_allows_no_action_and_no_resource_by_a_bare_star(role: str) -> None:
    for row in rows(role):
        action, _, resource = row.partition(" on ")
        assert "*" not in action, f"name the actions of {row!r} in {role}"
        assert resource.split(" if ")[0] not in ("*", "STACK*"), f"name the resource of {row!r} in {role}"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_no_managed_policy_without_a_reason(role: str) -> None:
    assert managed(role) <= set(MANAGED), f"give {role} statements of its own, or MANAGED a reason"


@pytest.mark.parametrize(
    "role", [role for role in ROLES if "AWSLambdaSQSQueueExecutionRole" in managed(role)]
)
def test_who_is_fed_by_a_queue_can_read_no_queue_that_is_not_its_own(role: str) -> None:
    own = {queue for function, queue, _ in fed_by_queues() if f"{function}Role" == role}
    own |= {row.rpartition(" ")[2] for row in rows(role) if row.startswith("sqs:ReceiveMessage on ")}
    asked = {"sqs:GetQueueAttributes": ASKED.get(role, set())}
    spared = {action: own | asked.get(action, set()) for action in POLLING}
    denied = {f"deny {action} but on {', '.join(sorted(spared[action]))}" for action in POLLING}
    assert denied <= set(rows(role)), f"deny {role} the other queues of the account: {sorted(denied)}"


READERS = {
    "secret:STACK/batch/*": {"DeliverFunctionRole"},
    "s3:GetObject on BodiesBucket/": {"DeliverFunctionRole", "RetryFunctionRole"},
}


@pytest.mark.parametrize("wanted", READERS)
def test_nobody_else_may_read_the_keys_of_batch_and_the_bodies_of_webhooks(wanted: str) -> None:
    assert {role for role in ROLES if any(wanted in row for row in rows(role))} == READERS[wanted]


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_a_receiver_may_read_the_list_of_its_own_connections_alone(source: str) -> None:
    reads = f"ssm:GetParameter on parameter/STACK/connections/{source}"
    secret = f"secretsmanager:GetSecretValue on secret:STACK/{source}/*"
    [readers] = [{role for role in ROLES if reads in rows(role)}]
    assert len(readers) == 1, f"let the receiver of {source} read which connections there are"
    assert all(secret in rows(role) for role in readers)


HELD_TO_NO_SOURCE = {
    "DeliverFunction": "it checks the others, and reads all that they send",
    "RetryFunction": "it sends what deliver has looked at before, and never what was stopped for its sender",
}


def senders() -> dict[str, frozenset[str]]:
    """Of each function the sources for which deliver lets it send."""
    text = FUNCTIONS["DeliverFunction"]["Environment"]["Variables"]["SENDERS"]["Fn::Sub"]
    return {name.strip("${}"): sources for name, sources in Senders.of(text).sources.items()}


def test_who_may_send_to_the_queue_is_held_to_sources_or_has_a_reason() -> None:
    sending = {
        role.removesuffix("Role") for role in ROLES if "sqs:SendMessage on WebhooksQueue" in set(rows(role))
    }
    assert set(senders()) == sending - set(HELD_TO_NO_SOURCE), "let SENDERS in template.yaml name them"
    assert set(HELD_TO_NO_SOURCE) <= sending


@pytest.mark.parametrize("function", senders())
def test_a_function_sends_for_the_sources_whose_bodies_it_writes_alone(function: str) -> None:
    begins, sources = "s3:PutObject on BodiesBucket/bodies/", {request.SOURCE}
    if function != "WatchFunction":
        written = [row for row in rows(f"{function}Role") if row.startswith(begins)]
        sources = {row.removeprefix(begins).removesuffix("/*") for row in written}
    assert senders()[function] == sources, f"correct the line of {function} in SENDERS in template.yaml"


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_one_receiver_sends_for_a_source_and_nobody_else_but_the_gap_finder(source: str) -> None:
    receivers = {name for name, sources in SOURCES.items() if source in sources}
    found = {name for name, sources in senders().items() if source in sources}
    assert found == receivers | ({"GapsFunction"} if source in COMPARED else set())


def test_only_watch_sends_what_erases_people() -> None:
    assert {name for name, sources in senders().items() if request.SOURCE in sources} == {"WatchFunction"}


def test_a_role_is_taken_on_by_the_service_that_runs_it_alone() -> None:
    for name, role in ROLES.items():
        [statement] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        service = "lambda" if name.endswith("FunctionRole") else "scheduler"
        assert statement["Principal"] == {"Service": [f"{service}.amazonaws.com"]}, name
        assert statement["Action"] == ["sts:AssumeRole"], name


def test_a_function_is_invoked_from_outside_by_our_api_alone() -> None:
    for name, permission in translated().items():
        if permission["Type"] == "AWS::Lambda::Permission":
            properties = permission["Properties"]
            assert properties["Principal"] == "apigateway.amazonaws.com", name
            assert '{"Ref": "Api"}' in json.dumps(properties["SourceArn"]), name
    assert not [name for name, one in FUNCTIONS.items() if "FunctionUrlConfig" in one]


# ── Data at rest and on its way ─────────────────────────────────────────────────────────────────────────


def test_queues_buckets_tables_and_topics_are_encrypted() -> None:
    for name, queue in of_type("AWS::SQS::Queue").items():
        assert queue.get("SqsManagedSseEnabled") is True or "KmsMasterKeyId" in queue, name
    for name, bucket in of_type("AWS::S3::Bucket").items():
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in ("AES256", "aws:kms"), name
    for name, table in of_type("AWS::DynamoDB::Table").items():
        assert table["SSESpecification"]["SSEEnabled"] is True, name
    for name, topic in of_type("AWS::SNS::Topic").items():
        skipped = {
            one["id"] for one in RESOURCES[name].get("Metadata", {}).get("checkov", {}).get("skip", ())
        }
        assert "KmsMasterKeyId" in topic or "CKV_AWS_26" in skipped, f"encrypt {name}, or say why not"


def test_every_queue_and_bucket_denies_what_does_not_come_over_tls() -> None:
    guarded = [
        one["Ref"]
        for policy in of_type("AWS::SQS::QueuePolicy").values()
        for one in policy["Queues"]
        if denies_plain_text(policy, "sqs:*")
    ]
    guarded += [
        policy["Bucket"]["Ref"]
        for policy in of_type("AWS::S3::BucketPolicy").values()
        if denies_plain_text(policy, "s3:*")
    ]
    assert set(guarded) == {*of_type("AWS::SQS::Queue"), *of_type("AWS::S3::Bucket")}


def denies_plain_text(policy: dict[str, Any], action: str) -> bool:
    """Whether it denies everybody everything without TLS."""
    wanted = {"Effect": "Deny", "Principal": "*", "Action": action}
    return any(
        statement.items() >= wanted.items()
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in policy["PolicyDocument"]["Statement"]
    )


def test_no_policy_of_a_queue_or_bucket_lets_anybody_in() -> None:
    for kind in ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy"):
        for name, policy in of_type(kind).items():
            for statement in policy["PolicyDocument"]["Statement"]:
                assert statement["Effect"] == "Deny" or statement["Principal"] != "*", name


# ── Secrets and the endpoint ────────────────────────────────────────────────────────────────────────────────


def test_no_value_of_a_secret_passes_through_the_template() -> None:
    text = json.dumps(TEMPLATE)
    assert "{{resolve:" not in text, "a secret is read when it is needed, not when the stack is deployed"
    assert not [name for name, one in TEMPLATE["Parameters"].items() if one.get("NoEcho")]
    assert not of_type("AWS::SecretsManager::Secret"), "`bridge connect` makes them"


def test_the_door_is_throttled_and_its_log_holds_no_query_no_header_and_no_body() -> None:
    [api] = of_type("AWS::Serverless::HttpApi").values()
    settings = api["DefaultRouteSettings"]
    assert settings["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "RequestBurst"}
    logged = set(re.findall(r"\$context\.([\w.]+)", api["AccessLogSettings"]["Format"]["Fn::Sub"]))
    assert logged <= {
        "requestId",
        "requestTime",
        "routeKey",
        "status",
        "responseLatency",
        "integrationErrorMessage",
    }


READ = re.compile(r"secretsmanager:GetSecretValue on secret:STACK/(\S+)")


def test_what_proves_a_webhook_is_read_by_its_own_receiver_alone() -> None:
    """Signing, identity and confirm secrets stand in one secret; API keys in another."""
    readers = {
        source: {
            role
            for role, allowed in ALLOWED.items()
            for line in allowed
            if f"secret:STACK/{source}/*" in line
        }
        for source in SOURCE_PACKAGES
    }
    assert all(len(roles) == 1 for roles in readers.values()), readers
    others = {
        role: READ.findall(" ".join(ALLOWED[role])) for role in ("DeliverFunctionRole", "GapsFunctionRole")
    }
    assert others == {
        "DeliverFunctionRole": ["api/stripe/*", "batch/*"],
        "GapsFunctionRole": [f"api/{source}/*" for source in COMPARED],
    }
