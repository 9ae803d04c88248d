"""One ticket of the seed, with its notes."""

import random
from datetime import datetime, timedelta

from flowpilot.providers.connectwise.sandbox.tables import (
    Record,
    Tables,
    info,
    member_reference,
    reference,
    stamp,
    status_reference,
)

SEVERITY = {1: "High", 2: "High", 3: "Medium", 4: "Low"}


def add_ticket(tables: Tables, story: Record, start: datetime, chance: random.Random) -> None:
    """Add a ticket and what was written on it."""
    company = next(company for company in tables.companies.values() if company["name"] == story["company"])
    contact = _contact(tables, company, story, chance)
    device = f"{company['prefix']}-{story['device']}"
    configuration = next(row for row in tables.configurations.values() if row["name"] == device)
    ticket = _ticket(tables, story, company, contact) | {"_configurations": [configuration["id"]]}
    told = [(story["entered"], "contact", contact, story["ask"])]
    told += [(moment, kind, tables.member_named(who) or {}, text) for moment, kind, who, text in story["told"]]
    words = {"{d}": device, "{co}": company["name"], "{c}": contact["firstName"] + " " + contact["lastName"]}
    for place, (moment, kind, writer, text) in enumerate(told):
        for word, value in words.items():
            text = text.replace(word, value)
        number = story["id"] * 10 + place  # until all notes are numbered in the order they were written
        tables.notes[number] = _note(number, ticket, kind, writer, text, min(moment, start))
    last = min(told[-1][0], start)
    ticket["_info"] |= {"lastUpdated": stamp(last), "updatedBy": told[-1][2].get("identifier", "EmailConnector")}
    if ticket["closedFlag"]:
        ticket |= {"closedDate": stamp(last + timedelta(minutes=1)), "closedBy": ticket["_info"]["updatedBy"]}
    tables.tickets[ticket["id"]] = ticket


def _contact(tables: Tables, company: Record, story: Record, chance: random.Random) -> Record:
    contacts = [contact for contact in tables.contacts.values() if contact["company"] == company["id"]]
    named = [contact for contact in contacts if contact["lastName"] == story.get("contact")]
    return named[0] if named else chance.choice(contacts)


def _ticket(tables: Tables, story: Record, company: Record, contact: Record) -> Record:
    board = next(board for board in tables.boards.values() if board["name"] == story["board"])
    status = next(status for status in tables.statuses_of(board["id"]) if status["name"] == story["status"])
    priority = next(row for row in tables.priorities.values() if row["sortOrder"] == story["p"])
    members = [member for who in story["who"].split() if (member := tables.member_named(who))]
    due = story["due_at"]
    return {
        "id": story["id"],
        "summary": story["summary"],
        "recordType": "ServiceTicket",
        "board": reference(board, "service/boards"),
        "status": status_reference(status),
        "company": reference(company, "company/companies"),
        "siteName": company["site"],
        "city": company["city"],
        "contact": reference(contact, "company/contacts"),
        "contactName": f"{contact['firstName']} {contact['lastName']}",
        "contactPhoneNumber": contact["phone"],
        "contactEmailAddress": contact["email"],
        "type": {"id": board["id"] * 50 + tables.types.index(story["type"]), "name": story["type"], "_info": {}},
        "owner": member_reference(members[0]) if members else None,
        "priority": reference(priority, "service/priorities", sort=priority["sortOrder"]),
        "source": {
            "id": 4 if story["board"] == "Alerts" else 2,
            "name": "RMM" if story["board"] == "Alerts" else "Email",
        },
        "severity": SEVERITY[story["p"]],
        "impact": SEVERITY[story["p"]],
        "customerUpdatedFlag": False,
        "automaticEmailContactFlag": True,
        "automaticEmailResourceFlag": False,
        "automaticEmailCcFlag": False,
        "closedFlag": status["closedStatus"],
        "approved": True,
        "resources": ", ".join(member["identifier"] for member in members) or None,
        "resolutionGoalUTC": stamp(due) if due else None,
        "slaStatus": sla_text(status["name"], due),
        "isInSla": due is None or due > story["entered"],
        "hasChildTicket": False,
        "hasMergedChildTicketFlag": False,
        "sla": {"id": 3, "name": "Standard SLA", "_info": {}},
        "_info": info(story["entered"], "EmailConnector"),
    }


def sla_text(status: str, due: datetime | None) -> str:
    """Word the SLA as a list shows it."""
    if status in ("Resolved", ">Closed"):
        return "Resolved"
    return f"Resolve by {due:%a %m/%d %I:%M %p} UTC" if due else "Waiting"


def _note(number: int, ticket: Record, kind: str, writer: Record, text: str, moment: datetime) -> Record:
    by = writer.get("identifier", "EmailConnector")
    return {
        "id": number,
        "ticketId": ticket["id"],
        "text": text,
        "detailDescriptionFlag": kind in ("contact", "d"),
        "internalAnalysisFlag": kind == "i",
        "resolutionFlag": kind == "r",
        "issueFlag": kind == "contact",
        "member": member_reference(writer) if kind != "contact" else None,
        "contact": reference(writer, "company/contacts") if kind == "contact" else None,
        "dateCreated": stamp(moment),
        "createdBy": by,
        "internalFlag": True,
        "externalFlag": True,
        "_info": info(moment, by),
    }
