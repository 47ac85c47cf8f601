"""What stands in for AWS where moto would be too slow: clients that keep what they are given, and may break."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError


class NotFound(Exception):
    """Secrets Manager's ResourceNotFoundException, and Systems Manager's ParameterNotFound."""


class Exceptions:
    ResourceNotFoundException = NotFound
    ParameterNotFound = NotFound


def out_of_reach() -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url="https://aws.invalid")


def refused(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)


@dataclass
class Clock:
    """A clock that the test sets."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Store:
    """Secrets Manager and Parameter Store in one: texts by name. `broken` is raised instead of an answer, and
    `broken_names` are out of reach."""

    texts: dict[str, str] = field(default_factory=dict)
    broken: Exception | None = None
    broken_names: set[str] = field(default_factory=set)
    reads: Counter[str] = field(default_factory=Counter)
    exceptions: type[Exceptions] = Exceptions

    def put(self, name: str, content: object) -> None:
        self.texts[name] = content if isinstance(content, str) else json.dumps(content)

    def read(self, name: str) -> str:
        self.reads[name] += 1
        if self.broken:
            raise self.broken
        if name in self.broken_names:
            raise out_of_reach()
        if name not in self.texts:
            raise NotFound
        return self.texts[name]

    def get_secret_value(self, *, SecretId: str, VersionStage: str = "") -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {"SecretString": self.read(f"{SecretId}@{VersionStage}" if VersionStage else SecretId)}

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {"Parameter": {"Value": self.read(Name)}}


@dataclass
class Calls:
    """A client of any service: keeps its calls, and answers each operation with what `answers` holds for it.

    An answer may be an exception to raise, or a list of answers for one call after the other.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.made.append((operation, arguments))
            answer = self.answers.get(operation, {})
            if isinstance(answer, list):
                answer = answer.pop(0) if answer else {}
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def of(self, operation: str) -> list[dict[str, Any]]:
        """The arguments of each call of an operation."""
        return [arguments for name, arguments in self.made if name == operation]
