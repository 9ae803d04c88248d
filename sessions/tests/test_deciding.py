"""Decisions on a fix, reminders while it waits, and the facts it rests on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, Invalid
from sessions.models import SuggestedFix
from sessions.queries import fix_panel
from sessions.services import fixes as services
from sessions.services.tasks import answer_task, reopen_task
from sessions.tests.factories import at

SCRIPT = {"language": "powershell", "purpose": "Clears the token"}
SOON = timezone.now() + timedelta(hours=1)


def version(chat):
    chat.refresh_from_db()
    return chat.state_version


@pytest.mark.usefixtures("scope")
class TestDeciding:
    @pytest.fixture
    def decide(self, chat, fix):
        def choose(decision, script=None):
            SuggestedFix.objects.update(script=script)
            services.decide_fix(chat_id=chat.id, fix_id=fix.id, decision=decision)
            fix.refresh_from_db()
            return fix.user_decision, fix.outcome, fix.applied_at is not None

        return choose

    def test_a_fix_without_a_script_is_accepted_and_applied(self, decide):
        assert decide("accepted") == ("accepted", "verifying", True)

    def test_using_a_script_once_says_that_it_ran(self, decide):
        assert decide("one_off", SCRIPT) == ("one_off", "verifying", True)

    @pytest.mark.parametrize("decision", ["draft_template", "build_template"])
    def test_making_a_template_does_not_say_that_it_ran(self, decide, decision):
        assert decide(decision, SCRIPT) == (decision, "none", False)

    @pytest.mark.parametrize(
        ("decision", "script"), [("accepted", SCRIPT), ("one_off", None), ("draft_template", None)]
    )
    def test_a_decision_that_does_not_fit_is_refused(self, chat, decide, decision, script):
        with pytest.raises(Conflict, match="does not fit"):
            decide(decision, script)

        assert version(chat) == 0

    @pytest.mark.parametrize("decision", ["", "pending", "dismissed", "great"])
    def test_what_is_no_decision_is_refused(self, decide, decision):
        with pytest.raises(Invalid, match="no such decision"):
            decide(decision)

    def test_a_second_decision_is_refused(self, decide):
        decide("draft_template", SCRIPT)
        with pytest.raises(Conflict, match="decided on already"):
            decide("build_template", SCRIPT)

    def test_applying_keeps_the_decision_made_before(self, chat, fix, decide):
        decide("draft_template", SCRIPT)
        services.apply_fix(chat_id=chat.id, fix_id=fix.id)

        fix.refresh_from_db()
        assert (fix.user_decision, fix.outcome) == ("draft_template", "verifying")


@pytest.mark.usefixtures("scope")
class TestReminders:
    def test_waiting_may_name_when_to_look_again(self, chat, fix, technician):
        at(fix, "verifying")
        services.record_outcome(
            chat_id=chat.id, fix_id=fix.id, outcome="waiting", reason="A reboot", by=technician, remind_at=SOON
        )

        fix.refresh_from_db()
        assert fix.remind_at == SOON

    def test_a_verdict_ends_the_reminder(self, fix, record):
        fix.remind_at = SOON
        at(fix, "waiting")
        record("success")

        fix.refresh_from_db()
        assert fix.remind_at is None

    def test_a_reminder_moves_without_the_version(self, chat, fix):
        at(fix, "waiting")
        services.remind_of_fix(chat_id=chat.id, fix_id=fix.id, remind_at=SOON)

        fix.refresh_from_db()
        assert (fix.remind_at, version(chat)) == (SOON, 0)

    @pytest.mark.parametrize("outcome", ["none", "verifying", "success", "failed"])
    def test_what_does_not_wait_takes_no_reminder(self, chat, fix, outcome):
        at(fix, outcome)
        with pytest.raises(Conflict, match="waits for nothing"):
            services.remind_of_fix(chat_id=chat.id, fix_id=fix.id, remind_at=SOON)


@pytest.mark.usefixtures("scope")
class TestEvidence:
    @pytest.fixture
    def rests(self, chat, fix, question, technician):
        """The fix rests on the answer to the question; returns what its panel says of it."""
        answer_task(chat_id=chat.id, item_id=question["id"], answer="Yes", by=technician)
        fact = chat.facts.get()
        fix.evidence = [{"id": str(fact.id), "text": fact.text}]
        fix.save()
        return lambda: [(each.then, each.now) for each in fix_panel(chat).shaken]

    def again(self, chat, question, technician, answer):
        reopen_task(chat_id=chat.id, item_id=question["id"])
        answer_task(chat_id=chat.id, item_id=question["id"], answer=answer, by=technician)

    def test_a_fix_whose_facts_stand_is_not_shaken(self, rests):
        assert rests() == []

    def test_an_answer_taken_back_shakes_it(self, chat, question, rests):
        reopen_task(chat_id=chat.id, item_id=question["id"])

        assert rests() == [("Does webmail work? Yes", "")]

    def test_another_answer_shakes_it(self, chat, question, technician, rests):
        self.again(chat, question, technician, "No")

        assert rests() == [("Does webmail work? Yes", "Does webmail work? No")]

    def test_the_same_answer_again_does_not(self, chat, question, technician, rests):
        self.again(chat, question, technician, "Yes")

        assert rests() == []

    def test_a_fix_that_has_its_verdict_is_shaken_no_more(self, chat, fix, question, rests):
        at(fix, "success")
        reopen_task(chat_id=chat.id, item_id=question["id"])

        assert rests() == []


class TestReminderForms:
    @pytest.fixture
    def remind(self, account, room, htmx):
        """Send the form; return what the fix now waits until, or the status of the refusal."""

        def send(**form):
            with account_scope(account.id):
                at(room.fix, "waiting")
            reply = htmx.post(room.url("remind-of-fix", room.fix.id), form)
            with account_scope(account.id):
                room.fix.refresh_from_db()
            return room.fix.remind_at if reply.status_code == 200 else reply.status_code

        return send

    @pytest.mark.parametrize("minutes", [15, 60, 4320])
    def test_in_a_while(self, remind, minutes):
        assert abs(remind(remind_in=minutes) - timezone.now() - timedelta(minutes=minutes)) < timedelta(minutes=1)

    @pytest.mark.parametrize("chosen", ["", "0", "soon", "-5", "999999"])
    def test_not_at_all(self, remind, chosen):
        assert remind(remind_in=chosen) is None

    def test_at_a_time_of_the_persons_own_zone(self, remind):
        moment = (timezone.now() + timedelta(days=2)).replace(second=0, microsecond=0)
        local = moment + timedelta(hours=9)

        assert remind(remind_in="at", remind_at=f"{local:%Y-%m-%dT%H:%M}", zone="Asia/Tokyo") == moment

    @pytest.mark.parametrize("when", ["", "soon", "2001-01-01T10:00", "2099-01-01T10:00", "2026-13-45T99:99"])
    def test_a_time_that_cannot_be_is_refused(self, remind, when):
        assert remind(remind_in="at", remind_at=when, zone="Nowhere/Else") == 422
