"""Every key of the list, pressed on the pages that have it, with what it does."""

import re

import pytest
from playwright.sync_api import expect

from sessions.tests.browser import browser_page, rest_hand, say, sign_in, start_on_ticket

pytestmark = pytest.mark.browser
PRINTER = "The printer on the first floor prints nothing since Monday."


@pytest.fixture(scope="module")
def page(product):
    with browser_page() as page:
        sign_in(page, product)
        yield page


def open_dialog(page):
    return page.locator("dialog[open]")


def test_keys_that_work_everywhere(page, product):
    page.goto(product.url)
    page.keyboard.press("?")
    expect(open_dialog(page)).to_contain_text("Keyboard shortcuts")
    page.keyboard.press("Escape")
    page.keyboard.press("[")
    expect(page.locator(".app")).to_have_attribute("data-nav", "rail")
    page.reload()
    expect(page.locator(".app")).to_have_attribute("data-nav", "rail")
    page.keyboard.press("[")
    expect(page.locator(".app")).to_have_attribute("data-nav", "full")
    page.keyboard.press("n")
    expect(open_dialog(page)).to_contain_text("New ticket")
    page.keyboard.press("Escape")
    expect(open_dialog(page)).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#start-text")).to_be_focused()
    page.keyboard.type("n")  # no key acts while somebody types
    expect(open_dialog(page)).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search or run a command")).to_be_focused()
    page.keyboard.press("Control+k")
    expect(open_dialog(page)).to_have_count(0)
    page.locator("#main").focus()
    for key, heading in (("t", "Tickets"), ("p", "Pilot history"), ("s", "Scripts"), ("h", "What are you working on?")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()


def test_the_palette_finds_opens_and_starts(page, product):
    page.goto(product.url)
    page.keyboard.press("Control+k")
    page.keyboard.type("backup")
    ticket = page.locator("#pal-t1")
    expect(ticket).to_be_visible()
    expect(page.locator("#pal-list b").first).to_contain_text(re.compile("backup", re.IGNORECASE))
    number = ticket.inner_text().split()[0].lstrip("#")
    while page.locator("[aria-selected=true]").get_attribute("id") != "pal-t1":
        page.keyboard.press("ArrowDown")
    expect(page.get_by_role("combobox")).to_have_attribute("aria-activedescendant", "pal-t1")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tickets/{number}")
    page.keyboard.press("Control+k")
    page.keyboard.type("> shortcuts")
    expect(page.locator("#pal-list [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type(f"# {number}")
    expect(ticket).to_contain_text(number)
    expect(ticket).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("Message", exact=True)).to_be_visible()


def test_keys_of_the_tickets(page, product):
    page.goto(f"{product.url}/tickets/")
    rows = page.locator("#queue tbody a.cover:visible")
    expect(rows.nth(1)).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox").or_(page.locator("[aria-keyshortcuts='/']")).first).to_be_focused()
    page.keyboard.press("Escape")
    with page.expect_response(re.compile("/tickets/")):
        page.keyboard.press("r")
    expect(page.locator("[aria-keyshortcuts=r]:not([aria-busy])")).to_be_visible()  # the rows are the new ones
    for key, row in (("j", 0), ("j", 1), ("k", 0)):
        page.keyboard.press(key)
        expect(rows.nth(row)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#detail").get_by_role("button", name="Start session")).to_be_visible()
    page.locator("#main").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#detail").get_by_role("button", name="Start session")).to_have_count(0)
    rows.first.focus()
    page.keyboard.press("s")
    expect(page.get_by_label("Message", exact=True)).to_be_visible()


def test_keys_of_a_session_its_notes_and_what_is_similar(page, product):
    start_on_ticket(page, product, 48177)
    say(page, PRINTER)
    expect(page.locator("article[data-turn=done]")).to_be_visible()
    rest_hand(page)
    tasks = page.locator("#lane-tasks .task:not(.done)")
    expect(tasks).not_to_have_count(0)
    left = tasks.count()
    page.keyboard.press("1")
    expect(tasks).to_have_count(left - 1)
    expect(page.locator("#lane-facts")).to_contain_text("Answer")
    page.keyboard.press("f")
    page.keyboard.type("The port is still the old one a w x d")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#lane-facts")).to_contain_text("The port is still the old one a w x d")
    rest_hand(page)
    page.keyboard.press("]")
    expect(page.locator("#lane")).to_be_hidden()
    page.keyboard.press("]")
    expect(page.locator("#lane")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#slash-menu")).to_be_visible()
    page.get_by_label("Message", exact=True).fill("")
    rest_hand(page)
    chat = page.url
    for key, path in (("Shift+R", "resolution"), ("Shift+E", "escalation")):
        page.keyboard.press(key)
        page.wait_for_url(f"{chat}/{path}")
        page.goto(chat)
        rest_hand(page)
    page.goto(f"{chat}/past")
    version = page.locator("output[for=version]")
    newest = version.inner_text().split(",")[0]
    page.locator("#main").focus()
    page.keyboard.press("ArrowLeft")
    expect(version).not_to_contain_text(newest)
    page.locator("#main").focus()
    page.keyboard.press("ArrowRight")
    expect(version).to_contain_text(newest)


def test_keys_of_a_fix_and_its_script(page, product):
    page.goto(product.url)
    page.locator("#start-text").fill("The shared calendar shows only Busy and no details since the weekend.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("Message", exact=True)).to_be_visible()
    expect(page.locator("article[data-turn=done]")).to_be_visible()
    page.get_by_label("Message", exact=True).fill("/similar")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("button", name="Use this fix").first).to_be_visible()
    rest_hand(page)
    page.keyboard.press("b")
    expect(page.locator("#lane-fix")).to_contain_text("Give Default the LimitedDetails permission")
    page.keyboard.press("d")
    expect(page.locator("#dismiss-reason")).to_be_focused()
    page.keyboard.press("Escape")
    rest_hand(page)
    page.keyboard.press("a")
    expect(page.locator("#lane-fix")).to_contain_text("verifying")
    rest_hand(page)
    page.keyboard.press("x")
    expect(page.locator("#failed-reason")).to_be_focused()
    page.keyboard.press("Escape")
    rest_hand(page)
    page.keyboard.press("w")
    expect(page.locator("#lane-fix a.good")).to_be_visible()
    page.keyboard.press("Shift+R")
    page.wait_for_url("**/resolution")
    expect(page.locator("#reading-resolution")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#resolution-state")).to_contain_text("Resolved")
    expect(page.get_by_role("link", name="Next ticket")).to_be_visible()
    page.keyboard.press("n")
    page.wait_for_url("**/tickets/*")


def test_keys_of_the_lists_of_scripts_and_sessions(page, product):
    page.goto(f"{product.url}/scripts/")
    page.keyboard.press("/")
    expect(page.locator("#script-search")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    page.locator("#main").focus()
    page.goto(f"{product.url}/pilot/")
    page.keyboard.press("/")
    expect(page.locator("#hq")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator("#history a.cover").first).to_be_focused()
    page.locator("#main").focus()
    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="What are you working on?")).to_be_visible()
