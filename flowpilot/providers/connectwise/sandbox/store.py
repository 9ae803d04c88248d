"""What changes in the sandbox: notes, tickets. Every write is kept in a journal, if there is one."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flowpilot.providers.connectwise.sandbox.replies import Problem, Reply, invalid
from flowpilot.providers.connectwise.sandbox.seed import API_MEMBER, build
from flowpilot.providers.connectwise.sandbox.seed.tickets import sla_text
from flowpilot.providers.connectwise.sandbox.switches import Switches
from flowpilot.providers.connectwise.sandbox.tables import Record, info, member_reference, stamp, status_reference

LONGEST_SUMMARY = 100
_NOTE_WITHOUT_PLACE = invalid(
    "serviceNote",
    "ServiceNote",
    "Please choose where to display the notes in order to save this record.",
    "detailDescriptionFlag, internalAnalysisFlag, resolutionFlag",
)
FLAGS = ("detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag")
DERIVED = frozenset(
    {"resources", "_info", "closedFlag", "closedDate", "closedBy", "id", "slaStatus", "resolutionGoalUTC"}
)
TEXTS = frozenset({"summary", "contactName", "contactPhoneNumber", "contactEmailAddress", "externalXRef"})
REFERENCES = ("status", "owner", "priority")


class Store:
    """The MSP's records. `path` names the journal that brings back earlier writes."""

    def __init__(self, switches: Switches, path: Path | None = None, start: datetime | None = None) -> None:
        self.switches, self.path = switches, path
        self.mails: list[Record] = []
        self.spoiled: set[int] = set()  # tickets with an old bad value, which makes every PATCH fail
        entries = self._kept()
        begun = entries[0]["seeded_at"] if entries else None
        moment = datetime.fromisoformat(begun) if begun else (start or datetime.now(UTC))
        self.tables = build(moment)
        for entry in entries:
            self._replay(entry)
        if not entries:
            self._keep({"seeded_at": stamp(moment)})

    def add_note(self, ticket: Record, body: Record) -> Record:
        """Write a note. Raises Problem; sending the same one twice makes two."""
        if not any(body.get(flag) for flag in FLAGS):
            raise Problem(_NOTE_WITHOUT_PLACE)
        if not str(body.get("text") or "").strip():
            raise Problem(invalid("serviceNote", "MissingRequiredField", "The text field is required.", "text"))
        writer, now = self._writer(body), datetime.now(UTC)
        note: Record = {
            "id": max(self.tables.notes) + 1,
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
        self.tables.notes[note["id"]] = note
        self._mail(ticket, note, body)
        self._keep({"note": note})
        self._touch(ticket, now)
        return note

    def delete_note(self, note: Record) -> None:
        """Remove a note."""
        del self.tables.notes[note["id"]]
        self._keep({"deleted_note": note["id"]})

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
        ticket |= changed
        self._touch(ticket, datetime.now(UTC))
        return ticket

    def _apply(self, ticket: Record, verb: str, path: str, value: Any) -> None:
        if verb not in ("add", "replace", "remove"):
            raise Problem(invalid("ticket", "InvalidField", f"op {verb} is not valid", "op"))
        name, _, rest = path.removeprefix("/").partition("/")
        if rest and name in REFERENCES:
            if self.switches.ignores_sub_paths:
                return
            value = {rest: value}
        if name in DERIVED:
            return
        if name in TEXTS:
            ticket[name] = self._text(name, value if verb != "remove" else None)
        elif name in REFERENCES:
            setters: dict[str, Callable[[Record, str, Any], None]] = {
                "status": self._set_status,
                "owner": self._set_owner,
                "priority": self._set_priority,
            }
            setters[name](ticket, verb, value)
        elif not self.switches.ignores_unknown_patch_paths:
            raise Problem(invalid("ticket", "InvalidField", f"path {path} is not valid", path))

    def _text(self, name: str, value: Any) -> Any:
        if name != "summary":
            return value
        if not value:
            raise Problem(invalid("ticket", "MissingRequiredField", "The summary field is required.", "summary"))
        if len(value) > LONGEST_SUMMARY and not self.switches.truncates_long_summary:
            message = f"The field summary must be a string with a maximum length of {LONGEST_SUMMARY}."
            raise Problem(invalid("ticket", "StringLength", message, "summary"))
        return value[:LONGEST_SUMMARY]

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
            ticket |= {"closedDate": stamp(datetime.now(UTC)), "closedBy": API_MEMBER["identifier"]}
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

    def _set_owner(self, ticket: Record, verb: str, value: Any) -> None:
        if verb == "remove" and self.switches.refuses_owner_removal:
            raise Problem(invalid("ticket", "InvalidField", "path owner is not valid", "owner"))
        if verb == "remove" or value is None:
            ticket["owner"] = None
            return
        member = self._member(value, "ticket", "owner")
        ticket["owner"] = member_reference(member)
        among = [part for part in (ticket.get("resources") or "").split(", ") if part]
        if member["identifier"] not in among:
            ticket["resources"] = ", ".join([*among, member["identifier"]])

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

    def _writer(self, body: Record) -> Record:
        if body.get("member"):
            return self._member(body["member"], "serviceNote", "member")
        return self.tables.members[API_MEMBER["id"]]

    def _member(self, value: Any, resource: str, at: str) -> Record:
        key = value if isinstance(value, dict) else {}
        member = self.tables.members.get(key["id"]) if isinstance(key.get("id"), int) else None
        member = member or self.tables.member_named(str(key.get("identifier") or ""))
        if member is None:
            raise Problem(invalid(resource, "NotFound", f"member {key.get('id')} not found", f"{at}/id"))
        return member

    def _mail(self, ticket: Record, note: Record, body: Record) -> None:
        wants = body.get("processNotifications")
        is_wanted = self.switches.mails_by_default if wants is None else bool(wants)
        if is_wanted and ticket.get("automaticEmailContactFlag") and note["detailDescriptionFlag"]:
            self.mails.append({"to": ticket["contactEmailAddress"], "note": note["id"]})

    def _touch(self, ticket: Record, now: datetime) -> None:
        ticket["_info"] = ticket["_info"] | {"lastUpdated": stamp(now), "updatedBy": API_MEMBER["identifier"]}
        self._keep({"ticket": ticket})

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
        if note := entry.get("note"):
            self.tables.notes[note["id"]] = note
        if ticket := entry.get("ticket"):
            self.tables.tickets[ticket["id"]] = ticket
        if number := entry.get("deleted_note"):
            self.tables.notes.pop(number, None)
