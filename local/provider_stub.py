"""Stand in for the lists of Shopify's and Stripe's APIs: pages, keys, limits and errors as they are documented.

https://shopify.dev/docs/api/admin-rest/usage/pagination and https://docs.stripe.com/api/events/list
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SHOPIFY_TOKEN, STRIPE_KEY = "shpat_local", "rk_local"
SHOPIFY_APP = ("local", "shpss_local")
SHOPIFY_MOST, STRIPE_MOST = 250, 100
BUCKET_CALLS, LEAKS_PER_SECOND = 40, 2
STRIPE_DAYS = 30
MAX_TYPES = 20

Query = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold what a call is answered."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Provider:
    """One shop and one Stripe account. `clock` returns Unix seconds; `refusals` are given to the next calls, one each.

    `on_page` is called before a page is made, as more may happen while somebody pages.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.orders: dict[int, dict[str, Any]] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.refusals: list[Reply] = []
        self.calls: list[str] = []
        self.on_page: Callable[[], None] = lambda: None
        self.most = {"shopify": SHOPIFY_MOST, "stripe": STRIPE_MOST}
        self.bucket, self.leaked_at = 0.0, clock()

    def tell(self, source: str, content: dict[str, Any]) -> None:
        """Let an order be as it is given, or let an event of Stripe have happened. Raises KeyError, ValueError."""
        if source == "shopify":
            unix(content["updated_at"])
            self.orders[int(content["id"])] = content
        elif source == "stripe":
            self.events[str(content["id"])] = {"created": int(content["created"]), **content}
        else:
            raise KeyError(source)

    def forget(self) -> None:
        """Forget all that happened."""
        self.orders.clear()
        self.events.clear()

    def answer(
        self, method: str, host: str, path: str, query: str, headers: Mapping[str, str], body: str
    ) -> Reply:
        """Return what the API at this host answers."""
        self.calls.append(f"{path}?{query}" if query else path)
        if self.refusals:
            return self.refusals.pop(0)
        asked = parse_qs(query)
        if host == "api.stripe.com" and path == "/v1/events":
            return self.stripe_events(asked, headers)
        if host.endswith(".myshopify.com") and (method, path) == ("POST", "/admin/oauth/access_token"):
            return grant(parse_qs(body))
        if host.endswith(".myshopify.com") and path.endswith("/orders.json"):
            return self.shopify_orders(f"https://{host}{path}", asked, headers)
        return Reply(404, {"errors": "Not Found"})

    # ── Shopify ─────────────────────────────────────────────────────────────────────────────────────────

    def shopify_orders(self, url: str, query: Query, headers: Mapping[str, str]) -> Reply:
        """Return a page of orders, the longest unchanged first; the `Link` header leads to the next."""
        if headers.get("x-shopify-access-token") != SHOPIFY_TOKEN:
            return Reply(401, {"errors": "[API] Invalid API key or access token"})
        if self.overflows():
            return Reply(
                429, {"errors": "Exceeded 2 calls per second for api client."}, {"Retry-After": "2.0"}
            )
        if "page_info" in query and set(query) - {"page_info", "limit", "fields"}:
            return Reply(400, {"errors": "page_info cannot be passed with other parameters"})
        self.on_page()
        chosen = json.loads(base64.urlsafe_b64decode(query["page_info"][0])) if "page_info" in query else {}
        place = chosen or {
            "min": query["updated_at_min"][0],
            "max": query["updated_at_max"][0],
            "after": [0, 0],
        }
        listed = sorted(
            (unix(order["updated_at"]), number)
            for number, order in self.orders.items()
            if unix(place["min"]) <= unix(order["updated_at"]) <= unix(place["max"])
        )
        left = [one for one in listed if list(one) > place["after"]]
        page = left[: min(int(query.get("limit", ["50"])[0]), self.most["shopify"])]
        following = {}
        if len(left) > len(page):
            info = base64.urlsafe_b64encode(json.dumps({**place, "after": page[-1]}).encode()).decode()
            following["Link"] = f'<{url}?limit={len(page)}&page_info={quote(info)}>; rel="next"'
        return Reply(200, {"orders": [self.orders[number] for _, number in page]}, following)

    def overflows(self) -> bool:
        """Return whether the bucket of calls is full: it takes 40, and leaks two a second."""
        now = self.clock()
        self.bucket = max(0.0, self.bucket - (now - self.leaked_at) * LEAKS_PER_SECOND)
        self.leaked_at = now
        if self.bucket + 1 > BUCKET_CALLS:
            return True
        self.bucket += 1
        return False

    # ── Stripe ──────────────────────────────────────────────────────────────────────────────────────────

    def stripe_events(self, query: Query, headers: Mapping[str, str]) -> Reply:
        """Return a page of events of the last 30 days, newest first."""
        if headers.get("authorization") != f"Bearer {STRIPE_KEY}":
            return Reply(401, {"error": {"type": "invalid_request_error"}})
        types = query.get("types[]", [])
        if len(types) > MAX_TYPES:
            return Reply(400, {"error": {"message": "Too many types"}})
        self.on_page()
        after = query.get("starting_after", [""])[0]
        if after and after not in self.events:
            return Reply(400, {"error": {"message": "No such event"}})
        last = self.events[after] if after else None
        oldest = max(int(query.get("created[gte]", ["0"])[0]), int(self.clock()) - STRIPE_DAYS * 86_400)
        newest = int(query.get("created[lte]", [str(int(self.clock()))])[0])
        listed = [
            event
            for event in sorted(self.events.values(), key=place_of, reverse=True)
            if oldest <= event["created"] <= newest
            and (not types or event["type"] in types)
            and (last is None or place_of(event) < place_of(last))
        ]
        page = listed[: min(int(query.get("limit", ["10"])[0]), self.most["stripe"])]
        return Reply(200, {"object": "list", "data": page, "has_more": len(listed) > len(page)})


def place_of(event: Mapping[str, Any]) -> tuple[int, str]:
    return event["created"], event["id"]


def grant(form: Query) -> Reply:
    """Return a token for an app's client id and secret."""
    given = (form.get("client_id", [""])[0], form.get("client_secret", [""])[0])
    if form.get("grant_type") != ["client_credentials"] or given != SHOPIFY_APP:
        return Reply(401, {"error": "invalid_client"})
    return Reply(200, {"access_token": SHOPIFY_TOKEN, "scope": "read_orders", "expires_in": 86_399})


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def create_provider(provider: Provider) -> Starlette:
    """Return the stand-in over HTTP: the host that is meant is the first part of the path."""

    async def asked(request: Request) -> Response:
        host, _, path = request.path_params["rest"].partition("/")
        body = (await request.body()).decode()
        headers = dict(request.headers)
        reply = provider.answer(request.method, host, f"/{path}", request.url.query, headers, body)
        return JSONResponse(reply.content, reply.status, dict(reply.headers))

    return Starlette(routes=[Route("/{rest:path}", asked, methods=["GET", "POST"])])
