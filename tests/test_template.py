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

from bridge.batch.client import CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS
from bridge.errors import FAILURE_CLASSES
from bridge.observability import NAMESPACE
from bridge.receiving.receiver import CONNECTION_NAME
from bridge.storage import ledger, queue
from bridge.storage.archive import PREFIX
from functions.deliver import outcomes, pipeline
from functions.gaps import comparison
from functions.gaps import handler as gaps
from functions.gaps.comparison import Comparison
from functions.retry import rounds
from functions.retry.archiving import ARCHIVE_AFTER
from functions.sources.registry import COMPARED, SOURCE_PACKAGES
from local.template import translate
from tests.test_architecture import MODULES, closure, tree
from tools.release import stamped

TEMPLATE: dict[str, Any] = json.loads(json.dumps(cfn_flip.load_yaml(Path("template.yaml").read_text())))
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
GLOBALS: dict[str, Any] = TEMPLATE["Globals"]["Function"]
DAY_SECONDS = 86_400
SET_BY_LAMBDA = ("AWS_", "_X_AMZN_", "POWERTOOLS_")


def of_type(kind: str) -> dict[str, Any]:
    """The properties of the resources of a type, by logical id."""
    return {name: one.get("Properties", {}) for name, one in RESOURCES.items() if one["Type"] == kind}


ENTRY_POINT = re.compile(r"functions\.(?:sources\.\w+\.receiver|\w+\.handler)")
FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")
MODULES_OF_FUNCTIONS = {
    name: properties["Handler"].removesuffix(".handler") for name, properties in FUNCTIONS.items()
}
SOURCES = {
    name: {source for source in SOURCE_PACKAGES if f"{SOURCE_PACKAGES[source]}.receiver" == module}
    for name, module in MODULES_OF_FUNCTIONS.items()
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
        **of_type("AWS::Serverless::LayerVersion"),
    }
    missing = [name for name, properties in described.items() if not properties.get("Description")]
    alarms = of_type("AWS::CloudWatch::Alarm")
    missing += [name for name, properties in alarms.items() if not properties.get("AlarmDescription")]
    missing += [name for name, output in TEMPLATE["Outputs"].items() if not output.get("Description")]
    assert not missing, f"describe these in template.yaml: {missing}"


# ── Functions ───────────────────────────────────────────────────────────────────────────────────────────


def test_every_handler_has_a_function_and_every_function_a_handler() -> None:
    handlers = {name for name in MODULES if ENTRY_POINT.fullmatch(name)}
    declared = set(MODULES_OF_FUNCTIONS.values())
    assert declared == handlers, f"template.yaml and the functions' modules differ in {declared ^ handlers}"


