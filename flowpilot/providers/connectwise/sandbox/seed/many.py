"""As many tickets as a test of size wants, quickly: they share what they point at."""

import random
from datetime import datetime, timedelta

from flowpilot.providers.connectwise.sandbox.seed.tickets import SEVERITY, sla_text
from flowpilot.providers.connectwise.sandbox.tables import (
    Record,
    Tables,
    member_reference,
    reference,
    stamp,
    status_reference,
)

_WORDS = (
    "Outlook", "printer", "VPN", "password", "laptop", "Teams", "scanner", "backup", "monitor", "Wi-Fi", "mailbox", "licence",
)  # fmt: skip
_TROUBLE = ("will not start", "is slow", "asks again and again", "lost its settings", "shows an error", "is missing")
FIRST = 100_001


def add_many(tables: Tables, count: int, start: datetime) -> None:
    """Add tickets with numbers from FIRST; most of the older ones are closed."""
    chance = random.Random(count)  # noqa: S311  (invented data)
    boards = [reference(row, "service/boards") for row in tables.boards.values()]
    statuses = {
        board["id"]: [(status_reference(row), row["closedStatus"]) for row in tables.statuses_of(board["id"])[:7]]
        for board in boards
    }
    companies = {row["id"]: reference(row, "company/companies") for row in tables.companies.values()}
    contacts = list(tables.contacts.values())
    members = [member_reference(row) for row in tables.members.values() if row["licenseClass"] == "F"]
    priorities = [reference(row, "service/priorities", sort=row["sortOrder"]) for row in tables.priorities.values()]
    source, sla = {"id": 2, "name": "Email"}, {"id": 3, "name": "Standard SLA"}
    for place in range(count):
        number, entered = FIRST + place, start - timedelta(minutes=(count - place) * 3)
        contact, board = contacts[place % len(contacts)], boards[place % len(boards)]
        is_old = place < count * 0.95
        status, is_closed = statuses[board["id"]][5 + place % 2 if is_old and place % 20 else place % 5]
        owner = members[place % len(members)] if place % 7 else None
        priority = priorities[place % len(priorities)]
        due = None if is_closed else entered + timedelta(hours=8 + place % 90)
        ticket: Record = {
            "id": number,
            "summary": f"{_WORDS[place % 12]} {_TROUBLE[chance.randrange(6)]} ({number})",
            "recordType": "ServiceTicket",
            "board": board,
            "status": status,
            "company": companies[contact["company"]],
            "contact": {"id": contact["id"], "name": f"{contact['firstName']} {contact['lastName']}"},
            "owner": owner,
            "resources": owner["identifier"] if owner else None,
            "priority": priority,
            "source": source,
            "sla": sla,
            "severity": SEVERITY[priority["sort"]],
            "impact": SEVERITY[priority["sort"]],
            "closedFlag": is_closed,
            "resolutionGoalUTC": stamp(due) if due else None,
            "slaStatus": sla_text(status["name"], due),
            "_configurations": [2001 + place % len(tables.configurations)],
            "_info": {"lastUpdated": stamp(entered), "dateEntered": stamp(entered), "updatedBy": "EmailConnector"},
        }
        tables.tickets[number] = ticket
