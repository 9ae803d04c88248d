"""The records the sandbox holds, and how it writes times and references."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]
SITE = "https://cw.example.test/v4_6_release/apis/3.0/"  # real links carry the double slash too


@dataclass
class Tables:
    types: list[str] = field(default_factory=list)
    boards: dict[int, Record] = field(default_factory=dict)
    statuses: dict[int, Record] = field(default_factory=dict)
    priorities: dict[int, Record] = field(default_factory=dict)
    members: dict[int, Record] = field(default_factory=dict)
    companies: dict[int, Record] = field(default_factory=dict)
    contacts: dict[int, Record] = field(default_factory=dict)
    configurations: dict[int, Record] = field(default_factory=dict)
    tickets: dict[int, Record] = field(default_factory=dict)
    notes: dict[int, Record] = field(default_factory=dict)

    def statuses_of(self, board_id: int) -> list[Record]:
        """Return a board's statuses."""
        return [status for status in self.statuses.values() if status["board"]["id"] == board_id]

    def notes_of(self, ticket_id: int) -> list[Record]:
        """Return a ticket's notes, oldest first."""
        return [note for note in self.notes.values() if note["ticketId"] == ticket_id]

    def member_named(self, identifier: str) -> Record | None:
        """Return the member with this login name, whatever its case."""
        wanted = identifier.lower()
        return next((member for member in self.members.values() if member["identifier"].lower() == wanted), None)


def stamp(moment: datetime) -> str:
    """Write a time as ConnectWise does: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def reference(record: Record, path: str, **more: Any) -> Record:
    """Point at a record."""
    name = record.get("name") or " ".join(filter(None, (record.get("firstName"), record.get("lastName"))))
    shown: Record = {"id": record["id"], "name": name}
    if record.get("identifier"):
        shown["identifier"] = record["identifier"]
    noun = path.rsplit("/", 1)[-1].rstrip("s")
    return shown | more | {"_info": {f"{noun}_href": f"{SITE}/{path}/{record['id']}"}}


def member_reference(member: Record) -> Record:
    """Point at a member."""
    return reference(member, "system/members")


def status_reference(status: Record) -> Record:
    """Point at a status of a board."""
    return reference(status, f"service/boards/{status['board']['id']}/statuses", sort=status["sortOrder"])


def info(entered: datetime, by: str, updated: datetime | None = None) -> Record:
    """Say when a record was written, and by whom."""
    return {
        "lastUpdated": stamp(updated or entered),
        "updatedBy": by,
        "dateEntered": stamp(entered),
        "enteredBy": by,
    }
