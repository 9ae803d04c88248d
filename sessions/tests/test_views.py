import re
from uuid import uuid4

import pytest
from django.utils import timezone

from flowpilot.accounts.scope import account_scope
from sessions.models import ChatSession, SuggestedFix, Turn
from sessions.services.facts import remove_fact
from sessions.tests.factories import make_turn
from sessions.tests.html import element, swapped

PANELS = ("session-head", "lane-tasks", "lane-fix", "lane-facts", "session-bar")
NEW_KEY = "0b1c6f0e-7d1f-4c5e-9a55-3c2e8c1d9f10"
COUNTS = ("count-tasks", "count-fix", "count-facts")


ACTIONS = [
    "answer-task",
    "tick-off",
    "skip-task",
    "reopen-task",
    "tell-answers",
    "add-fact",
    "edit-fact",
    "remove-fact",
    "restore-fact",
    "apply-fix",
    "worked",
    "waiting",
    "failed-and-on",
    "dismiss-fix",
    "remind-of-fix",
    "rename-chat",
]
REFUSED = {  # the state an action is refused in: the fix's outcome and decision, and which version it leaves
    "apply-fix": {"outcome": "verifying", "user_decision": "accepted"},
    "worked": {"outcome": "none"},
    "waiting": {"outcome": "failed", "user_decision": "accepted"},
    "failed-and-on": {"superseded_at": timezone.now()},
    "dismiss-fix": {"outcome": "success", "user_decision": "accepted"},
    "remind-of-fix": {"outcome": "verifying", "user_decision": "accepted"},
}


@pytest.fixture
def act(account, room, htmx):
    """Take an action as its button would."""

    def take(action):
        with account_scope(account.id):
            room.ready(action)
        url, form = room.actions[action]
        return htmx.post(url, form)

    return take


def page(client, chat):
    del client.defaults["HTTP_HX_REQUEST"]
    return client.get(chat.get_absolute_url()).content.decode()


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_leaves_the_panels_as_a_reload_would(act, htmx, room, action):
    reply = act(action)
    html, whole = reply.content.decode(), page(htmx, room.chat)

    assert reply.status_code == 200
    for panel in PANELS:
        assert swapped(html, panel) == element(whole, panel)
    for count in COUNTS:
        assert swapped(html, count) == re.sub(r"<[^>]+>", "", element(whole, count))


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_tells_the_page_that_the_session_changed(act, action):
    assert act(action)["HX-Trigger"] == "chat-changed"


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_sent_without_script_takes_effect_and_breaks_nothing(account, browse, room, action):
    with account_scope(account.id):
        room.ready(action)
    before = version(account, room.chat)
    url, form = room.actions[action]

    assert browse.post(url, form).status_code in {200, 302}
    assert version(account, room.chat) >= before


@pytest.mark.parametrize("action", REFUSED)
def test_a_conflict_is_said_beside_the_panels_as_they_stand(account, room, htmx, action):
    with account_scope(account.id):
        SuggestedFix.objects.update(**REFUSED[action])
    url, form = room.actions[action]
    reply = htmx.post(url, form)
    html, whole = reply.content.decode(), page(htmx, room.chat)

    assert (reply.status_code, reply["HX-Retarget"]) == (409, "#toasts")
    assert 'data-tone="red"' in html
    for panel in PANELS:
        assert swapped(html, panel) == element(whole, panel)
    assert version(account, room.chat) == 0


def test_a_task_that_was_withdrawn_is_said_beside_the_panels_as_they_stand(room, htmx):
    reply = htmx.post(room.url("answer-task", NEW_KEY), {"answer": "Yes"})

    assert reply.status_code == 404
    assert "no longer in the lane" in reply.content.decode()
    assert swapped(reply.content.decode(), "lane-tasks") == element(page(htmx, room.chat), "lane-tasks")


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_of_another_account_is_not_found(client, stranger, account, room, action):
    with account_scope(account.id):
        room.ready(action)
    before = version(account, room.chat)
    client.force_login(stranger)
    url, form = room.actions[action]

    assert client.post(url, form).status_code == 404
    assert version(account, room.chat) == before


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_cannot_be_a_get(browse, room, action):
    assert browse.get(room.actions[action][0]).status_code == 405


def version(account, chat):
    with account_scope(account.id):
        return ChatSession.objects.get(pk=chat.pk).state_version


@pytest.mark.parametrize(
    ("name", "form", "status"),
    [
        ("add-fact", {"text": " "}, 422),
        ("rename-chat", {"title": " "}, 422),
        ("rename-chat", {"title": "x" * 201}, 422),
        ("ask", {"text": " ", "client_key": NEW_KEY}, 422),
        ("ask", {"text": "x" * 100_001, "client_key": NEW_KEY}, 422),
        ("ask", {"text": "Hello", "client_key": "no key"}, 422),
        ("tell-answers", {"client_key": NEW_KEY}, 422),
        ("resolve-chat", {"seen_version": "x"}, 422),
        ("resolve-chat", {"seen_version": "999"}, 409),
        ("save-note", {"kind": "resolution", "markdown": ""}, 422),
        ("save-note", {"kind": "poem", "markdown": "Roses"}, 422),
    ],
)
def test_refused_input_is_a_toast(htmx, account, room, name, form, status):
    before = version(account, room.chat)
    reply = htmx.post(room.url(name), form)

    assert (reply.status_code, reply["HX-Retarget"], reply["HX-Reswap"]) == (status, "#toasts", "beforeend")
    assert 'data-tone="red"' in reply.content.decode()
    assert version(account, room.chat) == before


