"""Boards and their lists, priorities, members, kinds of work."""

from flowpilot.providers.connectwise.sandbox import schema
from flowpilot.providers.connectwise.sandbox.endpoints.routing import Endpoints, Request, routes
from flowpilot.providers.connectwise.sandbox.replies import Reply
from flowpilot.providers.connectwise.sandbox.tables import Record

_ASK, _MEMBERS, _TIME = "service_tickets:inquire", "members:inquire", "time:inquire"


def _boards(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    hidden = api.store.switches.hidden_boards
    return api.many(request, [row for row in api.store.tables.boards.values() if row["id"] not in hidden], schema.BOARD)


def _board(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.one(request, api.store.tables.boards.get(numbers[0]), "Service Board", numbers[0], schema.BOARD)


def _statuses(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    api.row("boards", numbers[0], "Service Board")
    return api.many(request, api.store.tables.statuses_of(numbers[0]), schema.STATUS)


def _status(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    own = {row["id"]: row for row in api.store.tables.statuses_of(numbers[0])}
    return api.one(request, own.get(numbers[1]), "Service Status", numbers[1], schema.STATUS)


def _types(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    api.row("boards", numbers[0], "Service Board")
    return api.many(request, api.store.tables.types_of(numbers[0]), schema.TYPE)


def _sub_types(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    api.row("boards", numbers[0], "Service Board")
    own = [row for row in api.store.tables.sub_types.values() if row["board"]["id"] == numbers[0]]
    return api.many(request, own, schema.SUB_TYPE)


def _no_statuses(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return Reply(200, [])  # without a board the list is empty, whatever there is


def _priorities(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.priorities.values()), schema.PRIORITY)


def _members(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.members.values()), schema.MEMBER)


def _members_info(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, [_light(row) for row in api.store.tables.members.values()], schema.MEMBER_INFO)


def _light(member: Record) -> Record:
    row = {key: value for key, value in member.items() if key in schema.MEMBER_INFO}
    full = f"{member['firstName']} {member['lastName']}"
    return row | {"fullName": full, "defaultEmail": member["officeEmail"], "_info": {}}


def _work_types(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.work_types.values()), schema.WORK_TYPE)


def _work_types_info(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    rows = [
        {
            "id": row["id"],
            "name": row["name"],
            "defaultFlag": row["overallDefaultFlag"],
            "inactiveFlag": False,
            "_info": {},
        }
        for row in api.store.tables.work_types.values()
    ]
    return api.many(request, rows, schema.WORK_TYPE_INFO)


ROUTES = routes(
    ("GET", "/service/boards", _boards, _ASK),
    ("GET", "/service/boards/count", _boards, _ASK),
    ("GET", "/service/boards/{id}", _board, _ASK),
    ("GET", "/service/info/boards", _boards, ""),
    ("GET", "/service/boards/{id}/statuses", _statuses, _ASK),
    ("GET", "/service/boards/{id}/statuses/count", _statuses, _ASK),
    ("GET", "/service/boards/{id}/statuses/{id}", _status, _ASK),
    ("GET", "/service/boards/{id}/types", _types, _ASK),
    ("GET", "/service/boards/{id}/subtypes", _sub_types, _ASK),
    ("GET", "/service/statuses", _no_statuses, _ASK),
    ("GET", "/service/priorities", _priorities, _ASK),
    ("GET", "/system/members", _members, _MEMBERS),
    ("GET", "/system/members/count", _members, _MEMBERS),
    ("GET", "/system/info/members", _members_info, ""),
    ("GET", "/time/workTypes", _work_types, _TIME),
    ("GET", "/time/workTypes/info", _work_types_info, ""),
)
