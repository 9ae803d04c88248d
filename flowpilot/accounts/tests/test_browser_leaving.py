"""The owner's pages in a browser: an export made and taken, a deletion asked for and taken back, and nothing that axe-core finds."""

import zipfile

import pytest
from playwright.sync_api import Page, expect

from flowpilot.testing.product import Product
from sessions.tests.browser import browser_page
from sessions.tests.looking import settled, wrongs

pytestmark = pytest.mark.browser
OWNER = "p.nakamura@summit-it.example"
SUMMIT = "Summit IT Services"


def _sign_in(page: Page, product: Product) -> None:
    page.goto(f"{product.url}/accounts/login/")
    page.get_by_label("Work email").fill(OWNER)
    page.get_by_label("Password").fill(product.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="What are you working on?")).to_be_visible()


def test_an_export_is_made_and_taken(product, tmp_path):
    with browser_page() as page:
        _sign_in(page, product)
        page.goto(f"{product.url}/settings/data")
        page.get_by_role("button", name="Make an export").click()
        with page.expect_download() as taken:
            page.get_by_role("button", name="Download").click(timeout=30_000)
        taken.value.save_as(tmp_path / "export.zip")

    with zipfile.ZipFile(tmp_path / "export.zip") as export:
        assert export.testzip() is None
        assert {"README.txt", "tables/ai_sessions.json", "tables/accounts_user.json"} <= set(export.namelist())


def test_a_deletion_is_told_everywhere_and_taken_back(product):
    with browser_page() as page:
        _sign_in(page, product)
        page.goto(f"{product.url}/settings/data")
        page.get_by_role("link", name="Delete the account").click()
        page.get_by_label("to confirm").fill("Somebody else")
        page.get_by_role("button", name="Delete the account in 7 days").click()
        expect(page.get_by_role("alert")).to_contain_text(f"Type {SUMMIT} to confirm.")
        page.get_by_label("to confirm").fill(SUMMIT)
        page.get_by_role("button", name="Delete the account in 7 days").click()
        page.goto(product.url)
        notice = page.locator(".notices")
        expect(notice).to_contain_text("everything in it is deleted on")
        settled(page)
        found = wrongs(page, "notice")
        notice.get_by_role("button", name="Keep the account").click()
        expect(page.locator(".visit")).to_have_count(0)

    assert not found


def test_axe_finds_nothing_in_the_settings(product):
    found = []
    with browser_page() as page:
        _sign_in(page, product)
        for name in ("account", "profile", "data", "data/delete", "audit", "people"):
            page.goto(f"{product.url}/settings/{name}")
            settled(page)
            found += wrongs(page, name)

    assert not found
