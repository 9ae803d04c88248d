"""What goes wrong around an answer: a power cut, a reload, a lost connection, too much text. Nothing typed is lost, nothing comes twice."""

import pytest
from playwright.sync_api import expect

from flowpilot.testing.product import Product
from sessions.tests.browser import browser_page, say, sign_in, start_on_ticket

pytestmark = pytest.mark.browser
LONG = "".join(f"Word{number} " for number in range(60)) + "end."


@pytest.fixture(scope="module")
def session_page(product):
    """A page on a session of its own, signed in to the guided product."""
    with browser_page() as page:
        sign_in(page, product)
        start_on_ticket(page, product, 48177)
        yield page


def test_a_reload_in_mid_answer_goes_on_without_gap_or_double(claude_product, claude):
    claude.reset()
    claude.answer(LONG, delay=0.1, to="It stopped syncing.")
    with browser_page() as page:
        sign_in(page, claude_product)
        start_on_ticket(page, claude_product, 48159)
        say(page, "It stopped syncing.")
        expect(page.get_by_text("Word3 ")).to_be_visible(timeout=15_000)
        page.reload()
        expect(page.locator("article[data-turn=done]")).to_be_visible(timeout=20_000)

        assert page.locator("article[data-turn=done] .prose").inner_text().split() == LONG.split()


def test_a_power_cut_in_mid_answer_loses_nothing_and_doubles_nothing(tmp_path, claude):
    cut = Product(tmp_path, ANTHROPIC_API_KEY=claude.api_key, ANTHROPIC_BASE_URL=claude.base_url).start()
    claude.reset()
    claude.answer(LONG, delay=0.2, to="The second monitor flickers.")
    claude.answer(LONG, to="The second monitor flickers.")
    with browser_page() as page:
        sign_in(page, cut)
        start_on_ticket(page, cut, 48140)
        say(page, "The second monitor flickers.")
        expect(page.get_by_text("Word3 ")).to_be_visible(timeout=15_000)
        cut.kill()
        cut.start()
        page.reload()
        expect(page.locator("#thread").get_by_text("The second monitor flickers.")).to_have_count(1)
        expect(page.locator("article[data-turn=done], article[data-turn=failed]")).to_have_count(1, timeout=45_000)

        assert page.locator("article[data-turn]").count() == 1
        assert page.locator("article[data-turn] .prose").inner_text().split() == LONG.split()
    cut.stop()


def test_an_empty_message_is_answered_with_a_word(session_page):
    session_page.get_by_role("button", name="Send").click()

    expect(session_page.get_by_text("Write what you see first.")).to_be_visible()


def test_twenty_thousand_characters_are_taken(session_page):
    say(session_page, "x" * 19_990 + " the end")

    expect(session_page.locator("article.msg.user").last).to_contain_text("the end", timeout=15_000)
    expect(session_page.get_by_label("Message", exact=True)).to_have_value("")


def test_more_than_the_limit_is_refused_and_kept(session_page):
    text = "y" * 100_001
    say(session_page, text)

    expect(session_page.get_by_text("100,000 is the most")).to_be_visible()
    assert len(session_page.get_by_label("Message", exact=True).input_value()) == len(text)
    session_page.get_by_label("Message", exact=True).fill("")


def test_a_pasted_file_of_thirty_megabytes_is_refused_and_the_text_kept(session_page):
    session_page.get_by_label("Message", exact=True).fill("before the paste")
    session_page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(30 * 1024 * 1024)], "dump.bin"));
          document.querySelector("#prompt").dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }"""
    )

    expect(session_page.get_by_text("dump.bin")).to_be_visible()
    expect(session_page.get_by_label("Message", exact=True)).to_have_value("before the paste")


def test_what_is_typed_survives_a_lost_connection_and_a_reload(session_page):
    session_page.get_by_label("Message", exact=True).fill("typed while offline")
    session_page.context.set_offline(True)
    session_page.get_by_role("button", name="Send").click()
    expect(session_page.get_by_text("Connection lost").first).to_be_visible()
    expect(session_page.get_by_label("Message", exact=True)).to_have_value("typed while offline")
    session_page.context.set_offline(False)
    session_page.reload()

    expect(session_page.get_by_label("Message", exact=True)).to_have_value("typed while offline")
