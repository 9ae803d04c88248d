"""What a document may say: the items of a session, each with an id that a sentence can name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sessions.lane import Item as Task

SESSION = "session"  # the source of what the session as a whole does not hold


@dataclass(frozen=True)
class Item:
    """One thing a sentence may rest on. `anchor` is where it stands on the session's page."""

    id: str
    kind: str
    text: str
    anchor: str = ""


@dataclass(frozen=True)
class Fact:
    id: str
    text: str
    source_type: str
    source_ref: str = ""


@dataclass(frozen=True)
class Fix:
    id: str
    title: str
    rationale: str = ""
    steps: tuple[str, ...] = ()
    outcome: str = "none"
    reason: str = ""
    decision: str = "pending"
    is_active: bool = True
    confidence: int = 0

    @property
    def is_dismissed(self) -> bool:
        return self.decision == "dismissed"


@dataclass(frozen=True)
class Message:
    """What a technician wrote."""

    id: str
    text: str
    author: str = ""


@dataclass(frozen=True)
class Script:
    """A script that was made in the session; `outcome` is empty while nobody ran it."""

    id: str
    name: str
    outcome: str = ""


@dataclass(frozen=True)
class State:
    """A session as it stands, likely secrets masked. Facts, fixes and messages are oldest first."""

    problem: str = ""
    ticket_id: int | None = None
    ticket_summary: str = ""
    company: str = ""
    contact: str = ""
    facts: tuple[Fact, ...] = ()
    fixes: tuple[Fix, ...] = ()
    tasks: tuple[Task, ...] = field(default=(), compare=False)
    messages: tuple[Message, ...] = ()
    scripts: tuple[Script, ...] = ()

    @cached_property
    def worked(self) -> Fix | None:
        """The fix that is known to have worked, the newest if there are several."""
        return next((fix for fix in reversed(self.fixes) if fix.outcome == "success"), None)

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """Everything a sentence may rest on, by its id."""
        found = [Item(SESSION, "session", "The session as a whole: nothing in it says more")]
        if self.ticket_id:
            found.append(Item(self.ticket, "ticket", f"Ticket #{self.ticket_id}: {self.ticket_summary}"))
        found += [Item(f"turn:{each.id}", "message", each.text, f"turn-{each.id}") for each in self.messages]
        found += [Item(f"fact:{each.id}", "fact", each.text, f"fact-{each.id}") for each in self.facts]
        found += [Item(f"task:{each['id']}", _kind(each), _told(each), f"task-{each['id']}") for each in self.tasks]
        found += [Item(f"fix:{each.id}", "fix", each.title, "lane-fix") for each in self.fixes]
        found += [Item(f"script:{each.id}", "script", each.name) for each in self.scripts]
        return {item.id: item for item in found}

    @property
    def ticket(self) -> str:
        """The id of the ticket as an item; of the session where there is none."""
        return f"ticket:{self.ticket_id}" if self.ticket_id else SESSION

    @property
    def said_first(self) -> str:
        """The id of the message that described the problem."""
        return f"turn:{self.messages[0].id}" if self.messages else SESSION


def _kind(task: Task) -> str:
    return "question" if task["kind"] == "question" else "check"


def _told(task: Task) -> str:
    answer = "skipped" if task["state"] == "skipped" else task["answer"] or task["state"]
    return f"{task['text']} ({answer})"
