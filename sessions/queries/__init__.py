"""Reading sessions, ready to show: ordered, complete, and silent when a template asks for more."""

from sessions.queries.activity import Gap, Worked, active_minutes, idle_gaps, moments, worked
from sessions.queries.chats import active_chats, get_chat, get_version, recent_chats
from sessions.queries.cost import Cost, cost
from sessions.queries.ended import Ended, ended
from sessions.queries.framing import framing
from sessions.queries.limits import escalation_reason
from sessions.queries.listing import SHOWN, ChatPage, ListFilter, companies, list_chats
from sessions.queries.notes import Part, Secret, Shown, built, note_state, parts, reading, secrets
from sessions.queries.panels import Evidence, FixPanel, Lane, facts, fix_panel, fixes, lane, problem
from sessions.queries.past import Past, changes_since, past
from sessions.queries.posts import Posting, posting
from sessions.queries.reminders import waiting
from sessions.queries.scripts import script_hint, scripts_run
from sessions.queries.search import Place
from sessions.queries.similar import Similar, similar
from sessions.queries.thread import (
    Pulse,
    get_attachment,
    get_turn,
    pending_attachments,
    pulse,
    read_pulse,
    thread,
    turn_ids,
)
from sessions.queries.tiles import Tile, tiles

__all__ = [
    "SHOWN",
    "ChatPage",
    "Cost",
    "Ended",
    "Evidence",
    "FixPanel",
    "Gap",
    "Lane",
    "ListFilter",
    "Part",
    "Past",
    "Place",
    "Posting",
    "Pulse",
    "Secret",
    "Shown",
    "Similar",
    "Tile",
    "Worked",
    "active_chats",
    "active_minutes",
    "built",
    "changes_since",
    "companies",
    "cost",
    "ended",
    "escalation_reason",
    "facts",
    "fix_panel",
    "fixes",
    "framing",
    "get_attachment",
    "get_chat",
    "get_turn",
    "get_version",
    "idle_gaps",
    "lane",
    "list_chats",
    "moments",
    "note_state",
    "parts",
    "past",
    "pending_attachments",
    "posting",
    "problem",
    "pulse",
    "read_pulse",
    "reading",
    "recent_chats",
    "script_hint",
    "scripts_run",
    "secrets",
    "similar",
    "thread",
    "tiles",
    "turn_ids",
    "waiting",
    "worked",
]
