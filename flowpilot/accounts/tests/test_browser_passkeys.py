"""A passkey in a real browser, whose authenticator is a virtual one: added, signed out, signed in with, without a password."""

import re

import pytest
from playwright.sync_api import Page, expect

from sessions.tests.browser import browser_page

pytestmark = pytest.mark.browser
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def _authenticator(page: Page):
    """Give a page's browser a fingerprint reader; return what asks which credentials it holds."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return lambda: devtools.send("WebAuthn.getCredentials", made)["credentials"]


def test_a_passkey_signs_in_without_a_password(product):
    base = product.url.replace("127.0.0.1", "localhost")  # no passkey belongs to an address of numbers
    with browser_page() as page:
        credentials = _authenticator(page)
        page.goto(f"{base}/settings/security")
        page.get_by_label("Work email").fill(product.email)
        page.get_by_label("Password").fill(product.password)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Add a passkey").click()
        page.get_by_label("What to call it").fill("Work laptop")
        page.get_by_role("button", name="Add the passkey").click()
        expect(page).not_to_have_url(re.compile("/passkeys/add/"))
        page.goto(f"{base}/settings/security")
        expect(page.locator("main")).to_contain_text("Work laptop")
        (made,) = credentials()
        assert (made["isResidentCredential"], made["rpId"]) == (True, "localhost")

        page.get_by_role("button", name="J. Ortiz").click()
        page.locator("#me-menu").get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(re.compile("/accounts/login/"))
        page.get_by_role("button", name="Use a passkey").click()

        expect(page.get_by_role("heading", name="What are you working on?")).to_be_visible()
        (used,) = credentials()
        assert used["signCount"] > made["signCount"]
        page.goto(f"{base}/settings/security")
        page.get_by_role("link", name="Remove Work laptop").click()
        page.get_by_role("button", name="Remove it").click()
        expect(page.locator("main")).not_to_contain_text("Work laptop")
