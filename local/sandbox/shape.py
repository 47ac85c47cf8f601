"""Refuse a whole call whose body is not a list of operations, with 400. Values are not judged."""

import orjson

from local.sandbox.errors import MalformedJsonBody, MalformedParameter, MissingParameter

Operation = dict[str, object]
OPERATION_MEMBERS = frozenset({"identifiers", "attributes", "events"})
INSTALLATION_MEMBERS = frozenset({"apikey", "installation_id"})


def read_json(body: bytes) -> object:
    """Parse a body; raises `MalformedJsonBody`."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedJsonBody("the body is not JSON in UTF-8") from error


def read_array(body: bytes, most: int) -> list[object]:
    """Parse a body that is an array of 1 to `most` operations, whatever these are."""
    operations = read_json(body)
    if not isinstance(operations, list):
        raise MalformedParameter("the body is not an array of operations")
    if not operations:
        raise MissingParameter("the array of operations is empty")
    if len(operations) > most:
        raise MalformedParameter(f"more than {most} operations in one call")
    return operations


def check_operations(operations: list[object]) -> list[Operation]:
    """Give the operations back, each known to have the right members of the right JSON types."""
    return [_check_operation(f"operation {index}", operation) for index, operation in enumerate(operations)]


def _check_operation(place: str, operation: object) -> Operation:
    if not isinstance(operation, dict):
        raise MalformedParameter(f"{place} is not an object")
    if not operation.keys() <= OPERATION_MEMBERS:
        raise MalformedParameter(f"{place} has members other than identifiers, attributes and events")
    if "identifiers" not in operation:
        raise MissingParameter(f"{place} has no identifiers")
    _check_identifiers(place, operation["identifiers"])
    if not isinstance(operation.get("attributes", {}), dict):
        raise MalformedParameter(f"{place}: attributes is not an object")
    if not isinstance(operation.get("events", []), list):
        raise MalformedParameter(f"{place}: events is not an array")
    return operation


def _check_identifiers(place: str, identifiers: object) -> None:
    if not isinstance(identifiers, dict):
        raise MalformedParameter(f"{place}: identifiers is not an object")
    if not identifiers:
        raise MissingParameter(f"{place} has no identifiers")
    if identifiers.keys() not in ({"custom_id"}, {"installation"}):
        raise MalformedParameter(f"{place}: identifiers is not exactly one of custom_id and installation")
    if "custom_id" in identifiers:
        if not isinstance(identifiers["custom_id"], str):
            raise MalformedParameter(f"{place}: custom_id is not a string")
        return
    _check_installation(place, identifiers["installation"])


def _check_installation(place: str, installation: object) -> None:
    if not isinstance(installation, dict) or installation.keys() != INSTALLATION_MEMBERS:
        raise MalformedParameter(f"{place}: installation is not an apikey and an installation_id")
    if not all(isinstance(value, str) for value in installation.values()):
        raise MalformedParameter(f"{place}: apikey and installation_id are not strings")
