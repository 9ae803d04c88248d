"""No sequence of requests brings a session to a state outside the diagrams: each step is sent over HTTP and compared with a model."""

import json
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from flowpilot.accounts.scope import account_scope
from sessions.models import ChatSession, SuggestedFix
from sessions.outcome import apply_answer
from sessions.tests.factories import make_chat, make_item, make_turn

OUTCOMES = {
    "none": set(),
    "verifying": {"success", "partial", "failed", "waiting"},
    "waiting": {"success", "partial", "failed"},
}
CALM = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)
words = st.sampled_from(["", "A reboot", "Still asks"])


class SessionMachine(RuleBasedStateMachine):
    """A session and what must be true of it. `person` and `account` are set by the test."""

    person = account = None

    def __init__(self):
        super().__init__()
        self.client = Client(headers={"HX-Request": "true"})
        self.client.force_login(self.person)
        with account_scope(self.account.id):
            lane = [make_item(f"Question {n}?") for n in range(2)] + [make_item("Ping it", kind="action")]
            self.chat = make_chat(owner=self.person, pending_task_lane=lane)
        self.version = 0

    def send(self, name, /, *args, **form):
        url = reverse(f"sessions:{name}", args=[self.chat.id, *args])
        return self.client.post(url, form).status_code

    def expect(self, status, is_taken, is_invalid=False):
        """Check a reply, and that only what was taken moves the version."""
        assert status == (200 if is_taken else 422 if is_invalid else 409)
        self.version += is_taken

    @invariant()
    def the_version_counts_what_was_taken(self):
        with account_scope(self.account.id):
            assert ChatSession.objects.get(pk=self.chat.pk).state_version == self.version


class FixMachine(SessionMachine):
    """Suggestions, decisions, outcomes and reminders, from several tabs that may show an old fix."""

    def __init__(self):
        super().__init__()
        self.fixes = {}  # id: [decision, outcome, is_superseded, has_script], oldest first

    @initialize(has_script=st.booleans())
    def first(self, has_script):
        self.suggest(has_script)

    @rule(has_script=st.booleans())
    def suggest(self, has_script):
        script = {"language": "powershell", "purpose": "Clears it"} if has_script else None
        fix = {"title": f"Fix {len(self.fixes)}", "confidence": 60, "script": script}
        with account_scope(self.account.id):
            chat = ChatSession.objects.get(pk=self.chat.pk)
            apply_answer(make_turn(chat, raw_answer=f"[SUGGEST_FIX]{json.dumps(fix)}[/SUGGEST_FIX]"))
            newest = chat.fixes.order_by("-created_at").first()
        for known in self.fixes.values():
            known[2] = True
        self.fixes[newest.pk] = ["pending", "none", False, has_script]
        self.version += 1

    def pick(self, age):
        fix_id = list(self.fixes)[-1 - min(age, len(self.fixes) - 1)]
        return fix_id, self.fixes[fix_id]

    @rule(age=st.integers(0, 2))
    def apply(self, age):
        fix_id, fix = self.pick(age)
        may = not fix[2] and fix[1] == "none"
        self.expect(self.send("apply-fix", fix_id), may)
        if may:
            fix[1] = "verifying"
            if fix[0] == "pending":
                fix[0] = "one_off" if fix[3] else "accepted"

    @rule(keep=st.sampled_from(["one_off", "draft_template", "build_template"]))
    def keep_a_script(self, keep):
        self.expect(self.send("write-script", name="By hand", language="bash", code="uptime"), is_taken=True)
        with account_scope(self.account.id):
            script = self.chat.scripts.order_by("-created_at").first()
        self.expect(self.send("keep-script", script.id, keep=keep, has_read="on"), is_taken=True)
        for fix in self.fixes.values():
            if fix[2]:
                continue
            if fix[0] == "pending":
                fix[0] = "accepted" if keep == "one_off" and not fix[3] else keep
            if keep == "one_off" and fix[1] == "none":
                fix[1] = "verifying"

    @rule(age=st.integers(0, 2), outcome=st.sampled_from([*SuggestedFix.Outcome.values, "great"]), reason=words)
    def record(self, age, outcome, reason):
        fix_id, fix = self.pick(age)
        is_invalid = outcome in {"none", "verifying", "great"} or (outcome == "waiting" and not reason)
        may = not is_invalid and not fix[2] and outcome in OUTCOMES.get(fix[1], set())
        self.expect(self.send("record-outcome", fix_id, outcome=outcome, reason=reason), may, is_invalid)
        if may:
            fix[1] = outcome

    @rule(age=st.integers(0, 2), reason=words)
    def dismiss(self, age, reason):
        fix_id, fix = self.pick(age)
        may = bool(reason) and not fix[2] and fix[0] == "pending"
        self.expect(self.send("dismiss-fix", fix_id, reason=reason), may, not reason)
        if may:
            fix[0], fix[2] = "dismissed", True

    @rule(age=st.integers(0, 2))
    def remind(self, age):
        fix_id, fix = self.pick(age)
        may = not fix[2] and fix[1] == "waiting"
        assert self.send("remind-of-fix", fix_id, remind_in="60") == (200 if may else 409)

    @invariant()
    def every_fix_stands_where_the_diagrams_say(self):
        with account_scope(self.account.id):
            rows = {fix.pk: fix for fix in SuggestedFix.objects.filter(chat=self.chat.pk)}
        assert {key: [fix.user_decision, fix.outcome, bool(fix.superseded_at)] for key, fix in rows.items()} == {
            key: known[:3] for key, known in self.fixes.items()
        }
        assert sum(fix.superseded_at is None for fix in rows.values()) <= 1
        for fix in rows.values():
            assert (fix.applied_at is not None) == (fix.outcome != "none")
            assert (fix.verified_at is not None) == (fix.outcome == "success")
            assert fix.remind_at is None or fix.outcome == "waiting"


