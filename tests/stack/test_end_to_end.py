"""The promises of the whole, over real HTTP: through the endpoint, the queue and the functions, into the Batch
sandbox."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from bridge.profiles.identity import email_sha256
from bridge.receiving.connection_list import store_connection
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import Secrets
from bridge.webhook import Webhook
from cli.sample import Sample
from cli.sample import signed as signed_sample
from functions.deliver.erasure import request
from functions.sources.registry import SOURCE_PACKAGES
from functions.sources.registry import signed as signed_by_provider
from local.callers import access_key_of
from local.stack import LocalStack
from tests.world import with_told_times

pytestmark = pytest.mark.stack

EXAMPLES = sorted(path for path in Path("events").glob("*/*.json") if not path.name.endswith(".batch.json"))
TELLING = [path for path in EXAMPLES if json.loads(path.with_suffix(".batch.json").read_text())]
DELIVERED_WITHIN_SECONDS = 20.0
ALL_DELIVERED_WITHIN_SECONDS = 60.0
OUTAGE_SECONDS = 20
DELIVERED_SOON_SECONDS = 30.0


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as running:
        yield running


@pytest.fixture
def fresh(stack: LocalStack) -> LocalStack:
    """The stack with nothing left of the test before."""
    assert httpx.delete(f"{stack.batch_url}/sandbox").status_code == 204
    return stack


def connection(stack: LocalStack, source: str) -> dict[str, str]:
    found = httpx.get(f"{stack.url}/_local/connections").json()
    return next(one for one in found if one["source"] == source)


def signed(
    stack: LocalStack,
    source: str,
    topic: str,
    body: bytes,
    now: float | None = None,
    secret: str | None = None,
) -> httpx.Request:
    """A webhook as its provider sends it."""
    known = connection(stack, source)
    address = known["url"].partition("?")[0]
    headers, query = signed_by_provider(
        source,
        topic,
        body,
        secret or known["signing_secret"],
        time.time() if now is None else now,
        address,
    )
    return httpx.Request(
        "POST", address, params=query, headers={"content-type": "application/json"} | headers, content=body
    )


def send_all(requests: list[httpx.Request], at_once: int = 16) -> list[int]:
    """Send the requests, so many at once; returns their statuses, in order."""

    async def run() -> list[int]:
        limit = asyncio.Semaphore(at_once)
        async with httpx.AsyncClient(timeout=30) as client:

            async def one(request: httpx.Request) -> int:
                async with limit:
                    return (await client.send(request)).status_code

            return list(await asyncio.gather(*(one(request) for request in requests)))

    return asyncio.run(run())


def profiles(stack: LocalStack) -> dict[str, dict[str, Any]]:
    """Profiles by custom id; events in an order of their own, as the way there promises none."""
    found = httpx.get(f"{stack.batch_url}/sandbox/profiles", params={"limit": 1000}).json()
    return {
        one["custom_id"]: {
            "attributes": one["attributes"],
            "events": sorted(one["events"], key=lambda event: json.dumps(event, sort_keys=True)),
        }
        for one in found
    }


def failures(stack: LocalStack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{stack.url}/_local/failures").json()
    return found


def statuses(stack: LocalStack) -> list[str]:
    receipts = httpx.get(f"{stack.url}/_local/receipts", params={"limit": 5000}).json()
    return [receipt["status"] for receipt in receipts]


def restart_delivery(stack: LocalStack) -> None:
    """Have deliver begin anew, without anything in its memory; what is sent before it has would wait for minutes."""
    killed = set(httpx.post(f"{stack.url}/_local/functions/DeliverFunction/kill").json()["killed"])

    def has_begun() -> bool:
        functions = httpx.get(f"{stack.url}/_local/functions").json()
        [pids] = [set(one["pids"]) for one in functions if one["name"] == "DeliverFunction"]
        return len(pids) == len(killed) and not pids & killed

    assert eventually(has_begun, 20)


def eventually(condition: Callable[[], bool], seconds: float) -> bool:
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.05)
    return True


def order(number: int, person: int, topic: str, second: int) -> tuple[str, bytes]:
    """A moment in the life of an order: topic and body. Later seconds are later states."""
    email = f"person{person}@example.com"
    body = {
        "id": 900_000 + number,
        "name": f"#{number}",
        "created_at": f"2026-09-01T10:{number % 60:02}:00Z",
        "processed_at": f"2026-09-01T10:{number % 60:02}:01Z",
        "cancelled_at": f"2026-09-02T10:00:{second:02}Z" if topic == "orders/cancelled" else None,
        "updated_at": f"2026-09-02T10:{number % 60:02}:{second:02}Z",
        "financial_status": "pending" if topic == "orders/create" else "paid",
        "current_total_price": f"{number}.{second:02}",
        "currency": "EUR",
        "customer": {"id": 700_000 + person, "email": email, "updated_at": f"2026-09-02T10:00:{second:02}Z"},
    }
    return topic, json.dumps(body).encode()


LIFE = ("orders/create", "orders/paid", "orders/updated", "orders/cancelled")


def two_hundred_of_twenty() -> list[tuple[str, bytes]]:
    """200 webhooks of 20 customers, in order: each customer has two orders of four moments, and two updates."""
    webhooks = []
    for person in range(20):
        for number in (2 * person, 2 * person + 1):
            webhooks += [order(number, person, topic, second) for second, topic in enumerate(LIFE)]
        for second in (20, 21):
            customer = {
                "id": 700_000 + person,
                "email": f"person{person}@example.com",
                "first_name": f"Name {second}",
                "updated_at": f"2026-09-03T10:00:{second}Z",
            }
            webhooks.append(("customers/update", json.dumps(customer).encode()))
    return webhooks


@pytest.mark.parametrize("path", TELLING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_becomes_exactly_what_stands_beside_it(stack: LocalStack, path: Path) -> None:
    if after := came_before(path):
        custom_id = arrives(stack, after)["identifiers"]["custom_id"]
        assert eventually(lambda: custom_id in owners(stack), DELIVERED_WITHIN_SECONDS)
    operation = arrives(stack, path)
    address = f"{stack.batch_url}/sandbox/profiles/{operation['identifiers']['custom_id']}"
    attributes, events = operation.get("attributes", {}), operation.get("events", [])
    if after or path in FIRST_OF_SEVERAL:
        assert eventually(lambda: tells(httpx.get(address).json(), operation), DELIVERED_WITHIN_SECONDS), (
            httpx.get(address).json()
        )
        return
    profile = httpx.get(address).json()
    assert profile["attributes"] == {name: value for name, value in attributes.items() if value is not None}
    [shown] = with_told_times([{"events": profile["events"]}], [operation])
    assert shown["events"] == events


def came_before(path: Path) -> Path | None:
    """The example that says whose this one is."""
    after = json.loads(path.read_text()).get("after")
    return Path(after) if after else None


def owners(stack: LocalStack) -> set[str]:
    """Whose webhooks are delivered, so that what names them by an id finds them."""
    receipts = httpx.get(f"{stack.url}/_local/receipts", params={"limit": 5000}).json()
    return {receipt["custom_id"] for receipt in receipts if receipt["status"] == "delivered"}


FIRST_OF_SEVERAL = {came_before(path) for path in EXAMPLES}
"""Their profiles may have more than they tell themselves."""


def arrives(stack: LocalStack, path: Path) -> dict[str, Any]:
    """Send a sample; once its profile is there, returns what stands beside it."""
    [operation] = json.loads(path.with_suffix(".batch.json").read_text())
    sent = httpx.post(f"{stack.url}/_local/samples", json={"file": str(path)}).json()
    assert (sent["status"], sent["answer"]["status"]) == (200, "accepted")
    address = f"{stack.batch_url}/sandbox/profiles/{operation['identifiers']['custom_id']}"
    assert eventually(lambda: httpx.get(address).status_code == 200, DELIVERED_WITHIN_SECONDS)
    found: dict[str, Any] = operation
    return found


def tells(profile: dict[str, Any], operation: dict[str, Any]) -> bool:
    """Whether a profile has all that an operation says, unless another example has since said otherwise."""
    events = [event for event in operation.get("events", []) if event not in profile["events"]]
    missing = [name for name in operation.get("attributes", {}) if name not in profile["attributes"]]
    lists = [
        (profile["attributes"].get(name, []), value)
        for name, value in operation.get("attributes", {}).items()
        if isinstance(value, dict)
    ]
    return not (events or missing) and all(
        set(value.get("$add", [])) <= set(items) and not set(value.get("$remove", [])) & set(items)
        for items, value in lists
    )


REARRANGED = {"wufoo/activepieces.json"}
"""Bodies that another product has made of the provider's: no webhook of the provider looks like this."""


