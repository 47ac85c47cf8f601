"""The local stack from end to end: webhooks a second taken in and delivered, answers, processor time."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from bench.emulator import HOST, free_ports
from bench.figure import Figure
from bench.order import order_body
from functions.sources.registry import source_module
from local.connections import local_secret
from local.stack import LocalStack

NAME = "stack"
CPU_SECONDS_PER_1000_AT_MOST = 1.5
WEBHOOKS = 1000
WARM_UP = 50
AT_ONCE = 32
DELIVERED_WITHIN_SECONDS = 120
MILLISECONDS = 1000
ON_THE_WAY = ("ShopifyFunction", "DeliverFunction")
BASELINE = "one process without a queue that answers once Batch has, on the same machine, to the same sandbox"


@dataclass(frozen=True)
class Run:
    """What sending all webhooks took. The percentiles are of the seconds until an answer."""

    accepted_per_second: float
    delivered_per_second: float
    median: float
    percentile_99: float
    cpu_seconds_per_1000: float


def run() -> list[Figure]:
    """The same webhooks through the stack, and through a process that answers once Batch has."""
    with LocalStack(rate_limited=False) as stack:
        ours = measure(stack.url, stack.batch_url, lambda: cpu_of_functions(stack.url))
        httpx.delete(f"{stack.batch_url}/sandbox", timeout=60)
        with direct(stack.batch_url) as url:
            plain = measure(url, stack.batch_url, lambda: httpx.get(f"{url}/cpu").json()["cpu_seconds"])

    def figure(what: str, unit: str, value: float, baseline: float, at_most: float | None = None) -> Figure:
        return Figure(NAME, what, value, unit, baseline=baseline, baseline_is=BASELINE, at_most=at_most)

    return [
        figure("webhooks accepted", "1/s", ours.accepted_per_second, plain.accepted_per_second),
        figure("webhooks delivered", "1/s", ours.delivered_per_second, plain.delivered_per_second),
        figure("answer, median", "ms", ours.median * MILLISECONDS, plain.median * MILLISECONDS),
        figure(
            "answer, 99th percentile",
            "ms",
            ours.percentile_99 * MILLISECONDS,
            plain.percentile_99 * MILLISECONDS,
        ),
        figure(
            "CPU of the functions, per 1,000",
            "s",
            ours.cpu_seconds_per_1000,
            plain.cpu_seconds_per_1000,
            CPU_SECONDS_PER_1000_AT_MOST,
        ),
    ]


def measure(url: str, batch_url: str, cpu_seconds: Callable[[], float]) -> Run:
    """Warm up, then send all webhooks, 32 at once, and wait until every profile is in the sandbox."""
    asyncio.run(send(url, range(WARM_UP)))
    wait_for_profiles(batch_url, WARM_UP)
    cpu_before, started = cpu_seconds(), time.monotonic()
    answered = asyncio.run(send(url, range(WARM_UP, WARM_UP + WEBHOOKS)))
    accepted = time.monotonic()
    wait_for_profiles(batch_url, WARM_UP + WEBHOOKS)
    delivered = time.monotonic()
    return Run(
        accepted_per_second=WEBHOOKS / (accepted - started),
        delivered_per_second=WEBHOOKS / (delivered - started),
        median=statistics.median(answered),
        percentile_99=statistics.quantiles(answered, n=100)[98],
        cpu_seconds_per_1000=(cpu_seconds() - cpu_before) * 1000 / WEBHOOKS,
    )


async def send(url: str, numbers: Sequence[int]) -> list[float]:
    """Post an order of each number; returns the seconds until each answer."""
    requests = [signed(url, number) for number in numbers]
    free = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=AT_ONCE)) as client:

        async def one(request: httpx.Request) -> float:
            async with free:
                started = time.monotonic()
                (await client.send(request)).raise_for_status()
                return time.monotonic() - started

        return list(await asyncio.gather(*(one(request) for request in requests)))


def signed(url: str, number: int) -> httpx.Request:
    body = order_body(number)
    headers, _ = source_module("shopify", "signing").sign(
        "shopify", "orders/paid", body, local_secret("shopify"), time.time()
    )
    headers |= {"content-type": "application/json", "x-shopify-api-version": "2026-04"}
    return httpx.Request("POST", f"{url}/shopify/main", content=body, headers=headers)


def wait_for_profiles(batch_url: str, number: int) -> None:
    give_up_at = time.monotonic() + DELIVERED_WITHIN_SECONDS
    while len(httpx.get(f"{batch_url}/sandbox/profiles", timeout=30).json()) < number:
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"not all of {number} webhooks are delivered")
        time.sleep(0.1)


def cpu_of_functions(url: str) -> float:
    """Seconds of processor time of the functions between the receiver and Batch."""
    functions = httpx.get(f"{url}/_local/functions").json()
    return sum(float(function["cpu_seconds"]) for function in functions if function["name"] in ON_THE_WAY)


@contextmanager
def direct(batch_url: str) -> Iterator[str]:
    """The baseline in a process of its own, and its address."""
    [port] = free_ports(1)
    process = subprocess.Popen([sys.executable, "-m", "bench.direct", str(port), batch_url])
    url = f"http://{HOST}:{port}"
    try:
        while process.poll() is None:
            try:
                httpx.get(f"{url}/cpu")
            except httpx.ConnectError:
                time.sleep(0.05)
            else:
                break
        yield url
    finally:
        process.terminate()
        process.wait()
