import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.scope import account_scope
from sessions import lane
from sessions.models import ChatSession, SuggestedFix, Turn
from sessions.services.facts import remove_fact
from sessions.services.tasks import answer_task
from sessions.tests.conftest import TICKET
from sessions.tests.factories import make_chat, make_fact, make_fix, make_item, make_turn

PANELS = ("session-head", "lane-tasks", "lane-fix", "lane-facts", "session-bar")
COUNTS = ("count-tasks", "count-fix", "count-facts")


class Room:
    """A session with something in every panel, and the address and form of each action in it."""

    def __init__(self, chat, fix, person):
        self.chat, self.fix, self.person = chat, fix, person
        self.fact, self.removed = make_fact(chat), make_fact(chat, "Removed", deleted_at=timezone.now())
        self.question, self.check = chat.pending_task_lane
        self.turn = make_turn(chat, status="failed", error="Busy")

    def url(self, name, *args):
        return reverse(f"sessions:{name}", args=[self.chat.id, *args])

    @property
    def actions(self):
        """Every action on the panels: its address and a form that it takes."""
        done = next((item for item in self.chat.pending_task_lane if item["state"] != "open"), self.question)
        return {
            "answer-task": (self.url("answer-task", self.question["id"]), {"answer": "Yes"}),
            "tick-off": (self.url("answer-task", self.check["id"]), {"typed": "It opens", "answer": ""}),
            "skip-task": (self.url("skip-task", self.question["id"]), {}),
            "reopen-task": (self.url("reopen-task", done["id"]), {}),
            "tell-answers": (self.url("tell-answers"), {"client_key": uuid4()}),
            "add-fact": (self.url("add-fact"), {"text": "VPN is <b>off</b>"}),
            "edit-fact": (self.url("edit-fact", self.fact.id), {"text": "Two users"}),
            "remove-fact": (self.url("remove-fact", self.fact.id), {}),
            "restore-fact": (self.url("restore-fact", self.removed.id), {}),
            "apply-fix": (self.url("apply-fix", self.fix.id), {}),
            "worked": (self.url("record-outcome", self.fix.id), {"outcome": "success"}),
            "waiting": (self.url("record-outcome", self.fix.id), {"outcome": "waiting", "reason": "A reboot"}),
            "failed-and-on": (
                self.url("record-outcome", self.fix.id),
                {"outcome": "failed", "reason": "Still asks", "next": "1", "client_key": uuid4()},
            ),
            "dismiss-fix": (self.url("dismiss-fix", self.fix.id), {"reason": "Wrong"}),
        }

    def ready(self, action):
        """Bring the session to where the action is open."""
        if action in {"reopen-task", "tell-answers"}:
            answer_task(chat_id=self.chat.id, item_id=self.question["id"], answer="Yes", by=self.person)
            self.chat.refresh_from_db()
        if action in {"worked", "waiting", "failed-and-on"}:
            SuggestedFix.objects.filter(pk=self.fix.id).update(
                outcome="verifying", user_decision="accepted", applied_at=timezone.now()
            )


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
]


@pytest.fixture
def room(account, chat, fix, technician):
    with account_scope(account.id):
        return Room(chat, fix, technician)


@pytest.fixture
def act(account, room, htmx):
    """Take an action as its button would."""

    def take(action):
        with account_scope(account.id):
            room.ready(action)
        url, form = room.actions[action]
        return htmx.post(url, form)

    return take


def squeeze(html):
    """What two renderings have in common: neither the keys of forms nor needless space."""
    html = re.sub(r'name="(client_key|csrfmiddlewaretoken)"([^>]*)value="[^"]*"', r'name="\1"\2', html)
    return " ".join(html.split())


def element(html, element_id):
    """The element with this id, as it stands in a page or a reply. It holds none of its own kind."""
    tag = re.search(rf'<(\w+)[^>]* id="{element_id}"', html)
    assert tag, f"no #{element_id}"
    found = re.search(rf'<{tag[1]}[^>]* id="{element_id}".*?</{tag[1]}>', html, re.DOTALL)
    return squeeze(found[0])


