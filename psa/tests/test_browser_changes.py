"""What somebody changes in ConnectWise shows in the pages that are open here."""

import pytest
from playwright.sync_api import expect

from sessions.tests.browser import browser_page, sign_in, start_on_ticket

pytestmark = pytest.mark.browser
PRINTER, SCANNER = 48209, 48198


def look_again(page):
    """Ask now instead of in a while, as a tab does that comes back into sight."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_an_open_queue_and_its_ticket_follow(product):
    with browser_page() as page:
        sign_in(page, product)
        page.goto(f"{product.url}/tickets/{SCANNER}")
        expect(page.locator(f"#ticket-row-{SCANNER}")).to_be_visible()
        expect(page.locator("#changes[hx-get*=since]")).to_have_count(1)

        product.change_ticket(SCANNER, summary="Dispatch mailbox is back", status={"id": 102})
        expect(page.locator(f"#ticket-row-{SCANNER}")).to_contain_text("Shared mailbox missing")
        page.wait_for_timeout(500)
        look_again(page)

        expect(page.locator(f"#ticket-row-{SCANNER}")).to_contain_text("Dispatch mailbox is back")
        expect(page.locator("#ticket-status select")).to_have_value("102")


def test_an_open_session_says_that_its_ticket_changed_and_goes_on_saying_so(product):
    with browser_page() as page:
        sign_in(page, product)
        start_on_ticket(page, product, PRINTER)
        expect(page.locator("#changes[hx-get*=since]")).to_have_count(1)
        product.change_ticket(PRINTER, summary="VPN drops every 7 hours")
        page.wait_for_timeout(500)

        for _ in range(2):
            look_again(page)
            expect(page.get_by_text(f"Ticket #{PRINTER} changed in ConnectWise.")).to_be_visible()
            page.wait_for_timeout(300)

        page.get_by_role("link", name="See what changed").click()
        expect(page.get_by_role("heading", name="VPN drops every 7 hours")).to_be_visible()
