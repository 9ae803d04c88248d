"""Two tabs on one session: what happens in one is seen in the other, with no reload, and nothing is shown twice."""

import re
import time

import pytest
from playwright.sync_api import expect

from sessions.tests.browser import browser_page, rest_hand, say, sign_in, start_on_ticket

pytestmark = pytest.mark.browser
SLOW = "".join(f"Word{number} " for number in range(80)) + "end."


@pytest.fixture
def tabs(claude_product, claude):
    """Two tabs of one technician on one session of their own."""
    claude.reset()
    with browser_page() as page:
        sign_in(page, claude_product)
        start_on_ticket(page, claude_product, 48159)
        other = page.context.new_page()
        other.goto(page.url)
        for tab in (page, other):
            expect(tab.locator("#news[data-heard]")).to_have_count(1)
        yield page, other


def turns(page):
    return page.locator("#thread article[data-turn]")


def test_a_message_and_its_answer_are_seen_in_both(tabs, claude):
    one, other = tabs
    claude.answer(SLOW, delay=0.02, to="The printer hums.")
    before = turns(other).count()
    say(one, "The printer hums.")

    expect(other.locator("#thread .said").get_by_text("The printer hums.")).to_have_count(1)
    for page in tabs:
        expect(turns(page)).to_have_count(before + 1)
        expect(turns(page).last).to_have_attribute("data-turn", "done", timeout=15_000)
    assert turns(one).last.inner_text() == turns(other).last.inner_text()


def test_a_waiting_message_is_edited_and_taken_back_in_both(tabs, claude):
    one, other = tabs
    claude.answer(SLOW, delay=0.1, to="First.")
    say(one, "First.")
    expect(turns(one).last).to_have_attribute("data-mark", "live")
    say(one, "Secnd.")
    expect(turns(other).last).to_have_attribute("data-mark", "waiting")

    turns(other).last.get_by_role("button", name="Edit").click()
    other.get_by_label("Message that waits").fill("Second.")
    other.get_by_role("button", name="Save").click()
    expect(one.locator("#thread .said").get_by_text("Second.")).to_be_visible()
    turns(one).last.get_by_role("button", name="Remove").click()
    expect(other.locator("#thread .said").get_by_text("Second.")).to_have_count(0)
    one.get_by_role("button", name="Undo").click()
    expect(other.locator("#thread .said").get_by_text("Second.")).to_have_count(1)

    other.get_by_role("button", name="Stop").first.click()
    expect(one.locator("article[data-turn=cancelled]").last).to_be_visible()


@pytest.mark.parametrize("late", ["hx-sse.min", "thread"])
def test_news_comes_though_a_script_came_late(tabs, late):
    _, other = tabs
    other.route(re.compile(rf"/{late}[^/]*\.js"), lambda route: (time.sleep(0.5), route.continue_()))
    other.reload()

    expect(other.locator("#news[data-heard]")).to_have_count(1)


def test_a_fact_added_in_one_is_seen_in_the_other(tabs):
    one, other = tabs
    one.get_by_role("button", name="Add fact").click()
    one.get_by_label("New fact").fill("Two users have it")
    one.keyboard.press("Enter")

    expect(other.locator("#lane-facts").get_by_text("Two users have it")).to_be_visible()


def add_fact(page, text):
    page.get_by_role("button", name="Add fact").click()
    page.get_by_label("New fact").fill(text)
    page.keyboard.press("Enter")
    expect(page.locator("#lane-facts").get_by_text(text)).to_be_visible()


def test_an_open_menu_stays_open_and_a_newer_head_comes_after_it(tabs):
    one, other = tabs
    more = other.get_by_role("button", name="More for this session")
    more.click()
    rename(one, "Backup of the third floor")
    add_fact(one, "It began on Sunday")
    expect(other.locator("#lane-facts").get_by_text("It began on Sunday")).to_be_visible()
    expect(other.locator("#session-menu")).to_be_visible()
    other.keyboard.press("Escape")

    expect(other.get_by_role("heading", level=1)).to_have_text("Backup of the third floor")
    expect(more).to_be_focused()


def test_a_title_that_is_being_changed_stays_open(tabs):
    one, other = tabs
    other.get_by_role("button", name="More for this session").click()
    rename(one, "Backup of the fourth floor")
    other.get_by_role("button", name="Rename").click()
    expect(other.get_by_label("Title of this session")).to_be_focused()
    other.keyboard.press("Control+a")
    other.keyboard.type("Backup of the attic")
    other.keyboard.press("Enter")

    for tab in tabs:
        expect(tab.get_by_role("heading", level=1)).to_have_text("Backup of the attic")


def rename(page, title):
    page.get_by_role("button", name="More for this session").click()
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Title of this session").fill(title)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def test_a_lane_under_a_hand_holds_still_and_says_how_much_is_new(tabs):
    one, other = tabs
    facts = other.locator("#lane-facts")
    before = facts.locator("li[id]").count()
    other.locator("#lane-tasks h2").hover()
    add_fact(one, "It began on Monday")
    news = facts.get_by_role("button", name="1 new")
    expect(news).to_be_visible()
    assert facts.locator("li[id]").count() == before
    add_fact(one, "The switch was replaced")
    expect(facts.get_by_role("button", name="2 new")).to_be_visible()

    facts.get_by_role("button", name="2 new").click()
    expect(facts.get_by_text("It began on Monday")).to_be_visible()
    expect(facts.locator("li[id]")).to_have_count(before + 2)
    expect(facts.locator(".waiting")).to_have_count(0)


def test_a_lane_takes_what_is_new_once_the_focus_has_left_it(tabs):
    one, other = tabs
    facts = other.locator("#lane-facts")
    other.mouse.move(400, 300)
    facts.get_by_role("button", name="Add fact").focus()
    add_fact(one, "Only on the second floor")
    expect(facts.get_by_role("button", name="1 new")).to_be_visible()
    rest_hand(other)

    expect(facts.get_by_text("Only on the second floor")).to_be_visible()


def test_a_hidden_tab_closes_its_streams_and_catches_up(tabs, claude):
    one, other = tabs
    other.evaluate(
        """() => { Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
                   document.dispatchEvent(new Event("visibilitychange")); }"""
    )
    claude.answer("All of it.", to="While you were away.")
    say(one, "While you were away.")
    expect(turns(one).last).to_contain_text("All of it.")
    assert other.locator("#thread .said").get_by_text("While you were away.").count() == 0
    other.evaluate("""() => { delete document.hidden; document.dispatchEvent(new Event("visibilitychange")); }""")

    expect(other.locator("#thread .said").get_by_text("While you were away.")).to_be_visible()
    expect(turns(other).last).to_contain_text("All of it.")
