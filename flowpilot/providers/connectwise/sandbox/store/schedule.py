"""Who is on a ticket: the schedule, and the resources that follow from it."""

from datetime import UTC, datetime
from typing import Any

from flowpilot.providers.connectwise.sandbox.replies import Problem, invalid
from flowpilot.providers.connectwise.sandbox.store.records import Records
from flowpilot.providers.connectwise.sandbox.tables import Record, info, member_reference

SERVICE_TICKET = {"id": 4, "identifier": "S", "_info": {}}
_ACTIVITY = {"id": 1, "identifier": "C", "_info": {}}


class Schedule(Records):
    """A part of the store."""

    def add_entry(self, body: Record) -> Record:
        """Put a member on a ticket. Raises Problem; sending the same twice makes two entries."""
        number = body.get("objectId")
        kind = self._kind(body.get("type"))
        ticket = self.tables.tickets.get(number) if isinstance(number, int) else None
        if kind is _ACTIVITY or ticket is None:
            noun = "Activity" if kind is _ACTIVITY else "Service Ticket"
            raise Problem(invalid("schedule", "NotFound", f"{noun} {number} not found", "objectId"))
        member = self.member(body.get("member"), "schedule", "member")
        is_there = any(each["member"]["id"] == member["id"] for each in self.tables.entries_of(ticket["id"]))
        if is_there and self.switches.refuses_double_entries:
            raise Problem(invalid("schedule", "ObjectExists", "The member is already scheduled.", "member/id"))
        entry = self.schedule(ticket, member, body)
        self.tell_resources(ticket)
        return entry

    def schedule(self, ticket: Record, member: Record, body: Record) -> Record:
        """Write an entry for a member; the server names it itself."""
        now = datetime.now(UTC)
        entry = {
            "id": self.next_id("entries", 9_001),
            "objectId": ticket["id"],
            "name": f"{ticket['company']['name']} / Ticket# {ticket['id']} - {ticket['summary']}"[:250],
            "member": member_reference(member),
            "dateStart": self.moment(body.get("dateStart"), "schedule", "dateStart"),
            "dateEnd": self.moment(body.get("dateEnd"), "schedule", "dateEnd"),
            "status": {"id": 2, "name": "Firm", "_info": {}},
            "type": SERVICE_TICKET,
            "doneFlag": bool(body.get("doneFlag")),
            "acknowledgedFlag": False,
            "ownerFlag": (ticket.get("owner") or {}).get("id") == member["id"],
            "meetingFlag": False,
            "hours": float(body.get("hours") or 0),
            "_info": info(now, self.api_member()["identifier"]),
        }
        return self.put("entries", entry)

    def delete_entry(self, entry: Record) -> None:
        """Take an entry off the schedule."""
        self.drop("entries", entry["id"])
        self.tell_resources(self.tables.tickets[entry["objectId"]])

    def patch_entry(self, entry: Record, operations: Any) -> Record:
        """Mark an entry as done, or not."""
        for operation in operations if isinstance(operations, list) else []:
            if str(operation.get("path", "")).strip("/") == "doneFlag":
                entry = entry | {"doneFlag": bool(operation.get("value"))}
        return self.put("entries", entry)

    def tell_resources(self, ticket: Record) -> None:
        """Write down on the ticket whoever has an entry there, or owns it."""
        names = dict.fromkeys(each["member"]["identifier"] for each in self.tables.entries_of(ticket["id"]))
        if ticket.get("owner"):
            names = {ticket["owner"]["identifier"]: None} | names
        before, ticket["resources"] = ticket.get("resources"), ", ".join(names) or None
        if self.switches.resources_lag:
            ticket["_resources_before"] = before
            ticket["_resources_at"] = datetime.now(UTC).timestamp() + self.switches.resources_lag
        self.touch(ticket)

    def _kind(self, value: Any) -> Record:
        given = value if isinstance(value, dict) else {}
        if given.get("id") == 4 or given.get("identifier") == "S":
            return SERVICE_TICKET
        if given.get("id") == 1 or given.get("identifier") == "C":
            return _ACTIVITY
        raise Problem(invalid("schedule", "MissingRequiredField", "The type field is required.", "type"))
