"""Two webs and two workers behind a proxy, a pooler and Redis: the main job goes over both, and on when one of each is gone.

`deploy/rehearse` runs these; the parts come from Debian's packages.
"""

import os
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from flowpilot.testing.canaries import find_canary
from flowpilot.testing.rehearsal import Rehearsal, missing_programs
from flowpilot.testing.scripted_server import Reply
from sessions.tests.browser import PROBLEM, browser_page, open_tasks, rest_hand, say, sign_in, start_on_ticket
from sessions.tests.test_browser_main_job import (
    FIX,
    answer_first,
    assert_posted_once,
    finish,
    marker,
    question,
    wants_json,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not os.environ.get("REHEARSAL"), reason="deploy/rehearse runs these, on Debian's packages"),
]
LONG = "".join(f"Word{number} " for number in range(80)) + "end."


@pytest.fixture(scope="module")
def installation():
    assert missing_programs() == []
    # Not in pytest's own folder: that is closed to whom PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Rehearsal(folder) as rehearsal:
            yield rehearsal
        assert find_canary(rehearsal.log()) == ""


def test_the_main_job_goes_over_both_webs(installation):
    first = "Three checks tell the account from the device.\n\n" + marker(
        "QUESTIONS",
        [question("Does webmail work?"), question("Does a new profile ask too?"), question("Is it one user?")],
    )
    fix = {"title": FIX, "rationale": "EnableADAL was 0.", "steps": ["Close Outlook", "Remove both"], "confidence": 86}
    answers = iter([Reply(first, delay=0.02), Reply("It is this profile.\n\n" + marker("SUGGEST_FIX", fix))])
    installation.claude.script = lambda body: "{}" if wants_json(body) else next(answers)
    served = set()
    with browser_page(trusts_any=True) as page:
        page.on("response", lambda response: served.add(response.headers.get("x-web")))
        sign_in(page, installation)
        start_on_ticket(page, installation, 48213)
        say(page, PROBLEM)
        expect(open_tasks(page)).to_have_count(3)
        for left in (2, 1, 0):
            answer_first(page)
            expect(open_tasks(page)).to_have_count(left)
        page.get_by_role("button", name="Go on with 3 answers").click()
        rest_hand(page)
        expect(page.get_by_role("heading", name=FIX)).to_be_visible()
        finish(page)

    assert_posted_once(installation, 48213, FIX)
    assert len(served - {None}) == 2


@pytest.mark.parametrize(("number", "ticket"), [(0, 48177), (1, 48159)])
def test_an_answer_goes_on_when_one_web_and_one_worker_are_killed(installation, number, ticket):
    installation.claude.script = lambda body: "{}" if wants_json(body) else Reply(LONG, delay=0.1)
    with browser_page(trusts_any=True) as page:
        sign_in(page, installation)
        start_on_ticket(page, installation, ticket)
        say(page, "It stopped syncing.")
        expect(page.get_by_text("Word5 ")).to_be_visible()
        for process in (installation.webs[number], installation.workers[number]):
            process.kill()
            process.wait()
        done = page.locator("article[data-turn=done]")
        expect(done).to_have_count(1, timeout=60_000)
        assert done.locator(".prose").inner_text().split() == LONG.split()
        expect(page.locator("#stream-status")).to_have_text("Answer ready")
        page.get_by_role("button", name="Add fact").click()
        page.get_by_label("New fact").fill("Another port works")
        page.keyboard.press("Enter")
        expect(page.locator("#lane-facts").get_by_text("Another port works")).to_be_visible()
    installation.replace(number)
