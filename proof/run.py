"""One proof from its plan to its report."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from bridge.storage.ledger import WAITING, Receipt
from cli.errors import WrongUsage
from proof.compare import Windows, at_most, judge, twice_named
from proof.faults import Faults
from proof.observer import Calls, is_waiting, profiles_of, settled
from proof.prices import Used, cost_per_million
from proof.report import Report, count_answers, count_erased, count_profiles, count_receipts
from proof.scenario import BROKEN, Posting, Scenario, plan
from proof.sender import TIMEOUT_SECONDS, Sender, Sent
from proof.target import DELIVER, Target, functions_of

MEGABYTES_OF_A_GIGABYTE = 1024
LOOK_IN_SECONDS = 120
ALL_CALLS = 10_000
"""More than the sandbox remembers."""
RECEIVERS = frozenset(
    {"ShopifyFunction", "StripeFunction", "WoocommerceFunction", "FormsFunction", "CustomFunction"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Hold what may be chosen of a proof. `victims` are the functions that may be killed, all where it is None."""

    webhooks: int = 2000
    seed: int = 1
    outages: bool = False
    kills: bool = False
    concurrency: int = 32
    victims: tuple[str, ...] | None = None


@dataclass(slots=True)
class Proof:
    """A run over one ground."""

    ground: Target
    options: Options

    def run(self) -> Report:
        """Prove, and count. Raises CommandFailed, WrongUsage."""
        with httpx.Client(trust_env=False, timeout=LOOK_IN_SECONDS) as http:
            before = functions_of(http, self.ground.stack.endpoint)
            if self.options.kills and not before:
                raise WrongUsage("--kills works on the local stack alone: in AWS nobody may kill a function")
            report, sent, receipts = asyncio.run(self.proven([str(one["name"]) for one in before]))
            if before:
                used = used_since(before, functions_of(http, self.ground.stack.endpoint), sent, receipts)
                report.usd_per_million_webhooks = (
                    round(cost_per_million(used), 2) if report.accepted else None
                )
        return report

    async def proven(self, functions: Sequence[str]) -> tuple[Report, list[Sent], Mapping[str, Receipt]]:
        began, since = time.time(), now_text()
        drawn = plan(
            self.options.webhooks, self.options.seed, int(began), tuple(self.ground.endpoint.addresses)
        )
        async with client(LOOK_IN_SECONDS) as looker:
            calls, trouble = Calls(looker, self.ground.sandbox_url, since=since), self.trouble(looker)
            started = time.time()
            async with meanwhile(calls.watch()):
                sent = await self.sent(drawn.postings, trouble, functions)
                answered = time.time()
                receipts = await self.settled(sent, {})
                before = await profiles_of(looker, self.ground.sandbox_url, since)
                for postings in (drawn.erasures, drawn.late):
                    asked = await self.sent(postings, trouble, functions)
                    receipts |= await self.settled(asked, receipts)
                    sent += asked
            finished = time.time()
            await calls.read(ALL_CALLS)
            after = await profiles_of(looker, self.ground.sandbox_url, since)
        profiles = {name: profile for name, profile in after.items() if name not in drawn.erased}
        profiles |= {name: before[name] for name in drawn.erased if name in before}
        report = self.report(drawn, sent, receipts)
        count_erased(report, drawn.erased, after)
        windows = Windows.of(calls.seen.values(), trouble.kills)
        broken = (one.custom_id for one in of_broken(sent, receipts))
        count_profiles(report, judge(profiles, drawn.profiles, at_most(sent), windows, broken))
        count_trouble(report, trouble)
        count_time(report, started, answered, finished, len(calls.seen))
        return report, sent, receipts

    async def sent(
        self, postings: Sequence[Posting], trouble: Faults, functions: Sequence[str]
    ) -> list[Sent]:
        """Return what the endpoint answered to postings, with trouble meanwhile."""
        async with client(TIMEOUT_SECONDS) as senders, meanwhile(*self.troubles(trouble, functions)):
            sender = Sender(self.ground.endpoint, senders)
            return await sender.send_all(postings, self.options.concurrency)

    async def settled(self, sent: Sequence[Sent], known: Mapping[str, Receipt]) -> dict[str, Receipt]:
        """Return the receipts of what was accepted, and of what is known to wait."""
        accepted = [one for one in sent if one.is_accepted]
        resting = {webhook_id for webhook_id, receipt in known.items() if is_waiting(receipt)}
        may_wait = resting | {one.webhook_id for one in accepted if one.posting.kind == BROKEN}
        return await settled(self.ground, [*(one.webhook_id for one in accepted), *resting], may_wait)

    def trouble(self, client: httpx.AsyncClient) -> Faults:
        chance = random.Random(self.options.seed)  # noqa: S311 - not for security
        return Faults(client, self.ground.stack.endpoint, self.ground.sandbox_url, chance)

    def troubles(self, trouble: Faults, functions: Sequence[str]) -> list[Coroutine[Any, Any, None]]:
        """Return what goes wrong while webhooks are sent."""
        chosen: list[Coroutine[Any, Any, None]] = []
        if self.options.outages:
            chosen.append(trouble.break_batch())
        if self.options.kills:
            chosen.append(trouble.kill_functions(self.options.victims or functions))
        return chosen

    def report(self, drawn: Scenario, sent: Sequence[Sent], receipts: Mapping[str, Receipt]) -> Report:
        report = Report(
            seed=self.options.seed,
            webhooks=len({posting.webhook for posting in drawn.of_kind("true")}),
            sources_left_out=self.ground.left_out,
        )
        count_answers(report, sent)
        count_receipts(report, sent, receipts)
        report.repeats_unrecognised = len(list(twice_named(sent)))
        return report


