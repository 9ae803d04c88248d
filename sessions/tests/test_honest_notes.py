"""Fifty generated sessions: what their posted notes and packages say is what the sessions hold, and no secret leaves."""

import random
import re
from uuid import uuid4

import pytest

from psa.models import PsaPost
from sessions import queries
from sessions.documents import client_safe, sentences
from sessions.models import SuggestedFix
from sessions.services import escalating, resolving
from sessions.tests.factories import make_chat, make_fact, make_fix, make_item, make_turn

pytestmark = pytest.mark.usefixtures("scope")
SECRETS = ["Hunter2!Spring", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "AKIAIOSFODNN7EXAMPLE"]
CLAIMS = re.compile(r"It worked|\bworked\b|fixed|Fixed by", re.IGNORECASE)
OUTCOMES = SuggestedFix.Outcome.values
KINDS = ("resolution", "client", "escalation")


def build(seed, technician):
    """A session of any shape, with secrets planted where people leave them. Returns it."""
    pick = random.Random(seed)
    secret = pick.choice(SECRETS)
    said = {"Hunter2!Spring": "password: Hunter2!Spring"}.get(secret, f"key {secret}")
    lane = [
        make_item(
            f"Check {number} of {seed}" + (f" with {said}" if pick.random() < 0.2 else ""),
            kind=pick.choice(["question", "action"]),
            state=state,
            answer=pick.choice(["Yes", "No", "", f"It showed {said}"]) if state in {"answered", "done"} else "",
        )
        for number, state in enumerate(pick.choices(["open", "answered", "done", "skipped"], k=pick.randint(0, 6)))
    ]
    chat = make_chat(
        owner=technician,
        problem=pick.choice(["", f"Outlook asks again, {said}", "# Heading\n- list\nVPN drops"]),
        ticket_id=48213,
        ticket_summary=pick.choice(["Outlook asks for a password", f"Set {said} on DC01.corp.local"]),
        ticket_company="Contoso",
        pending_task_lane=lane,
    )
    for number in range(pick.randint(0, 3)):
        make_turn(chat, text=f"Message {number}: {said}", status="done", author=technician)
    for number in range(pick.randint(0, 8)):
        text = pick.choice(
            [f"Finding {number}", f"Signed in with {said}", f"1. Step-like fact {number}", f"> quoted {number}"]
        )
        make_fact(chat, text, source_type=pick.choice(["hand", "turn", "ticket"]))
    for number in range(pick.randint(0, 4)):
        is_dismissed = pick.random() < 0.2
        outcome = (
            "none" if is_dismissed else pick.choice([each for each in OUTCOMES if each not in {"verifying", "waiting"}])
        )
        make_fix(
            chat,
            f"Fix {number} for {said}" if pick.random() < 0.2 else f"Fix {number}",
            outcome=outcome,
            user_decision="dismissed" if is_dismissed else "pending" if outcome == "none" else "accepted",
            rationale=pick.choice(["", "The sign-in was old", f"Found {said}"]),
            steps=pick.choice([[], ["Quit it", f"Enter {said}"]]),
            reason=pick.choice(["", "After a reboot", f"Needed {said}"]),
            superseded_at=chat.created_at,
        )
    return chat


@pytest.mark.parametrize("seed", range(50))
def test_a_posted_note_says_what_the_session_holds(seed, technician):
    chat = build(seed, technician)
    state = queries.note_state(chat)
    seen = {kind: queries.reading(chat, kind).markdown for kind in KINDS}
    form = resolving.NoteForm(
        internal=seen["resolution"], client=seen["client"], seen_version=0, shown_in=["internal", "discussion"]
    )
    resolving.post_note(chat_id=chat.id, form=form, by=technician, client_key=uuid4())

    left = "\n".join(PsaPost.objects.values_list("payload__text", flat=True)) + seen["escalation"]
    assert not any(secret in left for secret in SECRETS)
    worked = {f"fix:{each.id}" for each in chat.fixes.all() if each.outcome == "success"}
    applied = {f"fix:{each.id}" for each in chat.fixes.all() if each.outcome != "none"}
    for kind in ("resolution", "client"):
        document = queries.reading(chat, kind).document
        for sentence in document.sentences:
            assert sentence.sources
            assert set(sentence.sources) <= {*state.items}
            if CLAIMS.search(sentence.text):
                assert set(sentence.sources) & worked
            if sentence.shape == "step":
                assert set(sentence.sources) <= applied
    if not worked:
        assert "## Root cause\n\nUndetermined." in seen["resolution"]
    customers = seen["client"].splitlines()
    assert client_safe.FEWEST <= len(customers) <= client_safe.MOST
    assert not any(client_safe.unsafe(line) for line in customers)


@pytest.mark.parametrize("seed", range(50, 60))
def test_a_package_says_what_the_session_holds(seed, technician):
    chat = build(seed, technician)
    escalating.save_ask(chat_id=chat.id, form=escalating.AskForm(ask="Look at it", due="today"))
    chat.refresh_from_db()
    package = queries.reading(chat, "escalation")

    known = {*queries.note_state(chat).items, "edit"}
    assert all(each.sources and set(each.sources) <= known for each in package.document.sentences)
    assert not any(secret in package.markdown for secret in SECRETS)


@pytest.mark.parametrize("seed", range(60, 70))
def test_an_edited_note_reads_back_as_it_was(seed, technician):
    chat = build(seed, technician)
    for kind in KINDS:
        document = queries.reading(chat, kind).document
        again = sentences.from_markdown(document.editable, document)

        assert again.editable == document.editable
        assert [each.sources for each in again.sentences] == [each.sources for each in document.sentences]
