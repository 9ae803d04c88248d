"""The sandbox's endpoints: which paths there are, what they need, what they do."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flowpilot.providers.connectwise.sandbox import schema
from flowpilot.providers.connectwise.sandbox.listing import Query, listed, matching, projected
from flowpilot.providers.connectwise.sandbox.replies import Problem, Reply, no_endpoint, not_found, security
from flowpilot.providers.connectwise.sandbox.schema import Schema
from flowpilot.providers.connectwise.sandbox.store import Store
from flowpilot.providers.connectwise.sandbox.tables import Record

TICKETS, CONFIGURATIONS, MEMBERS = "service_tickets", "configurations", "members"
ALL_PERMISSIONS = frozenset(
    {f"{TICKETS}:{level}" for level in ("inquire", "add", "edit", "delete")}
    | {f"{CONFIGURATIONS}:inquire", f"{MEMBERS}:inquire"}
)
ESCAPABLE = re.compile(r"([\\`*_{}\[\]()#+!|])")


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # below apis/3.0
    query: Query
    body: Any
    url: str
    is_forward_only: bool = False


Handler = Callable[["Endpoints", Request, list[int]], Reply]


class Endpoints:
    """Answers requests from a store, to whoever holds the permissions."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.permissions = set(ALL_PERMISSIONS)

    def answer(self, request: Request) -> Reply:
        """Return the answer, whatever it is."""
        try:
            handler, numbers, permission = self._route(request)
            if permission and permission not in self.permissions:
                return security(self.store.switches.permission_status)
            return handler(self, request, numbers)
        except Problem as problem:
            return problem.reply

    def _route(self, request: Request) -> tuple[Handler, list[int], str]:
        is_known = False
        for method, pattern, handler, permission in ROUTES:
            found = pattern.fullmatch(request.path)
            if found is None:
                continue
            is_known = True
            if method == request.method:
                return handler, [int(number) for number in found.groups()], permission
        if is_known:
            raise Problem(Reply(405, {"message": "The requested resource does not support this http method."}))
        raise Problem(no_endpoint(as_html=self.store.switches.html_for_unknown_endpoint))

    def many(self, request: Request, rows: list[Record], names: Schema) -> Reply:
        """Answer with a page of rows, or with their number."""
        if request.path.endswith("/count"):
            return Reply(200, {"count": len(matching(rows, request.query, names, self.store.switches))})
        return listed(rows, request.query, names, self.store.switches, url=request.url, forward=request.is_forward_only)

    def one(self, request: Request, row: Record | None, noun: str, number: int, names: Schema) -> Reply:
        """Answer with a record."""
        if row is None:
            raise Problem(not_found(noun, number))
        return Reply(200, projected(row, request.query, names, self.store.switches))

    def ticket(self, number: int) -> Record:
        """Return a ticket of the store."""
        ticket = self.store.tables.tickets.get(number)
        if ticket is None:
            raise Problem(not_found("Service Ticket", number))
        return ticket

    def note(self, ticket: int, number: int) -> Record:
        """Return a note of a ticket of the store."""
        note = self.store.tables.notes.get(number)
        if note is None or note["ticketId"] != self.ticket(ticket)["id"]:
            raise Problem(not_found("Service Note", number))
        return note

    def visible_notes(self, ticket: int) -> list[Record]:
        """Return a ticket's notes; a new one shows in lists only after the lag."""
        known = self.store.tables.notes_of(self.ticket(ticket)["id"])
        return [note for note in known if note.get("_visible_at", 0.0) <= time.time()]

    def read_back(self, note: Record) -> Record:
        """Return a note as it is sent: its text is Markdown by then."""
        text = note["text"]
        if self.store.switches.escapes_note_text:
            text = ESCAPABLE.sub(r"\\\1", text)
        if self.store.switches.joins_note_lines:
            text = re.sub(r"\s*\n\s*", " ", text)
        return note | {"text": text}


def _system_info(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    body = {"version": "v2026.1.105333", "isCloud": True, "serverTimeZone": "GMT Standard Time", "cloudRegion": "EU"}
    return Reply(200, body)


def _members(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.members.values()), schema.MEMBER)


def _members_info(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    rows = []
    for member in api.store.tables.members.values():
        row = {key: value for key, value in member.items() if key in schema.MEMBER_INFO}
        full = f"{member['firstName']} {member['lastName']}"
        rows.append(row | {"fullName": full, "defaultEmail": member["officeEmail"], "_info": {}})
    return api.many(request, rows, schema.MEMBER_INFO)


def _boards(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.boards.values()), schema.BOARD)


