"""Decisions on a fix, reminders while it waits, and the facts it rests on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict
from sessions.models import SuggestedFix
from sessions.queries import fix_panel
from sessions.services import fixes as services
from sessions.services import scripts
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
    def fresh(self, fix):
        def read():
            fix.refresh_from_db()
            return fix.user_decision, fix.outcome, fix.applied_at is not None

        return read

    @pytest.fixture
    def keep(self, chat, fresh, technician):
        """Write a script for the fix, and choose what becomes of it."""

        def choose(keep):
            how = {"name": "By hand", "language": "bash", "code": "uptime"}
            script = scripts.write_script(chat_id=chat.id, by=technician, **how)
            kept = {"keep": keep, "code": "", "has_read": True}
            scripts.keep_script(chat_id=chat.id, generation_id=script.id, by=technician, **kept)
            return fresh()

        return choose

    def test_a_fix_without_a_script_is_accepted_by_applying_it(self, chat, fix, fresh):
        services.apply_fix(chat_id=chat.id, fix_id=fix.id)

        assert fresh() == ("accepted", "verifying", True)

    def test_applying_a_fix_with_a_script_uses_it_once(self, chat, fix, fresh):
        SuggestedFix.objects.update(script=SCRIPT)
        services.apply_fix(chat_id=chat.id, fix_id=fix.id)

        assert fresh() == ("one_off", "verifying", True)

    def test_using_a_script_once_says_that_it_ran(self, keep):
        SuggestedFix.objects.update(script=SCRIPT)

        assert keep("one_off") == ("one_off", "verifying", True)

    @pytest.mark.parametrize("decision", ["draft_template", "build_template"])
    def test_making_a_template_does_not_say_that_it_ran(self, keep, decision):
        assert keep(decision) == (decision, "none", False)

    def test_the_first_decision_stands(self, keep):
        keep("draft_template")

        assert keep("build_template") == ("draft_template", "none", False)

    def test_applying_keeps_the_decision_made_before(self, chat, fix, keep, fresh):
        keep("draft_template")
        services.apply_fix(chat_id=chat.id, fix_id=fix.id)

        assert fresh() == ("draft_template", "verifying", True)


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
