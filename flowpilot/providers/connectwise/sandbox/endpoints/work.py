"""The schedule, time, callbacks, documents, and the system itself."""

from flowpilot.providers.connectwise.sandbox import schema
from flowpilot.providers.connectwise.sandbox.endpoints.routing import MODULES, Endpoints, Request, body_of, routes
from flowpilot.providers.connectwise.sandbox.replies import Problem, Reply, invalid, security
from flowpilot.providers.connectwise.sandbox.tables import Record


def _entries(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.entries.values()), schema.ENTRY)


def _entry(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    row = api.store.tables.entries.get(numbers[0])
    return api.one(request, row, "Schedule Entry", numbers[0], schema.ENTRY)


def _add_entry(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.made(request, api.store.add_entry(body_of(request)), schema.ENTRY)


def _patch_entry(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    row = api.row("entries", numbers[0], "Schedule Entry")
    return api.made(request, api.store.patch_entry(row, request.body), schema.ENTRY, 200)


def _delete_entry(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    api.store.delete_entry(api.row("entries", numbers[0], "Schedule Entry"))
    return Reply(204)


def _times(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.times.values()), schema.TIME)


def _time(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.one(request, api.store.tables.times.get(numbers[0]), "Time Entry", numbers[0], schema.TIME)


def _add_time(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.made(request, api.store.add_time(body_of(request)), schema.TIME)


def _patch_time(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    row = api.row("times", numbers[0], "Time Entry")
    return api.made(request, api.store.patch_time(row, request.body), schema.TIME, 200)


def _delete_time(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    api.store.delete_time(api.row("times", numbers[0], "Time Entry"))
    return Reply(204)


def _callbacks(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.callbacks.values()), schema.CALLBACK)


def _add_callback(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.made(request, api.store.add_callback(body_of(request)), schema.CALLBACK)


def _delete_callback(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    api.row("callbacks", numbers[0], "Callback")
    api.store.drop("callbacks", numbers[0])
    return Reply(204)


def _info(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    body = {"version": "v2026.1.105333", "isCloud": True, "serverTimeZone": "GMT Standard Time", "cloudRegion": "EU"}
    return Reply(200, body)


def _rights(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    """What the role may, as the role's own page shows it."""
    if not api.store.switches.may_list_rights:
        raise Problem(security(api.store.switches.permission_status))
    rows: list[Record] = []
    for place, (module, (group, name)) in enumerate(MODULES.items()):
        levels = {
            f"{level}Level": "All" if f"{module}:{level}" in api.permissions else "None"
            for level in ("inquire", "add", "edit", "delete")
        }
        row = {"id": place + 1, "moduleName": group, "moduleFunctionName": name, "moduleFunctionDescription": name}
        rows.append(row | levels | {"_info": {}})
    return api.many(request, rows, schema.RIGHT)


def _add_document(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    """Documents come as a form; JSON is the wrong kind."""
    if not request.content_type.startswith("multipart/form-data"):
        return Reply(415, {"message": "The request entity's media type is not supported for this resource."})
    missing = [name for name in ("recordType", "recordId", "file") if f'name="{name}"' not in request.raw]
    if missing:
        raise Problem(invalid("document", "MissingRequiredField", f"The {missing[0]} field is required.", missing[0]))
    return Reply(201, {"id": 1, "title": "document", "_info": {}})


ROUTES = routes(
    ("GET", "/schedule/entries", _entries, "scheduling:inquire"),
    ("GET", "/schedule/entries/count", _entries, "scheduling:inquire"),
    ("POST", "/schedule/entries", _add_entry, "scheduling:add"),
    ("GET", "/schedule/entries/{id}", _entry, "scheduling:inquire"),
    ("PATCH", "/schedule/entries/{id}", _patch_entry, "scheduling:edit"),
    ("DELETE", "/schedule/entries/{id}", _delete_entry, "scheduling:delete"),
    ("GET", "/time/entries", _times, "time:inquire"),
    ("GET", "/time/entries/count", _times, "time:inquire"),
    ("POST", "/time/entries", _add_time, "time:add"),
    ("GET", "/time/entries/{id}", _time, "time:inquire"),
    ("PATCH", "/time/entries/{id}", _patch_time, "time:edit"),
    ("DELETE", "/time/entries/{id}", _delete_time, "time:delete"),
    ("GET", "/system/callbacks", _callbacks, "callbacks:inquire"),
    ("POST", "/system/callbacks", _add_callback, "callbacks:add"),
    ("DELETE", "/system/callbacks/{id}", _delete_callback, "callbacks:delete"),
    ("GET", "/system/info", _info, ""),
    ("GET", "/system/mySecurity", _rights, ""),
    ("POST", "/system/documents", _add_document, "service_tickets:edit"),
)
