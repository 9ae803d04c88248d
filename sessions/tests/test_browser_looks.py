"""What every page owes its readers: no violation that axe-core knows, in both themes and widths, and nothing that scrolls sideways."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from sessions.tests.browser import PROBLEM, browser_page, say, sign_in, start_on_ticket

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def addresses(product):
    """The built pages, with a session that has tasks."""
    with browser_page() as page:
        sign_in(page, product)
        start_on_ticket(page, product, 48209)
        say(page, PROBLEM)
        expect(page.locator("article[data-turn=done]")).to_be_visible(timeout=15_000)
        chat = page.url
    base = product.url
    return [
        f"{base}/",
        f"{base}/tickets/",
        f"{base}/tickets/48213",
        f"{base}/pilot/",
        chat,
        f"{chat}/resolution",
        f"{chat}/resolution?edit=1",
        f"{chat}/escalation",
        f"{base}/tickets/new",
        f"{base}/settings/profile",
        f"{base}/settings/security",
    ]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing(product, addresses, width, theme):
    found = []
    with browser_page(width=width) as page:
        page.goto(f"{product.url}/accounts/login/")
        found += look(page, theme)
        sign_in(page, product)
        for address in [*addresses, f"{product.url}/pilot/00000000-0000-4000-8000-000000000000"]:
            page.goto(address)
            found += look(page, theme)

    assert not found


def look(page, theme: str) -> list[str]:
    page.wait_for_load_state("load")  # not until nothing is asked: a session's page listens as long as it is open
    expect(page.locator(".htmx-request:visible, [aria-busy=true]:visible")).to_have_count(0, timeout=15_000)
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
    page.wait_for_timeout(250)  # colours fade
    found = [
        f"{page.url}: {violation['id']}: {violation['nodes'][0]['html'][:160]} {violation['nodes'][0].get('failureSummary', '')[:200]}"
        for violation in Axe().run(page).response["violations"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append(f"{page.url}: scrolls sideways")
    return found