def sample_requests(
    stack: LocalStack, samples: Path, now: float | None = None, secret: str | None = None
) -> list[httpx.Request]:
    """Every body of others, with the headers that it came with, signed as its provider does."""
    requests = []
    for path in sorted(path for source in SOURCE_PACKAGES for path in (samples / source).glob("*.json")):
        if f"{path.parent.name}/{path.name}" in REARRANGED:
            continue
        sample = Sample.load(path)
        known = connection(stack, sample.source)
        address = known["url"].partition("?")[0]
        one = signed_sample(sample, address, secret or known["signing_secret"], now or time.time())
        requests.append(httpx.Request("POST", one.url, headers=one.headers, content=one.body))
    return requests


def test_every_sample_of_others_is_taken_in_and_none_is_parked(fresh: LocalStack, samples: Path) -> None:
    """Two pages of a provider may show one body for two topics: the second is stopped, as it would be in life."""
    requests = list({request.content: request for request in sample_requests(fresh, samples)}.values())
    assert len(requests) > 60
    assert set(send_all(requests)) == {200}
    assert eventually(lambda: queue_is_empty(fresh), ALL_DELIVERED_WITHIN_SECONDS)
    assert failures(fresh) == []


def queue_is_empty(stack: LocalStack) -> bool:
    sqs = boto3.client("sqs", **client_options(stack))
    counts = sqs.get_queue_attributes(
        QueueUrl=stack.variables["QUEUE_URL"],
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return set(counts.values()) == {"0"}


def client_options(stack: LocalStack) -> dict[str, str]:
    environment = stack.environment
    return {
        "endpoint_url": environment["AWS_ENDPOINT_URL"],
        "region_name": environment["AWS_DEFAULT_REGION"],
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
    }


def test_forged_samples_are_refused_and_nothing_is_queued(fresh: LocalStack, samples: Path) -> None:
    wrong = sample_requests(fresh, samples, secret="of-a-stranger")
    missing = [
        httpx.Request("POST", request.url.copy_with(query=None), content=b"{}") for request in wrong[:3]
    ]
    stale = [
        request for request in sample_requests(fresh, samples, now=time.time() - 301) if is_stripe(request)
    ]
    tampered = [changed(request) for request in sample_requests(fresh, samples) if not has_token(request)]
    assert set(send_all(wrong + missing + stale + tampered)) == {401}
    assert queue_is_empty(fresh)
    assert statuses(fresh) == []


def has_token(request: httpx.Request) -> bool:
    """Whether a secret in the address is all that proves the request: it says nothing of the body."""
    return "token" in request.url.params


def is_stripe(request: httpx.Request) -> bool:
    return request.url.path.startswith("/stripe/")


def changed(request: httpx.Request) -> httpx.Request:
    """The request with one more space at the end of its body."""
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    return httpx.Request("POST", request.url, headers=headers, content=request.content + b" ")


def test_the_same_webhook_at_the_same_instant_makes_one_event(fresh: LocalStack) -> None:
    topic, body = order(1, 1, "orders/paid", 1)
    requests = [signed(fresh, "shopify", topic, body) for _ in range(3)]
    assert send_all(requests, at_once=3) == [200, 200, 200]
    custom_id = email_sha256("person1@example.com") or ""
    assert eventually(lambda: custom_id in profiles(fresh), DELIVERED_WITHIN_SECONDS)
    assert eventually(lambda: queue_is_empty(fresh), DELIVERED_WITHIN_SECONDS)
    assert len(profiles(fresh)[custom_id]["events"]) == 1


def delivered_profiles(stack: LocalStack, webhooks: list[tuple[str, bytes]]) -> dict[str, dict[str, Any]]:
    """The profiles after the webhooks have all been delivered."""
    assert httpx.delete(f"{stack.batch_url}/sandbox").status_code == 204
    requests = [signed(stack, "shopify", topic, body) for topic, body in webhooks]
    assert set(send_all(requests)) == {200}
    wanted = len(set(webhooks))
    assert eventually(lambda: statuses(stack).count("delivered") == wanted, ALL_DELIVERED_WITHIN_SECONDS)
    assert failures(stack) == []
    return profiles(stack)


def test_any_order_of_arrival_ends_in_the_same_profiles(stack: LocalStack) -> None:
    webhooks = two_hundred_of_twenty()
    shuffled = webhooks.copy()
    random.Random(20260901).shuffle(shuffled)
    in_order = delivered_profiles(stack, webhooks)
    assert len(in_order) == 20
    assert delivered_profiles(stack, shuffled) == in_order


def test_an_outage_of_batch_loses_and_doubles_nothing(fresh: LocalStack) -> None:
    fault = {"status": 503, "seconds": OUTAGE_SECONDS}
    assert httpx.post(f"{fresh.batch_url}/sandbox/faults", json=fault).is_success
    webhooks = [order(number, number % 50, "orders/paid", number % 60) for number in range(200)]
    assert set(send_all([signed(fresh, "shopify", topic, body) for topic, body in webhooks])) == {200}
    assert profiles(fresh) == {}
    delivered = eventually(
        lambda: statuses(fresh).count("delivered") == 200, OUTAGE_SECONDS + 2 * ALL_DELIVERED_WITHIN_SECONDS
    )
    assert delivered, f"{statuses(fresh).count('delivered')} of 200 delivered"
    assert failures(fresh) == []
    events = [event for profile in profiles(fresh).values() for event in profile["events"]]
    assert len(events) == 200
    assert len({event["attributes"]["order_id"] for event in events}) == 200


def test_wrong_keys_lose_nothing_and_the_right_ones_deliver_by_themselves(fresh: LocalStack) -> None:
    secrets = Secrets(fresh.name, boto3.client("secretsmanager", **client_options(fresh)))
    right = secrets.batch_keys("default")
    stored = {"rest_api_key": "revoked", "project_key": right.project_key, "app_keys": []}
    secrets.store("batch/default", stored)
    restart_delivery(fresh)
    topic, body = order(7, 7, "orders/paid", 7)
    assert send_all([signed(fresh, "shopify", topic, body)]) == [200]
    assert eventually(lambda: "BatchCredentialsRefused" in fresh.log("DeliverFunction"), 10)
    assert profiles(fresh) == {}
    secrets.store("batch/default", stored | {"rest_api_key": right.rest_api_key})
    custom_id = email_sha256("person7@example.com")
    assert eventually(lambda: custom_id in profiles(fresh), 90)
    assert failures(fresh) == []


def test_what_cannot_be_mapped_is_parked_without_values_and_a_retry_delivers_it_once_mended(
    fresh: LocalStack,
) -> None:
    parameter = f"/{fresh.name}/shopify/main"
    ssm = boto3.client("ssm", **client_options(fresh))
    ssm.put_parameter(
        Name=parameter, Value='{"identity": ["ada@example.com"]}', Type="String", Overwrite=True
    )
    restart_delivery(fresh)
    topic, body = order(8, 8, "orders/paid", 8)
    assert send_all([signed(fresh, "shopify", topic, body)]) == [200]
    assert eventually(lambda: len(failures(fresh)) == 1, 10)
    [failure] = failures(fresh)
    assert (failure["class"], failure["topic"]) == ("mapping_failed", "orders/paid")
    assert "example.com" not in json.dumps(failure)
    ssm.delete_parameter(Name=parameter)
    restart_delivery(fresh)
    report = httpx.post(f"{fresh.url}/_local/retry", json={"class": "mapping_failed"}).json()
    assert report["retried"] == 1
    custom_id = email_sha256("person8@example.com")
    assert eventually(lambda: custom_id in profiles(fresh), 10)
    assert failures(fresh) == []


def test_a_subscription_waits_for_the_customer_that_tells_whose_it_is(fresh: LocalStack) -> None:
    subscription = json.loads(Path("events/stripe/customer.subscription.created.json").read_text())["body"]
    subscription["data"]["object"] |= {"metadata": {}, "customer": "cus_waiting"}
    customer = json.loads(Path("events/stripe/customer.created.json").read_text())["body"]
    customer["data"]["object"] |= {"id": "cus_waiting", "email": "waiting@example.com", "metadata": {}}
    bodies = [(one["type"], json.dumps(one).encode()) for one in (subscription, customer)]
    assert send_all([signed(fresh, "stripe", *bodies[0])]) == [200]
    assert eventually(lambda: statuses(fresh) == ["waiting"], 5)
    assert profiles(fresh) == {}
    assert send_all([signed(fresh, "stripe", *bodies[1])]) == [200]
    custom_id = email_sha256("waiting@example.com") or ""
    assert eventually(lambda: "subscription_id" in attributes_of(fresh, custom_id), 15)
    assert list(profiles(fresh)) == [custom_id]


def test_what_a_function_sends_for_another_source_is_parked_and_nothing_sends_it_again(
    fresh: LocalStack,
) -> None:
    person = "person9@example.com"
    assert send_all([signed(fresh, "shopify", *order(9, 9, "orders/create", 0))]) == [200]
    assert eventually(lambda: statuses(fresh) == ["delivered"], 10)
    before, custom_id = profiles(fresh), email_sha256(person) or ""
    at = datetime.now(UTC)
    erasure = request.forget("default", custom_id, "a test", at, person)
    topic, body = order(10, 9, "orders/paid", 1)
    forged = Webhook("forged", "shopify", "main", topic, {}, body, at, "forged")
    for webhook in (erasure, forged):
        queue_of(fresh, "FormsFunction").send(webhook)
    assert eventually(lambda: len(failures(fresh)) == 2, 10)
    for asked in ({}, {"class": "wrong_sender"}, {"id": failures(fresh)[0]["id"]}):
        httpx.post(f"{fresh.url}/_local/retry", json=asked)
    assert {one["class"] for one in failures(fresh)} == {"wrong_sender"}
    assert (profiles(fresh), statuses(fresh)) == (before, ["delivered"])
    assert fresh.log("DeliverFunction").count('"cause":"wrong_sender"') >= 2
    queue_of(fresh, "ShopifyFunction").send(replace(forged, id="genuine"))
    assert eventually(lambda: statuses(fresh) == ["delivered", "delivered"], 10)


def queue_of(stack: LocalStack, function: str) -> WebhookQueue:
    """The queue as a function of the stack may send to it."""
    arn = json.loads((stack.directory / "stack.json").read_text())["functions"][function]
    variables = stack.environment
    client = boto3.client(
        "sqs",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id=access_key_of(arn.rpartition(":")[2]),
        aws_secret_access_key="local",
    )
    return WebhookQueue(stack.variables["QUEUE_URL"], client=client)


def attributes_of(stack: LocalStack, custom_id: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = profiles(stack).get(custom_id, {}).get("attributes", {})
    return found


def test_a_body_too_large_for_the_queue_is_delivered(fresh: LocalStack) -> None:
    topic, body = order(9, 9, "orders/paid", 9)
    noise = random.Random(9).randbytes(400_000).hex()
    large = json.dumps(json.loads(body) | {"note": noise}).encode()
    assert send_all([signed(fresh, "shopify", topic, large)]) == [200]
    assert eventually(lambda: email_sha256("person9@example.com") in profiles(fresh), 5)


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[LocalStack]:
    """A stack whose queue shows again after 15 seconds what a dead process had in hand, in place of 180."""
    own = Path("template.yaml").read_text()
    [line] = [line for line in own.splitlines() if line.lstrip().startswith("VisibilityTimeout: 180")]
    template = tmp_path / "template.yaml"
    template.write_text(own.replace(line, line.replace("180", "15")))
    with LocalStack(template=template) as running:
        yield running


def test_a_killed_function_loses_nothing(impatient: LocalStack) -> None:
    webhooks = [order(number, number % 7, "orders/paid", number % 60) for number in range(40)]
    requests = [signed(impatient, "shopify", topic, body) for topic, body in webhooks]
    assert set(send_all(requests[:20])) == {200}
    httpx.post(f"{impatient.url}/_local/functions/DeliverFunction/kill")
    assert set(send_all(requests[20:])) == {200}
    assert eventually(lambda: statuses(impatient).count("delivered") == 40, 120)


def test_unknown_addresses_are_told_so(fresh: LocalStack) -> None:
    answers = [
        httpx.post(f"{fresh.url}{path}") for path in ("/shopify/nobody", "/nobody/main", "/form/..%2f")
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert answers[0].json() == {"error": "unknown_connection"} == answers[1].json()


def test_no_log_line_holds_a_person_or_a_secret(stack: LocalStack, samples: Path) -> None:
    """Last in this module: the logs of all that it did."""
    logged = "\n".join(stack.log(function) for function in functions(stack))
    assert "webhook delivered" in logged
    secrets = [one["signing_secret"] for one in httpx.get(f"{stack.url}/_local/connections").json()]
    for word in personal_words(samples) | set(secrets):
        assert word not in logged, f"a log holds {word!r}"


def functions(stack: LocalStack) -> list[str]:
    return [function["name"] for function in httpx.get(f"{stack.url}/_local/functions").json()]


def personal_words(samples: Path) -> set[str]:
    """E-mails, phones and names in the bodies of the samples and of the examples."""
    keys = {"email", "contact_email", "phone", "first_name", "last_name", "name", "receipt_email"}
    words: set[str] = set()
    for path in [
        *EXAMPLES,
        *(path for source in SOURCE_PACKAGES for path in (samples / source).glob("*.json")),
    ]:
        collect(json.loads(path.read_text()).get("body"), keys, words)
    return {word for word in words if len(word) > 6 and (" " in word or "@" in word or word.startswith("+"))}


def collect(content: Any, keys: set[str], words: set[str]) -> None:
    if isinstance(content, dict):
        for key, value in content.items():
            if key in keys and isinstance(value, str):
                words.add(value)
            collect(value, keys, words)
    if isinstance(content, list):
        for value in content:
            collect(value, keys, words)


# ── Consent that a person confirms ──────────────────────────────────────────────────────────────────────────


def test_who_unsubscribed_is_asked_by_a_link_and_subscribed_by_its_button(fresh: LocalStack) -> None:
    whose = str(email_sha256("consent@example.com"))
    parameters = Parameters(fresh.name, boto3.client("ssm", **client_options(fresh)))
    secrets = Secrets(fresh.name, boto3.client("secretsmanager", **client_options(fresh)))
    parameters.write("form", "consent", {"consent_fields": {"newsletter": "email"}})
    store_connection(secrets, parameters, "form", "consent", {"signing_secrets": ["consent-token"]})

    def known() -> dict[str, Any]:
        return profiles(fresh).get(whose, {"attributes": {}, "events": []})

    def named(event_name: str) -> list[dict[str, Any]]:
        return [event for event in known()["events"] if event["name"] == event_name]

    def is_state(state: str) -> bool:
        return bool(known()["attributes"].get("$email_marketing") == state)

    withdrawal = {
        "customer_id": 70_001,
        "email_address": "consent@example.com",
        "email_marketing_consent": {"state": "unsubscribed", "consent_updated_at": "2026-01-01T00:00:00Z"},
    }
    topic = "customers_email_marketing_consent/update"
    assert send_all([signed(fresh, "shopify", topic, json.dumps(withdrawal).encode())]) == [200]
    assert eventually(lambda: is_state("unsubscribed"), DELIVERED_SOON_SECONDS)

    fields = {"email": "consent@example.com", "newsletter": "on"}
    address = f"{fresh.url}/form/consent"
    assert httpx.post(address, params={"token": "consent-token"}, data=fields).status_code == 200
    assert eventually(
        lambda: "consent_requested" in [event["name"] for event in known()["events"]], DELIVERED_SOON_SECONDS
    )
    [request] = [event for event in known()["events"] if event["name"] == "consent_requested"]
    link = request["attributes"]["url(confirm)"]
    assert link.startswith(f"{address}/confirm/")

    page = httpx.get(link, headers={"accept-language": "fr"})
    assert (page.status_code, 'lang="fr"' in page.text) == (200, True)
    assert httpx.post(f"{link[:-4]}AAAA").status_code == 404
    assert is_state("unsubscribed")

    assert [httpx.post(link).status_code for _ in range(2)] == [200, 200]
    assert eventually(lambda: is_state("subscribed"), DELIVERED_SOON_SECONDS)
    assert len(named("consent_confirmed")) == 1
