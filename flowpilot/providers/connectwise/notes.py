"""Notes of tickets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from flowpilot.providers.connectwise.calls import TICKETS, Calls, Params, read, read_all, written
from flowpilot.providers.connectwise.errors import Uncertain, UnknownAddress
from flowpilot.providers.connectwise.models import NoteData

_FIELDS = "id,text,detailDescriptionFlag,internalAnalysisFlag,resolutionFlag,member,contact,_info"
_OF_ALL = f"{_FIELDS},noteType,isMarkdownFlag,timeStart,originalAuthor"
_OF_NOTES = f"{_FIELDS},dateCreated,createdBy"
_ALL, _NOTES = "/service/tickets/{id}/allNotes", "/service/tickets/{id}/notes"
_A_PAGE = 100
_CLOCK_MARGIN = timedelta(minutes=5)


class Notes(Calls):
    """A part of ConnectWise: what can be asked of notes."""

    def list_notes(self, ticket_id: int) -> list[NoteData]:
        """Return everything written on a ticket, newest first; time entries' notes too where the server has them."""
        try:
            notes = [note for page in self._note_pages(_ALL, ticket_id, _OF_ALL) for note in page]
        except UnknownAddress:  # servers before allNotes
            notes = [note for page in self._note_pages(_NOTES, ticket_id, _OF_NOTES) for note in page]
        oldest = datetime.min.replace(tzinfo=UTC)
        return sorted(notes, key=lambda note: (note.created_at or oldest, note.id), reverse=True)

    def find_note(self, ticket_id: int, reference: str, since: datetime) -> NoteData | None:
        """Return the note that carries the reference, if one was written since then (less five minutes).

        The reference is looked for bare, as brackets around it may read back escaped.
        """
        for notes in self._note_pages(_NOTES, ticket_id, _OF_NOTES):
            found = next((note for note in notes if reference in note.text.replace("\\", "")), None)
            if found or any(note.created_at and note.created_at < since - _CLOCK_MARGIN for note in notes):
                return found
        return None

    def create_note(
        self,
        ticket_id: int,
        text: str,
        *,
        is_internal: bool,
        is_discussion: bool,
        is_resolution: bool,
        member_id: int | None = None,
    ) -> NoteData:
        """Write a note, mailing nobody. Never repeated: see Uncertain, Throttled and Unavailable for what to do.

        Raises ValueError when no flag says where it shows, or when an internal text would be shown to the customer.
        """
        if not (is_internal or is_discussion or is_resolution):
            raise ValueError("A note needs a place: internal, discussion or resolution.")
        if is_internal and is_discussion:
            raise ValueError("ConnectWise shows a note that is internal and discussion to the customer.")
        body: dict[str, Any] = {
            "text": text,
            "internalAnalysisFlag": is_internal,
            "detailDescriptionFlag": is_discussion,
            "resolutionFlag": is_resolution,
            "processNotifications": False,
        }
        if member_id is not None:
            body["member"] = {"id": member_id}
        response = self._wire.write("POST", _NOTES, {"id": ticket_id}, body, f"{TICKETS} (add)")
        return read(NoteData.from_json, written(response), "note", failure=Uncertain)

    def _note_pages(self, template: str, ticket_id: int, fields: str) -> Iterator[list[NoteData]]:
        """Yield pages of notes, newest first, until the last one."""
        params: Params = {"fields": fields, "orderBy": "id desc", "pageSize": _A_PAGE}
        for rows, _ in self._pages(template, {"id": ticket_id}, params, TICKETS):
            yield read_all(NoteData.from_json, rows, "note")
