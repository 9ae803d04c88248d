"""A session as it stood: what the database kept tells the same as the pages did then."""

import re

import pytest
from django.urls import reverse

from flowpilot.accounts.scope import account_scope
from sessions.models import ChatChange, ChatSession
from sessions.outcome import apply_answer
from sessions.queries import changes_since, past
from sessions.services import facts, fixes, tasks
from sessions.services.chats import rename_chat
from sessions.tests.factories import make_chat, make_turn

pytestmark = pytest.mark.usefixtures("scope")


@pytest.fixture
def told(chat, question, check, technician):
    """A session in which much happened: at each version, what was known, open and suggested."""
    stood = {}

    def note():
        now = ChatSession.objects.get(pk=chat.pk)
        stood[now.state_version] = {
            "facts": sorted(now.facts.filter(deleted_at=None).values_list("text", flat=True)),
            "lane": [(item["text"], item["state"], item["answer"]) for item in now.pending_task_lane],
            "fixes": sorted((fix.title, fix.outcome, fix.user_decision) for fix in now.fixes.all()),
        }

    def do(work, **arguments):
        work(chat_id=chat.id, **arguments)
        note()

    note()
    do(tasks.answer_task, item_id=question["id"], answer="Yes", by=technician)
    do(facts.add_fact, text="Only this user", by=technician)
    only = chat.facts.get(text="Only this user")
    do(facts.edit_fact, fact_id=only.id, text="Two users", by=technician)
    do(tasks.reopen_task, item_id=question["id"])
    do(tasks.skip_task, item_id=check["id"], by=technician)
    turn = make_turn(chat, raw_answer=ANSWER)
    chat.turns.update(status="done")  # as the worker ends it, before the version moves
    turn.refresh_from_db()
    apply_answer(turn)
    note()
    fix = chat.fixes.get()
    do(facts.remove_fact, fact_id=only.id)
    do(fixes.apply_fix, fix_id=fix.id)
    do(fixes.record_outcome, fix_id=fix.id, outcome="failed", reason="Still asks", by=technician)
    return stood


ANSWER = """It is the token.

[QUESTIONS][{"text": "Is it on VPN?", "kind": "yes_no"}][/QUESTIONS]
[SUGGEST_FIX]{"title": "Clear the token", "confidence": 80}[/SUGGEST_FIX]
"""


def as_it_stood(chat, version):
    seen = past(ChatSession.objects.get(pk=chat.pk), version)
    return {
        "facts": sorted(fact["text"] for fact in seen.snapshot.facts.values()),
        "lane": [(task["text"], task["state"], task["answer"]) for task in seen.snapshot.tasks],
        "fixes": sorted((fix.state["title"], fix.state["outcome"], fix.state["user_decision"]) for fix in seen.fixes),
    }


def test_every_version_shows_what_stood_then(chat, told):
    assert {version: as_it_stood(chat, version) for version in told} == told
    assert sorted(told) == list(range(10))


def test_an_answer_shows_from_the_version_that_it_moved(chat, told):
    now = ChatSession.objects.get(pk=chat.pk)

    assert [past(now, version).turns[0].status for version in (5, 6)] == ["queued", "done"]


def test_what_a_version_changed_is_told_in_words(chat, told):
    now = ChatSession.objects.get(pk=chat.pk)

    assert [past(now, version).snapshot.news for version in (1, 3, 4, 5, 9)] == [
        ["Answered: Does webmail work? Yes", "New fact: Does webmail work? Yes"],
        ["Fact changed: Only this user → Two users"],
        ["Taken back: Does webmail work?", "No longer known: Does webmail work? Yes"],
        ["Skipped: Start Outlook in safe mode", "Message 1"],
        ["Clear the token: didn’t work", "New fact: Tried: Clear the token. It didn’t work: Still asks"],
    ]


def test_what_changed_since_a_version_leaves_out_what_came_and_went(chat, told):
    since = changes_since(ChatSession.objects.get(pk=chat.pk), 0)

    assert "Withdrawn: Does webmail work?" in since
    assert not [line for line in since if "Two users" in line]


@pytest.mark.parametrize(("asked", "shown"), [("", 9), ("4", 4), ("99", 9), ("-3", 9), ("x", 9), ("9" * 12, 9)])
def test_the_page_keeps_to_the_versions_there_are(browse, chat, told, asked, shown):
    html = browse.get(reverse("sessions:past", args=[chat.id]), {"version": asked}).content.decode()

    assert f"Version {shown} of 9" in html


def test_the_page_shows_the_past_and_no_control_that_writes(browse, chat, told):
    html = browse.get(reverse("sessions:past", args=[chat.id]), {"version": "2"}).content.decode()
    body = html[html.index('id="past"') : html.index("</main>")]

    assert "Only this user" in body
    assert "Two users" not in body
    assert "hx-post" not in body
    assert not re.findall(r"<form[^>]*post", body)


def test_a_step_swaps_what_a_reload_would_show(htmx, chat, told):
    url = reverse("sessions:past", args=[chat.id]) + "?version=3"
    piece = htmx.get(url).content.decode()
    del htmx.defaults["HTTP_HX_REQUEST"]

    assert " ".join(piece.split()) in " ".join(htmx.get(url).content.decode().split())


def test_a_renamed_session_shows_its_old_title(chat, technician):
    rename_chat(chat_id=chat.id, title="Mine")
    facts.add_fact(chat_id=chat.id, text="One", by=technician)
    rename_chat(chat_id=chat.id, title="Newer")
    now = ChatSession.objects.get(pk=chat.pk)

    assert [past(now, version).snapshot.chat["title"] for version in (0, 1)] == ["Mine", "Newer"]


def test_the_past_costs_no_query_for_each_change(chat, told, django_assert_num_queries):
    now = ChatSession.objects.get(pk=chat.pk)

    with django_assert_num_queries(2):
        past(now, 5)


def test_the_past_of_a_session_goes_with_it(account):
    chat = make_chat(title="Soon gone")
    chat.delete()

    with account_scope(account.id):
        assert not ChatChange.objects.filter(chat_id=chat.pk).exists()
