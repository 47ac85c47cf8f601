"""docs/privacy.md names every place in which this stack keeps anything, and when it ends there."""

from __future__ import annotations

import re
from pathlib import Path

import cfn_flip
import pytest

ROOT = Path(__file__).parent.parent
TEMPLATE = cfn_flip.load_yaml((ROOT / "template.yaml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs/privacy.md").read_text(encoding="utf-8")
CODE = [*ROOT.glob("layers/core/bridge/**/*.py"), *ROOT.glob("functions/**/*.py")]
HEADING = "## What is held, and for how long"
TABLE = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition(HEADING)[2].partition("\n###")[0].splitlines()
    if line.startswith("|") and not line.startswith("|---")
]
# type of a resource                 how the table calls what it keeps; None keeps nothing
KEEPS: dict[str, str | None] = {
    "AWS::SQS::Queue": "Queue `{name}`",
    "AWS::DynamoDB::Table": "Ledger `webhook#`",
    "AWS::S3::Bucket": "S3 `bodies/`",
    "AWS::Logs::LogGroup": "Logs",
    "AWS::SecretsManager::Secret": "Secrets",
    "AWS::SSM::Parameter": "Parameters",
    "AWS::CloudWatch::Alarm": "Metrics",
    "AWS::CloudWatch::Dashboard": "Metrics",
    "AWS::Logs::MetricFilter": "Metrics",
    "AWS::Serverless::Function": "Traces",
    "AWS::Serverless::HttpApi": "Logs",
    "AWS::Serverless::LayerVersion": None,
    "AWS::SQS::QueuePolicy": None,
    "AWS::S3::BucketPolicy": None,
    "AWS::SNS::Topic": None,
    "AWS::SNS::TopicPolicy": None,
    "AWS::SNS::Subscription": None,
    "AWS::Lambda::Alias": None,
}


def kinds_of_rows() -> set[str]:
    """The beginnings of all keys in the ledger: `webhook#`."""
    beginnings = re.compile(r"""f?["']([a-z_]+#)(?:\{|["'])""")
    return {kind for path in CODE for kind in beginnings.findall(path.read_text(encoding="utf-8"))}


def stores() -> set[str]:
    return {row[0] for row in TABLE[1:]}


def test_the_table_says_of_every_store_what_it_is_for_what_it_has_of_a_person_and_when_that_ends() -> None:
    assert TABLE[0] == ["Store", "For", "What of a person", "Ends"]
    assert [row for row in TABLE if len(row) != 4 or not all(row)] == []


@pytest.mark.parametrize("name", TEMPLATE["Resources"])
def test_every_resource_that_keeps_anything_stands_in_the_table(name: str) -> None:
    kind = TEMPLATE["Resources"][name]["Type"]
    assert kind in KEEPS, f"say in KEEPS of tests/test_privacy_page.py what a {kind} keeps"
    store = KEEPS[kind]
    assert store is None or store.format(name=name) in stores(), f"add a row {store!r} to docs/privacy.md"


def test_every_kind_of_row_of_the_ledger_stands_in_the_table_and_no_other() -> None:
    kinds = kinds_of_rows()
    assert {"webhook#", "profile#", "link#", "erasure#", "connection#"} <= kinds
    told = {row[0].removeprefix("Ledger ").strip("`") for row in TABLE if row[0].startswith("Ledger")}
    assert told == kinds, "the table of docs/privacy.md and the keys of the ledger differ"


def test_every_place_in_the_bucket_stands_in_the_table_with_the_days_that_it_is_kept() -> None:
    rules = TEMPLATE["Resources"]["BodiesBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    told = {row[0].removeprefix("S3 ").strip("`") for row in TABLE if row[0].startswith("S3")}
    assert told == {rule["Prefix"] for rule in rules}
    [bodies] = [rule for rule in rules if rule["Prefix"] == "bodies/"]
    [row] = [row for row in TABLE if row[0] == "S3 `bodies/`"]
    assert f"{bodies['ExpirationInDays']} days" in row[3]


def test_the_days_of_queues_and_archive_are_those_of_the_template() -> None:
    for name, resource in TEMPLATE["Resources"].items():
        if resource["Type"] == "AWS::SQS::Queue":
            days = resource["Properties"]["MessageRetentionPeriod"] // 86400
            [row] = [row for row in TABLE if row[0] == f"Queue `{name}`"]
            assert f"{days} days" in row[3] or "after 10 days" in row[3]
    parked = TEMPLATE["Parameters"]["ParkedRetentionDays"]["Default"]
    assert f"`ParkedRetentionDays` says ({parked} days)" in PAGE
    logs = TEMPLATE["Parameters"]["LogRetentionDays"]["Default"]
    assert f"`LogRetentionDays` says ({logs} days)" in PAGE


@pytest.mark.parametrize(
    "heading", ["### For your record of processing", "### For an agreement with your customers"]
)
def test_the_page_has_a_paragraph_to_copy(heading: str) -> None:
    quoted = PAGE.partition(f"{heading}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    assert len([line for line in quoted.splitlines() if line.startswith("> ")]) > 5
