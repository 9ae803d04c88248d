"""What every page owes its readers: no violation that axe-core knows, in both themes and three widths, and nothing that scrolls sideways."""

import pytest
from playwright.sync_api import expect

from sessions.tests.browser import PROBLEM, browser_page, rest_hand, say, sign_in, start_on_ticket
from sessions.tests.looking import settled, wrongs

pytestmark = pytest.mark.browser
PATHS = [
    "/",
    "/tickets/",
    "/tickets/48213",
    "/tickets/new",
    "/pilot/",
    "/pilot/00000000-0000-4000-8000-000000000000",
    "/scripts/",
    "/scripts/new",
    "/scripts/builder",
    "/scripts/drafts/",
    "/palette?q=outlook",
    "/settings/profile",
    "/settings/security",
]


def test_axe_finds_nothing_on_the_pages(product):
    found = []
    with browser_page() as page:
        page.goto(f"{product.url}/accounts/login/")
        found += wrongs(page, "sign-in")
        sign_in(page, product)
        for path in PATHS:
            page.goto(product.url + path)
            settled(page)
            found += wrongs(page, path)
        page.goto(f"{product.url}/scripts/")
        page.get_by_role("link", name="Clear the print queue").click()
        expect(page.get_by_role("heading", name="History")).to_be_visible()
        found += wrongs(page, "a script and its builder")
        page.keyboard.press("Control+k")
        page.keyboard.type("outlook")
        expect(page.locator("#pal-start-text")).to_contain_text("outlook")
        expect(page.locator("#pal-t1, #pal-tickets [aria-disabled]:not(:has(.spinner))").first).to_be_visible()
        settled(page)
        found += wrongs(page, "palette")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        found += wrongs(page, "keys")
    assert not found


def test_axe_finds_nothing_in_the_states_of_a_session(claude_product, claude):
    claude.reset()
    claude.answer(ANSWER, [ANSWER[:60], *[" word"] * 60, ANSWER[60:]], delay=0.5, to=PROBLEM)
    found = []
    with browser_page() as page:
        sign_in(page, claude_product)
        start_on_ticket(page, claude_product, 48209)
        found += wrongs(page, "empty session")
        say(page, PROBLEM)
        expect(page.locator("article[data-mark=live]")).to_contain_text("word")
        found += wrongs(page, "streaming")
        page.keyboard.press("Escape")
        expect(page.locator("article[data-turn=cancelled]")).to_be_visible()
        found += wrongs(page, "stopped")
        claude.answer(ANSWER, to="go on from here")
        say(page, "go on from here")
        expect(page.locator("#lane-fix h3")).to_be_visible()
        found += wrongs(page, "tasks and fix")
        rest_hand(page)
        page.keyboard.press("a")
        expect(page.locator("#lane-fix")).to_contain_text("verifying")
        page.keyboard.press("x")
        found += wrongs(page, "fix applied, asked what happened")
        chat = page.url
        for path in ("resolution", "resolution?edit=1", "escalation"):
            page.goto(f"{chat}/{path}")
            page.wait_for_load_state("load")
            found += wrongs(page, path)
        page.goto(chat)
        rest_hand(page)
        page.keyboard.press("w")
        expect(page.locator("#lane-fix a.good")).to_be_visible()
        found += wrongs(page, "worked")
        page.goto(f"{chat}/resolution")
        page.locator("#post-button").click()
        expect(page.locator("#resolution-state")).to_contain_text("Resolved")
        found += wrongs(page, "posted")
        page.goto(chat)
        found += wrongs(page, "resolved")
    assert not found


ANSWER = """Outlook never asks for a modern token when `EnableADAL` is `0`.

[QUESTIONS][{"text": "Does webmail work?", "why": "tells account from device", "kind": "yes_no"}][/QUESTIONS]
[ACTIONS][{"text": "Start Outlook in safe mode", "why": "rules add-ins out", "command": "outlook.exe /safe"}][/ACTIONS]
[PROMOTE][{"text": "Token is valid, `AzureAdPrt: YES`"}][/PROMOTE]
[SUGGEST_FIX]{"title": "Remove the values that block modern sign-in", "rationale": "They are `0`.", "steps": ["Close Outlook"], "confidence": 86}[/SUGGEST_FIX]
"""
