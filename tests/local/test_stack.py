"""The whole local stack starts, says where it is, shows what happens, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from functions.sources.registry import SOURCE_PACKAGES
from local.process import ROOT
from local.stack import LocalStack, StackFailed

pytestmark = pytest.mark.stack

SAMPLE = {"file": "events/shopify/orders.paid.json"}


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as running:
        yield running


@pytest.fixture
def fresh(stack: LocalStack) -> LocalStack:
    assert httpx.delete(f"{stack.batch_url}/sandbox").status_code == 204
    return stack


def get(stack: LocalStack, path: str) -> Any:
    return httpx.get(stack.url + path).json()


def post(stack: LocalStack, path: str, content: object = None) -> Any:
    answer = httpx.post(stack.url + path, json=content or {}, timeout=40)
    return answer.json() if answer.content else None


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def delivered(stack: LocalStack) -> list[Any]:
    return [receipt for receipt in get(stack, "/_local/receipts") if receipt["status"] == "delivered"]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids(stack: LocalStack) -> list[int]:
    return [pid for function in get(stack, "/_local/functions") for pid in function["pids"]]


def test_every_source_is_connected(stack: LocalStack) -> None:
    connections = get(stack, "/_local/connections")
    assert [one["source"] for one in connections] == list(SOURCE_PACKAGES)
    for one in connections:
        assert one["url"].partition("?")[0] == f"{stack.url}/{one['source']}/main"
        assert one["signing_secret"].partition("_local_")[2]
    form = next(one for one in connections if one["source"] == "form")
    assert form["url"].endswith(f"?token={form['signing_secret']}")


def test_a_sample_is_delivered_and_a_repeat_is_told_of(fresh: LocalStack) -> None:
    first = post(fresh, "/_local/samples", SAMPLE)
    assert (first["status"], first["answer"]["status"], first["repeat"]) == (200, "accepted", False)
    eventually(lambda: delivered(fresh))
    second = post(fresh, "/_local/samples", SAMPLE)
    assert second["answer"]["id"] == first["answer"]["id"]
    assert second["repeat"] is True
    [profile] = httpx.get(f"{fresh.batch_url}/sandbox/profiles").json()
    assert len(profile["events"]) == 1


def test_a_sample_that_comes_after_another_is_sent_after_it(fresh: LocalStack) -> None:
    refund = {"file": "events/shopify/refunds.create.json"}
    answer = post(fresh, "/_local/samples", refund)
    assert answer["first"] == ["events/shopify/orders.create__shipped.json"]
    eventually(lambda: len(delivered(fresh)) == 2)
    [profile] = httpx.get(f"{fresh.batch_url}/sandbox/profiles").json()
    assert {event["name"] for event in profile["events"]} == {"order_placed", "order_refunded"}
    assert profile["attributes"]["$email_address"]


def test_a_sample_can_be_sent_alone_all_the_same(fresh: LocalStack) -> None:
    answer = post(fresh, "/_local/samples", {"file": "events/shopify/refunds.create.json", "alone": True})
    assert (answer["status"], answer["first"]) == (200, [])
    eventually(lambda: [one["status"] for one in get(fresh, "/_local/receipts")] == ["waiting"])


def test_after_forgetting_the_same_sample_can_be_sent_again(fresh: LocalStack) -> None:
    post(fresh, "/_local/samples", SAMPLE)
    eventually(lambda: delivered(fresh))
    post(fresh, "/_local/forget")
    state = get(fresh, "/_local/state")
    assert (state["profiles"], state["receipts"], state["failures"]) == ([], [], [])
    assert post(fresh, "/_local/samples", SAMPLE)["repeat"] is False
    eventually(lambda: delivered(fresh))


@pytest.mark.parametrize(
    "file", ["events/shopify/unknown.json", "events/unknown/a.json", "template.yaml", ""]
)
def test_what_is_no_sample_is_not_sent(stack: LocalStack, file: str) -> None:
    answer = httpx.post(f"{stack.url}/_local/samples", json={"file": file})
    assert answer.status_code == 404


def test_a_failure_is_shown_with_its_reason_and_can_be_retried(fresh: LocalStack) -> None:
    httpx.post(f"{fresh.batch_url}/sandbox/faults", json={"status": 400, "count": 1})
    webhook_id = post(fresh, "/_local/samples", SAMPLE)["answer"]["id"]
    eventually(lambda: get(fresh, "/_local/failures"))
    [failure] = get(fresh, "/_local/failures")
    assert get(fresh, "/_local/failures") == [failure], "looking must take nothing away"
    assert (failure["id"], failure["class"], failure["source"]) == (
        webhook_id,
        "rejected_by_batch",
        "shopify",
    )
    assert (failure["topic"], failure["retries"]) == ("orders/paid", 0)
    assert post(fresh, "/_local/retry", {"class": "mapping_failed"})["retried"] == 0
    assert (
        post(fresh, "/_local/retry", {"id": webhook_id, "dry_run": True})["webhooks"][0]["id"] == webhook_id
    )
    assert post(fresh, "/_local/retry", {"class": "rejected_by_batch", "source": "shopify"})["retried"] == 1
    eventually(lambda: delivered(fresh))
    assert get(fresh, "/_local/failures") == []


def test_an_unknown_filter_is_refused(stack: LocalStack) -> None:
    answer = httpx.post(f"{stack.url}/_local/retry", json={"colour": "red"})
    assert (answer.status_code, answer.json()) == (400, {"error": "unknown filter: colour"})


def test_the_state_is_told_only_when_it_changed(fresh: LocalStack) -> None:
    revision = get(fresh, "/_local/state")["revision"]
    assert httpx.get(f"{fresh.url}/_local/state", params={"revision": revision}).status_code == 204
    post(fresh, "/_local/samples", SAMPLE)
    assert httpx.get(f"{fresh.url}/_local/state", params={"revision": revision}).status_code == 200


def test_a_killed_function_starts_again_and_loses_nothing(fresh: LocalStack) -> None:
    before = {function["name"]: function for function in get(fresh, "/_local/functions")}
    killed = post(fresh, "/_local/functions/ShopifyFunction/kill")["killed"]
    assert killed == before["ShopifyFunction"]["pids"]
    eventually(lambda: post(fresh, "/_local/samples", SAMPLE)["status"] == 200)
    eventually(lambda: delivered(fresh))
    after = {function["name"]: function for function in get(fresh, "/_local/functions")}
    assert after["ShopifyFunction"]["restarts"] == before["ShopifyFunction"]["restarts"] + 1
    assert after["DeliverFunction"]["invocations"] > before["DeliverFunction"]["invocations"]
    assert httpx.post(f"{fresh.url}/_local/functions/Unknown/kill").status_code == 404


def test_the_stacks_own_routes_answer_to_loopback_names_alone(stack: LocalStack) -> None:
    for path in ("/", "/_local/connections", "/_local/page/page.css"):
        assert httpx.get(stack.url + path).status_code == 200
        assert httpx.get(stack.url + path, headers={"host": "tunnel.example.com"}).status_code == 403
    answer = httpx.post(f"{stack.url}/shopify/main", headers={"host": "tunnel.example.com"})
    assert answer.status_code == 401


def test_boto3_reaches_the_stack_with_its_variables(stack: LocalStack) -> None:
    environment = stack.environment
    client = boto3.client(
        "secretsmanager",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    stored = json.loads(client.get_secret_value(SecretId=f"{stack.name}/shopify/main")["SecretString"])
    assert stored["signing_secrets"] == [get(stack, "/_local/connections")[0]["signing_secret"]]


def test_ports_that_are_taken_are_told_of() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(StackFailed, match=f"Port {port} is taken .* BATCH_PORT="),
            LocalStack(batch_port=port),
        ):
            pass


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_no_process_is_left(tmp_path: Path, how: signal.Signals) -> None:
    command = [
        sys.executable,
        "-m",
        "local",
        "--port",
        "0",
        "--batch-port",
        "0",
        "--directory",
        str(tmp_path),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    eventually((tmp_path / "stack.json").exists, 60)
    described = json.loads((tmp_path / "stack.json").read_text())
    functions = httpx.get(f"{described['url']}/_local/functions").json()
    children = [pid for function in functions for pid in function["pids"]]
    assert children
    process.send_signal(how)
    printed, _ = process.communicate(timeout=10)
    assert described["url"] in printed
    assert "bridge send events/shopify/orders.paid.json" in printed
    assert process.returncode == (0 if how != signal.SIGKILL else -how)
    eventually(lambda: not any(map(alive, children)))
    if how != signal.SIGKILL:
        assert not (tmp_path / "stack.json").exists()


def test_it_ends_with_the_one_that_started_it() -> None:
    with LocalStack() as stack:
        children = pids(stack)
        assert stack.process.stdin is not None
        stack.process.stdin.close()  # as the system does for a process that dies
        assert stack.process.wait(10) == 0
    eventually(lambda: not any(map(alive, children)))


def test_functions_have_as_many_processes_as_asked() -> None:
    with LocalStack(processes={"ShopifyFunction": 3, "DeliverFunction": 1}) as stack:
        counts = {function["name"]: len(function["pids"]) for function in get(stack, "/_local/functions")}
    assert (counts["ShopifyFunction"], counts["DeliverFunction"], counts["StripeFunction"]) == (3, 1, 1)
