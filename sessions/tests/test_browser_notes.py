"""Notes and hand-overs in a browser: sources on focus, the live preview, a package that is handed over and picked up."""

import time

import pytest
from playwright.sync_api import expect

from sessions.tests.browser import browser_page, sign_in, start_on_ticket

pytestmark = pytest.mark.browser
ADD_FACT = """([url, text]) => {
    const key = JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRFToken"];
    return fetch(url, { method: "POST", body: new URLSearchParams({ text }), headers: { "X-CSRFToken": key, "HX-Request": "true" } });
}"""

COUNT_CHANGES = "window.changes = 0; document.addEventListener('chat-changed', () => { window.changes += 1; })"


def test_a_sentence_shows_its_source_and_the_preview_follows_the_session(product):
    with browser_page() as page:
        sign_in(page, product)
        start_on_ticket(page, product, 48198)
        chat = page.url
        page.goto(f"{chat}/resolution")
        first = page.locator("#reading-resolution .sentence").first
        expect(first.locator(".from")).to_be_hidden()
        first.focus()
        expect(first.locator(".from")).to_contain_text("Ticket")

        other = page.context.new_page()
        other.goto(chat)
        other.get_by_role("button", name="Add fact").click()
        other.get_by_label("New fact").fill("Only this user is affected")
        other.get_by_role("button", name="Add", exact=True).click()
        expect(other.locator("#lane-facts")).to_contain_text("Only this user is affected")

        expect(page.locator("#reading-resolution")).to_contain_text("Only this user is affected", timeout=8_000)


def test_the_preview_comes_half_a_second_after_the_last_of_several_changes(product):
    with browser_page() as page:
        sign_in(page, product)
        start_on_ticket(page, product, 48198)
        chat = page.url
        page.goto(f"{chat}/resolution")
        expect(page.locator("#note-news[data-heard]")).to_have_count(1)
        asked = []
        page.on("request", lambda request: asked.append(request.url) if "/preview?" in request.url else None)
        page.evaluate(COUNT_CHANGES)
        page.clock.install()
        page.clock.pause_at(time.time() + 60)  # its timers run no more by themselves
        other = page.context.new_page()
        other.goto(chat)
        for number in range(5):
            other.evaluate(ADD_FACT, [f"{chat}/facts", f"Fact {number} of five"])
            page.wait_for_function("count => window.changes > count", arg=number)
            page.clock.run_for(400)
        page.clock.run_for(99)
        assert asked == []

        page.clock.run_for(1)
        expect(page.locator("#reading-resolution")).to_contain_text("Fact 4 of five")
        page.clock.run_for(5_000)
        assert len(asked) == 1
        assert "Fact 0 of five" in page.locator("#reading-resolution").inner_text()


def test_who_is_chosen_stays_chosen_while_names_are_looked_up(product):
    with browser_page() as page:
        sign_in(page, product)
        start_on_ticket(page, product, 48201)
        page.goto(f"{page.url}/escalation")
        okafor = page.locator("#who-list label", has_text="S. Okafor")
        expect(okafor).to_be_visible()
        held = []
        page.route("**/escalation/people?*", lambda route: held.append(route))
        with page.expect_request("**/escalation/people?*"):
            page.get_by_label("Assign to").fill("oka")
        okafor.click()
        held.pop().continue_()
        page.wait_for_timeout(500)  # were it not given up, its reply would have come

        expect(okafor.locator("input")).to_be_checked()


def test_a_session_is_handed_over_and_picked_up(product):
    with browser_page() as page:
        sign_in(page, product)
        start_on_ticket(page, product, 48201)
        page.goto(f"{page.url}/escalation")
        page.get_by_label("Assign to").fill("oka")
        page.locator("#who-list label", has_text="S. Okafor").click()
        page.get_by_label("What do you ask for?").fill("Compare the lifetime on both ends")
        expect(page.locator("#package")).to_contain_text("Compare the lifetime on both ends")
        page.get_by_role("button", name="Hand over").click()
        expect(page.get_by_role("heading", name="Handed over")).to_be_visible()
        expect(page.locator("#post-parts")).to_contain_text("#", timeout=15_000)
        expect(page.locator("#post-parts")).to_contain_text("S. Okafor")

        page.get_by_role("link", name="Back to session").click()
        expect(page.locator("#handed-over")).to_contain_text("Compare the lifetime on both ends")
        page.get_by_role("button", name="Pick up").click()
        expect(page.get_by_label("Message", exact=True)).to_be_visible()
