"""What the command palette finds: sessions, scripts and actions by what was typed. Tickets are ConnectWise's, and come by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from flowpilot.accounts.models import User
from flowpilot.accounts.permissions import Right, allows
from flowpilot.scripts.models import ScriptTemplate
from flowpilot.scripts.queries import library
from sessions.models import ChatSession
from sessions.queries._ready import ready
from sessions.queries.chats import active_chats
from sessions.queries.listing import fetch
from sessions.queries.search import LONGEST_TEXT, first

MOST_SESSIONS, MOST_SCRIPTS = 5, 4
ACTIONS, TICKETS = ">", "#"  # what a person types first to see only these


@dataclass(frozen=True)
class Action:
    """Something that can be done from anywhere. `says` is what else it is found by; `shows` is a dialog of the page, or nothing."""

    name: str
    url: str
    icon: str
    says: str = ""
    key: str = ""
    right: Right = Right.WORK
    shows: str = ""


@dataclass(frozen=True)
class Found:
    """What the palette shows for what was typed."""

    text: str  # without the sign that narrows it
    sessions: Sequence[ChatSession]
    scripts: Sequence[ScriptTemplate]
    actions: Sequence[Action]
    has_tickets: bool  # whether tickets are wanted
    can_start: bool = False  # whether a session can be started about these words


def palette(typed: str, user: User) -> Found:
    """Return what was typed finds; of nothing typed, the person's open sessions and every action."""
    typed = typed.replace("\x00", "").strip()[:LONGEST_TEXT]
    if typed.startswith(ACTIONS):
        text = typed[1:].strip()
        return Found(text, [], [], _actions(text, user), has_tickets=False)
    if typed.startswith(TICKETS):
        return Found(typed[1:].strip(), [], [], [], has_tickets=True)
    if not typed:
        return Found("", active_chats(user, MOST_SESSIONS), [], _actions("", user), has_tickets=True)
    scripts = library(text=typed, sort="used").templates[:MOST_SCRIPTS]
    return Found(typed, _sessions(typed), scripts, _actions(typed, user), has_tickets=True, can_start=True)


def _sessions(text: str) -> list[ChatSession]:
    if text.isdecimal() and len(text) < 10:
        on_ticket = ChatSession.objects.filter(ticket_id=int(text)).order_by("-created_at", "-id")
        return ready(on_ticket.select_related("owner")[:MOST_SESSIONS])
    return fetch(first(text, MOST_SESSIONS))


def _actions(text: str, user: User) -> list[Action]:
    words = text.lower().split()
    known = [each for each in _every() if allows(user, each.right)]
    return [each for each in known if all(word in f"{each.name} {each.says}".lower() for word in words)]


def _every() -> list[Action]:
    return [
        Action("New ticket from text", reverse("psa:new-ticket"), "plus", "create paste", "N"),
        Action("Start a session", reverse("home"), "zap", "new problem pilot"),
        Action("Next ticket in my queue", reverse("psa:next-ticket"), "arrow-right", "work"),
        Action("Build a script", reverse("scripts:builder"), "wand-sparkles", "ai builder write new"),
        Action("Write a script by hand", reverse("scripts:new-template"), "pencil", "new template"),
        Action("Review scripts", reverse("drafts:drafts"), "square-terminal", "drafts ready templates publish"),
        Action("Go to Home", reverse("home"), "house", "dashboard", "G H"),
        Action("Go to Tickets", reverse("psa:tickets"), "ticket", "queue", "G T"),
        Action("Go to Pilot history", reverse("sessions:history"), "history", "sessions", "G P"),
        Action("Go to Scripts", reverse("scripts:library"), "square-terminal", "library", "G S"),
        Action("Keyboard shortcuts", "", "keyboard", "keys help", "?", shows="#shortcuts"),
        Action("Profile", reverse("accounts:profile"), "user", "settings theme signature single keys dark light"),
        Action("Sign-in and security", reverse("accounts:security"), "lock", "settings password passkey authenticator"),
        Action("My ConnectWise member", reverse("psa:my-member"), "user", "settings link"),
        Action("AI settings", reverse("ai:settings"), "settings", "provider key budget tier", right=Right.MANAGE),
        Action("Account settings", reverse("accounts:account-settings"), "settings", "rules", right=Right.MANAGE),
        Action("People", reverse("accounts:people"), "user", "invite role settings", right=Right.MANAGE),
        Action("ConnectWise connection", reverse("psa:connection"), "settings", "psa keys", right=Right.MANAGE),
        Action("Audit log", reverse("accounts:audit"), "history", "settings", right=Right.OWN),
    ]
