"""Decisions, supersessions and edits of one session, all at once: never two active fixes, no update lost."""

import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.db import connection
from django.test import Client
from django.urls import reverse

from flowpilot.accounts.models import Account, User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.services import open_account
from flowpilot.testing.scratch import scratch_database
from sessions.models import ChatSession, SessionFact, SuggestedFix, Turn
from sessions.outcome import apply_answer

_BAD = ("two_active", "lost", "unexpected", "stale_panels")
_PANELS = ("session-head", "lane-tasks", "lane-fix", "lane-facts")
_NAMES = {200: "taken", 409: "conflicts"}
_TASKS = 3


def add_arguments(parser):
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--parallel", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)


def run(*, rounds: int, parallel: int, seed: int, **options: Any) -> dict[str, int]:
    """Return what came of all rounds, on a database of their own; the last four figures must be 0."""
    with scratch_database():
        return measure(rounds=rounds, parallel=parallel, seed=seed)


def measure(*, rounds: int, parallel: int, seed: int) -> dict[str, int]:
    """Run the rounds on the database at hand."""
    chance, total = random.Random(seed), Counter[str]()  # noqa: S311
    account = open_account(name="Bench", account_id=uuid4())
    with account_scope(account.id):
        person = User.objects.create_user(f"{uuid4()}@bench.example", "unused", account=account, name="B. Ench")
    for _ in range(rounds):
        total += _Round(account, person, chance).run(parallel)
    return {"rounds": rounds, "taken": total["taken"], "conflicts": total["conflicts"]} | {
        bad: total[bad] for bad in _BAD
    }


@dataclass
class _Round:
    """One session and what several people do to it in the same moment."""

    account: Account
    person: User
    chance: random.Random
    taken: list[str] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)

    def run(self, parallel: int) -> Counter:
        with account_scope(self.account.id):
            self._open()
        works = [self._pick(number) for number in range(parallel)]
        start = threading.Barrier(parallel)
        threads = [threading.Thread(target=self._do, args=(start, *work)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        with account_scope(self.account.id):
            self._check()
        return self.counts

    def _open(self) -> None:
        item: dict[str, Any] = {
            "kind": "question",
            "why": "",
            "answer_kind": "text",
            "choices": [],
            "command": "",
            "expect": "",
            "turn": "",
        }
        item |= {"state": "open", "answer": "", "answered_by": "", "answered_at": "", "is_told": False}
        lane = [item | {"id": str(uuid4()), "text": f"Question {number}?"} for number in range(_TASKS)]
        self.chat = ChatSession.objects.create(title="Bench", owner=self.person, pending_task_lane=lane)
        self.fix = SuggestedFix.objects.create(chat=self.chat, title="First", confidence=50)
        self.fact = SessionFact.objects.create(chat=self.chat, text="As it was", source_type="hand")
        self.turns = [
            Turn.objects.create(chat=self.chat, number=number, client_key=uuid4(), text="What now?")
            for number in range(1, 9)
        ]
        if self.chance.random() < 0.5:  # half of the rounds decide between verdicts, the others on applying
            SuggestedFix.objects.filter(pk=self.fix.pk).update(outcome="verifying", user_decision="accepted")

    def _pick(self, number: int) -> tuple[str, Callable[[], Any]]:
        """Return one thing somebody does, and by which words its result is known again."""
        task = self.chat.pending_task_lane[self.chance.randrange(_TASKS)]["id"]
        kind = self.chance.choice(
            ["apply", "success", "failed", "dismiss", "supersede", "supersede", "add", "edit", "answer"]
        )
        word = f"{kind} {number}"
        if kind == "supersede":
            return word, lambda: self._supersede(number)
        requests: dict[str, tuple[str, list, dict[str, str]]] = {
            "apply": ("apply-fix", [self.fix.id], {}),
            "success": ("record-outcome", [self.fix.id], {"outcome": "success"}),
            "failed": ("record-outcome", [self.fix.id], {"outcome": "failed", "reason": word}),
            "dismiss": ("dismiss-fix", [self.fix.id], {"reason": word}),
            "add": ("add-fact", [], {"text": word}),
            "edit": ("edit-fact", [self.fact.id], {"text": word}),
            "answer": ("answer-task", [task], {"typed": word}),
        }
        name, args, form = requests[kind]
        return word, lambda: self._post(name, args, form)

    def _post(self, name: str, args: list, form: dict[str, str]) -> Any:
        client = Client(raise_request_exception=False, SERVER_NAME="localhost", headers={"HX-Request": "true"})
        client.force_login(self.person)
        return client.post(reverse(f"sessions:{name}", args=[self.chat.id, *args]), form)

    def _supersede(self, number: int) -> None:
        fix = json.dumps({"title": f"supersede {number}", "confidence": 60})
        with account_scope(self.account.id):
            turn = self.turns[number % len(self.turns)]
            turn.raw_answer = f"[SUGGEST_FIX]{fix}[/SUGGEST_FIX]"
            apply_answer(turn)

    def _do(self, start: threading.Barrier, word: str, work: Callable[[], Any]) -> None:
        start.wait()
        outcome = "unexpected"  # also where it raises
        try:
            reply = work()
            outcome = _NAMES.get(reply.status_code, outcome) if reply else "taken"
            if outcome == "taken":
                self.taken.append(word)
            elif outcome == "conflicts":
                self.counts["stale_panels"] += not self._is_fresh(reply.content.decode())
        finally:
            self.counts[outcome] += 1
            connection.close()

    def _is_fresh(self, html: str) -> bool:
        """Whether a refusal brought every panel, as it stood after somebody had changed something."""
        versions = {int(found) for found in re.findall(r'id="lane-[a-z]+" data-version="(\d+)"', html)}
        return len(versions) == 1 and all(f'hx-target="#{panel}"' in html for panel in _PANELS)

    def _check(self) -> None:
        chat = ChatSession.objects.get(pk=self.chat.pk)
        active = chat.fixes.filter(superseded_at=None).count()
        self.counts["two_active"] += active > 1
        known = set(chat.facts.filter(deleted_at=None).values_list("text", flat=True))
        titles = set(chat.fixes.values_list("title", flat=True))
        answers = {item["answer"] for item in chat.pending_task_lane}
        first = chat.fixes.get(pk=self.fix.pk)
        kept = {
            "add": lambda word: word in known,
            "answer": lambda word: word in answers and any(text.endswith(f"? {word}") for text in known),
            "supersede": lambda word: word in titles,
            "failed": lambda word: first.outcome == "failed" and first.reason == word,
            "success": lambda word: first.outcome == "success",
            "dismiss": lambda word: first.user_decision == "dismissed" and first.reason == word,
            "apply": lambda word: first.applied_at is not None,
        }
        edits = [word for word in self.taken if word.startswith("edit")]
        lost = sum(not kept[word.split()[0]](word) for word in self.taken if word not in edits)
        lost += bool(edits) and not set(edits) & known
        lost += chat.state_version != len(self.taken)
        self.counts["lost"] += lost
