"""The moves of a technician in a browser, by the names a page shows."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

from flowpilot.testing.browser import ARGUMENTS, chromium_path
from flowpilot.testing.product import Product

expect.set_options(timeout=20_000)  # a busy machine is no failure; what never comes still is
PROBLEM = "Outlook keeps asking for a password since the MFA rollout. Webmail is fine."


@contextmanager
def browser_page(width: int = 1440, height: int = 900, *, trusts_any: bool = False) -> Iterator[Page]:
    """A page of a fresh browser; what it complains about fails the test that used it."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        page = browser.new_context(
            viewport={"width": width, "height": height}, ignore_https_errors=trusts_any
        ).new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None
        )
        yield page
        browser.close()
    assert not complaints, complaints


def sign_in(page: Page, product: Product) -> None:
    page.goto(product.url)
    page.get_by_label("Work email").fill(product.email)
    page.get_by_label("Password").fill(product.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="What are you working on?")).to_be_visible()


def start_on_ticket(page: Page, product: Product, number: int) -> None:
    page.goto(f"{product.url}/tickets/{number}")
    page.get_by_role("button", name="Start session").click()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()


def say(page: Page, text: str) -> None:
    page.get_by_label("Message", exact=True).fill(text)
    page.get_by_role("button", name="Send").click()


def open_tasks(page: Page):
    return page.locator("#lane-tasks .task:not(.done)")


def rest_hand(page: Page) -> None:
    """Move pointer and focus out of the lane, which holds still under them."""
    page.mouse.move(400, 300)
    page.locator("#main").focus()
