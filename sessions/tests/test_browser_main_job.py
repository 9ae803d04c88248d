"""The main job, through the pages of the running product: from a ticket to a note that is on it once."""

import json
import re

import pytest
from playwright.sync_api import expect

from flowpilot.testing.scripted_server import Reply
from sessions.tests.browser import PROBLEM, browser_page, open_tasks, rest_hand, say, sign_in, start_on_ticket

pytestmark = pytest.mark.browser
FIX = "Remove the registry values that block modern sign-in"


def test_a_ticket_becomes_a_posted_note_with_the_guided_engine(product):
    with browser_page() as page:
        sign_in(page, product)
        start_on_ticket(page, product, 48213)
        say(page, PROBLEM)
        expect(open_tasks(page)).to_have_count(3)
        for left in (2, 1, 0):
            answer_first(page)
            expect(open_tasks(page)).to_have_count(left)
        page.get_by_role("button", name="Go on with 3 answers").click()
        rest_hand(page)
        expect(page.locator("#lane-fix h3")).to_be_visible()
        title = page.locator("#lane-fix h3").inner_text()
        finish(page)

    assert_posted_once(product, 48213, title)


@pytest.mark.parametrize("name", ["claude", "gemini"])
def test_a_ticket_becomes_a_posted_note_with_an_ai(request, name):
    ai, product = request.getfixturevalue(name), request.getfixturevalue(f"{name}_product")
    first = (
        "The grey box is the **old sign-in**. "
        + "Three checks tell the account from the device. " * 12
        + "\n\n"
        + marker("QUESTIONS", [question("Does webmail work?"), question("Does a new profile ask too?")])
        + marker(
            "ACTIONS",
            [
                {
                    "text": "Read the Identity values",
                    "why": "They switch modern sign-in off.",
                    "command": "reg query HKCU",
                }
            ],
        )
        + "[TITLE]Outlook password loop[/TITLE]\n"
    )
    second = "That narrows it to this profile.\n\n" + marker(
        "SUGGEST_FIX",
        {
            "title": FIX,
            "rationale": "EnableADAL was 0.",
            "steps": ["Close Outlook", "Remove both values"],
            "confidence": 86,
        },
    )
    ai.reset()
    answers = iter([Reply(first, delay=0.02), Reply(second)])
    usual, ai.script = ai.script, lambda body: "{}" if wants_json(body) else next(answers)
    request.addfinalizer(lambda: setattr(ai, "script", usual))
    with browser_page() as page:
        pieces = count_pieces(page)
        sign_in(page, product)
        start_on_ticket(page, product, 48190)
        say(page, PROBLEM)
        expect(open_tasks(page)).to_have_count(3, timeout=20_000)
        assert page.evaluate(pieces) >= 10
        for left in (2, 1, 0):
            answer_first(page)
            expect(open_tasks(page)).to_have_count(left)
        page.get_by_role("button", name="Go on with 3 answers").click()
        rest_hand(page)
        expect(page.get_by_role("heading", name=FIX)).to_be_visible()
        assert page.evaluate("window.markerSeen") is False
        finish(page)

    assert_posted_once(product, 48190, FIX)


def wants_json(body: dict) -> bool:
    """Whether a form is asked for: the wording of facts and notes, which goes on beside the chat."""
    return "output_config" in body or "responseJsonSchema" in body.get("generationConfig", {})


def answer_first(page) -> None:
    """Give the first open task its first answer."""
    open_tasks(page).first.locator("form.answers button").first.click()


def finish(page) -> None:
    """Apply the fix, say that it worked, resolve and post, with a double click for good measure."""
    page.get_by_role("button", name="Apply").click()
    page.get_by_role("button", name="Worked").click()
    page.get_by_role("link", name="Resolve ticket").click()
    expect(page.get_by_label("Status")).to_have_value(re.compile("Resolved"))
    page.get_by_role("button", name="Post and resolve").dblclick()
    expect(page.get_by_role("heading", name="Posted to ConnectWise")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("Resolved, as ConnectWise confirmed")).to_be_visible(timeout=15_000)


def assert_posted_once(product, ticket: int, title: str) -> None:
    notes = product.ask_connectwise(f"/service/tickets/{ticket}/notes", pageSize="100")
    ours = [note for note in notes if "[FP-" in note["text"].replace("\\", "")]
    assert len(ours) == 1
    assert title in ours[0]["text"].replace("\\", "")
    assert ours[0]["internalAnalysisFlag"] is True
    assert product.ask_connectwise(f"/service/tickets/{ticket}")["status"]["name"] == "Resolved"


def marker(name: str, body) -> str:
    return f"[{name}]{json.dumps(body)}[/{name}]\n"


def question(text: str) -> dict:
    return {"text": text, "why": "It divides the causes.", "kind": "yes_no"}


def count_pieces(page) -> str:
    """Watch the answer grow; return the expression that counts its steps. Marker text is watched for as well."""
    page.add_init_script(
        """
        window.steps = 0; window.markerSeen = false;
        new MutationObserver((changes) => {
          if (changes.some((change) => change.target.closest?.('[id$="-tail"]'))) window.steps += 1;
          const thread = document.querySelector('#thread');
          if (thread && /\\[\\/?(QUESTIONS|ACTIONS|TITLE|SUGGEST_FIX|PROMOTE)/.test(thread.textContent)) window.markerSeen = true;
        }).observe(document, {childList: true, subtree: true, characterData: true});
        """
    )
    return "window.steps"
