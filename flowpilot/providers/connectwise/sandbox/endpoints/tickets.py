"""Tickets and their notes."""

import time

from flowpilot.providers.connectwise.sandbox import schema
from flowpilot.providers.connectwise.sandbox.endpoints.routing import Endpoints, Request, body_of, routes
from flowpilot.providers.connectwise.sandbox.listing import projected
from flowpilot.providers.connectwise.sandbox.replies import Reply
from flowpilot.providers.connectwise.sandbox.tables import Record

_ASK, _ADD, _EDIT, _DELETE = (f"service_tickets:{level}" for level in ("inquire", "add", "edit", "delete"))
_IN_ALL_NOTES = (
    "id",
    "text",
    "detailDescriptionFlag",
    "internalAnalysisFlag",
    "resolutionFlag",
    "issueFlag",
    "member",
    "contact",
    "timeStart",
    "timeEnd",
)


def _tickets(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    hidden = api.store.switches.hidden_boards
    rows = list(map(_shown(api), api.store.tables.tickets.values()))
    return api.many(
        request, [row for row in rows if row["board"]["id"] not in hidden] if hidden else rows, schema.TICKET
    )


def _search(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    """The same as a list, with the conditions in the body: written in lower case there."""
    sent = body_of(request)
    spelled = {"conditions": "conditions", "orderBy": "orderBy", "childconditions": "childConditions"}
    query = request.query | {spelled[name]: str(sent[name]) for name in spelled if sent.get(name)}
    return _tickets(api, request.with_query(query), numbers)


def _ticket(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.one(request, _shown(api)(api.ticket(numbers[0])), "Service Ticket", numbers[0], schema.TICKET)


def _create(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.made(request, api.store.create_ticket(body_of(request)), schema.TICKET)


def _patch(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    changed = api.store.patch_ticket(api.ticket(numbers[0]), request.body)
    return Reply(200, projected(changed, {}, schema.TICKET, api.store.switches))


def _merge(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.store.merge_tickets(api.ticket(numbers[0]), body_of(request))


def _attach_children(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.store.attach_children(api.ticket(numbers[0]), body_of(request))


def _notes(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, [api.read_back(note) for note in api.visible_notes(numbers[0])], schema.NOTE)


def _note(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.one(request, api.read_back(api.note(*numbers)), "Service Note", numbers[1], schema.NOTE)


def _add_note(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    made = api.store.add_note(api.ticket(numbers[0]), body_of(request))
    return api.made(request, api.read_back(made), schema.NOTE)


def _delete_note(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    api.store.delete_note(api.note(*numbers))
    return Reply(204)


def _all_notes(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    """Notes, time entries that show on the ticket, and the notes of its children."""
    if not api.store.switches.has_all_notes:
        return api.gone()
    of = api.ticket(numbers[0])
    family = [of["id"], *api.store.tables.children_of(of["id"])]
    rows = [note for number in family for note in api.visible_notes(number)]
    charged = [api.store.time_note(entry) for number in family for entry in api.store.tables.times_of(number)]
    rows += [note for note in charged if note]
    return api.many(request, [_in_all_notes(api, of, api.read_back(row)) for row in rows], schema.ALL_NOTE)


def _in_all_notes(api: Endpoints, of: Record, row: Record) -> Record:
    writer = row.get("member") or row.get("contact") or {}
    return {key: row.get(key) for key in _IN_ALL_NOTES} | {
        "noteType": row.get("noteType", "TicketNote"),
        "ticket": {"id": row["ticketId"], "summary": of["summary"], "_info": {}},
        "isMarkdownFlag": api.store.switches.escapes_note_text,
        "bundledFlag": False,
        "mergedFlag": False,
        "originalAuthor": writer.get("name"),
        "createdByParentFlag": row["ticketId"] != of["id"],
        # allNotes has no dateCreated, and its _info holds the last change only
        "_info": {key: row["_info"].get(key) for key in ("lastUpdated", "updatedBy")},
    }


def _shown(api: Endpoints):
    """Return how a ticket is shown now: its resources may lag behind, its custom values be null."""
    switches = api.store.switches
    if not (switches.resources_lag or switches.sends_null_custom_values):
        return lambda row: row

    def shown(row: Record) -> Record:
        if row.get("_resources_at", 0.0) > time.time():
            row = row | {"resources": row.get("_resources_before")}
        return row

    return shown


def _activities(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    api.ticket(numbers[0])
    return api.many(request, [], schema.REFERENCE)


ROUTES = routes(
    ("GET", "/service/tickets", _tickets, _ASK),
    ("POST", "/service/tickets", _create, _ADD),
    ("GET", "/service/tickets/count", _tickets, _ASK),
    ("POST", "/service/tickets/search", _search, _ASK),
    ("GET", "/service/tickets/{id}", _ticket, _ASK),
    ("PATCH", "/service/tickets/{id}", _patch, _EDIT),
    ("POST", "/service/tickets/{id}/merge", _merge, _EDIT),
    ("POST", "/service/tickets/{id}/attachChildren", _attach_children, _EDIT),
    ("GET", "/service/tickets/{id}/notes", _notes, _ASK),
    ("GET", "/service/tickets/{id}/notes/count", _notes, _ASK),
    ("POST", "/service/tickets/{id}/notes", _add_note, _ADD),
    ("GET", "/service/tickets/{id}/notes/{id}", _note, _ASK),
    ("DELETE", "/service/tickets/{id}/notes/{id}", _delete_note, _DELETE),
    ("GET", "/service/tickets/{id}/allNotes", _all_notes, _ASK),
    ("GET", "/service/tickets/{id}/activities", _activities, _ASK),
)
