"""The pages of a link by which a person confirms a consent, and what its button queues."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.receiving import consent_links, consent_page
from bridge.receiving.consent_links import CONFIRMED, Confirmation
from bridge.receiving.consent_page import TEXTS
from functions.sources.registry import SOURCE_PACKAGES, source_module
from tests.core.stand_ins import Calls, out_of_reach
from tests.core.test_receiver import DOMAIN, NOW, POST, SECRET, URLENCODED, Hall, event

CONFIRM_SECRET = "confirm-secret-of-form-main"
WEBHOOK = "0123456789abcdef" * 2
MADE = datetime.fromtimestamp(NOW, UTC)
ASKED = Confirmation(WEBHOOK, "email", MADE, "Ada’s <Teas> & Co")
WEEK = 7 * 24 * 3600


def hall(source: str = "form", secret: str | None = CONFIRM_SECRET) -> Hall:
    """A receiver of the source whose connection `main` has this secret for links."""
    made = Hall(source_module(source, "receiver").SOURCES)
    stored = {"signing_secrets": [SECRET], **({"confirm_secret": secret} if secret else {})}
    made.store.put(f"bridge-test/{source}/main", stored)
    return made


def token(asked: Confirmation = ASKED, secret: str = CONFIRM_SECRET, source: str = "form") -> str:
    key = consent_links.webhook_key(secret, source, "main", asked.webhook_id)
    return consent_links.token(asked, key)


def opened(
    method: str = "GET",
    link: str | None = None,
    source: str = "form",
    connection: str = "main",
    headers: Mapping[str, str] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A link as API Gateway hands it over."""
    link = token(source=source) if link is None else link
    return {
        "version": "2.0",
        "rawPath": f"/{source}/{connection}/confirm/{link}",
        "requestContext": {"domainName": DOMAIN, "http": {"method": method}},
        "pathParameters": {"source": source, "connection": connection, "token": link},
        "headers": dict(headers or {}),
    } | changes