def swapped(html, target):
    """What a reply puts into or in place of an element."""
    found = re.search(rf'<hx-partial hx-target="#{target}"[^>]*>(.*?)</hx-partial>', html, re.DOTALL)
    assert found, f"nothing for #{target}"
    return squeeze(found[1])


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
        ("ask", {"text": " ", "client_key": str(uuid4())}, 422),
        ("ask", {"text": "x" * 100_001, "client_key": str(uuid4())}, 422),
        ("ask", {"text": "Hello", "client_key": "no key"}, 422),
        ("tell-answers", {"client_key": str(uuid4())}, 422),
        ("resolve-chat", {"seen_version": "x"}, 422),
        ("resolve-chat", {"seen_version": "999"}, 409),
        ("retry-posts", {}, 409),
        ("save-note", {"markdown": ""}, 422),
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


class TestPages:
    def test_an_empty_session_says_how_to_begin(self, browse, account):
        with account_scope(account.id):
            empty = make_chat()

        html = browse.get(empty.get_absolute_url()).content.decode()
        assert "Start with what you see" in html
        assert "Nothing is known yet" in html

    def test_a_session_shows_what_it_has(self, browse, room):
        html = browse.get(room.chat.get_absolute_url()).content.decode()

        for words in ("Outlook asks for a password.", "Only this user is affected", "Does webmail work?", "80%"):
            assert words in html
        assert ">Removed<" not in html

    def test_what_people_and_models_wrote_is_escaped(self, browse, account, chat):
        bad = "<script>alert(1)</script>"
        with account_scope(account.id):
            make_fact(chat, bad)
            make_fix(chat, bad, rationale=bad, steps=[bad], reason=bad)
            make_turn(chat, text=bad, answer=bad, status="done")
            chat.title, chat.pending_task_lane = bad, [make_item(bad, why=bad, command=bad, choices=[bad])]
            chat.save()

        for url in (chat.get_absolute_url(), reverse("sessions:resolution", args=[chat.id])):
            assert bad not in browse.get(url).content.decode()

    @pytest.mark.parametrize("status", ChatSession.Status.values)
    def test_a_session_renders_in_every_status(self, browse, account, room, status):
        with account_scope(account.id):
            ChatSession.objects.filter(pk=room.chat.pk).update(status=status)

        assert browse.get(room.chat.get_absolute_url()).status_code == 200
        assert browse.get(room.url("resolution")).status_code == 200

    @pytest.mark.parametrize("outcome", SuggestedFix.Outcome.values)
    def test_a_session_renders_with_every_outcome(self, browse, account, room, outcome):
        with account_scope(account.id):
            now = timezone.now()
            room.chat.fixes.update(outcome=outcome, reason="A reboot", applied_at=now, verified_at=now)

        assert 'id="lane-fix"' in browse.get(room.chat.get_absolute_url()).content.decode()

    def test_a_closed_session_offers_no_changes(self, browse, account, room):
        with account_scope(account.id):
            ChatSession.objects.filter(pk=room.chat.pk).update(status="resolved", resolved_at=timezone.now())

        html = browse.get(room.chat.get_absolute_url()).content.decode()
        for name in ("add-fact", "ask", "tell-answers"):
            assert room.url(name) not in html
        assert room.url("apply-fix", room.fix.id) not in html
        assert room.url("retry-turn", room.turn.id) not in html

    def test_home_and_history_render_without_sessions(self, browse):
        assert "Start from a ticket, or type above" in browse.get(reverse("home")).content.decode()
        assert "No sessions yet" in browse.get(reverse("sessions:history")).content.decode()

    def test_home_and_history_show_sessions(self, browse, room):
        for name in ("home", "sessions:history"):
            assert room.chat.title in browse.get(reverse(name)).content.decode()

    @pytest.mark.parametrize(
        ("query", "is_found"),
        [
            ({"q": "outlook"}, True),
            ({"q": "printer"}, False),
            ({"status": "active"}, True),
            ({"status": "resolved"}, False),
        ],
    )
    def test_history_finds_by_words_and_status(self, htmx, chat, query, is_found):
        html = htmx.get(reverse("sessions:history"), query).content.decode()

        assert (chat.get_absolute_url() in html) == is_found

    @pytest.mark.parametrize("text", [str(TICKET), f"#{TICKET}"])
    def test_history_finds_by_ticket_number(self, htmx, ticket_chat, chat, text):
        html = htmx.get(reverse("sessions:history"), {"q": text}).content.decode()

        assert ticket_chat.get_absolute_url() in html
        assert chat.get_absolute_url() not in html

    @pytest.mark.parametrize("text", ["\x00", "%", "x" * 5000, "²", "9" * 30])
    def test_history_takes_any_text(self, htmx, chat, text):
        assert htmx.get(reverse("sessions:history"), {"q": text}).status_code == 200

    def test_the_resolution_page_can_be_edited(self, browse, ticket_chat):
        html = browse.get(reverse("sessions:resolution", args=[ticket_chat.id]), {"edit": "1"}).content.decode()

        assert 'id="note-text"' in html

    def test_an_unchanged_note_sends_nothing(self, htmx, ticket_chat):
        url = reverse("sessions:note-preview", args=[ticket_chat.id])

        assert htmx.get(url, {"seen": "0"}).status_code == 204
        assert 'hx-target="#note"' in htmx.get(url, {"seen": "7"}).content.decode()

    def test_another_accounts_session_is_not_found(self, client, stranger, room):
        client.force_login(stranger)

        for url in (room.chat.get_absolute_url(), room.url("resolution"), room.url("turn", room.turn.id)):
            assert client.get(url).status_code == 404

    def test_nobody_sees_anything_unsigned(self, client, room):
        assert client.get(room.chat.get_absolute_url()).status_code == 302


