"""What tickets can be filed under, who is on them, and the time that was charged to them."""

from datetime import datetime, timedelta

from flowpilot.providers.connectwise.sandbox.tables import Record, Tables, info, stamp

_SUB_TYPES = {
    "Email": ("Outlook", "Mailbox", "Delivery"),
    "Sign-in": ("Password", "MFA", "Locked account"),
    "Network": ("Switch", "Wi-Fi", "Internet line"),
    "VPN": ("Client", "Tunnel"),
    "Printing": ("Driver", "Queue"),
    "Hardware": ("Laptop", "Docking station"),
}
_WORK_TYPES = (
    (1, "Remote support", "Billable", True),
    (2, "On-site", "Billable", False),
    (3, "Internal", "DoNotBill", False),
    (4, "Goodwill", "NoCharge", False),
)


def add_types(tables: Tables) -> None:
    """Give every board the same types, with numbers of its own."""
    for board in tables.boards.values():
        key = board["id"] * 1000
        for place, name in enumerate(tables.types):
            number = board["id"] * 50 + place
            tables.board_types[number] = {
                "id": number,
                "name": name,
                "category": "Reactive",
                "defaultFlag": place == 0,
                "inactiveFlag": False,
                "board": {"id": board["id"], "name": board["name"]},
                "_info": {},
            }
            for sub in _SUB_TYPES.get(name, ()):
                key += 1
                tables.sub_types[key] = {
                    "id": key,
                    "name": sub,
                    "inactiveFlag": False,
                    "typeAssociationIds": [number],
                    "board": {"id": board["id"], "name": board["name"]},
                    "_info": {},
                }


def add_work_types(tables: Tables) -> None:
    """Add the kinds of work that time is charged as."""
    for number, name, billed, is_default in _WORK_TYPES:
        tables.work_types[number] = {
            "id": number,
            "name": name,
            "billTime": billed,
            "rateType": "Multiplier",
            "rate": 1.0,
            "inactiveFlag": False,
            "overallDefaultFlag": is_default,
            "_info": {},
        }


def add_schedule(tables: Tables) -> None:
    """Schedule everyone whom a ticket names."""
    for ticket in tables.tickets.values():
        for identifier in (ticket["resources"] or "").split(", "):
            member = tables.member_named(identifier)
            if member is None:
                continue
            number = 9001 + len(tables.entries)
            tables.entries[number] = {
                "id": number,
                "objectId": ticket["id"],
                "name": f"{ticket['company']['name']} / Ticket# {ticket['id']} - {ticket['summary']}",
                "member": {"id": member["id"], "identifier": identifier, "name": _name(member), "_info": {}},
                "status": {"id": 2, "name": "Firm", "_info": {}},
                "type": {"id": 4, "identifier": "S", "_info": {}},
                "doneFlag": False,
                "acknowledgedFlag": False,
                "ownerFlag": (ticket["owner"] or {}).get("id") == member["id"],
                "meetingFlag": False,
                "hours": 0.0,
                "_info": ticket["_info"],
            }


def add_times(tables: Tables) -> None:
    """Charge time for what people found and fixed."""
    for note in list(tables.notes.values()):
        member, ticket = note["member"], tables.tickets[note["ticketId"]]
        if member is None or not (note["resolutionFlag"] or note["internalAnalysisFlag"]):
            continue
        end = datetime.fromisoformat(note["dateCreated"])
        minutes = 15 * (1 + (note["id"] + ticket["id"]) % 5)
        number = 70001 + len(tables.times)
        tables.times[number] = {
            "id": number,
            "company": ticket["company"],
            "chargeToId": ticket["id"],
            "chargeToType": "ServiceTicket",
            "member": member,
            "workType": {"id": 1, "name": "Remote support", "_info": {}},
            "timeStart": stamp(end - timedelta(minutes=minutes)),
            "timeEnd": stamp(end),
            "actualHours": minutes / 60,
            "billableOption": "Billable",
            "notes": note["text"],
            "addToDetailDescriptionFlag": False,
            "addToInternalAnalysisFlag": False,
            "addToResolutionFlag": False,
            "status": "Billed" if ticket["closedFlag"] else "Open",
            "ticket": {"id": ticket["id"], "summary": ticket["summary"], "_info": {}},
            "enteredBy": member["identifier"],
            "_info": info(end, member["identifier"]),
        }


def _name(member: Record) -> str:
    return f"{member['firstName']} {member['lastName']}"
