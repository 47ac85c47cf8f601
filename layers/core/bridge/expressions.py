"""JMESPath expressions of a connection's settings, https://jmespath.org, within bounds. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import prod
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

MAX_COPIES = 100
"""How often an expression may repeat what it finds. `[@,@] | [@,@] | ...` doubles it with every step: without a limit,
one line of settings would fill the memory. What else there is in JMESPath costs no more than the body is long."""
MAX_LEVELS = 64


class TooCostly(JMESPathError):
    """The expression may repeat a body too often, or is nested too deep."""


class Unanswerable(JMESPathError):
    """The expression is asked for what cannot be: `ceil` of infinity, `avg` of a number with 400 digits."""


@lru_cache(maxsize=2048)
def compiled(expression: str) -> Any:
    """Return the expression, ready to search. Raises jmespath.exceptions.JMESPathError."""
    try:
        query = jmespath.compile(expression)
        repeated = copies(query.parsed)
    except RecursionError:
        raise TooCostly("the expression is nested too deep") from None
    if repeated > MAX_COPIES:
        raise TooCostly("the expression repeats what it finds too often")
    return query


def search(expression: str, content: Any) -> Any:
    """Return what the expression finds. Raises jmespath.exceptions.JMESPathError, also for what the library lets
    through."""
    query = compiled(expression)
    try:
        return query.search(content)
    except JMESPathError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise Unanswerable(type(error).__name__) from None


def copies(node: Mapping[str, Any], levels: int = MAX_LEVELS) -> int:
    """Return how often a part of a body may stand in what is found, at most. Raises TooCostly."""
    if levels == 0:
        raise TooCostly("the expression is nested too deep")
    inner = [copies(child, levels - 1) for child in node["children"] if isinstance(child, Mapping)]
    is_selection = node["type"] in ("multi_select_list", "multi_select_dict")
    return sum(inner) if is_selection and inner else prod(inner)
