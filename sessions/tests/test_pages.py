from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.scope import account_scope
from psa.models import PsaPost
from sessions import lane, queries
from sessions.models import ChatSession, SuggestedFix
from sessions.services.facts import add_fact
from sessions.tests.conftest import TICKET
from sessions.tests.factories import make_chat, make_fact, make_fix, make_item, make_turn
from sessions.tests.html import element, squeeze, swapped


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

    @pytest.mark.parametrize("text", ["%", "x" * 5000, "²", "9" * 30])  # a NUL never gets this far
    def test_history_takes_any_text(self, htmx, chat, text):
        assert htmx.get(reverse("sessions:history"), {"q": text}).status_code == 200

    @pytest.mark.parametrize("old", ["/assistant", "/assistant/"])
    def test_the_old_list_leads_to_the_new_one_for_good(self, browse, old):
        reply = browse.get(old)

        assert (reply.status_code, reply["Location"]) == (301, "/pilot/")

    def test_an_old_session_link_keeps_its_id_for_good(self, browse, chat):
        reply = browse.get(f"/assistant/{chat.id}")

        assert (reply.status_code, reply["Location"]) == (301, f"/pilot/{chat.id}")

    def test_the_resolution_page_can_be_edited(self, browse, ticket_chat):
        html = browse.get(reverse("sessions:resolution", args=[ticket_chat.id]), {"edit": "1"}).content.decode()

        assert 'id="text-resolution"' in html

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
    def form(self, account, ticket_chat):
        """The form as the page has it."""
        with account_scope(account.id):
            seen = {
                "internal": queries.reading(ticket_chat, "resolution").markdown,
                "client": queries.reading(ticket_chat, "client").markdown,
            }
        return seen | {"seen_version": "0", "shown_in": "internal", "client_key": str(uuid4())}

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

    def test_a_stale_note_is_refused_with_what_changed_and_the_fresh_panel(
        self, htmx, connected, ticket_chat, url, form
    ):
        with account_scope(connected.id):
            add_fact(chat_id=ticket_chat.id, text="Only this user", by=None)
        reply = htmx.post(url("post-note"), form)

        checks = swapped(reply.content.decode(), "post-checks")
        assert reply.status_code == 409
        assert "the session changed since you looked" in checks
        assert "Only this user" in checks
        assert 'name="seen_version" value="1"' in swapped(reply.content.decode(), "posted-note")
        with account_scope(connected.id):
            assert not PsaPost.objects.exists()

    def test_a_typed_secret_is_asked_about_and_posts_nothing(self, htmx, connected, url, form):
        htmx.post(url("save-note"), {"kind": "resolution", "markdown": "The password is Hunter2!"})
        reply = htmx.post(url("post-note"), {**form, "internal": "The password is Hunter2!"})

        assert reply.status_code == 422
        assert "This looks like a secret" in reply.content.decode()
        with account_scope(connected.id):
            assert not PsaPost.objects.exists()

    def test_statuses_come_from_the_tickets_board(self, htmx, connected, url):
        html = htmx.get(url("post-options")).content.decode()

        assert 'id="post-status"' in html

    def test_statuses_that_cannot_be_had_leave_the_post_possible(self, htmx, connected, sandbox, url):
        sandbox.fail_next("403", times=9)

        assert "can be posted all the same" in htmx.get(url("post-options")).content.decode()

    def test_saving_goes_back_to_the_preview(self, htmx, url):
        assert htmx.post(url("save-note"), {"kind": "resolution", "markdown": "By hand."})["HX-Redirect"] == url(
            "resolution"
        )

    def test_saving_without_script_goes_back_too(self, browse, url):
        assert browse.post(url("save-note"), {"kind": "resolution", "markdown": "By hand."})["Location"] == url(
            "resolution"
        )


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
