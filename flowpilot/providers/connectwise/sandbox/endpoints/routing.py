"""From a request to its endpoint, and what the endpoints share."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flowpilot.providers.connectwise.sandbox.listing import Query, listed, matching, projected
from flowpilot.providers.connectwise.sandbox.replies import Problem, Reply, no_endpoint, not_found, security
from flowpilot.providers.connectwise.sandbox.schema import Schema
from flowpilot.providers.connectwise.sandbox.store import Store
from flowpilot.providers.connectwise.sandbox.tables import Record

MODULES = {  # as /system/mySecurity names them
    "service_tickets": ("Service Desk", "Service Tickets"),
    "scheduling": ("Service Desk", "Resource Scheduling"),
    "time": ("Time & Expense", "Time Entry"),
    "companies": ("Companies", "Company Maintenance"),
    "contacts": ("Companies", "Contacts"),
    "configurations": ("Companies", "Configurations"),
    "members": ("System", "Member Maintenance"),
    "callbacks": ("System", "Table Setup"),
}
ALL_PERMISSIONS = frozenset(f"{module}:{level}" for module in MODULES for level in ("inquire", "add", "edit", "delete"))
ESCAPABLE = re.compile(r"([\\`*_{}\[\]()#+!|])")


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # below apis/3.0
    query: Query
    body: Any
    url: str
    is_forward_only: bool = False
    content_type: str = ""
    raw: str = ""

    def with_query(self, query: Query) -> "Request":
        """Return the same request asking for something else."""
        return replace(self, query=query)


Handler = Callable[["Endpoints", Request, list[int]], Reply]
Route = tuple[str, re.Pattern[str], Handler, str]


class Endpoints:
    """Answers requests from a store, to whoever holds the permissions."""

    def __init__(self, store: Store, routes: "list[Route]") -> None:
        self.store, self.routes = store, routes
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
        for method, pattern, handler, permission in self.routes:
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

    def gone(self) -> Reply:
        """Answer as a server that lacks the endpoint."""
        return no_endpoint(as_html=self.store.switches.html_for_unknown_endpoint)

    def ticket(self, number: int) -> Record:
        """Return a ticket of the store."""
        ticket = self.store.tables.tickets.get(number)
        if ticket is None or ticket["board"]["id"] in self.store.switches.hidden_boards:
            raise Problem(not_found("Service Ticket", number))
        return ticket

    def row(self, table: str, number: int, noun: str) -> Record:
        """Return a record of the store."""
        row = getattr(self.store.tables, table).get(number)
        if row is None:
            raise Problem(not_found(noun, number))
        return row

    def made(self, request: Request, row: Record, names: Schema, status: int = 201) -> Reply:
        """Answer with a record that was written."""
        return Reply(status, projected(row, request.query, names, self.store.switches))

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


def body_of(request: Request) -> Record:
    """Return what was sent, nothing when it is no record."""
    return request.body if isinstance(request.body, dict) else {}


def routes(*lines: tuple[str, str, Handler, str]) -> list[Route]:
    """Compile lines of method, path, handler and the permission that it needs."""
    return [
        (method, re.compile(path.replace("{id}", r"(\d{1,9})")), handler, permission)
        for method, path, handler, permission in lines
    ]
