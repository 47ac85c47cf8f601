"""What replaces AWS where moto would be too slow: clients that keep what they are given, and may break."""

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


MAX_ROW_BYTES = 400 * 1024
MAX_KEY_BYTES, MAX_SORT_KEY_BYTES = 2048, 1024


def invalid(message: str, operation: str = "BatchWriteItem") -> ClientError:
    """What DynamoDB answers to what it will never take."""
    return ClientError({"Error": {"Code": "ValidationException", "Message": message}}, operation)


@dataclass
class Strict:
    """A client of DynamoDB that refuses for good what DynamoDB does, whatever the client behind it lets pass.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    `refuses` says of a row or a key whether it is refused too. `refusals` are what was refused, in order.
    """

    client: Any
    refuses: Any = lambda row: False
    refusals: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def check(self, row: Any) -> None:
        problem = problem_of(row)
        if problem or self.refuses(row):
            self.refusals.append(problem or "refused by the test")
            raise invalid(self.refusals[-1])

    def batch_get_item(self, **asked: Any) -> Any:
        for request in asked["RequestItems"].values():
            for key in request["Keys"]:
                self.check(key)
        return self.client.batch_get_item(**asked)

    def batch_write_item(self, **asked: Any) -> Any:
        for requests in asked["RequestItems"].values():
            for request in requests:
                put = request.get("PutRequest", {}).get("Item")
                self.check(put or request["DeleteRequest"]["Key"])
        return self.client.batch_write_item(**asked)

    def update_item(self, **asked: Any) -> Any:
        self.check(asked["Key"])
        return self.client.update_item(**asked)

    def transact_write_items(self, **asked: Any) -> Any:
        for item in asked["TransactItems"]:
            self.check(item["Update"]["Key"])
        return self.client.transact_write_items(**asked)


def problem_of(row: Any) -> str:
    """What DynamoDB has against a row or a key; empty where nothing."""
    texts = {name: str(next(iter(value.values()))) for name, value in row.items()}
    try:
        sizes = {name: len(text.encode()) for name, text in texts.items()}
    except UnicodeEncodeError:
        return "half of a character"
    if not all(0 < sizes.get(name, 1) <= MAX_KEY_BYTES for name in ("pk", "profile")):
        return "a key that is empty or too long"
    if not 0 < sizes.get("received_at", 1) <= MAX_SORT_KEY_BYTES:
        return "a sort key that is empty or too long"
    return "a row over 400 kB" if sum(sizes.values()) + len("".join(texts)) > MAX_ROW_BYTES else ""
