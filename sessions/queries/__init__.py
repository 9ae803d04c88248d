"""Reading sessions, ready to show: ordered, complete, and silent when a template asks for more."""

from sessions.queries.chats import active_chats, get_chat, get_turn, history, recent_chats, thread
from sessions.queries.notes import Note, built_note, note
from sessions.queries.panels import FixPanel, Lane, facts, fix_panel, fixes, lane, problem
from sessions.queries.tiles import Tile, tiles

__all__ = [
    "FixPanel",
    "Lane",
    "Note",
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
    "recent_chats",
    "thread",
    "tiles",
]
