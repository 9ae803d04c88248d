"""Summit IT Services, an invented MSP: its people, its clients, and what they ask for."""

import json
import random
import re
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from flowpilot.providers.connectwise.sandbox.seed.many import add_many
from flowpilot.providers.connectwise.sandbox.seed.tickets import add_ticket
from flowpilot.providers.connectwise.sandbox.seed.work import add_schedule, add_times, add_types, add_work_types
from flowpilot.providers.connectwise.sandbox.tables import Hanging, Record, Tables, reference

TICKETS, RANDOM_SEED = 150, 48213
API_MEMBER: Record = {
    "id": 190,
    "identifier": "flowpilot",
    "firstName": "FlowPilot",
    "lastName": "API",
    "licenseClass": "A",
}
LEFT_MEMBER: Record = {
    "id": 191,
    "identifier": "gwhitfield",
    "firstName": "G.",
    "lastName": "Whitfield",
    "licenseClass": "F",
}
_TITLES = ("Office manager", "Dispatcher", "Accountant", "Operations lead")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def build(start: datetime, more_tickets: int = 0) -> Tables:
    """Return the whole MSP as it stands at a moment, with more tickets where asked. The same moment gives the same MSP."""
    chance = random.Random(RANDOM_SEED)  # noqa: S311  (invented data)
    tables, people = Tables(), _load("people.json")
    _add_setup(tables, people)
    _add_companies(tables, people, chance)
    stories = _designed(start) + _varied(start, people, chance)
    for story in sorted(stories, key=lambda story: story["entered"]):
        add_ticket(tables, story, start, chance)
    _number_notes(tables)
    add_schedule(tables)
    add_times(tables)
    if more_tickets:
        add_many(tables, more_tickets, start)
    return tables


def _load(name: str) -> Any:
    return json.loads((files(__package__) / name).read_text(encoding="utf-8"))


def _add_setup(tables: Tables, people: Record) -> None:
    tables.types = people["types"]
    department = {"id": 10, "identifier": "Services", "name": "Services"}
    for number, name in people["boards"]:
        board = {"id": number, "name": name, "inactiveFlag": False, "projectFlag": False}
        tables.boards[number] = board | {"location": {"id": 2, "name": "Leeds"}, "department": department, "_info": {}}
        for place, (status, is_closed, is_inactive) in enumerate(people["statuses"]):
            tables.statuses[number * 100 + place + 1] = {
                "id": number * 100 + place + 1,
                "name": status,
                "board": {"id": number, "name": name},
                "sortOrder": place * 10,
                "displayOnBoard": not is_closed,
                "inactive": is_inactive,
                "closedStatus": is_closed,
                "timeEntryNotAllowed": status == ">Closed",
                "defaultFlag": status == "New",
                "_info": {},
            }
    add_types(tables)
    add_work_types(tables)
    for number, name, sort in people["priorities"]:
        tables.priorities[number] = {
            "id": number,
            "name": name,
            "color": ("Red", "Orange", "Blue", "Gray")[sort - 1],
            "sortOrder": sort,
            "defaultFlag": sort == 3,
            "_info": {},
        }
    staff = [
        {"id": number, "identifier": identifier, "firstName": first, "lastName": last, "licenseClass": "F"}
        for number, identifier, first, last in people["members"]
    ]
    for member in (*staff, API_MEMBER, LEFT_MEMBER):
        email = f"{member['firstName'][0]}.{member['lastName']}@summit-it.example".lower()
        tables.members[member["id"]] = member | {
            "primaryEmail": None if member is API_MEMBER else email,
            "officeEmail": None if member is API_MEMBER else email,
            "inactiveFlag": member is LEFT_MEMBER,
            "_info": {},
        }


def _add_companies(tables: Tables, people: Record, chance: random.Random) -> None:
    for company in people["companies"]:
        key = company["id"]
        tables.companies[key] = {**company, "contacts": None, "devices": None}
        for first, last in company["contacts"]:
            number = 1001 + len(tables.contacts)
            plain = re.sub(r"[^a-z]", "", last.lower().replace("ö", "o"))
            tables.contacts[number] = {
                "id": number,
                "firstName": first,
                "lastName": last,
                "title": _TITLES[len(tables.contacts) % len(_TITLES)],
                "email": f"{first[0].lower()}.{plain}@{company['domain']}",
                "phone": f"01632 960{number % 1000:03d}",
                "company": key,
            }
        for place, device in enumerate(people["devices"]):
            _add_configuration(tables, company, device, place, chance)