NEED_EVERY_ROOM = frozenset({"DeliverFunction", "GapsFunction", "WatchFunction"})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_its_code_and_its_import_path(function: str) -> None:
    folder = (
        "functions/"
        if function in NEED_EVERY_ROOM
        else f"{Path(*MODULES_OF_FUNCTIONS[function].split('.')).parent}/"
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


MAX_VARIABLES_BYTES = 4096
"""Of all that a function is given. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
LONGEST_FUNCTION_NAME = 64
LONGEST_VALUE = 170
"""Of a reference to anything else: the URL of a queue whose name has the 80 characters that SQS takes."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_variables_of_a_function_fit_however_long_the_names_are(function: str) -> None:
    def longest(value: Any) -> int:
        if isinstance(value, dict):
            text = json.dumps(value)
            references = re.findall(r"\$\{\w+Function\}", text)
            others = LONGEST_VALUE * (not references)
            return len(text) + (LONGEST_FUNCTION_NAME * len(references)) + others
        return len(str(value))

    size = sum(len(name) + longest(value) for name, value in environment(function).items())
    assert size < MAX_VARIABLES_BYTES


def variables_read(function: str) -> set[str]:
    """The environment variables that a function's code reads: `os.environ["NAME"]`."""
    return {
        str(node.slice.value)
        for module in closure(MODULES_OF_FUNCTIONS[function])
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
        for module in closure(MODULES_OF_FUNCTIONS[function])
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


def test_buckets_and_tables_are_encrypted_and_closed() -> None:
    for name, bucket in of_type("AWS::S3::Bucket").items():
        assert "BucketEncryption" in bucket, name
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
    for name, table in of_type("AWS::DynamoDB::Table").items():
        assert table["SSESpecification"]["SSEEnabled"] is True, name
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True, name


# What holds webhooks or an address that tools know: a changed logical id would replace it by an empty one.
RETAINED = {
    "Api": "AWS::Serverless::HttpApi",
    "WebhooksQueue": "AWS::SQS::Queue",
    "DeadLetterQueue": "AWS::SQS::Queue",
    "WaitingQueue": "AWS::SQS::Queue",
    "LeftBehindQueue": "AWS::SQS::Queue",
    "LedgerTable": "AWS::DynamoDB::Table",
    "BodiesBucket": "AWS::S3::Bucket",
}


def test_what_holds_webhooks_keeps_its_logical_id_and_outlives_the_stack() -> None:
    kinds = set(RETAINED.values())
    assert {name: one["Type"] for name, one in RESOURCES.items() if one["Type"] in kinds} == RETAINED
    for name in RETAINED:
        policies = (RESOURCES[name].get("DeletionPolicy"), RESOURCES[name].get("UpdateReplacePolicy"))
        assert policies == ("RetainExceptOnCreate", "Retain"), name


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
    assert redrive["maxReceiveCount"] > outcomes.MAX_RECEIVES
    assert outcomes.MAX_AGE.total_seconds() < QUEUES["WebhooksQueue"]["MessageRetentionPeriod"]


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


# ── Alarms ──────────────────────────────────────────────────────────────────────────────────────────────

ALARMS = of_type("AWS::CloudWatch::Alarm")
OURS = {name: alarm for name, alarm in ALARMS.items() if alarm.get("Namespace") == NAMESPACE}
OF_THE_STACK = {"Ref": "AWS::StackName"}
MAX_ALARM_METRICS = 12
"""Each metric of an alarm costs money every month, in each account that runs this."""


def metrics_of(alarm: dict[str, Any]) -> list[tuple[str, Any]]:
    """The metrics of an alarm: their names, and what their one dimension names."""
    stats = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
    return [(metric["MetricName"], metric["Dimensions"][0]["Value"]) for metric in stats or [alarm]]


def test_alarms_have_few_metrics_as_each_costs_money() -> None:
    metrics = [metric for alarm in ALARMS.values() for metric in metrics_of(alarm)]
    assert len(metrics) <= MAX_ALARM_METRICS


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_the_topic_when_it_rings_and_when_it_is_over(name: str) -> None:
    """But for that on what needs a person, whose end says nothing: it ends so that the next cause rings again."""
    topic = [{"Ref": "AlarmTopic"}]
    over = None if name == "AttentionAlarm" else topic
    assert (ALARMS[name]["AlarmActions"], ALARMS[name].get("OKActions")) == (topic, over)


def published_by_filters() -> set[str]:
    """The metrics that log groups count, by the stack's own dimension."""
    filters = of_type("AWS::Logs::MetricFilter").values()
    counted = [one for found in filters for one in found["MetricTransformations"]]
    for one in counted:
        assert one["MetricNamespace"] == NAMESPACE
        assert one["Dimensions"] == [{"Key": "service", "Value": "$.service"}]
    return {one["MetricName"] for one in counted}


@pytest.mark.parametrize("name", OURS)
def test_an_alarm_watches_a_metric_that_the_code_publishes_for_this_stack_alone(name: str) -> None:
    """An alarm on a metric that nobody publishes, or publishes with a dimension more, never rings."""
    assert OURS[name]["Dimensions"] == [{"Name": "service", "Value": OF_THE_STACK}]
    metric = OURS[name]["MetricName"]
    code = [path.read_text() for place in ("functions", "layers") for path in Path(place).rglob("*.py")]
    counted = [line for text in code for line in text.splitlines() if f'"{metric}"' in line]
    assert counted or metric in published_by_filters(), f"nobody publishes {metric}"
    assert all("=" not in line.partition(metric)[2] or "in_all=True" in line for line in counted)


def test_metrics_of_two_stacks_in_one_account_are_told_apart() -> None:
    assert GLOBALS["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == OF_THE_STACK
    constant = [
        (name, value)
        for name, alarm in ALARMS.items()
        for _, value in metrics_of(alarm)
        if isinstance(value, str)
    ]
    assert not constant, f"let the dimension name the stack, or something of it: {constant}"
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert body.count("SEARCH(") == body.count(r"service=\"${AWS::StackName}\"") > 5
    assert '"service", "batch-bridge"' not in body


def test_the_access_log_names_the_stack_for_the_metric_of_429() -> None:
    [api] = of_type("AWS::Serverless::HttpApi").values()
    line = json.loads(api["AccessLogSettings"]["Format"]["Fn::Sub"])
    assert line["service"] == "${AWS::StackName}"
    assert line["status"] == "$context.status"
    [found] = of_type("AWS::Logs::MetricFilter").values()
    assert found["FilterPattern"] == '{ $.status = "429" }'
    assert found["LogGroupName"] == {"Ref": "AccessLogs"}


def events_of(function: str, kind: str) -> list[dict[str, Any]]:
    events = FUNCTIONS[function].get("Events", {}).values()
    return [event["Properties"] for event in events if event["Type"] == kind]


def watched(metric: str) -> list[Any]:
    """What alarms on a metric watch."""
    return [value for alarm in ALARMS.values() for name, value in metrics_of(alarm) if name == metric]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_is_watched_whatever_calls_it(function: str) -> None:
    """The API's by its 5xx, a queue's by the age of what waits there, a schedule's by its errors."""
    for event in events_of(function, "HttpApi"):
        assert event["ApiId"] in watched("5xx"), function
    for event in events_of(function, "SQS"):
        [queue_of_it, _] = event["Queue"]["Fn::GetAtt"]
        ages = watched("ApproximateAgeOfOldestMessage")
        assert {"Fn::GetAtt": [queue_of_it, "QueueName"]} in ages, f"no alarm on the age in {queue_of_it}"
    if events_of(function, "ScheduleV2"):
        assert {"Ref": function} in watched("Errors"), f"add {function} to ErrorsAlarm"
    assert FUNCTIONS[function].get("Events"), f"nothing calls {function}"


def test_the_errors_alarm_lists_scheduled_functions_alone() -> None:
    scheduled = [{"Ref": name} for name in FUNCTIONS if events_of(name, "ScheduleV2")]
    assert sorted(watched("Errors"), key=str) == sorted(scheduled, key=str)


def test_what_nobody_takes_off_a_dead_letter_queue_rings() -> None:
    dead = {one["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for one in redriven().values()}
    seen = {value["Fn::GetAtt"][0] for value in watched("ApproximateNumberOfMessagesVisible")}
    assert dead <= seen


def redriven() -> dict[str, dict[str, Any]]:
    return {name: one for name, one in QUEUES.items() if "RedrivePolicy" in one}


def test_a_queue_that_feeds_a_function_gives_up_in_the_end() -> None:
    assert {name for _, name, _ in fed_by_queues()} == set(redriven())


SECONDS = {"minute": 60, "hour": 3600}


def longest_rate(parameter: str) -> int:
    """The seconds of the longest rate that a parameter takes."""
    pattern = re.compile(TEMPLATE["Parameters"][parameter]["AllowedPattern"])
    assert not pattern.match("rate(1 day)")
    return max(
        number * SECONDS[unit]
        for unit in SECONDS
        for number in range(1, 3000)
        if pattern.match(f"rate({number} {unit}{'s' if number > 1 else ''})")
    )


@pytest.mark.parametrize("parameter", [name for name in TEMPLATE["Parameters"] if name.endswith("Schedule")])
def test_an_alarm_on_scheduled_functions_does_not_end_between_two_failing_runs(parameter: str) -> None:
    [alarm] = [
        alarm for alarm in ALARMS.values() if ("Errors", {"Ref": "WatchFunction"}) in metrics_of(alarm)
    ]
    [period] = {one["MetricStat"]["Period"] for one in alarm["Metrics"] if "MetricStat" in one}
    assert alarm["DatapointsToAlarm"] == 1
    assert 2 * longest_rate(parameter) <= period * alarm["EvaluationPeriods"] <= DAY_SECONDS


def test_a_scheduled_function_that_fails_once_and_then_does_it_rings_nothing() -> None:
    """Lambda tries an asynchronous invocation three times."""
    [alarm] = [
        alarm for alarm in ALARMS.values() if ("Errors", {"Ref": "WatchFunction"}) in metrics_of(alarm)
    ]
    assert alarm["Threshold"] == 2


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
    assert unknown <= published_by_filters(), f"nobody publishes {unknown}"


# ── Loops ───────────────────────────────────────────────────────────────────────────────────────────────


def sends_to(function: str) -> set[str]:
    """The queues to which a function may send."""
    return {
        queue_of_it
        for statement in statements(function)
        if "sqs:SendMessage" in actions(statement)
        for resource in resources(statement)
        for queue_of_it in QUEUES
        if f'"{queue_of_it}"' in resource
    }


def reached_from(function: str) -> set[str]:
    """The functions that what a function sends may come to, itself if there is a loop."""
    fed = {(queue_of_it, name) for name, queue_of_it, _ in fed_by_queues()}
    reached: set[str] = set()
    new = {function}
    while new:
        new = {name for one in new for queue_of_it, name in fed if queue_of_it in sends_to(one)} - reached
        reached |= new
    return reached


def test_a_function_on_a_loop_of_queues_is_not_stopped_by_lambda_and_no_other_may_loop() -> None:
    """Lambda stops a loop after about 16 rounds unless it is told that it is meant; a webhook may wait for longer."""
    looping = {name for name in FUNCTIONS if name in reached_from(name)}
    assert looping == {"DeliverFunction", "RetryFunction"}
    allowed_to = {name for name in FUNCTIONS if setting(name, "RecursiveLoop") == "Allow"}
    assert allowed_to == looping


def test_lambda_that_stops_a_loop_all_the_same_rings() -> None:
    assert watched("RecursiveInvocationsDropped") == [{"Ref": "DeliverFunction"}]
    assert "LeftBehindQueue" in {
        value.get("Fn::GetAtt", [""])[0] for value in watched("ApproximateNumberOfMessagesVisible")
    }


# ── Deployments ─────────────────────────────────────────────────────────────────────────────────────────


def translated_text(text: str, folder: Path) -> dict[str, Any]:
    path = folder / "template.yaml"
    path.write_text(text, encoding="utf-8")
    defaults = {name: str(one["Default"]) for name, one in TEMPLATE["Parameters"].items()}
    resources: dict[str, Any] = translate(path, boto3.Session(region_name="eu-west-1"), defaults)["Resources"]
    return resources


def versions(resources: dict[str, Any]) -> set[str]:
    return {name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Version"}


def test_each_deployment_publishes_all_functions_anew_so_that_changed_parameters_reach_them(
    tmp_path: Path,
) -> None:
    text = Path("template.yaml").read_text()
    before = versions(translated_text(text, tmp_path))
    after = versions(translated_text(stamped(text, "20260910T120000Z"), tmp_path))
    assert len(before) == len(after) == len(FUNCTIONS)
    assert not before & after


def test_a_change_of_the_layer_alone_publishes_all_functions_anew(tmp_path: Path) -> None:
    text = Path("template.yaml").read_text()
    other = text.replace("Code and packages that all functions of batch-bridge share.", "Another layer.")
    assert other != text
    assert not versions(translated_text(text, tmp_path)) & versions(translated_text(other, tmp_path))


def test_whatever_calls_a_function_calls_its_published_version() -> None:
    """Else a call in the middle of a deployment meets new code with the old layer or the old variables."""
    callers = (
        "AWS::ApiGatewayV2::Api",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Permission",
        "AWS::Scheduler::Schedule",
    )
    called = [json.dumps(one) for one in translated().values() if one["Type"] in callers]
    called += [json.dumps(one["Value"]) for one in TEMPLATE["Outputs"].values()]
    for function in FUNCTIONS:
        direct = [
            text
            for text in called
            if f'"{function}"' in text or f"${{{function}" in text.replace(f"{function}Alias", "")
        ]
        assert not direct, f"{function} is called without its alias in {direct}"


# ── Names ───────────────────────────────────────────────────────────────────────────────────────────────

# type of a resource          its name, and how long AWS lets that be
NAMES = {
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::Scheduler::Schedule": ("Name", 64),
    "AWS::Logs::LogGroup": ("LogGroupName", 512),
    "AWS::SNS::Topic": ("TopicName", 256),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::CloudWatch::Alarm": ("AlarmName", 255),
    "AWS::DynamoDB::Table": ("TableName", 255),
    "AWS::S3::Bucket": ("BucketName", 63),
    "AWS::Lambda::Function": ("FunctionName", 64),
    "AWS::IAM::Role": ("RoleName", 64),
}
MAX_SECRET_NAME, MAX_PARAMETER_NAME = 512, 1011
CONNECTION_CHARACTERS = 63


def named() -> Iterator[tuple[str, int, int]]:
    """What has a name of ours: which, how much of its name is not the stack's, and how long AWS lets it be."""
    for logical_id, resource in translated().items():
        key, most = NAMES.get(resource["Type"], ("", 0))
        if given := resource["Properties"].get(key):
            text = "${AWS::StackName}" if given == OF_THE_STACK else str(given.get("Fn::Sub", ""))
            assert "${AWS::StackName}" in text, f"two stacks in one account would both name {logical_id} so"
            yield logical_id, len(text.replace("${AWS::StackName}", "")), most


def longest_stack_name() -> int:
    room_left = [most - rest for _, rest, most in named()]
    rest = max(len(f"/{source}/") for source in SOURCE_PACKAGES) + CONNECTION_CHARACTERS
    return min(*room_left, MAX_SECRET_NAME - rest, MAX_PARAMETER_NAME - rest - 1)


def test_what_has_a_name_has_the_stacks_so_that_two_stacks_fit_one_account() -> None:
    assert len(list(named())) > 15


def test_the_page_says_how_long_a_stacks_name_may_be() -> None:
    page = Path("docs/deploy.md").read_text()
    assert f"at most {longest_stack_name()} characters" in page
    assert CONNECTION_NAME.fullmatch("a" * CONNECTION_CHARACTERS)
    assert not CONNECTION_NAME.fullmatch("a" * (CONNECTION_CHARACTERS + 1))


@pytest.mark.parametrize(
    ("parameter", "address", "fits"),
    [
        ("BatchApiUrl", "https://api.batch.com/2.11", True),
        ("BatchApiUrl", "http://127.0.0.1:8081/2.11", True),
        ("BatchApiUrl", "http://localhost:8081/2.11", True),
        ("BatchApiUrl", "http://api.batch.com/2.11", False),
        ("BatchApiUrl", "http://127.0.0.1.example.com/2.11", False),
        ("BatchApiUrl", "http://127.0.0.1:80@example.com/2.11", False),
        ("BatchApiUrl", "http://localhost@example.com/2.11", False),
        ("BatchApiUrl", "https://key@example.com/2.11", False),
        ("BatchApiUrl", "https://api.batch.com", False),
        ("ProviderUrl", "", True),
        ("ProviderUrl", "http://127.0.0.1:9000", True),
        ("ProviderUrl", "https://example.com", False),
        ("ProviderUrl", "http://example.com", False),
    ],
)
def test_keys_go_to_addresses_of_https_or_to_this_machine(parameter: str, address: str, fits: bool) -> None:
    pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]
    assert bool(re.match(pattern, address)) is fits


def test_nobody_is_told_by_e_mail_unless_an_address_is_given() -> None:
    assert RESOURCES["AlarmSubscription"]["Condition"] == "TellsSomebody"
    assert TEMPLATE["Parameters"]["AlarmEmail"]["Default"] == ""


def test_a_long_task_leaves_time_for_a_page_and_for_what_follows() -> None:
    spare = pipeline.SPARE_SECONDS
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
    api_keys = {
        "DeliverFunction": {"batch", "api/stripe"},
        "GapsFunction": {f"api/{source}" for source in COMPARED},
    }
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
    bodies = {
        json.dumps({"Fn::Sub": f"${{BodiesBucket.Arn}}/bodies/{source}/*"}) for source in SOURCES[function]
    }
    assert set(allowed(function, "s3")) == bodies, "a receiver stores bodies of its own sources alone"
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


def test_the_watch_touches_the_rows_of_connections_and_of_announced_erasures_alone() -> None:
    for statement in statements("WatchFunction"):
        if any(action.startswith("dynamodb:") for action in actions(statement)):
            [(_, keys)] = statement["Condition"].items()
            assert keys["dynamodb:LeadingKeys"] in (
                ["connections", "erasures"],
                ["connection#*", "erasure#*"],
            )


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


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_a_source_has_its_address_and_a_route(source: str) -> None:
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
    expected = [(method, address) for method in ("GET", "HEAD", "POST")]  # HTTP APIs have no HEAD for a GET
    assert confirmed == expected, f"add the three routes to {function}"


def test_links_lead_to_an_address_that_no_sender_names() -> None:
    address = FUNCTIONS["DeliverFunction"]["Environment"]["Variables"]["API_URL"]
    assert address["Fn::If"][:2] == ["HasDomain", {"Ref": "PublicUrl"}]
    assert "${Api}.execute-api." in address["Fn::If"][2]["Fn::Sub"]


def test_no_address_is_of_a_source_that_there_is_not() -> None:
    addresses = [str(output["Value"]) for output in TEMPLATE["Outputs"].values()]
    ending = {address.split("}/")[-1].split("'")[0] for address in addresses if address.count("/main")}
    assert ending == {f"{source}/main" for source in SOURCE_PACKAGES}


def test_the_template_makes_no_secret_so_that_no_change_of_its_text_overwrites_one() -> None:
    kinds = {resource["Type"] for resource in translated().values()}
    assert not [kind for kind in kinds if kind.startswith("AWS::SecretsManager::")]


def test_every_receive_function_answers_posts_and_of_any_other_tool_a_handshake() -> None:
    for function in RECEIVERS:
        for event in FUNCTIONS[function]["Events"].values():
            is_link = event["Properties"]["Path"].endswith("{token}")
            methods = {"POST", "GET"} if function == "CustomFunction" or is_link else {"POST"}
            methods |= {"HEAD"} if is_link else set()
            assert event["Type"] == "HttpApi"
            assert event["Properties"]["Method"] in methods
