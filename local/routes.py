"""Choose the route of an HTTP API for a request: the most specific one, as API Gateway does. Pure.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from local.template import Route

VARIABLE = re.compile(r"\{([^}+]+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Match:
    """The route of a request and its path parameters, decoded."""

    route: Route
    parameters: Mapping[str, str]

    @property
    def route_key(self) -> str:
        """Return `POST /shopify/{connection}`, or `$default`."""
        return self.route.path if self.route.path == "$default" else f"{self.route.method} {self.route.path}"


class Router:
    """The routes of an API, the most specific first: fixed parts before variables, `{greedy+}` ones last."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = [(pattern(route.path), route) for route in sorted(routes, key=generality)]

    def match(self, method: str, path: str) -> Match | None:
        """Return the route for a path as it came in, not yet decoded."""
        for expression, route in self.routes:
            found = expression.fullmatch(path)
            if found and route.method in (method, "ANY"):
                return Match(route, {name: unquote(value) for name, value in found.groupdict().items()})
        return None


def pattern(path: str) -> re.Pattern[str]:
    """Return what a route's path matches: `{name}` one part that is not empty, `{name+}` all the rest."""
    if path in ("$default", "/$default"):
        return re.compile(".*", re.DOTALL)
    expression, position = "", 0
    for variable in VARIABLE.finditer(path):
        name, greedy = variable.groups()
        fixed = re.escape(path[position : variable.start()])
        expression += f"{fixed}(?P<{name}>{'.+' if greedy else '[^/]+'})"
        position = variable.end()
    return re.compile(expression + re.escape(path[position:]), re.DOTALL)


def generality(route: Route) -> tuple[list[int], bool]:
    """Return a key that sorts the most specific first, part by part: fixed, variable, greedy, and last `$default`."""
    if "$default" in route.path:
        return [3], True
    parts = [2 if part.endswith("+}") else 1 if "{" in part else 0 for part in route.path.split("/")]
    return parts, route.method == "ANY"
