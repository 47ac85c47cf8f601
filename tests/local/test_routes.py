"""The route of a request is the one that API Gateway would choose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.routes import Match, Router
from local.template import Route

ROUTES = [
    Route("POST", "/{source}/{connection}", "Forms"),
    Route("POST", "/shopify/{connection}", "Shopify"),
    Route("POST", "/shopify/main", "Main"),
    Route("GET", "/files/{rest+}", "Files"),
    Route("ANY", "/files/{name}", "File"),
]


def function(method: str, path: str, *more: Route) -> str | None:
    match = Router([*ROUTES, *more]).match(method, path)
    return match.route.function if match else None


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/shopify/main", "Main"),
        ("POST", "/shopify/eu", "Shopify"),
        ("POST", "/typeform/main", "Forms"),
        ("GET", "/files/a/b", "Files"),
        ("GET", "/files/a", "File"),
        ("PUT", "/files/a", "File"),
        ("GET", "/shopify/main", None),
        ("POST", "/shopify", None),
        ("POST", "/shopify/main/", None),
        ("POST", "/shopify//main", None),
        ("POST", "/a/b/c", None),
        ("POST", "/", None),
    ],
)
def test_the_most_specific_route_answers(method: str, path: str, expected: str | None) -> None:
    assert function(method, path) == expected


def test_the_default_route_answers_what_no_other_does() -> None:
    assert function("DELETE", "/a/b/c", Route("ANY", "$default", "Rest")) == "Rest"
    assert function("POST", "/shopify/eu", Route("ANY", "$default", "Rest")) == "Shopify"


def test_path_parameters_are_decoded() -> None:
    match = Router(ROUTES).match("POST", "/form/caf%C3%A9%2Fmain")
    assert match == Match(ROUTES[0], {"source": "form", "connection": "café/main"})
    assert match.route_key == "POST /{source}/{connection}"


@given(st.text(st.characters(exclude_characters="/"), min_size=1))
def test_a_variable_takes_any_one_part(part: str) -> None:
    assert function("POST", f"/shopify/{part}") in ("Shopify", "Main")


@given(st.permutations(ROUTES), st.sampled_from(["/shopify/main", "/shopify/x", "/files/a", "/x/y"]))
def test_the_order_in_the_template_does_not_matter(routes: list[Route], path: str) -> None:
    assert Router(routes).match("POST", path) == Router(ROUTES).match("POST", path)
