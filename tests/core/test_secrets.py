"""What is read from Secrets Manager, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.errors import BadCredentials, BridgeError, Unavailable, UnknownConnection
from bridge.storage.cache import FRESH_SECONDS
from bridge.storage.secrets import BatchKeys, Secrets
from tests.core.stand_ins import Clock, Store, out_of_reach, refused

NAME = "bridge-test/shopify/main"
BATCH = "bridge-test/batch/default"
PRIVATE = "shpss_do_not_show"


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def secrets(store: Store, clock: Clock) -> Secrets:
    made = Secrets("bridge-test", store)
    made.cache.clock = clock
    return made


def everything_in(error: BaseException | None) -> str:
    """What a log could show of an error and of those that led to it, as far as Python shows them."""
    shown = ""
    while error is not None:
        shown += f"{error!r} {error} {error.args} {vars(error)}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return shown


def test_all_signing_secrets_are_given_newest_first(secrets: Secrets, store: Store) -> None:
    store.put(NAME, {"signing_secrets": ["new", "old"]})
    assert secrets.signing_secrets("shopify", "main") == ("new", "old")


def test_what_pasting_brings_along_is_cut_off_and_what_is_blank_is_left_out(
    secrets: Secrets, store: Store
) -> None:
    store.put(NAME, {"signing_secrets": [" new\n", "", "\told ", "  ", None, 7]})
    assert secrets.signing_secrets("shopify", "main") == ("new", "old")


def test_a_connection_without_a_secret_is_unknown(secrets: Secrets) -> None:
    with pytest.raises(UnknownConnection):
        secrets.signing_secrets("shopify", "main")


@pytest.mark.parametrize(
    "stored",
    [
        {"signing_secrets": "a text, no list"},
        {"signing_secrets": {"new": "old"}},
        "",
        "not JSON: " + PRIVATE,
        f'{{"signing_secrets": ["{PRIVATE}"',
        f'["{PRIVATE}"]',
        "null",
    ],
)
def test_a_secret_that_is_not_as_it_should_be_makes_the_provider_repeat(
    secrets: Secrets, store: Store, stored: object
) -> None:
    store.put(NAME, stored)
    with pytest.raises(Unavailable) as caught:
        secrets.signing_secrets("shopify", "main")
    assert PRIVATE not in everything_in(caught.value)


@pytest.mark.parametrize(
    "stored",
    [{}, {"signing_secrets": []}, {"signing_secrets": ["", "  "]}, {"signing_secrets": None}],
)
def test_a_connection_whose_secret_is_still_empty_is_unknown(
    secrets: Secrets, store: Store, stored: object
) -> None:
    store.put(NAME, stored)
    with pytest.raises(UnknownConnection):
        secrets.signing_secrets("shopify", "main")


@pytest.mark.parametrize("broken", [out_of_reach(), refused("GetSecretValue")], ids=["network", "refused"])
def test_a_secret_out_of_reach_is_unavailable_until_it_was_read_once(
    secrets: Secrets, store: Store, clock: Clock, broken: Exception
) -> None:
    store.broken = broken
    with pytest.raises(Unavailable):
        secrets.signing_secrets("shopify", "main")
    store.broken = None
    store.put(NAME, {"signing_secrets": ["new"]})
    assert secrets.signing_secrets("shopify", "main") == ("new",)
    store.broken = broken
    clock.now += 10 * FRESH_SECONDS
    assert secrets.signing_secrets("shopify", "main") == ("new",)


def test_a_secret_without_text_is_unavailable(secrets: Secrets, store: Store) -> None:
    class Binary(Store):
        def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
            return {"SecretBinary": b"..."}

    secrets.client = Binary()
    with pytest.raises(Unavailable):
        secrets.signing_secrets("shopify", "main")


def test_secrets_are_read_once_in_five_minutes(secrets: Secrets, store: Store, clock: Clock) -> None:
    store.put(NAME, {"signing_secrets": ["new"]})
    for _ in range(10):
        secrets.signing_secrets("shopify", "main")
        clock.now += 29
    assert store.reads[NAME] == 1


def test_a_secret_that_is_still_empty_is_looked_for_again_after_30_seconds(
    secrets: Secrets, store: Store, clock: Clock
) -> None:
    store.put(NAME, {"signing_secrets": []})
    store.put(BATCH, {"rest_api_key": "", "project_key": "", "app_keys": []})
    for read in (lambda: secrets.signing_secrets("shopify", "main"), lambda: secrets.batch_keys("default")):
        with pytest.raises(BridgeError):
            read()
    store.put(NAME, {"signing_secrets": ["new"]})
    store.put(BATCH, {"rest_api_key": "rest", "project_key": "project"})
    clock.now += 30
    assert secrets.signing_secrets("shopify", "main") == ("new",)
    assert secrets.batch_keys("default").rest_api_key == "rest"


def test_secrets_are_refreshed_at_most_every_30_seconds(secrets: Secrets, store: Store, clock: Clock) -> None:
    store.put(NAME, {"signing_secrets": ["first"]})
    assert secrets.signing_secrets("shopify", "main") == ("first",)
    store.put(NAME, {"signing_secrets": ["second", "first"]})
    assert secrets.refreshed_signing_secrets("shopify", "main") is None
    clock.now += 30
    assert secrets.refreshed_signing_secrets("shopify", "main") == ("second", "first")
    assert store.reads[NAME] == 2


def test_one_source_never_reads_the_secrets_of_another(secrets: Secrets, store: Store) -> None:
    store.put("bridge-test/stripe/main", {"signing_secrets": ["stripe's"]})
    with pytest.raises(UnknownConnection):
        secrets.signing_secrets("shopify", "main")
    assert set(store.reads) == {NAME}


def test_batch_keys_are_given_without_the_spaces_of_pasting(secrets: Secrets, store: Store) -> None:
    store.put(BATCH, {"rest_api_key": " rest\n", "project_key": "\tproject ", "app_keys": ["app"]})
    assert secrets.batch_keys("default") == BatchKeys("rest", "project", ("app",))


@pytest.mark.parametrize(
    "stored",
    [
        {"rest_api_key": "", "project_key": "", "app_keys": []},
        {"rest_api_key": "rest"},
        {"project_key": "project"},
        {"rest_api_key": "  ", "project_key": "project"},
        {"rest_api_key": 12, "project_key": "project"},
        {"rest_api_key": ["rest"], "project_key": "project"},
        {"rest_api_key": "ré", "project_key": "project"},
        {"rest_api_key": "two\nlines", "project_key": "project"},
        {"rest_api_key": "rest", "project_key": "pro\x00ject"},
        {"rest_api_key": "\ud800", "project_key": "project"},
    ],
)
def test_keys_that_are_missing_or_can_stand_in_no_header_are_bad_credentials(
    secrets: Secrets, store: Store, stored: object
) -> None:
    store.put(BATCH, stored)
    with pytest.raises(BadCredentials):
        secrets.batch_keys("default")


def test_a_project_without_keys_has_bad_credentials(secrets: Secrets) -> None:
    with pytest.raises(BadCredentials):
        secrets.batch_keys("nowhere")


def test_batch_keys_are_refreshed_at_most_every_30_seconds(
    secrets: Secrets, store: Store, clock: Clock
) -> None:
    store.put(BATCH, {"rest_api_key": "first", "project_key": "project"})
    secrets.batch_keys("default")
    store.put(BATCH, {"rest_api_key": "second", "project_key": "project"})
    assert not secrets.refresh_batch_keys("default")
    clock.now += 30
    assert secrets.refresh_batch_keys("default")
    assert secrets.batch_keys("default").rest_api_key == "second"


def test_keys_do_not_show_when_they_are_printed() -> None:
    keys = BatchKeys(PRIVATE, "project", ("app",))
    assert PRIVATE not in f"{keys!r} {keys}"


@pytest.mark.parametrize("broken", [out_of_reach(), refused("GetSecretValue")], ids=["network", "refused"])
def test_no_error_holds_what_is_stored(
    secrets: Secrets, store: Store, clock: Clock, broken: Exception
) -> None:
    store.put(BATCH, {"rest_api_key": PRIVATE})
    store.put(NAME, {"signing_secrets": [[PRIVATE]], PRIVATE: PRIVATE})
    for read in (lambda: secrets.batch_keys("default"), lambda: secrets.signing_secrets("shopify", "main")):
        with pytest.raises(BridgeError) as caught:
            read()
        assert PRIVATE not in everything_in(caught.value)


def test_what_is_stored_is_read_back_new_or_not(world: Any) -> None:
    for texts in (["first"], ["second", "first"]):
        world.secrets.store("shopify/eu", {"signing_secrets": texts})
        fresh = Secrets("bridge-test", world.secrets.client)
        assert fresh.signing_secrets("shopify", "eu") == tuple(texts)
    with pytest.raises(UnknownConnection):
        world.secrets.signing_secrets("shopify", "us")
    stored = world.secrets.client.get_secret_value(SecretId="bridge-test/shopify/eu")
    assert json.loads(stored["SecretString"]) == {"signing_secrets": ["second", "first"]}


def test_storing_out_of_reach_is_unavailable_and_shows_nothing() -> None:
    class Broken(Store):
        def put_secret_value(self, **arguments: str) -> None:
            raise refused("PutSecretValue")

    with pytest.raises(Unavailable) as caught:
        Secrets("bridge-test", Broken()).store("shopify/main", {"signing_secrets": [PRIVATE]})
    assert PRIVATE not in everything_in(caught.value)


def test_a_hanging_secrets_manager_leaves_the_door_time_to_answer() -> None:
    config = Secrets("bridge-test").client.meta.config
    tries = config.retries["total_max_attempts"]
    assert tries * (config.connect_timeout + config.read_timeout) <= 6


def test_an_api_key_is_never_read_from_what_proves_webhooks(secrets: Secrets, store: Store) -> None:
    """Nor does a receiver's name lead to a key: the two are secrets apart, which other roles may read."""
    store.put("bridge-test/stripe/main", {"signing_secrets": ["whsec_1"], "api_key": "rk_beside"})
    assert secrets.api_key("stripe", "main") is None
    secrets.cache.entries.clear()
    store.put("bridge-test/api/stripe/main", {"api_key": "rk_apart"})
    assert secrets.api_key("stripe", "main") == "rk_apart"
    assert secrets.signing_secrets("stripe", "main") == ("whsec_1",)
