"""What an account's settings do in its sessions: time entries, notes, and when to hand over."""

import re
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.known_settings import SETTINGS
from flowpilot.accounts.models import User
from flowpilot.accounts.preferences import set_setting
from flowpilot.accounts.scope import account_scope
from psa.models import PsaPost
from sessions import queries
from sessions.models import ChatSession
from sessions.tests.factories import at, make_fact, make_fix
from sessions.tests.test_ticket_notes import add

HAND_OVER = "with what is known, or go on"


@pytest.fixture
def rule(account):
    """Change a setting of the account."""

    def change(key, value):
        with account_scope(account.id):
            set_setting(account, key, value)

    return change


def began(chat, minutes):
    """Have a session begin some minutes ago, with a fact in each five of them until now."""
    with account_scope(chat.account_id):
        now = timezone.now()
        ChatSession.objects.filter(pk=chat.pk).update(created_at=now - timedelta(minutes=minutes))
        for ago in range(0, minutes, 5):
            fact = make_fact(chat, f"Seen {ago}")
            type(fact).objects.filter(pk=fact.pk).update(created_at=now - timedelta(minutes=ago))
        chat.refresh_from_db()


def page_of(browse, chat):
    return browse.get(chat.get_absolute_url()).content.decode()


def posting_of(browse, chat):
    page = browse.get(reverse("sessions:resolution", args=[chat.pk])).content.decode()
    return page[page.index('id="post-form"') :]


def test_every_setting_is_read_somewhere():
    code = "\n".join(
        path.read_text()
        for part in ("flowpilot", "psa", "sessions")
        for path in (django_settings.BASE_DIR / part).rglob("*.py")
        if "tests" not in path.parts and path.name != "known_settings.py"
    )
    groups = re.findall(r"""f["']((?:\w+\.)+)\{""", code)  # keys that are put together

    assert [key for key in SETTINGS if f'"{key}"' not in code and not key.startswith(tuple(groups))] == []


@pytest.mark.parametrize("is_offered", [True, False])
def test_a_time_entry_is_offered_as_the_account_likes(rule, connected, ticket_chat, browse, is_offered):
    began(ticket_chat, 20)
    rule("time.offer", is_offered)

    switch = re.search(r'<input[^>]*name="time"[^>]*>', posting_of(browse, ticket_chat))[0]
    assert ("checked" in switch) is is_offered


@pytest.mark.parametrize("billing", ["", "Billable", "DoNotBill", "NoCharge"])
def test_the_billing_begins_as_the_account_likes(rule, connected, ticket_chat, browse, billing):
    rule("time.billable", billing)

    select = re.search(r'<select[^>]*id="billable".*?</select>', posting_of(browse, ticket_chat))[0]
    assert re.findall(r'value="(\w*)" selected', select) == [billing]


@pytest.mark.parametrize(("pause", "minutes"), [(4, 0), (5, 20), (240, 20)])
def test_a_pause_is_idle_after_what_the_account_says(rule, chat, pause, minutes):
    began(chat, 20)
    rule("time.idle_minutes", pause)

    with account_scope(chat.account_id):
        assert queries.worked(chat).minutes in {minutes, minutes - 1}


def test_the_sessions_chip_counts_by_the_same_pause(rule, chat, browse):
    began(chat, 20)
    rule("time.idle_minutes", 4)

    assert "breaks over 4 minutes are not counted" in page_of(browse, chat)


def test_notes_mention_flowpilot_where_the_account_likes(rule, connected, ticket_chat, browse, post):
    assert "Written with FlowPilot." not in posting_of(browse, ticket_chat)
    rule("notes.branding", True)
    assert "Written with FlowPilot." in posting_of(browse, ticket_chat)

    post()

    with account_scope(connected.id):
        assert PsaPost.objects.get(kind="note").payload["text"].endswith("\n\nWritten with FlowPilot.")


def test_long_work_without_a_fix_that_held_is_said(rule, chat, fix, browse):
    began(chat, 30)
    rule("escalation.after_minutes", 25)

    page = page_of(browse, chat)
    assert "minutes of work, and no fix that held." in page
    assert HAND_OVER in page


@pytest.mark.parametrize("minutes", [0, 45])
def test_short_work_is_nobodys_business(rule, chat, fix, browse, minutes):
    began(chat, 30)
    rule("escalation.after_minutes", minutes)

    assert HAND_OVER not in page_of(browse, chat)


@pytest.mark.parametrize(("limit", "is_said"), [(0, False), (1, True), (2, True), (3, False)])
def test_failed_fixes_are_counted(rule, chat, browse, limit, is_said):
    with account_scope(chat.account_id):
        for title in ("Restart", "Repair"):
            at(make_fix(chat, title, superseded_at=timezone.now()), "failed")
        make_fix(chat)
    rule("escalation.after_failed_fixes", limit)

    page = page_of(browse, chat)
    assert ("2 fixes didn’t work." in page, HAND_OVER in page) == (is_said, is_said)


def test_a_fix_that_held_needs_nobody_else(rule, chat, fix, browse):
    began(chat, 30)
    rule("escalation.after_minutes", 5)
    with account_scope(chat.account_id):
        at(fix, "success")

    assert HAND_OVER not in page_of(browse, chat)


def test_a_closed_session_is_not_handed_over(rule, chat, browse):
    began(chat, 30)
    rule("escalation.after_minutes", 5)
    with account_scope(chat.account_id):
        ChatSession.objects.update(status="archived")

    assert HAND_OVER not in page_of(browse, chat)


@pytest.mark.parametrize("is_internal", [True, False])
def test_the_signature_stands_under_ticket_notes_that_customers_see(connected, technician, is_internal):
    technician.signature = "J. Ortiz, tier 2"

    chat = add(connected, technician, is_internal=is_internal)

    with account_scope(connected.id):
        assert PsaPost.objects.get().payload["text"].endswith("\n\nJ. Ortiz, tier 2") is not is_internal
        assert "tier 2" not in chat.facts.get(source_ref__startswith="post:").text


def test_the_form_of_a_ticket_note_says_so(connected, technician, browse):
    User.objects.filter(pk=technician.pk).update(signature="J. Ortiz, tier 2")

    assert (
        b"with your signature" in browse.get(reverse("psa:notes", args=[48213]), headers={"HX-Request": "true"}).content
    )
