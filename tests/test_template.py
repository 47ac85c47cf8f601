"""template.yaml and the code agree, and nobody may do more than they have to."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import cfn_flip
import pytest

from bridge import ledger, queue
from bridge.archive import PREFIX
from bridge.batch import CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS
from bridge.errors import FAILURE_CLASSES
from bridge.observability import NAMESPACE, count
from functions.deliver import delivery, settling
from functions.gaps import comparison
from functions.gaps import handler as gaps
from functions.gaps.comparison import Comparison
from functions.retry import rounds
from functions.retry.archiving import ARCHIVE_AFTER
from functions.sources import COMPARED, ROOMS
from local.template import translate
from tests.test_architecture import MODULES, closure, tree

TEMPLATE: dict[str, Any] = json.loads(json.dumps(cfn_flip.load_yaml(Path("template.yaml").read_text())))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
GLOBALS: dict[str, Any] = TEMPLATE["Globals"]["Function"]
DAY_SECONDS = 86_400
SET_BY_LAMBDA = ("AWS_", "_X_AMZN_", "POWERTOOLS_")


def of_type(kind: str) -> dict[str, Any]:
    """The properties of the resources of a type, by logical id."""
    return {name: one.get("Properties", {}) for name, one in RESOURCES.items() if one["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")
ROOMS_OF_FUNCTIONS = {
    name: properties["Handler"].removesuffix(".handler.handler") for name, properties in FUNCTIONS.items()
}
SOURCES = {
    name: {source for source in ROOMS if ROOMS[source] == room} for name, room in ROOMS_OF_FUNCTIONS.items()
}
RECEIVERS = {name for name, sources in SOURCES.items() if sources}


def setting(function: str, name: str) -> Any:
    """A property of a function, its own or everyone's."""
    return FUNCTIONS[function].get(name, GLOBALS.get(name))


@cache
def translated() -> dict[str, Any]:
    session = boto3.Session(region_name="eu-west-1")
    defaults = {name: str(one["Default"]) for name, one in TEMPLATE["Parameters"].items()}
    resources: dict[str, Any] = translate(Path("template.yaml"), session, defaults)["Resources"]
    return resources


