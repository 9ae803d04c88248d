"""Reading sessions, ready to show: ordered, complete, and silent when a template asks for more."""

from sessions.queries.chats import active_chats, get_chat, history, recent_chats
from sessions.queries.notes import Note, built_note, note
from sessions.queries.panels import FixPanel, Lane, facts, fix_panel, fixes, lane, problem
from sessions.queries.scripts import script_hint, scripts_run
from sessions.queries.thread import Pulse, get_turn, pulse, read_pulse, thread, turn_ids
from sessions.queries.tiles import Tile, tiles

__all__ = [
    "FixPanel",
    "Lane",
    "Note",
    "Pulse",
    "Tile",
    "active_chats",
    "built_note",
    "facts",
    "fix_panel",
    "fixes",
    "get_chat",
    "get_turn",
    "history",
    "lane",
    "note",
    "problem",
    "pulse",
    "read_pulse",
    "recent_chats",
    "script_hint",
    "scripts_run",
    "thread",
    "tiles",
    "turn_ids",
]
