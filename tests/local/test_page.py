"""A person opens the page, sends samples, and sees what becomes of them."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from bridge.errors import FAILURE_CLASSES
from functions.sources.registry import SOURCE_PACKAGES
from local.page import REMEDIES
from local.samples import samples_of
from local.stack import LocalStack

pytestmark = [pytest.mark.page, pytest.mark.stack]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAID = "events/shopify/orders.paid.json"
CREATED = "events/shopify/orders.create.json"
PATIENCE_MILLISECONDS = 15_000


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as running:
        yield running


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(params=[1280, 390])
def page(request: pytest.FixtureRequest, browser: Browser, stack: LocalStack) -> Iterator[Page]:
    """The page of a stack that remembers nothing, on a wide and on a narrow screen; it makes no error."""
    httpx.post(f"{stack.url}/_local/forget")
    context = browser.new_context(viewport={"width": request.param, "height": 850})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MILLISECONDS)
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    opened.on(
        "request", lambda asked: errors.append(asked.url) if not asked.url.startswith(stack.url) else None
    )
    opened.goto(stack.url)
    yield opened
    context.close()
    assert errors == []


def tool(page: Page, source: str) -> Locator:
    return page.locator(f"[data-source={source}]")


def send(page: Page, file: str) -> None:
    """Send a sample, its tool unfolded first where it is not."""
    card = tool(page, file.split("/")[1])
    if card.get_attribute("open") is None:
        card.locator("summary").first.click()
    page.click(f'[data-sample="{file}"]')


def samples_shown(page: Page) -> list[str]:
    return [str(one.get_attribute("data-sample")) for one in page.locator(".sample:visible").all()]


def test_a_sample_becomes_a_profile_while_the_page_is_open(page: Page) -> None:
    send(page, PAID)
    expect(page.locator("[data-profile]")).to_have_count(1)
    expect(page.locator("[data-profile] .events summary")).to_contain_text("order_paid")
    expect(page.locator("#status")).to_contain_text(
        re.compile("Order paid: accepted as [0-9a-f]{32}, delivered")
    )
    expect(page.locator("[data-receipt] .badge")).to_have_text("delivered")


def test_a_repeat_is_recognised_and_makes_no_second_event(page: Page) -> None:
    send(page, PAID)
    expect(page.locator("#status")).to_contain_text("delivered")
    send(page, PAID)
    expect(page.locator("#status")).to_contain_text("already delivered, no second event")
    expect(page.locator("[data-profile] .events li")).to_have_count(1)


def test_the_newest_change_comes_first(page: Page) -> None:
    send(page, PAID)
    expect(page.locator("[data-profile]")).to_have_count(1)
    send(page, CREATED)
    expect(page.locator("[data-profile]")).to_have_count(2)
    expect(page.locator("[data-profile] .events summary").first).to_contain_text("order_placed")


def test_variants_of_a_sample_hide_in_a_menu(page: Page) -> None:
    variant = page.locator('[data-sample="events/shopify/orders.create__guest.json"]')
    tool(page, "shopify").locator("summary").first.click()
    expect(variant).to_be_hidden()
    page.get_by_label("More samples of Shopify: Order created").click()
    variant.click()
    expect(page.locator("#status")).to_contain_text("Order created (guest): accepted")


def test_a_failure_says_what_to_do_and_can_be_retried(page: Page, stack: LocalStack) -> None:
    httpx.post(f"{stack.batch_url}/sandbox/faults", json={"status": 400, "count": 1})
    send(page, PAID)
    failure = page.locator("[data-failure]")
    expect(failure).to_contain_text("rejected_by_batch")
    expect(failure).to_contain_text(REMEDIES["rejected_by_batch"])
    failure.get_by_role("button", name="Retry").click()
    expect(failure).to_have_count(0)
    expect(page.locator("[data-profile]")).to_have_count(1)


def test_all_failures_can_be_retried_at_once(page: Page, stack: LocalStack) -> None:
    httpx.post(f"{stack.batch_url}/sandbox/faults", json={"status": 400, "count": 2})
    send(page, PAID)
    send(page, CREATED)
    expect(page.locator("[data-failure]")).to_have_count(2)
    page.get_by_role("button", name="Retry all").click()
    expect(page.locator("[data-profile]")).to_have_count(2)
    expect(page.locator("#failures")).to_be_hidden()


def test_a_tool_that_left_is_shown_as_inactive_until_something_comes_of_it(page: Page) -> None:
    note = page.locator("[data-source=shopify] [data-problems]")
    expect(note).to_be_hidden()
    send(page, "events/shopify/app.uninstalled.json")
    expect(note).to_contain_text("uninstalled at")
    page.wait_for_timeout(1_000)  # times are noted in whole seconds
    send(page, PAID)
    expect(note).to_be_hidden()


def test_a_connection_tells_when_it_last_spoke_and_why_it_was_refused(page: Page, stack: LocalStack) -> None:
    width = (page.viewport_size or {}).get("width")
    source = {1280: "netlify", 390: "wpforms"}[width or 0]  # each notes the same thing once a minute
    note = page.locator(f"[data-source={source}] [data-problems]")
    agent = {"user-agent": {"netlify": "Netlify", "wpforms": "WPForms"}[source]}  # others count for nothing
    assert httpx.post(f"{stack.url}/{source}/main", json={}, headers=agent).status_code == 401
    expect(note).to_contain_text("no_header")
    page.wait_for_timeout(1_000)  # times are noted in whole seconds
    send(page, samples_of(source)[0].file)
    expect(note).to_be_hidden()
    expect(page.locator(f"[data-source={source}] [data-seen]")).not_to_have_text("none yet")


def test_an_address_is_copied_and_a_secret_shown_only_when_asked(page: Page, stack: LocalStack) -> None:
    shopify = next(
        one for one in httpx.get(f"{stack.url}/_local/connections").json() if one["source"] == "shopify"
    )
    tool(page, "shopify").locator("summary").first.click()
    page.get_by_role("button", name="Copy the address of Shopify").click()
    assert page.evaluate("navigator.clipboard.readText()") == shopify["url"]
    expect(page.locator("body")).not_to_contain_text(shopify["signing_secret"])
    page.get_by_role("button", name="Show the secret of Shopify").click()
    expect(page.locator("[data-source=shopify]")).to_contain_text(shopify["signing_secret"])


def test_a_sample_that_comes_after_another_says_so(page: Page) -> None:
    send(page, "events/shopify/refunds.create.json")
    expect(page.locator("#status")).to_contain_text(
        re.compile(r"Refund created, after Order created \(shipped\): accepted as [0-9a-f]{32}, delivered")
    )
    expect(page.locator("[data-profile]")).to_have_count(1)
    expect(page.locator("[data-profile] .events summary")).to_have_count(2)


def test_every_tool_is_folded_and_says_how_many_samples_it_has(page: Page) -> None:
    assert samples_shown(page) == []
    for source in SOURCE_PACKAGES:
        expect(tool(page, source).locator("summary .count").first).to_have_text(
            re.compile(rf"{len(samples_of(source))} samples?")
        )


def test_a_search_shows_the_samples_with_all_its_words_wherever_they_hide(page: Page) -> None:
    page.get_by_role("searchbox", name="Search").fill("shopify GUEST")
    assert samples_shown(page) == [CREATED, "events/shopify/orders.create__guest.json"], (
        "a variant, and of what"
    )
    expect(page.locator("#found")).to_have_text("1 sample, 0 profiles")
    expect(tool(page, "shopify").locator(".count").first).to_have_text(
        f"1 of {len(samples_of('shopify'))} samples"
    )
    page.click('[data-sample="events/shopify/orders.create__guest.json"]')
    expect(page.locator("#status")).to_contain_text("Order created (guest): accepted")


def test_a_search_finds_a_connection_by_its_tool_or_its_address(page: Page, stack: LocalStack) -> None:
    for words in ("Typeform", f"{stack.url}/typeform/main"):
        page.fill("#search", words)
        assert set(samples_shown(page)) == {sample.file for sample in samples_of("typeform")}
        expect(page.locator(".source:visible")).to_have_count(1)
        expect(page.get_by_role("button", name="Copy the address of Typeform")).to_be_visible()


def test_a_search_finds_profiles_also_those_that_come_meanwhile(page: Page) -> None:
    send(page, "events/tally/FORM_RESPONSE.json")
    expect(page.locator("[data-profile]")).to_have_count(1)
    name = page.locator("[data-profile] h3").inner_text()
    send(page, PAID)
    expect(page.locator("[data-profile]")).to_have_count(2)
    page.fill("#search", name.upper())
    expect(page.locator("[data-profile]:visible")).to_have_count(1)
    expect(page.locator("[data-count=profiles]")).to_have_text("1 of 2")
    page.fill("#search", "fillout")
    expect(page.get_by_text("No profile matches.")).to_be_visible()
    page.click('[data-sample="events/fillout/submission.json"]')
    expect(page.locator("[data-profile]:visible")).to_have_count(1)


def test_after_a_search_all_is_as_it_was_before(page: Page) -> None:
    tool(page, "stripe").locator("summary").first.click()
    before = samples_shown(page)
    page.fill("#search", "nothing has these words")
    expect(page.get_by_text("No sample and no connection matches.")).to_be_visible()
    assert samples_shown(page) == []
    page.fill("#search", "")
    assert samples_shown(page) == before
    expect(page.locator(".source:visible")).to_have_count(len(SOURCE_PACKAGES))
    expect(page.locator("#found")).to_be_empty()


def test_all_of_it_can_be_done_with_the_keyboard_alone(page: Page) -> None:
    page.focus("#search")
    page.keyboard.type("wufoo")
    page.keyboard.press("Escape")
    expect(page.locator("#search")).to_have_value("")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(tool(page, "shopify")).to_have_attribute("open", "")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("App uninstalled: accepted")


def test_starting_over_empties_the_page(page: Page) -> None:
    send(page, PAID)
    expect(page.locator("[data-profile]")).to_have_count(1)
    page.click("#forget")
    expect(page.locator("[data-profile]")).to_have_count(0)
    expect(page.get_by_text("No profile yet.")).to_be_visible()


def test_nothing_is_wider_than_the_screen_and_every_button_has_a_name(page: Page) -> None:
    send(page, PAID)
    page.fill("#search", "a")
    expect(page.locator("[data-profile]")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for button in page.locator("button").all():
        assert button.get_attribute("aria-label") or (button.text_content() or "").strip()


def test_every_failure_class_has_its_words() -> None:
    assert set(REMEDIES) == set(FAILURE_CLASSES), "local/page/__init__.py: say in REMEDIES what to do"