class Page(HTMLParser):
    """A page as a browser reads it: its elements with their attributes, and its texts."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(answer["body"])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


# ── GET asks ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_a_link_shows_one_button_and_changes_nothing(channel: str) -> None:
    made = hall()
    answer = made.ask(opened(link=token(replace(ASKED, channel=channel))))
    page = Page(answer)
    assert answer["statusCode"] == 200
    assert page.named("form") == [{"method": "post"}]
    assert page.named("button") == [{"type": "submit"}]
    assert {TEXTS["en"][f"ask_{channel}"], ASKED.brand} <= set(page.texts)
    assert (made.queued, made.dynamodb.of("update_item")) == ([], [])


@pytest.mark.parametrize("changes", [{}, {"link": "none"}, {"connection": "other"}])
@pytest.mark.parametrize("seconds", [0, WEEK])
def test_a_head_is_answered_as_a_get_without_a_body(changes: dict[str, Any], seconds: int) -> None:
    """Some scanners of mails send HEAD."""
    made = hall()
    made.clock.now += seconds
    page, head = made.ask(opened(**changes)), made.ask(opened("HEAD", **changes))
    assert page["body"]
    assert head == page | {"body": ""}
    assert (made.queued, made.dynamodb.of("update_item")) == ([], [])


def test_a_page_has_no_script_and_nothing_from_elsewhere_and_its_policy_allows_none() -> None:
    for answer in (
        hall().ask(opened()),
        hall().ask(opened("POST")),
        hall().ask(opened(link="none")),
    ):
        page, headers = Page(answer), answer["headers"]
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "style-src": policy["style-src"],
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy["style-src"])
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert {tag for tag, _ in page.elements} <= {
            *("html", "head", "meta", "title", "style", "body"),
            *("main", "p", "h1", "form", "button"),
        }
        assert not {name for _, attributes in page.elements for name in attributes} & {
            *("src", "href", "style", "onclick", "action")
        }


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_the_name_on_the_page_is_text_whatever_it_is(brand: str) -> None:
    answer = hall().ask(opened(link=token(replace(ASKED, brand=brand))))
    tags = [tag for tag, _ in Page(answer).elements]
    assert answer["statusCode"] == 200
    assert tags.count("p") == (2 if brand else 1)
    assert set(tags) == {
        *("html", "head", "meta", "title", "style", "body"),
        *("main", "p", "h1", "form", "button"),
    }


@pytest.mark.parametrize(
    ("languages", "language"),
    [
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("ja, de;q=0.5, en;q=0.4", "de"),
        ("ja", "en"),
        ("*", "en"),
        ("", "en"),
        ("x" * 10_000, "en"),
        ("," * 10_000 + "fr", "en"),
    ],
)
def test_the_page_speaks_the_browsers_language_and_says_which(languages: str, language: str) -> None:
    answer = hall().ask(opened(headers={"Accept-Language": languages}))
    page = Page(answer)
    assert page.named("html") == [{"lang": language}]
    assert TEXTS[language]["ask_email"] in page.texts
    assert answer["headers"]["vary"] == "accept-language"


def test_every_language_has_every_text() -> None:
    assert {"en", "fr"} <= set(TEXTS)
    for language, texts in TEXTS.items():
        assert set(texts) == set(TEXTS["en"]), language
        assert all(texts.values()), language


# ── POST confirms ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_button_queues_what_is_confirmed_and_thanks() -> None:
    made = hall()
    made.clock.now += 3600
    answer = made.ask(opened("POST", body="anything=at all"))
    [webhook] = made.queued
    assert answer["statusCode"] == 200
    assert TEXTS["en"]["done"] in Page(answer).texts
    assert (webhook.source, webhook.connection, webhook.topic) == ("form", "main", CONFIRMED)
    assert consent_links.stated(webhook) == replace(ASKED, brand="")
    assert webhook.received_at == datetime.fromtimestamp(NOW + 3600, UTC)


def test_pressing_twice_is_one_webhook() -> None:
    made = hall()
    first, second = made.ask(opened("POST")), made.ask(opened("POST"))
    assert first == second
    assert len({webhook.id for webhook in made.queued}) == 1
    assert len({call["MessageDeduplicationId"] for call in made.sqs.of("send_message")}) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_expired_link_has_a_page_of_its_own_and_changes_nothing(method: str) -> None:
    made = hall()
    made.clock.now += WEEK
    answer = made.ask(opened(method))
    assert (answer["statusCode"], made.queued) == (410, [])
    assert TEXTS["en"]["expired_link"] in Page(answer).texts


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "changes",
    [
        {"link": token(secret="another")},
        {"link": token()[:-1]},
        {"link": token() + "A"},
        {"link": ""},
        {"link": "../../../etc/passwd"},
        {"link": "\u202e\ud800"},
        {"link": "A" * 100_000},
        {"connection": "other"},
        {"connection": "../main"},
        {"connection": "main@previous"},
        {"source": "shopify", "link": token()},
        {"source": "typeform", "link": token()},
    ],
)
def test_an_altered_link_is_not_found_and_changes_nothing(method: str, changes: dict[str, Any]) -> None:
    made = hall()
    made.store.put("bridge-test/typeform/main", {"signing_secrets": [SECRET], "confirm_secret": "other"})
    answer = made.ask(opened(method, **changes))
    assert (answer["statusCode"], made.queued) == (404, [])
    page = Page(answer)
    assert TEXTS["en"]["invalid_link"] in page.texts
    assert page.named("form") == []


@pytest.mark.parametrize("secret", [None, "", "  ", 7, ["a"]])
def test_without_a_secret_for_links_there_are_none(secret: Any) -> None:
    for guess in ("", " ", "None", "7"):
        answer = hall(secret=secret).ask(opened("POST", token(secret=guess)))
        assert answer["statusCode"] == 404


@pytest.mark.parametrize("broken", ["secrets", "queue"])
def test_what_is_out_of_reach_is_to_be_tried_again(broken: str) -> None:
    made = hall()
    made.store.broken = out_of_reach() if broken == "secrets" else None
    made.sqs.answers = {"send_message": out_of_reach()} if broken == "queue" else {}
    answer = made.ask(opened("POST"))
    assert answer["statusCode"] == 503
    assert TEXTS["en"]["unavailable"] in Page(answer).texts


# ── What a link needs beforehand ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_every_source_hands_on_a_key_for_the_webhooks_own_links(source: str) -> None:
    made = hall(source)
    key = made.receiver.confirm_key(source, "main", WEBHOOK)
    assert key == consent_links.webhook_key(CONFIRM_SECRET, source, "main", WEBHOOK)
    answer = made.ask(opened(source=source))
    assert answer["statusCode"] == 200


def test_a_webhook_carries_the_key_for_its_own_links_alone() -> None:
    made = hall()
    made.send(content=POST, headers=URLENCODED)
    made.send(content=POST + b"&more=1", headers=URLENCODED)
    first, second = made.queued
    assert first.confirm_key == consent_links.webhook_key(CONFIRM_SECRET, "form", "main", first.id)
    assert first.confirm_key != second.confirm_key
    assert CONFIRM_SECRET not in json.dumps(made.sqs.of("send_message"))


def test_without_a_secret_for_links_a_webhook_carries_no_key() -> None:
    made = hall(secret=None)
    made.send(content=POST, headers=URLENCODED)
    [call] = made.sqs.of("send_message")
    assert "confirm_key" not in json.loads(call["MessageBody"])


# ── Nobody else says so ─────────────────────────────────────────────────────────────────────────────────────


SAYS_SO = {
    "type": CONFIRMED,
    "topic": CONFIRMED,
    "event": CONFIRMED,
    "webhook_id": WEBHOOK,
    "channel": "email",
    "made_at": MADE.isoformat(),
    "object": "event",
    "id": "evt_1",
    "data": {"object": {"id": "cus_1", "object": "customer"}},
    "email": "ada@example.com",
}


@pytest.mark.parametrize("source", SOURCE_PACKAGES)
def test_no_header_and_no_body_of_a_source_is_a_confirmed_consent(source: str) -> None:
    made = Hall(source_module(source, "receiver").SOURCES)
    if source == "custom":
        mapping = [{"event": {"name": "anything"}}]
        stored = {"verify": {"scheme": "token"}, "topic": "topic", "person": {}, "mapping": mapping}
        made.store.put("/bridge-test/custom/main", stored)
    names = ("x-shopify-topic", "shopify-topic", "x-wc-webhook-topic", "x-topic", "topic", "x-netlify-event")
    body = json.dumps(SAYS_SO).encode()
    made.ask(event(source, body, CONFIRMED, headers=dict.fromkeys(names, CONFIRMED)))
    assert CONFIRMED not in [webhook.topic for webhook in made.queued]


def test_a_connection_whose_settings_take_any_topic_takes_this_one_neither() -> None:
    made = hall("custom")
    made.store.put(
        "/bridge-test/custom/main",
        {
            "verify": {"scheme": "token", "query": "token"},
            "topic": "topic",
            "person": {},
            "mapping": [{"event": {"name": "anything"}}],
        },
    )
    content = json.dumps({"topic": CONFIRMED, "webhook_id": WEBHOOK}).encode()
    other = json.dumps({"topic": "anything else", "webhook_id": WEBHOOK}).encode()
    query = {"queryStringParameters": {"token": SECRET}}
    assert made.ask(event("custom", other) | query)["statusCode"] == 200
    assert made.ask(event("custom", content) | query)["statusCode"] == 200
    assert [webhook.topic for webhook in made.queued] == ["anything else"]


def test_the_style_that_the_policy_names_is_the_style_of_the_page() -> None:
    assert consent_page.STYLE in hall().ask(opened())["body"]


def test_a_link_reads_no_settings_and_writes_no_row() -> None:
    made = hall()
    made.ask(opened())
    made.ask(opened("POST"))
    assert made.dynamodb == Calls()
