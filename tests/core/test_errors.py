"""The tree of errors: what each consequence looks like to those outside."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bridge import errors
from bridge.errors import BridgeError, Failed, Refused


def below(root: type[BridgeError]) -> Iterator[type[BridgeError]]:
    for leaf in root.__subclasses__():
        if leaf.__module__ == errors.__name__:
            yield leaf
            yield from below(leaf)


# refusal               status  code
REFUSALS = {
    errors.InvalidSignature: (401, "invalid_signature"),
    errors.UnknownConnection: (404, "unknown_connection"),
    errors.MalformedBody: (400, "malformed_body"),
    errors.BodyTooLarge: (413, "body_too_large"),
    errors.InvalidLink: (404, "invalid_link"),
    errors.ExpiredLink: (410, "expired_link"),
    errors.Unavailable: (503, "unavailable"),
}
# failure                   class
FAILURES = {
    errors.MappingFailed: "mapping_failed",
    errors.NotStorable: "mapping_failed",
    errors.RejectedByBatch: "rejected_by_batch",
    errors.IdentityUnknown: "identity_unknown",
    errors.TopicUnconfirmed: "topic_unconfirmed",
    errors.WrongSender: "wrong_sender",
    errors.BadCredentials: "bad_credentials",
    errors.BatchUnavailable: "batch_unavailable",
    errors.NoTimeLeft: "batch_unavailable",
    errors.ProviderUnavailable: "batch_unavailable",
    errors.ProfileBusy: "batch_unavailable",
    errors.Unfinished: "batch_unavailable",
}


def test_every_refusal_has_the_status_and_the_code_of_the_contract() -> None:
    assert {leaf: (leaf.status, leaf.code) for leaf in below(Refused)} == REFUSALS  # type: ignore[attr-defined]


def test_every_failure_has_a_class_and_the_classes_are_listed() -> None:
    assert {leaf: leaf.failure_class for leaf in below(Failed)} == FAILURES  # type: ignore[attr-defined]
    assert set(errors.FAILURE_CLASSES) == set(FAILURES.values())
    assert len(errors.FAILURE_CLASSES) == len(set(errors.FAILURE_CLASSES))


def test_the_tree_in_the_docstring_shows_every_error_with_its_status() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+) +(\S+)", errors.__doc__ or ""))
    missing = {leaf.__name__ for leaf in below(BridgeError)} - set(drawn)
    assert not missing, f"draw these in the tree at the top of bridge/errors.py: {sorted(missing)}"
    assert {name: drawn[name.__name__] for name in REFUSALS} == {
        leaf: str(status) for leaf, (status, _) in REFUSALS.items()
    }


@pytest.mark.parametrize("leaf", [*REFUSALS, *FAILURES, errors.Ignored])
def test_an_error_keeps_its_reason_and_nothing_else(leaf: type[BridgeError]) -> None:
    error = leaf("the reason")
    assert (error.reason, str(error)) == ("the reason", "the reason")


def test_an_error_of_batch_may_name_the_seconds_to_wait() -> None:
    assert errors.BatchUnavailable("Batch answered 429", 7.0).retry_after_seconds == 7.0
    assert errors.BatchUnavailable("no answer").retry_after_seconds is None