def client(timeout_seconds: float) -> httpx.AsyncClient:
    """Return a client with as many connections as are asked for at once."""
    return httpx.AsyncClient(
        trust_env=False, timeout=timeout_seconds, limits=httpx.Limits(max_connections=None)
    )


@contextlib.asynccontextmanager
async def meanwhile(*doing: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do this for the length of a `with`."""
    tasks = [asyncio.create_task(one) for one in doing]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended


def now_text() -> str:
    """Return this moment as the sandbox writes moments."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def of_broken(sent: Sequence[Sent], receipts: Mapping[str, Receipt]) -> list[Receipt]:
    """Return the receipts of broken webhooks that were accepted."""
    ids = {one.webhook_id for one in sent if one.posting.kind == BROKEN and one.is_accepted}
    return [receipts[one] for one in ids if one in receipts]


def count_trouble(report: Report, trouble: Faults) -> None:
    report.outages = trouble.outages
    for _, function in trouble.kills:
        report.kills[function] = report.kills.get(function, 0) + 1


def count_time(report: Report, started: float, answered: float, finished: float, calls: int) -> None:
    report.seconds = round(finished - started, 1)
    report.seconds_of_sending = round(answered - started, 1)
    report.webhooks_per_second = round(report.accepted / max(finished - started, 0.001), 1)
    if report.accepted:
        report.batch_calls_per_1000_webhooks = round(calls * 1000 / report.accepted, 1)


def used_since(
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    sent: Sequence[Sent],
    receipts: Mapping[str, Receipt],
) -> Used:
    """Return what the functions did between two looks. A batch is received and deleted with one request each."""
    known = {one["name"]: one for one in before}
    grown = {one["name"]: (growth(one, known, "invocations"), gb_seconds(one, known)) for one in after}
    receivers = [grown[name] for name in grown if name in RECEIVERS]
    deliveries, delivering = grown.get(DELIVER, (0.0, 0.0))
    stored = sum(one.is_accepted for one in sent)
    waited = sum(receipt.status == WAITING for receipt in receipts.values())
    return Used(
        webhooks=max(1, len({one.posting.webhook for one in sent if one.is_accepted})),
        requests=sum(one.tries for one in sent),
        door_invocations=math.ceil(sum(count for count, _ in receivers)),
        door_gb_seconds=sum(used for _, used in receivers),
        queue_requests=math.ceil(stored + waited + 2 * deliveries),
        deliver_invocations=math.ceil(deliveries),
        deliver_gb_seconds=delivering,
    )


def growth(one: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], name: str) -> float:
    return float(one[name]) - float(known.get(one["name"], {}).get(name, 0))


def gb_seconds(one: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> float:
    gigabytes = float(one["memory_megabytes"]) / MEGABYTES_OF_A_GIGABYTE
    return growth(one, known, "busy_seconds") * gigabytes
