import threading
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, Invalid, NotFound
from sessions.models import SuggestedFix, Turn
from sessions.outcome import apply_answer
from sessions.services import fixes as services
from sessions.services.resolving import resolve_chat
from sessions.tests.factories import STALE_TOKEN, at, make_fix, make_turn

OUTCOMES = SuggestedFix.Outcome.values
VERDICTS = ["success", "partial", "failed", "waiting"]
ALLOWED = {
    *(("verifying", verdict) for verdict in VERDICTS),
    *(("waiting", verdict) for verdict in VERDICTS if verdict != "waiting"),
}
CLOSED = ["resolved", "escalated", "archived"]


@pytest.fixture
def dismiss(chat, fix, technician):
    """Dismiss the session's fix."""

    def say(reason="Webmail fails too", client_key=None):
        return services.dismiss_fix(chat_id=chat.id, fix_id=fix.id, reason=reason, by=technician, client_key=client_key)

    return say


def version(chat):
    chat.refresh_from_db()
    return chat.state_version


def facts(chat):
    return list(chat.facts.values_list("text", "source_type"))


def suggest(turn, title):
    turn.raw_answer = f'[SUGGEST_FIX]{{"title": "{title}", "confidence": 60}}[/SUGGEST_FIX]'
    turn.save()
    return apply_answer(turn)


@pytest.mark.usefixtures("scope")
class TestSteps:
    @pytest.mark.parametrize(("before", "after"), sorted(ALLOWED))
    def test_allowed_step_is_taken(self, chat, fix, record, before, after):
        at(fix, before)
        record(after, reason="After the reboot")

        fix.refresh_from_db()
        assert (fix.outcome, fix.reason) == (after, "After the reboot")
        assert version(chat) == 1

    @pytest.mark.parametrize(("before", "after"), [(a, b) for a in OUTCOMES for b in VERDICTS if (a, b) not in ALLOWED])
    def test_any_other_step_is_refused_and_moves_nothing(self, chat, fix, record, before, after):
        at(fix, before)
        with pytest.raises(Conflict):
            record(after, reason="After the reboot", client_key=uuid4())

        fix.refresh_from_db()
        assert (fix.outcome, fix.reason, version(chat)) == (before, "", 0)
        assert not chat.facts.exists()
        assert not chat.turns.exists()

    @pytest.mark.parametrize("outcome", ["none", "verifying", "", "great", "SUCCESS"])
    def test_what_is_no_verdict_is_refused(self, chat, fix, record, outcome):
        at(fix, "verifying")
        with pytest.raises(Invalid, match="no such outcome"):
            record(outcome)

        assert version(chat) == 0

    def test_apply_fix_starts_verifying(self, chat, fix):
        services.apply_fix(chat_id=chat.id, fix_id=fix.id)

        fix.refresh_from_db()
        assert (fix.outcome, fix.user_decision, bool(fix.applied_at)) == ("verifying", "accepted", True)
        assert version(chat) == 1

    def test_apply_fix_with_a_script_is_a_one_off(self, chat, fix):
        fix.script = {"language": "powershell", "purpose": "Clear tokens"}
        fix.save()
        services.apply_fix(chat_id=chat.id, fix_id=fix.id)

        fix.refresh_from_db()
        assert fix.user_decision == "one_off"

    @pytest.mark.parametrize("before", [outcome for outcome in OUTCOMES if outcome != "none"])
    def test_apply_fix_that_was_applied_is_refused(self, chat, fix, before):
        at(fix, before)
        with pytest.raises(Conflict):
            services.apply_fix(chat_id=chat.id, fix_id=fix.id)

        assert version(chat) == 0

    def test_success_is_verified_and_others_are_not(self, fix, record):
        at(fix, "verifying")
        record("waiting", reason="A reboot")
        fix.refresh_from_db()
        assert fix.verified_at is None

        record("success")
        fix.refresh_from_db()
        assert fix.verified_at is not None

    @pytest.mark.parametrize("status", CLOSED)
    def test_a_fix_of_a_closed_session_takes_no_step(self, chat, fix, record, status):
        at(fix, "verifying")
        chat.status = status
        chat.save()
        with pytest.raises(Conflict, match="closed"):
            record("success")

    def test_a_fix_of_another_session_is_not_found(self, chat, other_chat, fix):
        with pytest.raises(NotFound):
            services.apply_fix(chat_id=other_chat.id, fix_id=fix.id)

        assert version(other_chat) == 0


@pytest.mark.usefixtures("scope")
class TestReasons:
    def test_waiting_needs_a_reason(self, fix, record):
        at(fix, "verifying")
        with pytest.raises(Invalid, match="what you are waiting for"):
            record("waiting", reason="  ")

    def test_dismissing_needs_a_reason(self, chat, dismiss):
        with pytest.raises(Invalid, match="why this fix is not the one"):
            dismiss("  ")

        assert version(chat) == 0

    def test_a_reason_takes_its_limit(self, fix, record):
        at(fix, "verifying")
        record("failed", reason="x" * 500)

        fix.refresh_from_db()
        assert len(fix.reason) == 500

    def test_a_reason_over_its_limit_is_refused(self, fix, record):
        at(fix, "verifying")
        with pytest.raises(Invalid, match="under 500 characters"):
            record("failed", reason="x" * 501)

    @pytest.mark.parametrize(
        ("outcome", "reason", "text"),
        [
            ("success", "", f"Fixed by: {STALE_TOKEN}"),
            ("partial", "Phone still asks", f"Tried: {STALE_TOKEN}. It helped partly: Phone still asks"),
            ("failed", "", f"Tried: {STALE_TOKEN}. It didn’t work"),
        ],
    )
    def test_a_verdict_becomes_a_fact(self, chat, fix, record, outcome, reason, text):
        at(fix, "verifying")
        record(outcome, reason=reason)

        assert facts(chat) == [(text, "fix")]

    def test_waiting_is_no_fact(self, chat, fix, record):
        at(fix, "verifying")
        record("waiting", reason="A reboot")

        assert facts(chat) == []


