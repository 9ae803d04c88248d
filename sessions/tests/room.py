"""A session with every action on it."""

from uuid import uuid4

from django.urls import reverse
from django.utils import timezone

from sessions.models import SuggestedFix
from sessions.services.tasks import answer_task
from sessions.tests.factories import make_fact, make_turn


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
            "remind-of-fix": (self.url("remind-of-fix", self.fix.id), {"remind_in": "60"}),
            "rename-chat": (self.url("rename-chat"), {"title": "Outlook, again"}),
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
        if action == "remind-of-fix":
            SuggestedFix.objects.filter(pk=self.fix.id).update(
                outcome="waiting", user_decision="accepted", reason="A reboot", applied_at=timezone.now()
            )