def test_a_stale_page_is_told_to_look_again(htmx, room):
    assert htmx.post(room.url("resolve-chat"), {"seen_version": "999"})["HX-Trigger"] == "chat-stale"


def test_refused_input_without_script_is_a_page_with_the_words(browse, room):
    reply = browse.post(room.url("add-fact"), {"text": ""})

    assert reply.status_code == 422
    assert "<html" in reply.content.decode()
    assert "A fact needs words" in reply.content.decode()


class TestTurns:
    def test_ask_adds_the_message_and_a_fresh_form_key(self, htmx, room):
        key = uuid4()
        html = htmx.post(room.url("ask"), {"text": "It asks <again>", "client_key": key}).content.decode()

        assert "It asks &lt;again&gt;" in html
        assert 'id="client-key"' in html
        assert str(key) not in html

    def test_ask_connects_the_page_to_the_answer(self, htmx, account, room):
        html = htmx.post(room.url("ask"), {"text": "Again", "client_key": uuid4()}).content.decode()

        with account_scope(account.id):
            turn = Turn.objects.get(text="Again")
        assert f'hx-sse:connect="{room.url("stream-turn", turn.id)}"' in html

    def test_ask_adds_what_a_reload_would_show(self, htmx, account, room):
        html = htmx.post(room.url("ask"), {"text": "Again", "client_key": uuid4()}).content.decode()

        with account_scope(account.id):
            turn = Turn.objects.get(text="Again")
        whole = page(htmx, room.chat)
        for piece in (f"question-{turn.id}", f"turn-{turn.id}"):
            assert element(html, piece) == element(whole, piece)

    @pytest.mark.parametrize(("name", "status"), [("retry-turn", "queued"), ("stop-turn", "failed")])
    def test_retry_and_stop_redraw_the_message_as_a_reload_would(self, htmx, account, room, name, status):
        html = htmx.post(room.url(name, room.turn.id)).content.decode()

        piece = f"turn-{room.turn.id}"
        assert element(html, piece) == element(page(htmx, room.chat), piece)
        assert f'data-turn="{status}"' in html

    def test_retry_and_stop_do_not_double_the_question(self, htmx, room):
        html = htmx.post(room.url("retry-turn", room.turn.id)).content.decode()

        assert f'id="question-{room.turn.id}"' not in html

    def test_a_turn_that_ended_brings_its_panels(self, htmx, room):
        html = htmx.get(room.url("turn", room.turn.id)).content.decode()

        whole = page(htmx, room.chat)
        for panel in PANELS:
            assert swapped(html, panel) == element(whole, panel)
        assert swapped(html, f"turn-{room.turn.id}") == element(whole, f"turn-{room.turn.id}")


def test_an_undone_removal_brings_the_fact_back(htmx, account, room):
    with account_scope(account.id):
        remove_fact(chat_id=room.chat.id, fact_id=room.fact.id)
    html = htmx.post(room.url("restore-fact", room.fact.id)).content.decode()

    assert room.fact.text in swapped(html, "lane-facts")


@pytest.fixture
def waiting(account, chat):
    """A message that waits for the answer to the one before."""
    with account_scope(account.id):
        make_turn(chat, status="running")
        return make_turn(chat, text="It hums.")


def test_a_waiting_message_offers_no_stream_but_ways_to_change_it(browse, chat, waiting):
    html = browse.get(chat.get_absolute_url()).content.decode()

    assert html.count("/stream") == 1
    assert f"/turns/{waiting.id}/edit" in html
    assert f"/turns/{waiting.id}/remove" in html


def test_edit_turn_redraws_the_message(htmx, chat, waiting):
    html = htmx.post(
        f"{chat.get_absolute_url()}/turns/{waiting.id}/edit", {"text": "It <b>rattles</b>."}
    ).content.decode()

    assert "It &lt;b&gt;rattles&lt;/b&gt;." in swapped(html, f"question-{waiting.id}")
    assert 'data-mark="waiting"' in swapped(html, f"turn-{waiting.id}")


def test_remove_turn_brings_the_words_back_on_undo(htmx, chat, waiting):
    html = htmx.post(f"{chat.get_absolute_url()}/turns/{waiting.id}/remove").content.decode()

    assert f'hx-target="#turn-{waiting.id}" hx-swap="delete"' in html
    assert ">It hums.</textarea>" in html


@pytest.mark.parametrize("action", ["edit", "remove"])
def test_a_change_without_script_leads_back(browse, chat, waiting, action):
    reply = browse.post(f"{chat.get_absolute_url()}/turns/{waiting.id}/{action}", {"text": "Other"})

    assert reply["Location"] == chat.get_absolute_url()


@pytest.mark.parametrize(("failure", "count"), [("unavailable", 1), ("declined", 0), ("too_long", 0)])
def test_try_again_stands_only_where_it_may_help(account, browse, chat, failure, count):
    with account_scope(account.id):
        make_turn(chat, status="failed", error="No.", failure=failure)

    assert browse.get(chat.get_absolute_url()).content.decode().count("Try again") == count


@pytest.mark.parametrize(("answer", "count"), [("Half", 1), ("", 0)])
def test_continue_stands_where_there_is_something_to_go_on_from(account, browse, chat, answer, count):
    with account_scope(account.id):
        make_turn(chat, status="cancelled", answer=answer)

    assert browse.get(chat.get_absolute_url()).content.decode().count(">Continue<") == count


def test_long_output_is_folded_with_its_size(account, browse, chat):
    with account_scope(account.id):
        make_turn(chat, status="done", text="\n".join(f"line {number}" for number in range(200)))
    html = browse.get(chat.get_absolute_url()).content.decode()

    assert "200 lines, 1689 characters" in html