@pytest.mark.usefixtures("scope")
class TestDismissing:
    def test_dismiss_fix_supersedes_it_and_keeps_why(self, chat, fix, dismiss):
        dismiss()

        fix.refresh_from_db()
        assert (fix.user_decision, fix.outcome, fix.reason) == ("dismissed", "none", "Webmail fails too")
        assert fix.superseded_at
        assert version(chat) == 1

    @pytest.mark.parametrize("before", [outcome for outcome in OUTCOMES if outcome != "none"])
    def test_dismiss_fix_that_was_applied_is_refused(self, fix, dismiss, before):
        at(fix, before)
        with pytest.raises(Conflict, match="applied already"):
            dismiss()

        fix.refresh_from_db()
        assert fix.superseded_at is None

    def test_dismiss_fix_twice_is_refused(self, chat, dismiss):
        dismiss()
        with pytest.raises(Conflict):
            dismiss()

        assert version(chat) == 1


@pytest.mark.usefixtures("scope")
class TestTelling:
    def test_without_a_key_nobody_is_told(self, chat, fix, record):
        at(fix, "verifying")
        _, turn = record("failed")

        assert turn is None
        assert not chat.turns.exists()

    def test_with_a_key_the_assistant_is_told(self, chat, fix, record):
        at(fix, "verifying")
        _, turn = record("failed", reason="Still asks", client_key=uuid4())

        assert (turn.kind, turn.status) == (Turn.Kind.FIX, Turn.Status.QUEUED)
        assert turn.text == f"The fix “{STALE_TOKEN}” didn’t work. Still asks"

    def test_the_briefing_says_what_came(self, fix, record, briefing_of):
        at(fix, "verifying")
        _, turn = record("failed", reason="Still asks", client_key=uuid4())

        assert "(active, outcome failed): Still asks" in briefing_of(turn)

    def test_dismissing_with_a_key_tells_why(self, dismiss):
        _, turn = dismiss(client_key=uuid4())

        assert turn.text == f"The fix “{STALE_TOKEN}” was dismissed. Webmail fails too"

    def test_a_form_that_is_sent_twice_is_refused_and_tells_once(self, chat, fix, record):
        key = uuid4()
        at(fix, "verifying")
        record("failed", client_key=key)
        with pytest.raises(Conflict):
            record("failed", client_key=key)

        assert chat.turns.count() == 1
        assert chat.facts.count() == 1


@pytest.mark.usefixtures("scope")
class TestOneActive:
    def test_a_second_active_fix_is_impossible(self, chat, fix):
        with pytest.raises(IntegrityError, match="fix_one_active_per_chat"), transaction.atomic():
            make_fix(chat, "Another")

    def test_confidence_over_100_is_impossible(self, chat):
        with pytest.raises(IntegrityError, match="fix_confidence_is_a_percentage"), transaction.atomic():
            make_fix(chat, confidence=101)

    @pytest.mark.parametrize("before", OUTCOMES)
    def test_a_newer_fix_leaves_decision_and_outcome_as_they_were(self, chat, fix, before):
        at(fix, before)
        decision = fix.user_decision
        suggest(make_turn(chat), "Rebuild the profile")

        fix.refresh_from_db()
        assert (fix.outcome, fix.user_decision) == (before, decision)
        assert fix.superseded_at

    def test_a_superseded_fix_refuses_steps(self, chat, fix, record, dismiss):
        at(fix, "verifying")
        suggest(make_turn(chat), "Rebuild the profile")

        for step in (lambda: record("success"), dismiss):
            with pytest.raises(Conflict, match="newer suggestion"):
                step()

    @pytest.mark.parametrize("before", ["verifying", "waiting"])
    def test_resolving_with_an_unverified_fix_is_refused(self, chat, fix, technician, before):
        at(fix, before)
        with pytest.raises(Conflict, match="no outcome yet"):
            resolve_chat(chat_id=chat.id, seen_version=0, by=technician)

        chat.refresh_from_db()
        assert chat.is_open

    @pytest.mark.parametrize("before", ["none", "success", "partial", "failed"])
    def test_resolving_with_any_other_fix_goes_through(self, chat, fix, technician, before):
        at(fix, before)
        resolve_chat(chat_id=chat.id, seen_version=0, by=technician)

        chat.refresh_from_db()
        assert chat.status == "resolved"


def at_once(account, *works):
    """Run each in a thread with the account's scope; return the conflict of each, or None."""
    outcomes, start = [], threading.Barrier(len(works))

    def run(work):
        start.wait()
        try:
            with account_scope(account.id):
                work()
            outcomes.append(None)
        except Conflict as error:
            outcomes.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_two_answers_that_suggest_at_once_leave_one_active(account, chat):
    with account_scope(account.id):
        turns = [make_turn(chat, number=number) for number in range(1, 5)]
    raised = at_once(account, *(lambda turn=turn: suggest(turn, f"Fix {turn.number}") for turn in turns))

    with account_scope(account.id):
        assert raised == [None] * 4
        assert (chat.fixes.count(), chat.fixes.filter(superseded_at=None).count()) == (4, 1)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_with_two_verdicts_keep_one(account, chat, fix, record):
    with account_scope(account.id):
        at(fix, "verifying")
    raised = at_once(account, lambda: record("success"), lambda: record("failed"))

    assert sorted(type(error).__name__ for error in raised) == ["Conflict", "NoneType"]
    with account_scope(account.id):
        assert chat.facts.count() == 1
