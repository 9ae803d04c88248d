"""Slash commands press what the page has anyway."""

import re

import pytest
from playwright.sync_api import expect

from sessions.tests.browser import browser_page, sign_in, start_on_ticket

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def session_page(product):
    with browser_page() as page:
        sign_in(page, product)
        start_on_ticket(page, product, 48177)
        yield page


def test_a_slash_opens_the_menu_and_letters_narrow_it(session_page):
    page = session_page
    page.get_by_label("Message", exact=True).press_sequentially("/f")

    expect(page.get_by_role("menuitem")).to_have_count(2)
    page.get_by_label("Message", exact=True).fill("")
    expect(page.get_by_role("menuitem")).to_have_count(0)


def test_a_fact_is_begun_with_the_words_behind_its_command(session_page):
    page = session_page
    page.get_by_label("Message", exact=True).fill("/fact VPN is off")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_label("New fact")).to_have_value("VPN is off")
    expect(page.get_by_label("Message", exact=True)).to_have_value("")


def test_no_command_throws_words_away(session_page):
    page = session_page
    page.get_by_label("Message", exact=True).fill("/fact since Monday")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("New fact")).to_have_value("VPN is off since Monday")
    page.get_by_label("Message", exact=True).fill("/similar it hums as well")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_label("Message", exact=True)).to_have_value("it hums as well")
    page.get_by_label("Message", exact=True).fill("")


def test_a_fix_is_asked_for_by_enter(session_page):
    page = session_page
    page.get_by_label("Message", exact=True).press_sequentially("/fix")
    page.keyboard.press("Enter")

    expect(page.locator("article.user").last).to_contain_text("Suggest a fix from what we know so far.", timeout=15_000)


def test_resolve_opens_the_note(session_page):
    page = session_page
    page.get_by_label("Message", exact=True).press_sequentially("/res")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/resolution$"))