class LaneMachine(SessionMachine):
    """Answering, skipping and taking back; each answer is one fact, which nothing else changes."""

    @initialize()
    def begin(self):
        self.state = {item["id"]: "open" for item in self.chat.pending_task_lane}
        self.kind = {item["id"]: item["kind"] for item in self.chat.pending_task_lane}

    @rule(at=st.integers(0, 2), answer=st.sampled_from(["", "Yes", "No", " \x00 ", "x" * 901]))
    def answer(self, at, answer):
        item = list(self.state)[at]
        said = answer.replace("\x00", "").strip()
        is_question, is_open = self.kind[item] == "question", self.state[item] == "open"
        is_invalid = len(said) > 900 or (is_question and not said)
        may = is_open and not is_invalid
        self.expect(self.send("answer-task", item, typed=answer, answer=""), may, is_invalid)
        if may:
            self.state[item] = "answered" if is_question else "done"

    @rule(at=st.integers(0, 2))
    def skip(self, at):
        item = list(self.state)[at]
        may = self.state[item] == "open"
        self.expect(self.send("skip-task", item), may)
        if may:
            self.state[item] = "skipped"

    @rule(at=st.integers(0, 2))
    def reopen(self, at):
        item = list(self.state)[at]
        may = self.state[item] != "open"
        self.expect(self.send("reopen-task", item), may)
        if may:
            self.state[item] = "open"

    @precondition(lambda self: any(state in {"answered", "done"} for state in self.state.values()))
    @rule(name=st.sampled_from(["edit-fact", "remove-fact"]))
    def change_an_answer_by_its_fact(self, name):
        with account_scope(self.account.id):
            fact = self.chat.facts.filter(deleted_at=None).first()
        self.expect(self.send(name, fact.id, text="By hand"), is_taken=False)

    @rule()
    def go_on(self):
        """Telling the assistant leaves every answer as it is."""
        status = self.send("tell-answers", client_key=uuid4())
        assert status in {200, 422}

    @invariant()
    def each_answer_is_one_fact(self):
        with account_scope(self.account.id):
            chat = ChatSession.objects.get(pk=self.chat.pk)
            refs = list(chat.facts.filter(deleted_at=None).values_list("source_ref", flat=True))
        assert {item["id"]: item["state"] for item in chat.pending_task_lane} == self.state
        assert sorted(refs) == sorted(item for item, state in self.state.items() if state in {"answered", "done"})


@pytest.mark.parametrize("machine", [FixMachine, LaneMachine])
def test_no_sequence_of_requests_leaves_the_diagrams(machine, account, technician):
    bound = type(machine.__name__, (machine,), {"account": account, "person": technician})

    run_state_machine_as_test(bound, settings=CALM)
