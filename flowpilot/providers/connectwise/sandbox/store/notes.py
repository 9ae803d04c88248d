"""Notes of tickets."""

from datetime import UTC, datetime

from flowpilot.providers.connectwise.sandbox.replies import Problem, invalid
from flowpilot.providers.connectwise.sandbox.store.records import Records
from flowpilot.providers.connectwise.sandbox.tables import Record, info, member_reference, stamp

FLAGS = ("detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag")
_WITHOUT_PLACE = invalid(
    "serviceNote",
    "ServiceNote",
    "Please choose where to display the notes in order to save this record.",
    "detailDescriptionFlag, internalAnalysisFlag, resolutionFlag",
)


class Notes(Records):
    """A part of the store."""

    def add_note(self, ticket: Record, body: Record) -> Record:
        """Write a note. Raises Problem; sending the same one twice makes two."""
        if not any(body.get(flag) for flag in FLAGS):
            raise Problem(_WITHOUT_PLACE)
        if not str(body.get("text") or "").strip():
            raise Problem(invalid("serviceNote", "MissingRequiredField", "The text field is required.", "text"))
        writer = self.member(body["member"], "serviceNote", "member") if body.get("member") else self.api_member()
        now = datetime.now(UTC)
        note: Record = {
            "id": self.next_id("notes", 600_001),
            "ticketId": ticket["id"],
            "text": body["text"],
            **{flag: bool(body.get(flag)) for flag in FLAGS},
            "issueFlag": False,
            "member": member_reference(writer),
            "dateCreated": stamp(now),
            "createdBy": writer["identifier"],
            "internalFlag": True,  # no guide: both are set whatever the note is
            "externalFlag": True,
            "_info": info(now, writer["identifier"]),
            "_visible_at": now.timestamp() + self.switches.note_lag,
        }
        self.put("notes", note)
        self._mail(ticket, note, body)
        self.touch(ticket, now)
        return note

    def delete_note(self, note: Record) -> None:
        """Remove a note."""
        self.drop("notes", note["id"])

    def _mail(self, ticket: Record, note: Record, body: Record) -> None:
        wants = body.get("processNotifications")
        is_wanted = self.switches.mails_by_default if wants is None else bool(wants)
        address = ticket.get("contactEmailAddress")
        if is_wanted and address and ticket.get("automaticEmailContactFlag") and note["detailDescriptionFlag"]:
            self.mails.append({"to": address, "note": note["id"]})
