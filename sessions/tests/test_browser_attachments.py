"""Screenshots in a browser: pasted, seen, sent, and still there after a reload."""

import base64

import pytest
from playwright.sync_api import expect

from sessions.tests.browser import browser_page, sign_in, start_on_ticket
from sessions.tests.hostile import saved

pytestmark = pytest.mark.browser
PASTE = """([name, type, data]) => {
  const given = new DataTransfer();
  given.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }));
  document.querySelector("#prompt").dispatchEvent(new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def session_page(product):
    with browser_page() as page:
        sign_in(page, product)
        start_on_ticket(page, product, 48177)
        yield page


def paste(page, data=None):
    data = saved("PNG", (640, 400)) if data is None else data
    page.evaluate(PASTE, ["image.png", "image/png", base64.b64encode(data).decode()])


def test_a_pasted_screenshot_survives_a_reload_and_is_sent(session_page):
    page = session_page
    page.get_by_label("Message", exact=True).fill("It asks again.")
    paste(page)
    expect(page.locator("#attachments img")).to_be_visible(timeout=15_000)
    page.reload()
    expect(page.locator("#attachments img")).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).to_have_value("It asks again.")
    page.get_by_role("button", name="Send").click()

    expect(page.locator("article.user .att.sent img").last).to_be_visible(timeout=15_000)
    expect(page.locator("#attachments img")).to_have_count(0)
    assert page.locator("article.user .att.sent img").last.evaluate("(img) => img.naturalWidth") == 640


def test_what_cannot_be_read_is_refused_in_words_and_the_text_kept(session_page):
    page = session_page
    page.get_by_label("Message", exact=True).fill("Still here")
    paste(page, b"\x89PNG\r\n\x1a\nnot really")

    expect(page.get_by_text("That image cannot be read")).to_be_visible(timeout=15_000)
    expect(page.get_by_label("Message", exact=True)).to_have_value("Still here")


def test_output_that_is_too_long_for_a_message_goes_along_as_a_file(session_page):
    page = session_page
    page.evaluate(
        """() => {
          const given = new DataTransfer();
          given.setData("text/plain", "a line of output\\n".repeat(10000));
          document.querySelector("#prompt").dispatchEvent(new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true }));
        }"""
    )

    expect(page.get_by_text("pasted-output.txt, 10000 lines")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="Remove pasted-output.txt").click()
    expect(page.get_by_text("pasted-output.txt, 10000 lines")).to_have_count(0)
