"""What a script's cards owe their readers: nothing that axe-core knows to be wrong, in both themes, and no width that scrolls sideways."""

import pytest
from playwright.sync_api import Page, expect

from flowpilot.testing.product import Product
from sessions.tests.browser import browser_page, rest_hand, sign_in
from sessions.tests.looking import wrongs
from sessions.tests.test_browser_scripts import ADMIN, CODE, DRAFTED, SUGGESTED, sign_in_as, start

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    """A demo of its own: drafts and templates left here would change what other tests find."""
    running = Product(tmp_path_factory.mktemp("cards")).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def claude_product(tmp_path_factory, claude):
    """The same with Claude."""
    folder = tmp_path_factory.mktemp("claude-cards")
    running = Product(folder, ANTHROPIC_API_KEY=claude.api_key, ANTHROPIC_BASE_URL=claude.base_url).start()
    yield running
    running.stop()


def test_the_card_of_a_match_holds_in_every_look(product):
    with browser_page() as page:
        sign_in(page, product)
        start(page, "Clear the print queue of NW-PRINT01")
        show_scripts(page)
        page.locator("#script-card").get_by_text("Another script", exact=True).or_(
            page.get_by_label("Find another script")
        ).first.click()
        page.get_by_label("Find another script").fill("Clear the print queue")
        page.get_by_role("button", name="Find", exact=True).click()
        page.locator("#script-card").get_by_role("link", name="Clear the print queue").click()
        expect(page.locator("#script-card .params")).to_be_visible()
        assert wrongs(page, "match") == []


def test_the_cards_of_a_draft_hold_in_every_look_until_it_is_reviewed(claude_product, claude):
    claude.reset()
    claude.answer(SUGGESTED, to="Labels do not print")
    found = []
    with browser_page() as page:
        sign_in(page, claude_product)
        start(page, "Labels do not print at the warehouse.")
        page.locator("#lane-fix").get_by_role("link", name="Show").click()
        found += wrongs(page, "ways")
        claude.answer("I would rather not.", to="You write one")
        page.get_by_role("button", name="Draft one for this fix").click()
        card = page.locator("#script-card")
        expect(card.get_by_role("button", name="Try again")).to_be_visible()
        found += wrongs(page, "failed draft")
        claude.answer(DRAFTED, [DRAFTED[:30], *["#"] * 30, DRAFTED[30:]], delay=0.4, to="You write one")
        card.get_by_role("button", name="Try again").click()
        expect(card.locator("pre")).to_contain_text("#")
        found += wrongs(page, "streaming draft")
        expect(card.get_by_text("Keep this script?")).to_be_visible(timeout=20_000)
        found += wrongs(page, "draft")
        card.get_by_label("I have read what it changes").check()
        card.get_by_role("button", name="Keep and copy").click()
        expect(page.locator("#nav-scripts")).to_contain_text("1")
        card.get_by_role("button", name="Mark as run").click()
        expect(card).to_contain_text("Say in its panel whether it worked")
        found += wrongs(page, "ran")
        rest_hand(page)
        page.get_by_role("button", name="Worked", exact=False).first.click()
        expect(page.locator("#lane-fix a.good")).to_be_visible()
        page.locator("#session-bar").get_by_role("link", name="Resolve").click()
        page.locator("#post-button").click()
        expect(page.locator("#post-button")).to_have_count(0)
        page.get_by_role("link", name="Back to session").click()
        expect(page.get_by_role("heading", name="1 script ready")).to_be_visible()
        found += wrongs(page, "after-resolve")
    with browser_page() as page:
        sign_in_as(page, claude_product, ADMIN)
        page.goto(f"{claude_product.url}/scripts/drafts/")
        expect(page.get_by_role("button", name="Publish template")).to_be_visible()
        found += wrongs(page, "review")
    assert found == []


def test_an_open_builder_holds_in_every_look(claude_product, claude):
    claude.reset()
    claude.answer(f"It restarts the daemon.\n\n```powershell\n{CODE}```\n", to="Restart the label daemon")
    with browser_page() as page:
        sign_in(page, claude_product)
        page.goto(f"{claude_product.url}/scripts/builder")
        page.get_by_label("What should the script do?").fill("Restart the label daemon")
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#built")).to_contain_text("Parses, no warnings", timeout=20_000)
        assert wrongs(page, "builder") == []


def test_a_phone_reaches_the_scripts_through_the_menu(product):
    with browser_page(width=390) as page:
        sign_in(page, product)
        start(page, "Clear the print queue of NW-PRINT01")
        page.locator("label").filter(has=page.locator("#view-facts")).click()
        page.get_by_role("button", name="More for this session").click()
        page.locator("#session-menu").get_by_role("button", name="Scripts").click()
        expect(page.locator("#script-card")).to_be_visible()
        expect(page.locator("#session-menu")).to_be_hidden()


def show_scripts(page: Page) -> None:
    page.locator("#session-bar").get_by_role("link", name="Scripts").click()
    expect(page.locator("#script-card")).to_be_visible()
