"""The sandbox's endpoints: which paths there are, what they need, what they do."""

import re
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

    def list(self, request: Request, rows: list[Record], names: Schema) -> Reply:
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

    def read_back(self, note: Record) -> Record:
        """Return a note as it is sent: its text is Markdown by then."""
        text = note["text"]
        if self.store.switches.escapes_note_text:
            text = ESCAPABLE.sub(r"\\\1", text)
        if self.store.switches.joins_note_lines:
            text = re.sub(r"\s*\n\s*", " ", text)
        return note | {"text": text}


def system_info(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    body = {"version": "v2026.1.105333", "isCloud": True, "serverTimeZone": "GMT Standard Time", "cloudRegion": "EU"}
    return Reply(200, body)


def members(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.list(request, list(api.store.tables.members.values()), schema.MEMBER)


def members_info(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    rows = []
    for member in api.store.tables.members.values():
        row = {key: value for key, value in member.items() if key in schema.MEMBER_INFO}
        full = f"{member['firstName']} {member['lastName']}"
        rows.append(row | {"fullName": full, "defaultEmail": member["officeEmail"], "_info": {}})
    return api.list(request, rows, schema.MEMBER_INFO)


def boards(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.list(request, list(api.store.tables.boards.values()), schema.BOARD)


def board(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.one(request, api.store.tables.boards.get(numbers[0]), "Service Board", numbers[0], schema.BOARD)


def statuses(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    board(api, request, numbers)
    return api.list(request, api.store.tables.statuses_of(numbers[0]), schema.STATUS)


def status(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    own = {row["id"]: row for row in api.store.tables.statuses_of(numbers[0])}
    return api.one(request, own.get(numbers[1]), "Service Status", numbers[1], schema.STATUS)


def priorities(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.list(request, list(api.store.tables.priorities.values()), schema.PRIORITY)


def tickets(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.list(request, list(api.store.tables.tickets.values()), schema.TICKET)


def ticket(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.one(request, api.ticket(numbers[0]), "Service Ticket", numbers[0], schema.TICKET)


def patch_ticket(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    changed = api.store.patch_ticket(api.ticket(numbers[0]), request.body)
    return Reply(200, projected(changed, {}, schema.TICKET, api.store.switches))


def notes(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    rows = [api.read_back(note) for note in api.store.tables.notes_of(api.ticket(numbers[0])["id"])]
    return api.list(request, rows, schema.NOTE)


def note(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.one(request, api.read_back(api.note(*numbers)), "Service Note", numbers[1], schema.NOTE)


def add_note(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    body = request.body if isinstance(request.body, dict) else {}
    made = api.read_back(api.store.add_note(api.ticket(numbers[0]), body))
    return Reply(201, projected(made, request.query, schema.NOTE, api.store.switches))


def delete_note(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    api.store.delete_note(api.note(*numbers))
    return Reply(204)


def all_notes(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
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
    for row in map(api.read_back, api.store.tables.notes_of(of["id"])):
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
    return api.list(request, rows, schema.ALL_NOTE)


def ticket_configurations(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    known = api.store.tables.configurations
    attached = [known[number] for number in api.ticket(numbers[0])["_configurations"]]
    rows = [{"id": row["id"], "deviceIdentifier": row["deviceIdentifier"], "_info": {}} for row in attached]
    return api.list(request, rows, schema.CONFIGURATION_REFERENCE)


def configurations(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.list(request, list(api.store.tables.configurations.values()), schema.CONFIGURATION)


def configuration(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    row = api.store.tables.configurations.get(numbers[0])
    return api.one(request, row, "Configuration", numbers[0], schema.CONFIGURATION)


def _routes(*lines: tuple[str, str, Handler, str]) -> list[tuple[str, re.Pattern[str], Handler, str]]:
    return [
        (method, re.compile(path.replace("{id}", r"(\d{1,9})")), handler, permission)
        for method, path, handler, permission in lines
    ]


INQUIRE = f"{TICKETS}:inquire"
ROUTES = _routes(
    ("GET", "/system/info", system_info, ""),
    ("GET", "/system/members", members, f"{MEMBERS}:inquire"),
    ("GET", "/system/members/count", members, f"{MEMBERS}:inquire"),
    ("GET", "/system/info/members", members_info, ""),
    ("GET", "/service/boards", boards, INQUIRE),
    ("GET", "/service/boards/count", boards, INQUIRE),
    ("GET", "/service/boards/{id}", board, INQUIRE),
    ("GET", "/service/info/boards", boards, ""),
    ("GET", "/service/boards/{id}/statuses", statuses, INQUIRE),
    ("GET", "/service/boards/{id}/statuses/count", statuses, INQUIRE),
    ("GET", "/service/boards/{id}/statuses/{id}", status, INQUIRE),
    ("GET", "/service/priorities", priorities, INQUIRE),
    ("GET", "/service/tickets", tickets, INQUIRE),
    ("GET", "/service/tickets/count", tickets, INQUIRE),
    ("GET", "/service/tickets/{id}", ticket, INQUIRE),
    ("PATCH", "/service/tickets/{id}", patch_ticket, f"{TICKETS}:edit"),
    ("GET", "/service/tickets/{id}/notes", notes, INQUIRE),
    ("GET", "/service/tickets/{id}/notes/count", notes, INQUIRE),
    ("POST", "/service/tickets/{id}/notes", add_note, f"{TICKETS}:add"),
    ("GET", "/service/tickets/{id}/notes/{id}", note, INQUIRE),
    ("DELETE", "/service/tickets/{id}/notes/{id}", delete_note, f"{TICKETS}:delete"),
    ("GET", "/service/tickets/{id}/allNotes", all_notes, INQUIRE),
    ("GET", "/service/tickets/{id}/configurations", ticket_configurations, INQUIRE),
    ("GET", "/service/tickets/{id}/configurations/count", ticket_configurations, INQUIRE),
    ("GET", "/company/configurations", configurations, f"{CONFIGURATIONS}:inquire"),
    ("GET", "/company/configurations/count", configurations, f"{CONFIGURATIONS}:inquire"),
    ("GET", "/company/configurations/{id}", configuration, f"{CONFIGURATIONS}:inquire"),
)
