"""The resolution note."""

from dataclasses import dataclass

from flowpilot.accounts.caching import remember
from sessions.models import ChatSession
from sessions.notes import resolution_note
from sessions.queries.panels import facts, fixes, lane

_NOTE_KEPT = 60 * 60  # seconds; a newer state_version has a key of its own


@dataclass(frozen=True)
class Note:
    """The resolution note as it would be posted, and the version of the session it was made on."""

    markdown: str
    version: int
    is_edited: bool
    is_stale: bool  # edited by hand, and the session changed since


def note(chat: ChatSession) -> Note:
    """Return the resolution note: as edited by hand, or built from the session's state and kept by its version."""
    if chat.resolution_note_markdown:
        made_on = chat.resolution_note_version or 0
        return Note(chat.resolution_note_markdown, made_on, is_edited=True, is_stale=made_on != chat.state_version)
    return Note(built_note(chat), chat.state_version, is_edited=False, is_stale=False)


def built_note(chat: ChatSession) -> str:
    """Return the note that the state makes, from the cache while the version stands."""
    return remember(f"note:{chat.id}:{chat.state_version}", lambda: _build_note(chat), seconds=_NOTE_KEPT)


def _build_note(chat: ChatSession) -> str:
    return resolution_note(
        problem=chat.problem,
        ticket_summary=chat.ticket_summary,
        contact=chat.ticket_contact,
        company=chat.ticket_company,
        facts=[(fact.text, fact.source_type) for fact in facts(chat)],
        fixes=fixes(chat),
        open_tasks=[item["text"] for item in lane(chat).open],
    )