def _add_configuration(tables: Tables, company: Record, device: list[str], place: int, chance: random.Random) -> None:
    tail, kind, model, system, memory = device
    number = 2001 + len(tables.configurations)
    owner = company["contacts"][place] if place < len(company["contacts"]) - 1 else None
    name = f"{company['prefix']}-{tail}"
    tables.configurations[number] = {
        "id": number,
        "name": name,
        "deviceIdentifier": name,
        "type": {"id": 40 + place, "name": kind, "_info": {}},
        "status": {"id": 1, "name": "Active", "_info": {}},
        "company": reference(company, "company/companies"),
        "serialNumber": "".join(chance.choices("BCDFGHJKLMNPQRSTVWXZ0123456789", k=7)),
        "modelNumber": model,
        "ipAddress": f"{company['net']}.{20 + place * 11}",
        "macAddress": ":".join(f"{chance.randrange(256):02X}" for _ in range(6)),
        "osType": system or None,
        "ram": memory or None,
        "lastLoginName": f"{company['prefix']}\\{owner[0][0]}{owner[1]}".lower() if owner else None,
        "activeFlag": True,
        "_info": {},
    }


def _designed(start: datetime) -> list[Record]:
    """The tickets of the demo's story, told one by one."""
    stories = []
    for story in _load("design.json"):
        notes = [(_ago(start, age), kind, writer, text) for age, kind, writer, text in story["notes"]]
        due = start + _span(story["due"]) if story.get("due") else None
        stories.append(story | {"entered": _ago(start, story["age"]), "due_at": due, "told": notes})
    return stories


def _varied(start: datetime, people: Record, chance: random.Random) -> list[Record]:
    """The rest: every problem at two clients, in two people's words, over three months."""
    problems = _load("problems.json")
    told = [(problem, way) for way in (0, 1) for problem in chance.sample(problems, len(problems))]
    taken = {story["id"] for story in _load("design.json")}
    numbers = [number for number in range(48212, 48091, -6) if number not in taken]
    numbers += [number for number in range(48088, 40000, -19) if number not in taken]
    companies = [company["name"] for company in people["companies"]]
    staff = [identifier for _, identifier, _, _ in people["members"][:10]]
    stories = []
    for place, (problem, way) in enumerate(told[: TICKETS - len(taken)]):
        age = _age_of(numbers[place], chance)
        entered, story = start - age, problem | {"id": numbers[place], "summary": problem["summaries"][way]}
        story |= {"company": companies[(place * 5 + way * 3) % len(companies)], "entered": entered}
        stories.append(story | _course(problem, age, entered, staff, chance))
    return stories


def _course(problem: Record, age: timedelta, entered: datetime, staff: list[str], chance: random.Random) -> Record:
    """How far a ticket has come: old ones are solved, young ones are under way or not begun."""
    who, days = chance.choice(staff), age.days
    is_solved = chance.random() < (0.15 if days < 4 else 0.55 if days < 14 else 0.93)
    took = min(age * 0.8, timedelta(minutes=chance.choice((35, 90, 240, 600, 1500))))
    found = (entered + took * 0.5, "i", who, problem["found"])
    if is_solved:
        status = "Resolved" if days < 12 else ">Closed"
        return {
            "status": status,
            "who": who,
            "due_at": None,
            "told": [found, (entered + took, "r", who, problem["fixed"])],
        }
    status = chance.choice(
        ("New", "In progress", "In progress", "Waiting on customer", "Scheduled", "Waiting on vendor")
    )
    due = entered + age + timedelta(hours=chance.choice((5, 9, 20, 30, 52, 76)))
    if status == "New":
        return {"status": status, "who": "", "due_at": due, "told": []}
    told = [found]
    if status == "Waiting on customer":
        told.append(
            (entered + took, "d", who, "I have changed something; could you try again and tell me how it goes?")
        )
    return {"status": status, "who": who, "due_at": None if status.startswith("Waiting") else due, "told": told}


def _age_of(number: int, chance: random.Random) -> timedelta:
    """Tickets are numbered as they come: some twenty-six a day."""
    return timedelta(minutes=max(12, (48213 - number) * 55 + chance.randrange(40)))


def _number_notes(tables: Tables) -> None:
    """Give the notes their ids in the order they were written."""
    notes = sorted(tables.notes.values(), key=lambda note: (note["dateCreated"], note["id"]))
    tables.notes = Hanging("ticketId", {600001 + at: note | {"id": 600001 + at} for at, note in enumerate(notes)})


def _span(text: str) -> timedelta:
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


def _ago(start: datetime, age: str) -> datetime:
    return start - _span(age)