class TestResolution:
    @pytest.fixture
    def url(self, ticket_chat):
        return lambda name: reverse(f"sessions:{name}", args=[ticket_chat.id])

    @pytest.fixture
    def form(self):
        return {"markdown": "Fixed.", "seen_version": "0", "shown_in": "internal", "client_key": str(uuid4())}

    def test_posting_redraws_the_page_as_a_reload_would(self, htmx, connected, ticket_chat, url, form):
        html = htmx.post(url("post-note"), form).content.decode()

        del htmx.defaults["HTTP_HX_REQUEST"]
        whole = htmx.get(url("resolution")).content.decode()
        for panel in ("posting", "note", "resolution-bar"):
            assert swapped(html, panel) == element(whole, panel)

    def test_posting_twice_shows_the_same(self, htmx, connected, url, form):
        first = htmx.post(url("post-note"), form)

        assert squeeze(htmx.post(url("post-note"), form).content.decode()) == squeeze(first.content.decode())

    @pytest.mark.parametrize("status", ["", "x", "7", "7:Resolved", ":", "²:x", "9" * 40 + ":x"])
    def test_a_status_that_cannot_be_never_breaks_the_post(self, htmx, connected, url, form, status):
        assert htmx.post(url("post-note"), {**form, "status": status}).status_code < 500

    @pytest.mark.parametrize("seen", ["²", "9" * 40, "-1", ""])
    def test_a_version_that_cannot_be_is_refused(self, htmx, connected, url, form, seen):
        assert htmx.post(url("post-note"), {**form, "seen_version": seen}).status_code in {409, 422}

    def test_statuses_come_from_the_tickets_board(self, htmx, connected, url):
        html = htmx.get(url("ticket-statuses")).content.decode()

        assert 'id="post-status"' in html

    def test_statuses_that_cannot_be_had_leave_the_post_possible(self, htmx, connected, sandbox, url):
        sandbox.fail_next("403", times=9)

        assert "can be posted all the same" in htmx.get(url("ticket-statuses")).content.decode()

    def test_saving_goes_back_to_the_preview(self, htmx, url):
        assert htmx.post(url("save-note"), {"markdown": "By hand."})["HX-Redirect"] == url("resolution")

    def test_saving_without_script_goes_back_too(self, browse, url):
        assert browse.post(url("save-note"), {"markdown": "By hand."})["Location"] == url("resolution")


