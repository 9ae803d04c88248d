"""The admin in a browser: rows are chosen and something is done to them, nothing breaks the content policy, and axe-core finds nothing."""

import pytest
from playwright.sync_api import Page, expect

from flowpilot.testing.product import Product
from sessions.tests.browser import browser_page
from sessions.tests.looking import settled, wrongs

pytestmark = pytest.mark.browser
PAGES = (
    "",
    "accounts/user/",
    "accounts/auditevent/",
    "chat_sessions/chatsession/",
    "psa/psamemberlink/add/",
    "psa/psapost/",
)


def _sign_in(page: Page, product: Product) -> None:
    page.goto(f"{product.url}/accounts/login/?next=/admin/")
    page.get_by_label("Work email").fill("p.nakamura@summit-it.example")
    page.get_by_label("Password").fill(product.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="What the account holds")).to_be_visible()


def test_chosen_sessions_are_put_on_hold_and_released(product):
    broken: list[str] = []
    with browser_page() as page:
        page.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
        _sign_in(page, product)
        page.get_by_role("navigation", name="Admin").get_by_role("link", name="Sessions").click()
        for what, done in (("Put on hold", "put on hold."), ("Release from hold", "released from hold.")):
            page.get_by_label("Select all objects on this page").check()
            page.locator("select[name=action]").select_option(label=page.locator("option", has_text=what).inner_text())
            page.get_by_role("button", name="Do it").click()
            expect(page.locator(".messagelist")).to_contain_text(done)

    assert broken == []


def test_axe_finds_nothing_in_the_admin(product):
    found = []
    with browser_page() as page:
        _sign_in(page, product)
        for path in PAGES:
            page.goto(f"{product.url}/admin/{path}")
            settled(page)
            found += wrongs(page, f"admin/{path}")
        for table in ("chat_sessions/chatsession", "accounts/account"):
            page.goto(f"{product.url}/admin/{table}/")
            page.locator("#result_list tbody a").first.click()
            settled(page)
            found += wrongs(page, f"a row of {table}")

    assert not found