def _board(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.one(request, api.store.tables.boards.get(numbers[0]), "Service Board", numbers[0], schema.BOARD)


def _statuses(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    _board(api, request, numbers)
    return api.many(request, api.store.tables.statuses_of(numbers[0]), schema.STATUS)


def _status(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    own = {row["id"]: row for row in api.store.tables.statuses_of(numbers[0])}
    return api.one(request, own.get(numbers[1]), "Service Status", numbers[1], schema.STATUS)


def _priorities(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.priorities.values()), schema.PRIORITY)


def _tickets(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.tickets.values()), schema.TICKET)


def _ticket(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.one(request, api.ticket(numbers[0]), "Service Ticket", numbers[0], schema.TICKET)


def _patch_ticket(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    changed = api.store.patch_ticket(api.ticket(numbers[0]), request.body)
    return Reply(200, projected(changed, {}, schema.TICKET, api.store.switches))


def _notes(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    rows = [api.read_back(note) for note in api.visible_notes(numbers[0])]
    return api.many(request, rows, schema.NOTE)


def _note(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.one(request, api.read_back(api.note(*numbers)), "Service Note", numbers[1], schema.NOTE)


def _add_note(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    body = request.body if isinstance(request.body, dict) else {}
    made = api.read_back(api.store.add_note(api.ticket(numbers[0]), body))
    return Reply(201, projected(made, request.query, schema.NOTE, api.store.switches))


def _delete_note(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    api.store.delete_note(api.note(*numbers))
    return Reply(204)


def _all_notes(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    if not api.store.switches.has_all_notes:
        raise Problem(no_endpoint(as_html=api.store.switches.html_for_unknown_endpoint))
    of = api.ticket(numbers[0])
    kept = (
        "id",
        "text",
        "detailDescriptionFlag",
        "internalAnalysisFlag",
        "resolutionFlag",
        "issueFlag",
        "member",
        "contact",
    )
    rows = []
    for row in map(api.read_back, api.visible_notes(of["id"])):
        writer = row.get("member") or row.get("contact") or {}
        rows.append(
            {key: row.get(key) for key in kept}
            | {
                "noteType": "TicketNote",
                "ticket": {"id": of["id"], "summary": of["summary"], "_info": {}},
                "isMarkdownFlag": api.store.switches.escapes_note_text,
                "bundledFlag": False,
                "mergedFlag": False,
                "originalAuthor": writer.get("name"),
                "createdByParentFlag": False,
                # allNotes has no dateCreated, and its _info holds the last change only
                "_info": {key: row["_info"][key] for key in ("lastUpdated", "updatedBy")},
            }
        )
    return api.many(request, rows, schema.ALL_NOTE)


def _ticket_configurations(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    known = api.store.tables.configurations
    attached = [known[number] for number in api.ticket(numbers[0])["_configurations"]]
    rows = [{"id": row["id"], "deviceIdentifier": row["deviceIdentifier"], "_info": {}} for row in attached]
    return api.many(request, rows, schema.CONFIGURATION)


def _configurations(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.configurations.values()), schema.CONFIGURATION)


def _configuration(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    row = api.store.tables.configurations.get(numbers[0])
    return api.one(request, row, "Configuration", numbers[0], schema.CONFIGURATION)


def _routes(*lines: tuple[str, str, Handler, str]) -> list[tuple[str, re.Pattern[str], Handler, str]]:
    return [
        (method, re.compile(path.replace("{id}", r"(\d{1,9})")), handler, permission)
        for method, path, handler, permission in lines
    ]


INQUIRE = f"{TICKETS}:inquire"
ROUTES = _routes(
    ("GET", "/system/info", _system_info, ""),
    ("GET", "/system/members", _members, f"{MEMBERS}:inquire"),
    ("GET", "/system/members/count", _members, f"{MEMBERS}:inquire"),
    ("GET", "/system/info/members", _members_info, ""),
    ("GET", "/service/boards", _boards, INQUIRE),
    ("GET", "/service/boards/count", _boards, INQUIRE),
    ("GET", "/service/boards/{id}", _board, INQUIRE),
    ("GET", "/service/info/boards", _boards, ""),
    ("GET", "/service/boards/{id}/statuses", _statuses, INQUIRE),
    ("GET", "/service/boards/{id}/statuses/count", _statuses, INQUIRE),
    ("GET", "/service/boards/{id}/statuses/{id}", _status, INQUIRE),
    ("GET", "/service/priorities", _priorities, INQUIRE),
    ("GET", "/service/tickets", _tickets, INQUIRE),
    ("GET", "/service/tickets/count", _tickets, INQUIRE),
    ("GET", "/service/tickets/{id}", _ticket, INQUIRE),
    ("PATCH", "/service/tickets/{id}", _patch_ticket, f"{TICKETS}:edit"),
    ("GET", "/service/tickets/{id}/notes", _notes, INQUIRE),
    ("GET", "/service/tickets/{id}/notes/count", _notes, INQUIRE),
    ("POST", "/service/tickets/{id}/notes", _add_note, f"{TICKETS}:add"),
    ("GET", "/service/tickets/{id}/notes/{id}", _note, INQUIRE),
    ("DELETE", "/service/tickets/{id}/notes/{id}", _delete_note, f"{TICKETS}:delete"),
    ("GET", "/service/tickets/{id}/allNotes", _all_notes, INQUIRE),
    ("GET", "/service/tickets/{id}/configurations", _ticket_configurations, INQUIRE),
    ("GET", "/service/tickets/{id}/configurations/count", _ticket_configurations, INQUIRE),
    ("GET", "/company/configurations", _configurations, f"{CONFIGURATIONS}:inquire"),
    ("GET", "/company/configurations/count", _configurations, f"{CONFIGURATIONS}:inquire"),
    ("GET", "/company/configurations/{id}", _configuration, f"{CONFIGURATIONS}:inquire"),
)
