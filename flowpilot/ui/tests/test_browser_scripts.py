"""What the scripts promise beyond what a page shows: drafts that stay, keys that rest, and a lane that holds still under a hand."""

import re

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from flowpilot.testing.browser import ARGUMENTS, chromium_path

pytestmark = pytest.mark.browser
# What the stream of an answer does: a swap of lane sections whose source is an element that is connected to a stream.
STREAM = """(parts) => {
  const source = document.createElement("div");
  source.setAttribute("hx-sse:connect", "/nowhere");
  document.querySelector("#thread").append(source);
  return htmx.swap({sourceElement: source, target: source, swap: "none", select: null, text: parts});
}"""
TASKS = '<hx-partial hx-target="#lane-tasks" hx-swap="outerHTML"><section id="lane-tasks"{version}><header><h2 tabindex="-1">Task lane</h2></header><ul><li id="task-new">{text}</li></ul></section></hx-partial>'


def bring(page: Page, text: str, version: str = "") -> None:
    page.evaluate(STREAM, TASKS.format(text=text, version=f' data-version="{version}"' if version else ""))


@pytest.fixture(scope="module")
def shared(product):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.goto(product.url)
        page.get_by_label("Work email").fill(product.email)
        page.get_by_label("Password").fill(product.password)
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{product.url}/tickets/48119")
        page.get_by_role("button", name="Start session").click()
        expect(page.get_by_label("Message", exact=True)).to_be_visible()
        yield page, page.url
        browser.close()


@pytest.fixture
def chat(shared):
    """The session's page, fresh, with nothing typed and no hand in the lane."""
    page, url = shared
    page.goto(url)  # wherever the test before went, and is perhaps still going
    page.evaluate("localStorage.clear()")
    page.reload()
    page.mouse.move(500, 300)
    return page


def test_the_lane_takes_what_the_stream_brings(chat):
    bring(chat, "Is the light green?")

    expect(chat.locator("#lane-tasks")).to_contain_text("Is the light green?")


def test_the_lane_holds_still_under_the_pointer_and_takes_the_news_after_it(chat):
    chat.locator("#lane-tasks").hover()
    bring(chat, "Is the light green?")
    expect(chat.get_by_role("button", name="1 new")).to_be_visible()
    expect(chat.locator("#lane-tasks")).not_to_contain_text("Is the light green?")
    chat.mouse.move(500, 300)

    expect(chat.locator("#lane-tasks")).to_contain_text("Is the light green?")


def test_the_lane_holds_still_while_somebody_types_in_it(chat):
    chat.get_by_role("button", name="Add fact").click()
    chat.mouse.move(500, 300)
    bring(chat, "Is the light green?")

    expect(chat.get_by_role("button", name="1 new")).to_be_visible()


def test_the_news_can_be_had_by_a_click(chat):
    chat.locator("#lane-tasks").hover()
    bring(chat, "Is the light green?")
    chat.get_by_role("button", name="1 new").click()

    expect(chat.locator("#lane-tasks")).to_contain_text("Is the light green?")
    expect(chat.locator("#lane-tasks h2")).to_be_focused()


def test_the_lane_never_goes_back_to_an_older_version(chat):
    bring(chat, "The newer question", version="9")
    bring(chat, "The older question", version="8")

    expect(chat.locator("#lane-tasks")).to_contain_text("The newer question")


def test_a_swap_keeps_words_half_typed_and_the_focus(chat):
    chat.get_by_role("button", name="Add fact").click()
    chat.keyboard.type("Half a thou")
    facts = chat.locator("#lane-facts").evaluate("el => el.outerHTML")
    chat.evaluate(
        "html => htmx.swap({sourceElement: document.body, target: document.body, swap: 'none', text: html})",
        f'<hx-partial hx-target="#lane-facts" hx-swap="outerHTML">{facts}</hx-partial>',
    )
    chat.keyboard.type("ght")

    expect(chat.get_by_label("New fact")).to_have_value("Half a thought")


def test_a_swap_leaves_a_form_open_that_was_just_opened(chat):
    chat.get_by_role("button", name="Add fact").click()
    facts = chat.locator("#lane-facts").evaluate(
        "el => { el.querySelector('form').hidden = true; return el.outerHTML }"
    )
    chat.evaluate(
        """html => {
          document.querySelector("#new-fact").hidden = false;
          document.querySelector("#new-fact [name=text]").focus();
          return htmx.swap({sourceElement: document.body, target: document.body, swap: 'none', text: html});
        }""",
        f'<hx-partial hx-target="#lane-facts" hx-swap="outerHTML">{facts}</hx-partial>',
    )
    chat.keyboard.type("dawx")

    expect(chat.get_by_label("New fact")).to_have_value("dawx")


def test_a_fact_that_was_removed_comes_back_by_undo(chat):
    chat.get_by_role("button", name="Add fact").click()
    chat.get_by_label("New fact").fill("The access point blinks red")
    chat.keyboard.press("Enter")
    fact = chat.locator(".fact", has_text="blinks red")
    fact.hover()
    fact.get_by_role("button", name="Remove fact").click()
    expect(fact).to_have_count(0)
    chat.get_by_role("button", name="Undo").click()

    expect(fact).to_have_count(1)
    expect(chat.locator("[data-toast]")).to_have_count(0)


def test_keys_rest_in_a_field_and_when_they_are_turned_off(chat):
    chat.get_by_label("Message", exact=True).press("?")
    expect(chat.locator("#shortcuts")).to_be_hidden()
    chat.get_by_label("Message", exact=True).press("Escape")
    chat.keyboard.press("?")
    with chat.expect_response(re.compile("/account/keys")):
        chat.get_by_label(re.compile("Single keys work")).uncheck()
    chat.keyboard.press("Escape")
    chat.keyboard.press("?")

    expect(chat.locator("#shortcuts")).to_be_hidden()


def test_keys_that_were_turned_off_rest_after_a_reload_too(chat):
    chat.keyboard.press("?")
    expect(chat.locator("#shortcuts")).to_be_hidden()

    chat.get_by_role("link", name="Settings").click()
    with chat.expect_response(re.compile("/settings/profile")):
        chat.get_by_label("Single-key shortcuts").check()
        chat.get_by_role("button", name="Save profile").click()
    chat.keyboard.press("?")
    expect(chat.locator("#shortcuts")).to_be_visible()
    chat.go_back()


def test_a_toast_leaves_and_a_failure_stays(chat):
    chat.evaluate("flowpilot.toast('Copied'); flowpilot.toast('It failed', 'red')")
    chat.wait_for_timeout(8_500)

    expect(chat.locator("[data-toast]")).to_have_text([re.compile("It failed")])


def test_cells_of_a_sheet_are_pasted_as_words_though_a_picture_comes_along(chat):
    was_refused = chat.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/plain", "a\\tb");
          data.items.add(new File(["x"], "image.png", {type: "image/png"}));
          const event = new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
          return !document.querySelector("#prompt").dispatchEvent(event);
        }"""
    )

    assert not was_refused


def test_a_draft_outlives_a_sign_in_that_ran_out(chat):  # the last one: it ends the sign-in
    chat.get_by_label("Message", exact=True).fill("typed before the sign-in ran out")
    chat.context.clear_cookies(name="sessionid")
    chat.get_by_role("button", name="Send").click()
    chat.wait_for_url("**/accounts/login/**")

    assert "typed before the sign-in ran out" in chat.evaluate("Object.values(localStorage)")
