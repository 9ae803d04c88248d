"""Companies, contacts, and their devices."""

from flowpilot.providers.connectwise.sandbox import schema
from flowpilot.providers.connectwise.sandbox.endpoints.routing import Endpoints, Request, body_of, routes
from flowpilot.providers.connectwise.sandbox.replies import Problem, Reply, invalid, not_found
from flowpilot.providers.connectwise.sandbox.tables import Record, reference

_COMPANIES, _CONTACTS, _DEVICES = "companies:inquire", "contacts:inquire", "configurations:inquire"
_ASK, _EDIT = "service_tickets:inquire", "service_tickets:edit"


def _companies(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, [_company_row(row) for row in api.store.tables.companies.values()], schema.COMPANY)


def _company(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    row = api.store.tables.companies.get(numbers[0])
    if row is None:
        raise Problem(not_found("company", numbers[0]))
    return api.one(request, _company_row(row), "company", numbers[0], schema.COMPANY)


def _company_row(row: Record) -> Record:
    return {
        "id": row["id"],
        "identifier": row["identifier"],
        "name": row["name"],
        "city": row["city"],
        "phoneNumber": f"01632 960{row['id'] % 1000:03d}",
        "status": {"id": 1, "name": "Active", "_info": {}},
        "types": [{"id": 1, "name": "Client", "_info": {}}],
        "deletedFlag": False,
        "_info": {},
    }


def _contacts(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    rows = [_contact_row(api, row) for row in api.store.tables.contacts.values()]
    return api.many(request, rows, schema.CONTACT)


def _contact(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    row = api.store.tables.contacts.get(numbers[0])
    return api.one(request, _contact_row(api, row) if row else None, "Contact", numbers[0], schema.CONTACT)


def _contact_row(api: Endpoints, row: Record) -> Record:
    email = {
        "id": row["id"] * 10,
        "type": {"id": 1, "name": "Email", "_info": {}},
        "value": row["email"],
        "defaultFlag": True,
        "domain": "@" + row["email"].partition("@")[2],
        "communicationType": "Email",
    }
    phone = email | {
        "id": row["id"] * 10 + 1,
        "type": {"id": 2, "name": "Direct", "_info": {}},
        "value": row["phone"],
        "domain": None,
        "communicationType": "Phone",
    }
    custom: Record = {"id": 1, "caption": "Floor", "type": "Text", "entryMethod": "EntryField", "numberOfDecimals": 0}
    custom["value"] = schema.NULL if api.store.switches.sends_null_custom_values else None
    return {
        "id": row["id"],
        "firstName": row["firstName"],
        "lastName": row["lastName"],
        "title": row.get("title"),
        "company": reference(api.store.tables.companies[row["company"]], "company/companies"),
        "defaultPhoneNbr": row["phone"],
        "defaultFlag": row["id"] % 4 == 1,
        "inactiveFlag": False,
        "communicationItems": [email, phone],
        "types": [{"id": 46, "name": "Approver", "_info": {}}] if row["id"] % 4 == 1 else [],
        "customFields": [custom],
        "_info": {},
    }


def _configurations(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    return api.many(request, list(api.store.tables.configurations.values()), schema.CONFIGURATION)


def _configuration(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    row = api.store.tables.configurations.get(numbers[0])
    return api.one(request, row, "Configuration", numbers[0], schema.CONFIGURATION)


def _ticket_configurations(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    known = api.store.tables.configurations
    attached = [_device_reference(known[number]) for number in api.ticket(numbers[0])["_configurations"]]
    return api.many(request, attached, schema.CONFIGURATION)


def _attach(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    ticket, number = api.ticket(numbers[0]), body_of(request).get("id")
    row = api.store.tables.configurations.get(number) if isinstance(number, int) else None
    if row is None:
        raise Problem(invalid("configuration", "NotFound", f"Configuration {number} not found", "id"))
    ticket["_configurations"] = [*dict.fromkeys([*ticket["_configurations"], row["id"]])]
    api.store.touch(ticket)
    return Reply(201, _device_reference(row))


def _detach(api: Endpoints, request: Request, numbers: list[int]) -> Reply:
    ticket = api.ticket(numbers[0])
    if numbers[1] not in ticket["_configurations"]:
        raise Problem(not_found("Configuration", numbers[1]))
    ticket["_configurations"] = [each for each in ticket["_configurations"] if each != numbers[1]]
    api.store.touch(ticket)
    return Reply(204)


def _device_reference(row: Record) -> Record:
    return {"id": row["id"], "deviceIdentifier": row["deviceIdentifier"], "_info": {}}


ROUTES = routes(
    ("GET", "/company/companies", _companies, _COMPANIES),
    ("GET", "/company/companies/count", _companies, _COMPANIES),
    ("GET", "/company/companies/{id}", _company, _COMPANIES),
    ("GET", "/company/contacts", _contacts, _CONTACTS),
    ("GET", "/company/contacts/count", _contacts, _CONTACTS),
    ("GET", "/company/contacts/{id}", _contact, _CONTACTS),
    ("GET", "/company/configurations", _configurations, _DEVICES),
    ("GET", "/company/configurations/count", _configurations, _DEVICES),
    ("GET", "/company/configurations/{id}", _configuration, _DEVICES),
    ("GET", "/service/tickets/{id}/configurations", _ticket_configurations, _ASK),
    ("GET", "/service/tickets/{id}/configurations/count", _ticket_configurations, _ASK),
    ("POST", "/service/tickets/{id}/configurations", _attach, _EDIT),
    ("DELETE", "/service/tickets/{id}/configurations/{id}", _detach, _EDIT),
)
