"""Time entries."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flowpilot.providers.connectwise.sandbox.replies import Problem, invalid, security
from flowpilot.providers.connectwise.sandbox.store.records import Records
from flowpilot.providers.connectwise.sandbox.tables import Record, info, member_reference

CHARGED_TO = ("Company", "ServiceTicket", "ProjectTicket", "ChargeCode", "Activity")
_COPIED = {
    "addToDetailDescriptionFlag": "detailDescriptionFlag",
    "addToInternalAnalysisFlag": "internalAnalysisFlag",
    "addToResolutionFlag": "resolutionFlag",
}


class Times(Records):
    """A part of the store."""

    def add_time(self, body: Record) -> Record:
        """Charge time to a ticket. Raises Problem."""
        start = self.moment(body.get("timeStart"), "timeEntry", "timeStart")
        if start is None:
            raise Problem(invalid("timeEntry", "MissingRequiredField", "The timeStart field is required.", "timeStart"))
        if not body.get("member"):
            raise Problem(security(self.switches.permission_status))  # an API member has no time sheet
        end = self.moment(body.get("timeEnd"), "timeEntry", "timeEnd")
        hours = float(body.get("actualHours") or 0)
        begun = datetime.fromisoformat(start)
        if begun < datetime.now(UTC) - timedelta(days=self.switches.open_period_days):
            message = "There is no open time period for this date. Please check the report periods."
            raise Problem(invalid("timeEntry", "InvalidObject", message, "timeStart"))
        ticket = self._charged(body)
        member = self.member(body["member"], "timeEntry", "member")
        if end:
            whole = (datetime.fromisoformat(end) - begun).total_seconds() / 3600
            hours = round(whole - float(body.get("hoursDeduct") or 0), 2)
        entry = {
            "id": self.next_id("times", 70_001),
            "company": ticket["company"],
            "chargeToId": ticket["id"],
            "chargeToType": "ServiceTicket",
            "member": member_reference(member),
            "workType": self._work_type(body.get("workType")),
            "timeStart": start,
            "timeEnd": end,
            "hoursDeduct": body.get("hoursDeduct"),
            "actualHours": hours,
            "billableOption": body.get("billableOption") or "Billable",
            "notes": body.get("notes"),
            "internalNotes": body.get("internalNotes"),
            **{flag: bool(body.get(flag)) for flag in _COPIED},
            "status": "Open",
            "ticket": {"id": ticket["id"], "summary": ticket["summary"], "_info": {}},
            "enteredBy": self.api_member()["identifier"],
            "_info": info(datetime.now(UTC), self.api_member()["identifier"]),
        }
        self.put("times", entry)
        if body.get("emailContactFlag") and ticket.get("automaticEmailContactFlag"):
            self.mails.append({"to": ticket["contactEmailAddress"], "time": entry["id"]})
        self.touch(ticket)
        return entry

    def patch_time(self, entry: Record, operations: Any) -> Record:
        """Correct an entry; hours between a start and an end stay what they are."""
        self._require_open(entry)
        changed = dict(entry)
        for operation in operations if isinstance(operations, list) else []:
            name, value = str(operation.get("path", "")).strip("/"), operation.get("value")
            if name in ("notes", "internalNotes", "billableOption") or (
                name == "actualHours" and not (entry["timeStart"] and entry["timeEnd"])
            ):
                changed[name] = value
        return self.put("times", changed)

    def delete_time(self, entry: Record) -> None:
        """Take back an entry."""
        self._require_open(entry)
        self.drop("times", entry["id"])

    def time_note(self, entry: Record) -> Record | None:
        """Return an entry as allNotes shows it, or None when it was not to be shown on the ticket."""
        flags = {shown: bool(entry.get(flag)) for flag, shown in _COPIED.items()}
        if not (any(flags.values()) and entry.get("notes")):
            return None
        return {
            "id": entry["id"],
            "ticketId": entry["chargeToId"],
            "text": entry["notes"],
            **flags,
            "issueFlag": False,
            "member": entry["member"],
            "timeStart": entry["timeStart"],
            "timeEnd": entry["timeEnd"],
            "_info": entry["_info"],
            "noteType": "TimeEntryNote",
        }

    def _charged(self, body: Record) -> Record:
        if body.get("chargeToType") not in CHARGED_TO:
            raise Problem(invalid("timeEntry", "InvalidField", "chargeToType is not valid", "chargeToType"))
        number = body.get("chargeToId")
        ticket = self.tables.tickets.get(number) if isinstance(number, int) else None
        if ticket is None:
            raise Problem(invalid("timeEntry", "NotFound", f"Service Ticket {number} not found", "chargeToId"))
        status = self.tables.statuses[ticket["status"]["id"]]
        if status["timeEntryNotAllowed"]:
            message = f"Time entry is not allowed for tickets in status {status['name']}."
            raise Problem(invalid("timeEntry", "InvalidObject", message, "chargeToId"))
        return ticket

    def _work_type(self, value: Any) -> Record:
        rows = self.tables.work_types
        if not value:
            found = next(row for row in rows.values() if row["overallDefaultFlag"])
        else:
            number = value.get("id") if isinstance(value, dict) else None
            if number not in rows:
                raise Problem(invalid("timeEntry", "NotFound", f"workType {number} not found", "workType/id"))
            found = rows[number]
        return {"id": found["id"], "name": found["name"], "_info": {}}

    def _require_open(self, entry: Record) -> None:
        if entry["status"] != "Open":
            message = f"A time entry in status {entry['status']} cannot be changed."
            raise Problem(invalid("timeEntry", "InvalidObject", message, "status"))