class TestStarting:
    def test_words_start_a_session(self, htmx, account, technician):
        reply = htmx.post(reverse("sessions:start-chat"), {"text": "VPN drops", "client_key": uuid4()})

        with account_scope(account.id):
            chat = ChatSession.objects.get()
            assert reply["HX-Redirect"] == chat.get_absolute_url()
            assert (chat.owner, chat.turns.count()) == (technician, 1)

    def test_words_without_script_redirect(self, browse):
        reply = browse.post(reverse("sessions:start-chat"), {"text": "VPN drops", "client_key": uuid4()})

        assert reply.status_code == 302

    @pytest.mark.parametrize("text", [str(TICKET), f" #{TICKET} "])
    def test_a_number_starts_from_its_ticket(self, htmx, connected, text):
        htmx.post(reverse("sessions:start-chat"), {"text": text, "client_key": uuid4()})

        with account_scope(connected.id):
            chat = ChatSession.objects.get()
            assert (chat.ticket_id, chat.turns.count()) == (TICKET, 0)
            assert set(chat.facts.values_list("source_type", flat=True)) == {"ticket"}

    def test_the_same_ticket_again_goes_on_with_its_session(self, htmx, connected):
        url = reverse("sessions:start-from-ticket", args=[TICKET])

        assert htmx.post(url)["HX-Redirect"] == htmx.post(url)["HX-Redirect"]

    def test_a_ticket_that_does_not_exist_starts_nothing(self, htmx, connected):
        reply = htmx.post(reverse("sessions:start-from-ticket", args=[1]))

        assert (reply.status_code, reply["HX-Retarget"]) == (404, "#toasts")
        with account_scope(connected.id):
            assert not ChatSession.objects.exists()

    def test_connectwise_being_down_is_said(self, htmx, connected, sandbox):
        sandbox.fail_next("503html", times=9)

        assert htmx.post(reverse("sessions:start-from-ticket", args=[TICKET])).status_code == 503


def queries_of(client, url):
    client.get(url)  # what the first visit pays for once
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize("name", ["sessions:chat", "sessions:resolution", "home", "sessions:history"])
def test_twenty_more_rows_cost_no_more_queries(browse, account, room, technician, other_chat, name):
    url = reverse(name, args=[room.chat.id] if name in {"sessions:chat", "sessions:resolution"} else [])
    before = queries_of(browse, url)
    with account_scope(account.id):
        for number in range(20):
            make_fact(room.chat, f"Fact {number}", author=technician)
            make_turn(room.chat, author=technician, status="done", answer="Yes.")
            make_fix(room.chat, f"Fix {number}", superseded_at=timezone.now())
            make_chat(title=f"Chat {number}", owner=technician)
            make_chat(title=f"Old {number}", owner=technician, status="resolved", resolved_at=timezone.now())
        room.chat.pending_task_lane += [make_item(f"Task {number}") for number in range(20)]
        room.chat.save()

    assert queries_of(browse, url) <= before


def test_a_lane_of_every_state_renders(browse, account, chat):
    with account_scope(account.id):
        chat.pending_task_lane = [
            make_item(f"{kind} {state}", kind=kind, state=state, answer_kind=shape, choices=["One", "Two"])
            for kind in ("question", "action")
            for state in (lane.OPEN, lane.ANSWERED, lane.DONE, lane.SKIPPED)
            for shape in ("yes_no", "choice", "text", "number")
        ]
        chat.save()

    assert browse.get(chat.get_absolute_url()).content.decode().count('id="task-') == 32


def test_an_undone_removal_brings_the_fact_back(htmx, account, room):
    with account_scope(account.id):
        remove_fact(chat_id=room.chat.id, fact_id=room.fact.id)
    html = htmx.post(room.url("restore-fact", room.fact.id)).content.decode()

    assert room.fact.text in swapped(html, "lane-facts")
