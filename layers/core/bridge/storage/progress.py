"""Remember how far a long request has come, so that the next delivery goes on there.

A row `progress#WEBHOOK_ID` of the ledger for the webhook that asks: names, ids and counts, as JSON. It goes when the
request is done, and after 35 days in any case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bridge.storage.ledger import Ledger


def load(ledger: Ledger, webhook_id: str) -> dict[str, Any]:
    """Return what was saved; nothing at first. Raises BatchUnavailable."""
    rows = ledger.read([progress_key(webhook_id)])
    return next((json.loads(row["progress"]["S"]) for row in rows.values()), {})


def save(ledger: Ledger, webhook_id: str, content: Mapping[str, Any], until: float) -> None:
    """Save how far it has come, until a moment in Unix seconds. Raises BatchUnavailable."""
    text = json.dumps(content, separators=(",", ":"))
    ledger.commit(
        [
            {
                "pk": {"S": progress_key(webhook_id)},
                "progress": {"S": text},
                "expires_at": {"N": str(int(until))},
            }
        ]
    )


def forget(ledger: Ledger, webhook_id: str) -> None:
    """Forget how far it had come: it is done. Raises BatchUnavailable."""
    ledger.delete([progress_key(webhook_id)])


def progress_key(webhook_id: str) -> str:
    """Return the key of the row."""
    return f"progress#{webhook_id}"
