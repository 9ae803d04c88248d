"""Tickets: made, changed, merged."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flowpilot.providers.connectwise.sandbox.replies import Problem, Reply, invalid
from flowpilot.providers.connectwise.sandbox.seed.tickets import SEVERITY, sla_text
from flowpilot.providers.connectwise.sandbox.store.schedule import Schedule
from flowpilot.providers.connectwise.sandbox.tables import (
    Record,
    info,
    member_reference,
    reference,
    stamp,
    status_reference,
)

LONGEST_SUMMARY = 100
DERIVED = frozenset(
    {"resources", "_info", "closedFlag", "closedDate", "closedBy", "id", "slaStatus", "resolutionGoalUTC", "isInSla"}
)
TEXTS = frozenset(
    {"summary", "contactName", "contactPhoneNumber", "contactEmailAddress", "externalXRef", "automaticEmailCc"}
)
_FLAGS = frozenset({"automaticEmailContactFlag", "automaticEmailResourceFlag", "automaticEmailCcFlag"})
_SENT_ONLY = ("initialDescription", "initialInternalAnalysis", "initialResolution")  # taken, never given back
_FLAG_OF = dict(zip(_SENT_ONLY, ("detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag"), strict=True))


class Tickets(Schedule):
    """A part of the store."""

    def create_ticket(self, body: Record) -> Record:
        """Open a ticket; what is left out is the board's default. Raises Problem. The same one twice makes two."""
        summary = self._text("summary", body.get("summary"))
        if not body.get("company"):
            raise Problem(invalid("ticket", "MissingRequiredField", "The company field is required.", "company"))
        company = self._found("companies", body["company"], "company")
        board = self._found("boards", body.get("board") or {"id": min(self.tables.boards)}, "board")
        status, now = self._first_status(board, body.get("status")), datetime.now(UTC)
        ticket: Record = {
            "id": self.next_id("tickets", 48_000),
            "summary": summary,
            "recordType": "ServiceTicket",
            "board": reference(board, "service/boards"),
            "status": status_reference(status),
            "company": reference(company, "company/companies"),
            "siteName": company["site"],
            "owner": None,
            "resources": None,
            "severity": body.get("severity") or "Medium",
            "impact": body.get("impact") or "Medium",
            "externalXRef": body.get("externalXRef"),
            "customerUpdatedFlag": False,
            "automaticEmailContactFlag": bool(body.get("automaticEmailContactFlag", True)),
            "automaticEmailResourceFlag": False,
            "automaticEmailCcFlag": False,
            "closedFlag": status["closedStatus"],
            "approved": True,
            "hasChildTicket": False,
            "hasMergedChildTicketFlag": False,
            "source": {"id": 6, "name": "API", "_info": {}},
            "sla": {"id": 3, "name": "Standard SLA", "_info": {}},
            "_configurations": [],
            "_info": info(now, self.api_member()["identifier"]),
        }
        self._add_contact(ticket, body.get("contact"))
        self._set_priority(ticket, "add", body.get("priority") or {"id": self._default_priority()})
        self._add_type(ticket, board, body)
        self._set_goal(ticket, status)
        self.put("tickets", ticket)
        self._add_first_notes(ticket, body)
        if body.get("owner"):
            self._set_owner(ticket, "add", body["owner"])
            self.put("tickets", ticket)
        if body.get("processNotifications", True) and ticket["automaticEmailContactFlag"]:
            self.mails.append({"to": ticket.get("contactEmailAddress"), "ticket": ticket["id"]})
        return ticket

    def patch_ticket(self, ticket: Record, operations: Any) -> Record:
        """Change a ticket. Raises Problem; some changes are answered with success and not made."""
        if not isinstance(operations, list) or not all(isinstance(each, dict) for each in operations):
            raise Problem(Reply(400, {"code": "InvalidObject", "message": "patch object is invalid", "errors": []}))
        if ticket["id"] in self.spoiled:
            message = "The field requiredDate must be between 1900 and 9999."
            raise Problem(invalid("ticket", "OutOfRange", message, "requiredDate"))
        changed = dict(ticket)
        for operation in operations:
            self._apply(changed, str(operation.get("op", "")), str(operation.get("path", "")), operation.get("value"))
        if self.switches.workflow_status and changed.get("owner") and not ticket.get("owner"):
            self._set_status(changed, "replace", {"name": self.switches.workflow_status})
        ticket |= changed
        self.touch(ticket)
        return ticket

    def merge_tickets(self, survivor: Record, body: Record) -> Reply:
        """Close tickets into another one. Raises Problem."""
        numbers, status = body.get("mergeTicketIds"), body.get("status")
        for name, value in (("mergeTicketIds", numbers), ("status", status)):
            if not value:
                raise Problem(invalid("ticketMerge", "MissingRequiredField", f"The {name} field is required.", name))
        for number in numbers if isinstance(numbers, list) else []:
            child = self.tables.tickets.get(number)
            if child is None:
                raise Problem(invalid("ticketMerge", "NotFound", f"ticket {number} not found", "mergeTicketIds"))
            self._set_status(child, "replace", status)
            child |= {"mergedParentTicket": {"id": survivor["id"], "summary": survivor["summary"], "_info": {}}}
            self.touch(child)
        survivor["hasMergedChildTicketFlag"] = True
        self.touch(survivor)
        return Reply(200, {"success": True, "message": "Tickets merged."})

    def attach_children(self, parent: Record, body: Record) -> Reply:
        """Put tickets under another one."""
        for number in body.get("childTicketIds") or []:
            if child := self.tables.tickets.get(number):
                child["parentTicketId"] = parent["id"]
                self.touch(child)
        parent["hasChildTicket"] = True
        self.touch(parent)
        return Reply(200, {"success": True, "message": "Children attached."})

    def _apply(self, ticket: Record, verb: str, path: str, value: Any) -> None:
        if verb not in ("add", "replace", "remove"):
            raise Problem(invalid("ticket", "InvalidField", f"op {verb} is not valid", "op"))
        setters: dict[str, Callable[[Record, str, Any], None]] = {
            "status": self._set_status,
            "owner": self._set_owner,
            "priority": self._set_priority,
            "board": self._set_board,
        }
        name, _, rest = path.removeprefix("/").partition("/")
        if rest and name in setters:
            if self.switches.ignores_sub_paths:
                return
            value = {rest: value}
        if name in DERIVED:
            return
        if name in TEXTS:
            ticket[name] = self._text(name, value if verb != "remove" else None)
        elif name in _FLAGS:
            ticket[name] = bool(value)
        elif name == "requiredDate":
            ticket[name] = self.moment(value, "ticket", name)
        elif name in setters:
            setters[name](ticket, verb, value)
        elif not self.switches.ignores_unknown_patch_paths:
            raise Problem(invalid("ticket", "InvalidField", f"path {path} is not valid", path))

    def _text(self, name: str, value: Any) -> Any:
        if name == "automaticEmailCc" and value and not value.endswith(";"):
            return f"{value};"
        if name != "summary":
            return value
        if not value:
            raise Problem(invalid("ticket", "MissingRequiredField", "The summary field is required.", "summary"))
        if len(value) > LONGEST_SUMMARY and not self.switches.truncates_long_summary:
            message = f"The field summary must be a string with a maximum length of {LONGEST_SUMMARY}."
            raise Problem(invalid("ticket", "StringLength", message, "summary"))
        return value[:LONGEST_SUMMARY]

    def _first_status(self, board: Record, wanted: Any) -> Record:
        own = self.tables.statuses_of(board["id"])
        if not wanted:
            return next(row for row in own if row["defaultFlag"])
        number = wanted.get("id") if isinstance(wanted, dict) else None
        found = next((row for row in own if row["id"] == number), None)
        if found is None:
            message = f"Service Status {number} not found for Service Board {board['id']}"
            raise Problem(invalid("ticket", "NotFound", message, "status/id"))
        return found

    def _add_contact(self, ticket: Record, value: Any) -> None:
        if not value:
            return
        contact = self._found("contacts", value, "contact")
        ticket |= {
            "contact": reference(contact, "company/contacts"),
            "contactName": f"{contact['firstName']} {contact['lastName']}",
            "contactPhoneNumber": contact["phone"],
            "contactEmailAddress": contact["email"],
        }

    def _add_type(self, ticket: Record, board: Record, body: Record) -> None:
        if body.get("type"):
            kind = self._found("board_types", body["type"], "type")
            if kind["board"]["id"] != board["id"]:
                message = f"Service Type {kind['id']} not found for Service Board {board['id']}"
                raise Problem(invalid("ticket", "NotFound", message, "type/id"))
        else:
            kind = next(row for row in self.tables.types_of(board["id"]) if row["defaultFlag"])
        ticket["type"] = {"id": kind["id"], "name": kind["name"], "_info": {}}
        if body.get("subType"):
            sub = self._found("sub_types", body["subType"], "subType")
            ticket["subType"] = {"id": sub["id"], "name": sub["name"], "_info": {}}

    def _add_first_notes(self, ticket: Record, body: Record) -> None:
        now, writer = datetime.now(UTC), self.api_member()
        for name, flag in _FLAG_OF.items():
            if not body.get(name):
                continue
            contact = ticket.get("contact") if flag == "detailDescriptionFlag" else None
            self.put(
                "notes",
                {
                    "id": self.next_id("notes", 600_001),
                    "ticketId": ticket["id"],
                    "text": body[name],
                    **{each: each == flag for each in _FLAG_OF.values()},
                    "issueFlag": flag == "detailDescriptionFlag",
                    "member": None if contact else member_reference(writer),
                    "contact": contact,
                    "dateCreated": stamp(now),
                    "createdBy": writer["identifier"],
                    "internalFlag": True,
                    "externalFlag": True,
                    "_info": info(now, writer["identifier"]),
                },
            )

    def _found(self, table: str, value: Any, noun: str) -> Record:
        number = value.get("id") if isinstance(value, dict) else None
        row = getattr(self.tables, table).get(number)
        if row is None:
            raise Problem(invalid("ticket", "NotFound", f"{noun} {number} not found", f"{noun}/id"))
        return row

    def _default_priority(self) -> int:
        return next(row["id"] for row in self.tables.priorities.values() if row["defaultFlag"])

    def _set_status(self, ticket: Record, verb: str, value: Any) -> None:
        own = self.tables.statuses_of(ticket["board"]["id"])
        wanted = value if isinstance(value, dict) else {}
        status = next(
            (row for row in own if any(row.get(key) == wanted[key] for key in ("id", "name") if key in wanted)), None
        )
        if status is None or status["inactive"]:
            return  # another board's status: success, and nothing happens
        was_closed = ticket["closedFlag"]
        ticket |= {"status": status_reference(status), "closedFlag": status["closedStatus"]}
        if status["closedStatus"] and not was_closed:
            ticket |= {"closedDate": stamp(datetime.now(UTC)), "closedBy": self.api_member()["identifier"]}
        elif not status["closedStatus"]:
            ticket |= {"closedDate": None, "closedBy": None}
        self._set_goal(ticket, status)

    def _set_goal(self, ticket: Record, status: Record) -> None:
        """Waiting stops the clock; working again starts it with what was left, or half a day."""
        if status["closedStatus"] or status["name"].startswith("Waiting"):
            due = None
        elif ticket.get("resolutionGoalUTC"):
            due = datetime.fromisoformat(ticket["resolutionGoalUTC"])
        else:
            due = datetime.now(UTC) + timedelta(hours=4)
        ticket |= {"resolutionGoalUTC": stamp(due) if due else None, "slaStatus": sla_text(status["name"], due)}

    def _set_board(self, ticket: Record, verb: str, value: Any) -> None:
        """Move to another board: what does not exist there becomes its default."""
        board = self._found("boards", value, "board")
        same = [row for row in self.tables.statuses_of(board["id"]) if row["name"] == ticket["status"]["name"]]
        ticket["board"] = reference(board, "service/boards")
        self._set_status(ticket, verb, {"id": (same or [self._first_status(board, None)])[0]["id"]})
        self._add_type(ticket, board, {})

    def _set_owner(self, ticket: Record, verb: str, value: Any) -> None:
        if verb == "remove" and self.switches.refuses_owner_removal:
            raise Problem(invalid("ticket", "InvalidField", "path owner is not valid", "owner"))
        if verb == "remove" or value is None:
            self._drop_owner(ticket)
            return
        member = self.member(value, "ticket", "owner")
        ticket["owner"] = member_reference(member)
        if self.switches.schedules_owners and not any(
            each["member"]["id"] == member["id"] for each in self.tables.entries_of(ticket["id"])
        ):
            self.schedule(ticket, member, {})
        among = [part for part in (ticket.get("resources") or "").split(", ") if part]
        if member["identifier"] not in among:
            ticket["resources"] = ", ".join([*among, member["identifier"]])

    def _drop_owner(self, ticket: Record) -> None:
        owner, ticket["owner"] = ticket.get("owner"), None
        if owner and self.switches.clearing_owner_unschedules:
            for entry in self.tables.entries_of(ticket["id"]):
                if entry["member"]["id"] == owner["id"]:
                    self.drop("entries", entry["id"])
            names = dict.fromkeys(each["member"]["identifier"] for each in self.tables.entries_of(ticket["id"]))
            ticket["resources"] = ", ".join(names) or None

    def _set_priority(self, ticket: Record, verb: str, value: Any) -> None:
        number = value.get("id") if isinstance(value, dict) else None
        priority = self.tables.priorities.get(number) if isinstance(number, int) else None
        if priority is None:
            raise Problem(invalid("ticket", "NotFound", f"priority {number} not found", "priority/id"))
        ticket["priority"] = {
            "id": priority["id"],
            "name": priority["name"],
            "sort": priority["sortOrder"],
            "_info": {},
        }
        ticket.setdefault("severity", SEVERITY[priority["sortOrder"]])
