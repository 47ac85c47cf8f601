"""The template deploys on an emulator that is neither ours nor moto's, and leaves nothing running."""

from __future__ import annotations

import contextlib
from pathlib import Path

import httpx
import pytest
from samtranslator.yaml_helper import yaml_parse

from functions.sources.registry import SOURCE_PACKAGES
from local.process import ROOT
from tests.emulated.deployed import Deployed, is_lacking, translated_template
from tests.emulated.ministack import Ministack


def test_whatever_the_template_says_is_there(bridge: Deployed) -> None:
    """But for what is in `is_lacking`, and what its conditions leave out."""
    translated = translated_template({"BatchApiUrl": "http://127.0.0.1:9/2.11"})["Resources"]
    wanted = {
        name
        for name, resource in translated.items()
        if not is_lacking(resource) and "Condition" not in resource
    }
    pages = bridge.emulator.client("cloudformation").get_paginator("list_stack_resources")
    made = {
        resource["LogicalResourceId"]: resource["ResourceStatus"]
        for page in pages.paginate(StackName=bridge.stack)
        for resource in page["StackResourceSummaries"]
    }
    assert set(made) == wanted
    assert set(made.values()) == {"CREATE_COMPLETE"}


def test_every_function_of_the_template_is_deployed_with_a_role_of_its_own(bridge: Deployed) -> None:
    resources = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
    declared = {name for name, one in resources.items() if one["Type"] == "AWS::Serverless::Function"}
    assert set(bridge.functions) == declared
    assert len({function.role for function in bridge.functions.values()}) == len(declared)


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_every_source_is_reached_and_refuses_what_is_not_signed(bridge: Deployed, source: str) -> None:
    with bridge.emulator.http() as client:
        answer = client.post(f"/{source}/main", headers={"host": bridge.host}, content=b"{}")
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_signature"})


def test_queues_are_reached_over_tls_alone(bridge: Deployed) -> None:
    """The policies of the template ask for TLS: without it, not even a role that may send can."""
    address = bridge.emulator.endpoint.replace("https://", "http://")
    with pytest.raises(httpx.HTTPError):
        httpx.get(address, trust_env=False)


def test_it_ends_with_what_it_started() -> None:
    with Ministack() as emulator:
        group = emulator.process.pid
        folder = emulator.folder
        assert emulator.client("sts").get_caller_identity()["Account"] == "123456789012"
        assert living(group)
    assert living(group) == []
    assert not folder.exists()


def living(group: int) -> list[int]:
    """The processes of a group that have not ended, whether or not anybody has waited for them."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(of_group) == group and state != "Z":
                found.append(int(stat.parent.name))
    return found
