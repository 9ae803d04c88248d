"""The records the sandbox holds, and how it writes times and references."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]
SITE = "https://cw.example.test/v4_6_release/apis/3.0/"  # real links carry the double slash too


class Hanging(dict[int, Record]):
    """What hangs on tickets, by its own number; found by its ticket without looking through all of it."""

    def __init__(self, key: str, rows: dict[int, Record] | None = None) -> None:
        super().__init__()
        self.key = key
        self._by_ticket: dict[int, dict[int, Record]] = {}
        for number, row in (rows or {}).items():
            self[number] = row

    def of(self, ticket_id: int) -> list[Record]:
        """Return what hangs on a ticket, oldest first."""
        return list(self._by_ticket.get(ticket_id, {}).values())

    def __setitem__(self, number: int, row: Record) -> None:
        super().__setitem__(number, row)
        self._by_ticket.setdefault(row[self.key], {})[number] = row

    def __delitem__(self, number: int) -> None:
        row = self[number]
        super().__delitem__(number)
        del self._by_ticket[row[self.key]][number]

    def pop(self, number: int, default: Any = None) -> Any:
        row = self.get(number, default)
        if number in self:
            del self[number]
        return row


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
    notes: Hanging = field(default_factory=lambda: Hanging("ticketId"))
    entries: Hanging = field(default_factory=lambda: Hanging("objectId"))  # of the schedule
    times: Hanging = field(default_factory=lambda: Hanging("chargeToId"))
    work_types: dict[int, Record] = field(default_factory=dict)
    board_types: dict[int, Record] = field(default_factory=dict)
    sub_types: dict[int, Record] = field(default_factory=dict)
    callbacks: dict[int, Record] = field(default_factory=dict)

    def statuses_of(self, board_id: int) -> list[Record]:
        """Return a board's statuses."""
        return [status for status in self.statuses.values() if status["board"]["id"] == board_id]

    def notes_of(self, ticket_id: int) -> list[Record]:
        """Return a ticket's notes, oldest first."""
        return self.notes.of(ticket_id)

    def entries_of(self, ticket_id: int) -> list[Record]:
        """Return a ticket's schedule entries, oldest first."""
        return self.entries.of(ticket_id)

    def times_of(self, ticket_id: int) -> list[Record]:
        """Return a ticket's time entries, oldest first."""
        return self.times.of(ticket_id)

    def children_of(self, ticket_id: int) -> list[int]:
        """Return the numbers of a ticket's children."""
        return [row["id"] for row in self.tickets.values() if row.get("parentTicketId") == ticket_id]

    def types_of(self, board_id: int) -> list[Record]:
        """Return a board's types."""
        return [row for row in self.board_types.values() if row["board"]["id"] == board_id]

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