def statements(function: str) -> Iterator[dict[str, Any]]:
    """What a function is allowed beyond AWS's managed policies: the inline policies of its role."""
    for policy in translated()[f"{function}Role"]["Properties"].get("Policies", []):
        yield from (one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow")


def actions(statement: dict[str, Any]) -> set[str]:
    given = statement["Action"]
    return {given} if isinstance(given, str) else set(given)


def resources(statement: dict[str, Any]) -> list[str]:
    """The resources of a statement as text: the pattern of a Sub, with what it puts in."""
    given = statement["Resource"]
    return [json.dumps(one) for one in (given if isinstance(given, list) else [given])]


def allowed(function: str, service: str) -> list[str]:
    """The resources of a service that a function may touch."""
    return [
        resource
        for statement in statements(function)
        if any(action.startswith(f"{service}:") for action in actions(statement))
        for resource in resources(statement)
    ]


# ── As a template ───────────────────────────────────────────────────────────────────────────────────────


def test_sam_translates_the_template() -> None:
    kinds = {resource["Type"] for resource in translated().values()}
    assert {"AWS::Lambda::Function", "AWS::ApiGatewayV2::Api", "AWS::Lambda::EventSourceMapping"} <= kinds


@pytest.mark.parametrize("name", TEMPLATE["Parameters"])
def test_a_parameter_says_what_it_is_for_and_what_it_may_be(name: str) -> None:
    parameter = TEMPLATE["Parameters"][name]
    assert parameter.get("Description"), f"describe the parameter {name} in template.yaml"
    constraints = {"AllowedPattern", "AllowedValues", "MinValue", "MaxValue", "MaxLength"}
    assert constraints & set(parameter), f"constrain the parameter {name} in template.yaml"
    assert "Default" in parameter


def test_no_parameter_and_no_variable_is_a_secret() -> None:
    variables = {name for function in FUNCTIONS for name in environment(function)}
    for name in [*TEMPLATE["Parameters"], *variables]:
        assert not {"secret", "key", "token", "password"} & set(name.lower().replace("_", " ").split())


def test_every_resource_with_a_description_field_is_described() -> None:
    described = {
        **FUNCTIONS,
        **of_type("AWS::SecretsManager::Secret"),
        **of_type("AWS::Serverless::LayerVersion"),
    }
    missing = [name for name, properties in described.items() if not properties.get("Description")]
    alarms = of_type("AWS::CloudWatch::Alarm")
    missing += [name for name, properties in alarms.items() if not properties.get("AlarmDescription")]
    missing += [name for name, output in TEMPLATE["Outputs"].items() if not output.get("Description")]
    assert not missing, f"describe these in template.yaml: {missing}"


# ── Functions ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_handler_has_a_function_and_every_function_a_handler() -> None:
    handlers = {name.removesuffix(".handler") for name in MODULES if name.endswith(".handler")}
    declared = set(ROOMS_OF_FUNCTIONS.values())
    assert declared == handlers, f"template.yaml and functions/*/handler.py differ in {declared ^ handlers}"


NEED_EVERY_ROOM = frozenset({"DeliverFunction", "GapsFunction", "WatchFunction"})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_its_code_and_its_import_path(function: str) -> None:
    folder = (
        "functions/" if function in NEED_EVERY_ROOM else ROOMS_OF_FUNCTIONS[function].replace(".", "/") + "/"
    )
    assert FUNCTIONS[function]["CodeUri"] == folder
    assert RESOURCES[function]["Metadata"]["BuildProperties"] == {"ParentPackageMode": "auto"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_logs_where_logs_are_forgotten(function: str) -> None:
    group = FUNCTIONS[function].get("LoggingConfig", {}).get("LogGroup", {}).get("Ref")
    assert group in of_type("AWS::Logs::LogGroup"), (
        f"give {function} a LoggingConfig with a log group of its own"
    )


def test_every_log_group_forgets() -> None:
    forever = [
        name for name, group in of_type("AWS::Logs::LogGroup").items() if "RetentionInDays" not in group
    ]
    assert not forever, f"set RetentionInDays of {forever}"


def environment(function: str) -> dict[str, Any]:
    """All variables that a function is given."""
    own = FUNCTIONS[function].get("Environment", {}).get("Variables", {})
    return {**GLOBALS["Environment"]["Variables"], **own}


def variables_read(function: str) -> set[str]:
    """The environment variables that a function's code reads: `os.environ["NAME"]`."""
    return {
        str(node.slice.value)
        for module in closure(f"{ROOMS_OF_FUNCTIONS[function]}.handler")
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Subscript)
        and ast.unparse(node.value) == "os.environ"
        and isinstance(node.slice, ast.Constant)
    }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_given_the_variables_that_its_code_reads(function: str) -> None:
    missing = variables_read(function) - set(environment(function))
    assert not missing, f"add {sorted(missing)} to Environment.Variables of {function} in template.yaml"
    own = set(FUNCTIONS[function].get("Environment", {}).get("Variables", {}))
    unread = {name for name in own - variables_read(function) if not name.startswith(SET_BY_LAMBDA)}
    assert not unread, f"nothing reads {sorted(unread)}: take them out of {function} in template.yaml"


def test_what_every_function_is_given_is_read_by_one() -> None:
    read = {name for function in FUNCTIONS for name in variables_read(function)}
    shared = {name for name in GLOBALS["Environment"]["Variables"] if not name.startswith(SET_BY_LAMBDA)}
    assert shared <= read, f"nothing reads {sorted(shared - read)}: take them out of Globals in template.yaml"


def test_variables_are_read_by_subscript_so_that_a_missing_one_fails_at_once() -> None:
    softly = [
        f"{MODULES[module]}:{node.lineno}"
        for function in FUNCTIONS
        for module in closure(f"{ROOMS_OF_FUNCTIONS[function]}.handler")
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.environ.get", "os.getenv")
        if not ast.unparse(node.args[0]).strip("'").startswith(SET_BY_LAMBDA)
    ]
    assert not softly, f'write os.environ["NAME"] in {softly}'


# ── Queues and tables ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_and_keeps_for_14_days(name: str) -> None:
    assert QUEUES[name].get("SqsManagedSseEnabled") is True or "KmsMasterKeyId" in QUEUES[name]
    assert QUEUES[name]["MessageRetentionPeriod"] == 14 * DAY_SECONDS


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_has_a_name_of_the_stack(name: str) -> None:
    ending = ".fifo" if QUEUES[name].get("FifoQueue") else ""
    given = QUEUES[name].get("QueueName", {}).get("Fn::Sub", "")
    assert given.startswith("${AWS::StackName}-"), (
        f"give {name} an explicit QueueName: the local stack needs it"
    )
    assert given.endswith(ending) if ending else not given.endswith(".fifo")


def test_queues_and_buckets_are_reached_over_tls_alone() -> None:
    [policy] = of_type("AWS::SQS::QueuePolicy").values()
    assert {one["Ref"] for one in policy["Queues"]} == set(QUEUES)
    guarded = {policy["Bucket"]["Ref"] for policy in of_type("AWS::S3::BucketPolicy").values()}
    assert guarded == set(of_type("AWS::S3::Bucket"))
    for kind in ("AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"):
        for one in of_type(kind).values():
            [statement] = one["PolicyDocument"]["Statement"]
            assert statement["Effect"] == "Deny"
            assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_buckets_and_tables_are_encrypted_closed_and_outlive_the_stack() -> None:
    for name, bucket in of_type("AWS::S3::Bucket").items():
        assert "BucketEncryption" in bucket, name
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
    for name, table in of_type("AWS::DynamoDB::Table").items():
        assert table["SSESpecification"]["SSEEnabled"] is True, name
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True, name
    for name in [*of_type("AWS::S3::Bucket"), *of_type("AWS::DynamoDB::Table")]:
        assert RESOURCES[name]["DeletionPolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def fed_by_queues() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for function, properties in FUNCTIONS.items():
        for event in properties.get("Events", {}).values():
            if event["Type"] == "SQS":
                yield function, event["Properties"]["Queue"]["Fn::GetAtt"][0], event["Properties"]


@pytest.mark.parametrize(("function", "name", "event"), [*fed_by_queues()], ids=lambda value: str(value)[:20])
def test_a_message_stays_hidden_for_six_times_as_long_as_its_function_runs(
    function: str, name: str, event: dict[str, Any]
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""
    assert QUEUES[name]["VisibilityTimeout"] >= 6 * setting(function, "Timeout")
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event["BatchSize"] <= 10


# ── Numbers in the template that numbers in the code rest on ────────────────────────────────────────────


def test_a_lease_outlives_the_delivery_that_holds_it() -> None:
    assert setting("DeliverFunction", "Timeout") < ledger.LEASE_SECONDS


def test_a_delivery_has_time_for_a_call_that_hangs() -> None:
    assert setting("DeliverFunction", "Timeout") / 2 > CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS


def test_a_round_of_retries_sees_each_message_once() -> None:
    assert setting("RetryFunction", "Timeout") < rounds.VISIBILITY_SECONDS


def test_deliver_parks_before_sqs_gives_a_webhook_up() -> None:
    redrive = QUEUES["WebhooksQueue"]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert redrive["maxReceiveCount"] > settling.MAX_RECEIVES
    assert settling.MAX_AGE.total_seconds() < QUEUES["WebhooksQueue"]["MessageRetentionPeriod"]


def test_a_full_batch_of_messages_fits_one_invocation() -> None:
    [size] = [event["BatchSize"] for function, _, event in fed_by_queues() if function == "DeliverFunction"]
    assert size * queue.MAX_MESSAGE_BYTES < 6 * 1024 * 1024


LIFECYCLE = RESOURCES["BodiesBucket"]["Properties"]["LifecycleConfiguration"]


def test_a_body_in_s3_is_there_as_long_as_its_message_and_its_receipt() -> None:
    rules = {rule["Prefix"]: rule for rule in LIFECYCLE["Rules"]}
    rule = rules["bodies/"]
    assert rule["ExpirationInDays"] >= ledger.RECEIPT_DAYS
    assert rule["ExpirationInDays"] * DAY_SECONDS > max(
        one["MessageRetentionPeriod"] for one in QUEUES.values()
    )


def test_what_is_archived_is_kept_as_long_as_the_parameter_says() -> None:
    assert {rule["Prefix"] for rule in LIFECYCLE["Rules"]} == {"bodies/", PREFIX}
    [parked] = [rule for rule in LIFECYCLE["Rules"] if rule["Prefix"] == PREFIX]
    assert parked["ExpirationInDays"] == {"Ref": "ParkedRetentionDays"}


def test_the_schedule_archives_well_before_sqs_forgets() -> None:
    archive = FUNCTIONS["RetryFunction"]["Events"]["Archive"]["Properties"]
    assert json.loads(archive["Input"]) == {"archive": True}
    assert (
        ARCHIVE_AFTER.days * DAY_SECONDS + 2 * DAY_SECONDS
        < (RESOURCES["DeadLetterQueue"]["Properties"]["MessageRetentionPeriod"])
    )


def test_the_ledger_forgets_by_the_column_that_receipts_have() -> None:
    table = RESOURCES["LedgerTable"]["Properties"]
    receipt = ledger.Receipt("1", "shopify", "main", "x", "delivered", "2026-09-10T12:00:00Z", "", "p", "ada")
    row = ledger.receipt_row(receipt)
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert {"expires_at", *(one["AttributeName"] for one in table["AttributeDefinitions"])} <= set(row)


def test_the_schedule_retries_what_only_had_to_wait() -> None:
    schedule = FUNCTIONS["RetryFunction"]["Events"]["Schedule"]["Properties"]
    classes = rounds.Filter.of(json.loads(schedule["Input"])["filter"]).classes
    assert set(classes) == {"batch_unavailable", "bad_credentials"} <= set(FAILURE_CLASSES)


def test_the_alarm_on_credentials_watches_the_metric_that_deliver_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    alarm = RESOURCES["CredentialsAlarm"]["Properties"]
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    count(alarm["MetricName"], in_all=True, project="another")
    line = json.loads(capsys.readouterr().out)
    [metric] = line["_aws"]["CloudWatchMetrics"]
    assert (alarm["Namespace"], NAMESPACE) == (metric["Namespace"], metric["Namespace"])
    assert sorted(dimensions) in [sorted(one) for one in metric["Dimensions"]]
    assert {name: line[name] for name in dimensions} == dimensions
    assert f'"{alarm["MetricName"]}"' in Path("functions/deliver/sending.py").read_text()
    service = GLOBALS["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    assert dimensions["service"] == service


ALARMS = of_type("AWS::CloudWatch::Alarm")
OURS = {name: alarm for name, alarm in ALARMS.items() if alarm.get("Namespace") == NAMESPACE}


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_the_topic_when_it_rings_and_when_it_is_over(name: str) -> None:
    topic = [{"Ref": "AlarmTopic"}]
    assert (ALARMS[name]["AlarmActions"], ALARMS[name]["OKActions"]) == (topic, topic)


@pytest.mark.parametrize("name", OURS)
def test_an_alarm_watches_a_metric_that_the_code_publishes_without_other_dimensions(name: str) -> None:
    """An alarm on a metric that nobody publishes, or publishes with a dimension more, never rings."""
    service = GLOBALS["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    assert OURS[name]["Dimensions"] == [{"Name": "service", "Value": service}]
    metric = OURS[name]["MetricName"]
    code = [path.read_text() for path in Path("functions").rglob("*.py")]
    counted = [line for text in code for line in text.splitlines() if f'"{metric}"' in line]
    assert counted, f"nobody publishes {metric}"
    assert all("=" not in line.partition(metric)[2] or "in_all=True" in line for line in counted)


def test_the_dashboard_shows_metrics_that_the_code_publishes() -> None:
    body = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    shown: set[str] = set()
    for widget in body["widgets"]:
        for metric in widget["properties"]["metrics"]:
            if isinstance(metric[0], dict):
                shown |= set(re.findall(r'MetricName="(\w+)"', metric[0]["expression"]))
            elif metric[0] == NAMESPACE:
                shown.add(metric[1])
    code = "".join(
        path.read_text()
        for folder in ("functions", "layers/core/bridge")
        for path in Path(folder).rglob("*.py")
    )
    unknown = {name for name in shown if f'"{name}"' not in code and not name.startswith("Webhooks")}
    assert len(shown) > 10
    assert not unknown, f"nobody publishes {unknown}"


def test_nobody_is_told_by_e_mail_unless_an_address_is_given() -> None:
    assert RESOURCES["AlarmSubscription"]["Condition"] == "TellsSomebody"
    assert TEMPLATE["Parameters"]["AlarmEmail"]["Default"] == ""


def test_a_long_task_leaves_time_for_a_page_and_for_what_follows() -> None:
    spare = delivery.SPARE_SECONDS
    assert setting("DeliverFunction", "Timeout") / 3 < spare < setting("DeliverFunction", "Timeout") / 2


# ── Who may do what ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_is_allowed_on_everything(function: str) -> None:
    for statement in statements(function):
        assert '"*"' not in resources(statement), f"name the resources of {statement} in {function}"
        assert not [action for action in actions(statement) if action.split(":")[1] == "*"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_role_that_says_what_it_needs_and_no_broad_managed_policy(function: str) -> None:
    managed = translated()[f"{function}Role"]["Properties"]["ManagedPolicyArns"]
    names = {json.dumps(arn).rpartition("/")[2].strip('"]}') for arn in managed}
    assert names <= {
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaSQSQueueExecutionRole",
        "AWSXRayDaemonWriteAccess",
    } | {"AWSXrayWriteOnlyAccess"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_reads_the_secrets_of_its_own_sources_and_deliver_alone_those_of_batch(
    function: str,
) -> None:
    api_keys = {"DeliverFunction": {"batch", "stripe"}, "GapsFunction": set(COMPARED)}
    names = SOURCES[function] or api_keys.get(function, set())
    expected = {f"secret:${{AWS::StackName}}/{name}/*" for name in names}
    found = allowed(function, "secretsmanager")
    assert {one for one in expected if any(one in resource for resource in found)} == expected
    assert len(found) == len(expected), f"{function} may read {found}; let it read {sorted(expected)}"
    for statement in statements(function):
        if any(action.startswith("secretsmanager:") for action in actions(statement)):
            assert actions(statement) == {"secretsmanager:GetSecretValue"}


@pytest.mark.parametrize("function", sorted(RECEIVERS))
def test_who_receives_may_send_and_do_nothing_else(function: str) -> None:
    assert allowed(function, "lambda") == []
    sqs = {action for one in statements(function) for action in actions(one) if action.startswith("sqs:")}
    assert sqs == {"sqs:SendMessage"}
    assert all("WebhooksQueue" in resource for resource in allowed(function, "sqs"))
    s3 = {action for one in statements(function) for action in actions(one) if action.startswith("s3:")}
    assert s3 == {"s3:PutObject"}


def test_settings_are_read_by_deliver_and_by_who_must_know_where_a_browser_goes_on_to() -> None:
    lists = "/connections/"
    readers = {
        function: read
        for function in FUNCTIONS
        if (read := [path for path in allowed(function, "ssm") if lists not in path])
    }
    assert set(readers) == {
        "DeliverFunction",
        "FormsFunction",
        "CustomFunction",
        "GapsFunction",
        "WatchFunction",
    }
    assert not [one for one in readers["GapsFunction"] if not any(f"/{name}" in one for name in COMPARED)]
    [forms], [custom] = readers["FormsFunction"], readers["CustomFunction"]
    assert "parameter/${AWS::StackName}/custom/*" in custom
    assert "parameter/${AWS::StackName}/form/*" in forms


@pytest.mark.parametrize("function", sorted(RECEIVERS))
def test_a_receiver_has_concurrency_set_aside_where_the_parameter_says_so(function: str) -> None:
    reserved = FUNCTIONS[function]["ReservedConcurrentExecutions"]
    assert reserved == {
        "Fn::If": ["ReservesConcurrency", {"Ref": "ReceiverConcurrency"}, {"Ref": "AWS::NoValue"}]
    }
    assert TEMPLATE["Parameters"]["ReceiverConcurrency"]["Default"] == 0  # a new account has ten in all
    assert TEMPLATE["Conditions"]["ReservesConcurrency"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "ReceiverConcurrency"}, 0]}]
    }


@pytest.mark.parametrize("function", sorted(RECEIVERS))
def test_who_receives_may_note_things_of_its_own_connections_and_read_nothing(function: str) -> None:
    [statement] = [one for one in statements(function) if "dynamodb" in str(one["Action"])]
    assert actions(statement) == {"dynamodb:UpdateItem"}
    assert "index" not in str(statement["Resource"])
    own = {f"connection#{source}/*" for source in SOURCES[function]}
    rows = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert set(rows) == own, f"{function} may write to {rows}; let it write to {sorted(own)}"


def test_the_table_is_read_by_those_alone_who_must() -> None:
    readers = {
        function
        for function in FUNCTIONS
        for statement in statements(function)
        if any(
            action.startswith("dynamodb:") and action != "dynamodb:UpdateItem"
            for action in actions(statement)
        )
    }
    assert readers == {"DeliverFunction", "GapsFunction", "WatchFunction"}


def test_the_watch_touches_the_rows_of_connections_alone() -> None:
    for statement in statements("WatchFunction"):
        if any(action.startswith("dynamodb:") for action in actions(statement)):
            [(_, keys)] = statement["Condition"].items()
            assert keys["dynamodb:LeadingKeys"] in (["connections"], ["connection#*"])


def test_who_finds_gaps_writes_the_rows_of_its_progress_alone() -> None:
    granted = [one for one in statements("GapsFunction") if str(one["Action"]).count("dynamodb:")]
    writing = [one for one in granted if actions(one) - {"dynamodb:BatchGetItem", "dynamodb:Query"}]
    assert [actions(one) for one in writing] == [{"dynamodb:UpdateItem"}]
    name = Comparison.row("shopify", "main")
    [pattern] = writing[0]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert fnmatchcase(name, pattern)
    others = ("webhook#1", "profile#default#ada", "link#default#shopify:order:1", "fact#default#x")
    assert not [other for other in others if fnmatchcase(other, pattern)]


def test_looking_for_gaps_ends_before_lambda_ends_it() -> None:
    longest = gaps.READ_TIMEOUT_SECONDS + CONNECT_TIMEOUT_SECONDS
    assert longest < gaps.SPARE_SECONDS < setting("GapsFunction", "Timeout")
    assert comparison.LONGEST_WAIT_SECONDS < gaps.SPARE_SECONDS


def test_deliver_may_do_to_erase_a_person_what_that_takes_and_no_more() -> None:
    granted = {
        (action, resource)
        for statement in statements("DeliverFunction")
        for action in actions(statement)
        for resource in resources(statement)
    }
    of_table = {(action, resource) for action, resource in granted if action.startswith("dynamodb:")}
    table, index = '{"Fn::GetAtt": ["LedgerTable", "Arn"]}', '"${LedgerTable.Arn}/index/by_profile"'
    wanted = {("dynamodb:Query", index)}
    wanted |= {
        (f"dynamodb:{name}", table) for name in ("BatchGetItem", "BatchWriteItem", "UpdateItem", "Scan")
    }
    assert {
        (action, resource.removeprefix('{"Fn::Sub": ').removesuffix("}") if "Sub" in resource else resource)
        for action, resource in of_table
    } == wanted
    parked = {
        action for action, resource in granted if resource == '{"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}'
    }
    assert parked == {
        "sqs:SendMessage",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
    }
    assert "s3:DeleteObject" in {action for action, resource in granted if "BodiesBucket" in resource}


# ── Sources ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("source", ROOMS)
def test_a_source_has_its_secret_its_address_and_a_route(source: str) -> None:
    secrets = [secret["Name"]["Fn::Sub"] for secret in of_type("AWS::SecretsManager::Secret").values()]
    assert f"${{AWS::StackName}}/{source}/main" in secrets, (
        f"add the secret of {source}/main to template.yaml"
    )
    addresses = [
        output["Description"]
        for output in TEMPLATE["Outputs"].values()
        if str(output["Value"].get("Fn::Sub", "")).endswith(f"/{source}/main")
    ]
    assert len(addresses) == 1, f"add an output with the address of {source}/main to template.yaml"
    assert f"bridge connect {source}" in addresses[0]
    [function] = [name for name in RECEIVERS if source in SOURCES[name]]
    routes = {path for _, path in routes_of(function) if not path.endswith("{token}")}
    assert routes in ({f"/{source}/{{connection}}"}, {"/{source}/{connection}"})


def routes_of(function: str) -> list[tuple[str, str]]:
    """The methods and paths that lead to a function."""
    events = [event["Properties"] for event in FUNCTIONS[function]["Events"].values()]
    return [(event["Method"], event["Path"]) for event in events]


@pytest.mark.parametrize("function", sorted(RECEIVERS))
def test_every_receive_function_answers_the_links_by_which_people_confirm_a_consent(function: str) -> None:
    [webhooks] = {path for _, path in routes_of(function) if not path.endswith("{token}")}
    confirmed = sorted(route for route in routes_of(function) if route[1].endswith("{token}"))
    address = f"{webhooks}/confirm/{{token}}"
    assert confirmed == [("GET", address), ("POST", address)], f"add both routes to {function}"


def test_links_lead_to_an_address_that_no_sender_names() -> None:
    address = FUNCTIONS["DeliverFunction"]["Environment"]["Variables"]["API_URL"]
    assert address["Fn::If"][:2] == ["HasDomain", {"Ref": "PublicUrl"}]
    assert "${Api}.execute-api." in address["Fn::If"][2]["Fn::Sub"]


def test_no_secret_and_no_address_is_of_a_source_that_there_is_not() -> None:
    secrets = {
        secret["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}/")
        for secret in of_type("AWS::SecretsManager::Secret").values()
    }
    assert secrets == {f"{source}/main" for source in ROOMS} | {"batch/default"}
    addresses = [str(output["Value"]) for output in TEMPLATE["Outputs"].values()]
    ending = {address.split("}/")[-1].split("'")[0] for address in addresses if address.count("/main")}
    assert ending == {f"{source}/main" for source in ROOMS}


def test_secrets_are_created_empty_and_show_what_belongs_in_them() -> None:
    for name, secret in of_type("AWS::SecretsManager::Secret").items():
        content = json.loads(secret["SecretString"])
        assert not any(content.values()), f"{name} has a value in template.yaml"
        assert all(f'"{key}"' in secret["Description"] for key in content), f"show the JSON of {name}"


def test_every_receive_function_answers_posts_and_of_any_other_tool_a_handshake() -> None:
    for function in RECEIVERS:
        for event in FUNCTIONS[function]["Events"].values():
            is_link = event["Properties"]["Path"].endswith("{token}")
            methods = {"POST", "GET"} if function == "CustomFunction" or is_link else {"POST"}
            assert event["Type"] == "HttpApi"
            assert event["Properties"]["Method"] in methods
