"""Find what never arrived: compare connections with what their providers say happened. On a schedule, or asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bridge.errors import BridgeError
from bridge.observability import alarm, count, logger
from bridge.providers.client import ProviderClient
from bridge.receiving.receiver import CONNECTION_NAME
from bridge.settings import checked
from bridge.storage.ledger import Ledger
from bridge.storage.parameters import Parameters
from bridge.storage.queue import WebhookQueue
from bridge.storage.secrets import Secrets
from functions.gaps.comparison import Comparison, Report, Tools
from functions.sources.registry import COMPARED, settings_model, source_module

MAIN = "main"
SPARE_SECONDS = 30
"""Before Lambda's timeout: a page, and a wait that the provider may ask for."""
READ_TIMEOUT_SECONDS = 20.0
"""A page may be some megabytes."""

secrets = Secrets(os.environ["STACK_NAME"])
parameters = Parameters(os.environ["STACK_NAME"])
ledger = Ledger(os.environ["TABLE_NAME"])
queue = WebhookQueue(os.environ["QUEUE_URL"], bucket=os.environ["BODIES_BUCKET"])
provider = ProviderClient(read_timeout_seconds=READ_TIMEOUT_SECONDS)
PROVIDER_URL = os.environ["PROVIDER_URL"]


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Compare all connections that have an API key, or the one that `source` and `connection` name.

    `since`, a day or a moment in ISO 8601, goes back in time; with `dry_run` nothing is fed. Answers
    `{"connections": [...], "more"}`. Raises ValueError for what makes no sense.
    """
    logger.append_keys(request_id=context.aws_request_id)
    since, dry_run = unix(event.get("since")), bool(event.get("dry_run"))
    tools = tools_for(context)
    reports: list[Report] = []
    for source, connection, api_key in connections(event):
        if not tools.has_time():
            reports.append(Report(source, connection, more=True))
            continue
        reports.append(compared(source, connection, api_key, tools, since, dry_run=dry_run))
        tell(reports[-1], dry_run=dry_run)
    return {"connections": [one.as_json() for one in reports], "more": any(one.more for one in reports)}


def tools_for(context: Any) -> Tools:
    remaining = context.get_remaining_time_in_millis
    return Tools(
        ledger=ledger,
        queue=queue,
        provider=provider,
        clock=time.time,
        sleep=time.sleep,
        has_time=lambda: remaining() > SPARE_SECONDS * 1000,
        owner=context.aws_request_id,
        turn_seconds=remaining() / 1000,
        place=place,
    )


def place(url: str, stand_in: str = PROVIDER_URL) -> str:
    """Return where to ask: at the provider, or at the stand-in of the local stack, which has the host in its path."""
    return url.replace("https:/", stand_in, 1) if stand_in else url


def connections(event: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield source, name and API key of those that are meant and have a key. Raises ValueError, Unavailable."""
    wanted, named = event.get("source"), event.get("connection")
    if wanted is not None and wanted not in COMPARED:
        raise ValueError(f"no source that can be compared; there are: {', '.join(COMPARED)}")
    if named is not None and not (wanted and CONNECTION_NAME.fullmatch(str(named))):
        raise ValueError("no name of a connection")
    for source in [wanted] if wanted else COMPARED:
        for connection in [named] if named else dict.fromkeys((MAIN, *parameters.connections(source))):
            if api_key := secrets.api_key(source, connection):
                yield source, connection, api_key


def compared(
    source: str, connection: str, api_key: str, tools: Tools, since: int | None, *, dry_run: bool
) -> Report:
    """Return what a comparison found, or why there was none."""
    try:
        settings = checked(parameters.read(source, connection), settings_model(source))
    except BridgeError as error:
        return Report(source, connection, error=error.reason)
    sources = {source.name: source for source in source_module(source, "receiver").SOURCES}
    comparison = Comparison(
        source=sources[source],
        listing=source_module(source, "event_list"),
        connection=connection,
        settings=settings,
        api_key=api_key,
        tools=tools,
        since=since,
        dry_run=dry_run,
    )
    return comparison.run()


def tell(report: Report, *, dry_run: bool) -> None:
    """Log a report, and count what it found, but for a look that the next run repeats."""
    log = logger.warning if report.error else logger.info
    log("connection compared", **report.as_json(), dry_run=dry_run)
    if report.error:
        count("GapFailed", source=report.source)
        if not dry_run:
            alarm("gap_failed", source=report.source, connection=report.connection)
    if not dry_run:
        count("GapChecked", report.checked, source=report.source)
        count("GapMissing", report.missing, source=report.source)


def unix(text: object) -> int | None:
    """Return the Unix time of a day or a moment in ISO 8601, in UTC where it names no zone. Raises ValueError."""
    if not text:
        return None
    moment = datetime.fromisoformat(str(text))
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
