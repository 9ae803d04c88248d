"""The records of the sandbox's MSP, and the journal that brings back what was written."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flowpilot.providers.connectwise.sandbox.replies import Problem, invalid
from flowpilot.providers.connectwise.sandbox.seed import API_MEMBER, build
from flowpilot.providers.connectwise.sandbox.switches import Switches
from flowpilot.providers.connectwise.sandbox.tables import Record, stamp


class Records:
    """Base of every noun of the store. `path` names the journal that brings back earlier writes."""

    def __init__(
        self, switches: Switches, path: Path | None = None, start: datetime | None = None, more_tickets: int = 0
    ) -> None:
        self.switches, self.path = switches, path
        self.on_change: Callable[[str, str, Record], None] = lambda table, action, row: None
        self.mails: list[Record] = []
        self.spoiled: set[int] = set()  # tickets with an old bad value, which makes every PATCH fail
        entries = self._kept()
        begun = entries[0] if entries else {}
        moment = datetime.fromisoformat(begun["seeded_at"]) if begun else (start or datetime.now(UTC))
        more_tickets = begun.get("more_tickets", 0) if begun else more_tickets
        self.tables = build(moment, more_tickets)
        for entry in entries:
            self._replay(entry)
        if not entries:
            self._keep({"seeded_at": stamp(moment), "more_tickets": more_tickets})

    def put(self, table: str, row: Record) -> Record:
        """Keep a record, new or changed, and tell whoever watches."""
        rows = getattr(self.tables, table)
        action = "updated" if row["id"] in rows else "added"
        rows[row["id"]] = row
        self._keep({"put": table, "row": row})
        self.on_change(table, action, row)
        return row

    def drop(self, table: str, number: int) -> None:
        """Remove a record."""
        row = getattr(self.tables, table).pop(number)
        self._keep({"drop": table, "id": number})
        self.on_change(table, "deleted", row)

    def next_id(self, table: str, first: int) -> int:
        """Return a number that no record of the table had."""
        rows = getattr(self.tables, table)
        return max(rows, default=first - 1) + 1

    def touch(self, ticket: Record, now: datetime | None = None) -> None:
        """Note that a ticket changed now."""
        moment = stamp(now or datetime.now(UTC))
        ticket["_info"] = ticket["_info"] | {"lastUpdated": moment, "updatedBy": API_MEMBER["identifier"]}
        self.put("tickets", ticket)

    def member(self, value: Any, resource: str, at: str) -> Record:
        """Return the member that a reference names by one unique key. Raises Problem."""
        key = value if isinstance(value, dict) else {}
        member = self.tables.members.get(key["id"]) if isinstance(key.get("id"), int) else None
        member = member or self.tables.member_named(str(key.get("identifier") or ""))
        if member is None:
            raise Problem(invalid(resource, "NotFound", f"member {key.get('id')} not found", f"{at}/id"))
        return member

    def api_member(self) -> Record:
        """Return whoever the keys belong to."""
        return self.tables.members[API_MEMBER["id"]]

    def moment(self, value: Any, resource: str, at: str) -> str | None:
        """Return a date in UTC and whole seconds. Raises Problem for fractions, as ConnectWise does."""
        if value in (None, ""):
            return None
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError as error:
            raise Problem(invalid(resource, "InvalidField", f"Unsupported format applied to {at}", at)) from error
        if moment.microsecond or "." in str(value):
            raise Problem(invalid(resource, "InvalidField", f"Unsupported format applied to {at}", at))
        return stamp(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)

    def soon(self, seconds: float) -> str:
        """Return a moment shortly after now."""
        return stamp(datetime.now(UTC) + timedelta(seconds=seconds))

    def _keep(self, entry: Record) -> None:
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as journal:
                journal.write(json.dumps(entry) + "\n")

    def _kept(self) -> list[Record]:
        """Read the journal. A line torn by a sudden end is dropped, in the file too."""
        if not self.path or not self.path.exists():
            return []
        entries, kept = [], []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                entries.append(json.loads(line))
            except ValueError:
                continue
            kept.append(line + "\n")
        if not entries or "seeded_at" not in entries[0]:
            kept, entries = [], []
        self.path.write_text("".join(kept), encoding="utf-8")
        return entries

    def _replay(self, entry: Record) -> None:
        for table in ("note", "ticket"):  # as journals of the first sandbox have it
            if row := entry.get(table):
                getattr(self.tables, f"{table}s")[row["id"]] = row
        if number := entry.get("deleted_note"):
            self.tables.notes.pop(number, None)
        if "put" in entry:
            getattr(self.tables, entry["put"])[entry["row"]["id"]] = entry["row"]
        if "drop" in entry:
            getattr(self.tables, entry["drop"]).pop(entry["id"], None)
