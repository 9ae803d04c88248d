"""Who works on a ticket: its owner and those beside the owner, and the rules by which people come and go.

A ticket's `resources` only tell; nothing is changed by writing them. The owner stands on the ticket, everybody else on the schedule.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.errors import NotPermitted, Uncertain
from flowpilot.providers.connectwise.models import MemberData, ScheduleEntryData, TicketData
from psa.queries import connectwise_of


@dataclass(frozen=True)
class Resource:
    """One person on a ticket, however often they are scheduled."""

    name: str
    identifier: str = ""
    member_id: int | None = None  # unknown where the schedule may not be read
    is_owner: bool = False
    entry_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Resources:
    """Everybody on a ticket, the owner first. `missing` names the permission without which it may not be all."""

    people: list[Resource] = field(default_factory=list)
    missing: str = ""

    @property
    def owner(self) -> Resource | None:
        """Who owns it, or None."""
        return next((each for each in self.people if each.is_owner), None)

    def of(self, member_id: int) -> Resource | None:
        """Return a member's place, or None."""
        return next((each for each in self.people if each.member_id == member_id), None)


def resources(account_id: UUID, ticket_id: int) -> Resources:
    """Return who works on a ticket. Raises NotFound, Refused or Unavailable for the ticket itself."""
    return _read(connectwise_of(account_id), ticket_id)


def assign(account_id: UUID, ticket_id: int, member: MemberData) -> Resources:
    """Put a member on a ticket, and return who is on it now.

    Without an owner the member becomes it; beside one, the member is scheduled; whoever is on it already stays as they are.
    Raises NotFound, Refused (naming the permission) or Unavailable; Uncertain when nobody knows whether it was done.
    """
    client = connectwise_of(account_id)
    now = _read(client, ticket_id)
    if now.owner is None:
        return _after(client, ticket_id, lambda: client.set_owner(ticket_id, member.id))
    if _is_on(now, member):
        return now
    return _after(
        client,
        ticket_id,
        lambda: client.create_schedule_entry(ticket_id, member.id),
        is_done=lambda there: _is_on(there, member),
    )


def unassign(account_id: UUID, ticket_id: int, member_id: int) -> Resources:
    """Take a member off a ticket, and return who is on it now.

    An owner stops being it and keeps a place on the schedule, if there is one; anybody else leaves the schedule.
    Raises NotFound, Refused (naming the permission) or Unavailable; Uncertain when nobody knows whether it was done.
    """
    client = connectwise_of(account_id)
    now = _read(client, ticket_id)
    place = now.of(member_id)
    if place is None:
        return now
    if place.is_owner:
        return _after(client, ticket_id, lambda: client.clear_owner(ticket_id))
    return _after(client, ticket_id, lambda: _leave(client, place), is_done=lambda there: there.of(member_id) is None)


def merged(ticket: TicketData, entries: Iterable[ScheduleEntryData], missing: str = "") -> Resources:
    """Return one row a member from a ticket's owner and its schedule; from its `resources` where that may not be read."""
    people: dict[str, Resource] = {}
    if ticket.owner:
        owner = ticket.owner
        people[str(owner.id)] = Resource(owner.name, owner.identifier, owner.id, is_owner=True)
    for entry in sorted(entries, key=lambda entry: entry.id):
        if entry.member is None:
            continue
        there, who = people.get(str(entry.member.id)), entry.member
        ids = (*(there.entry_ids if there else ()), entry.id)
        people[str(who.id)] = Resource(
            name=there.name if there else who.name,
            identifier=who.identifier,
            member_id=who.id,
            is_owner=bool(there and there.is_owner),
            entry_ids=ids,
        )
    if missing:
        known = {each.identifier.lower() for each in people.values()}
        people |= {name: Resource(name, name) for name in ticket.resources if name.lower() not in known}
    return Resources(list(people.values()), missing)


def _read(client: ConnectWise, ticket_id: int) -> Resources:
    with ThreadPoolExecutor(2) as pool:
        ticket = pool.submit(client.get_ticket, ticket_id)
        entries = pool.submit(client.list_schedule_entries, ticket_id)
        found = ticket.result()
        try:
            return merged(found, entries.result())
        except NotPermitted as error:
            return merged(found, (), error.permission)


def _is_on(there: Resources, member: MemberData) -> bool:
    identifier = member.identifier.lower()
    return any(
        each.member_id == member.id or (identifier and each.identifier.lower() == identifier) for each in there.people
    )


def _after(
    client: ConnectWise, ticket_id: int, write: Callable[[], object], is_done: Callable[[Resources], bool] | None = None
) -> Resources:
    """Write, and return what is there then. A write that nobody answered for is settled by looking, where looking can tell."""
    try:
        write()
    except Uncertain:
        there = _read(client, ticket_id)
        if is_done is None or not is_done(there):
            raise
        return there
    return _read(client, ticket_id)


def _leave(client: ConnectWise, place: Resource) -> None:
    for entry_id in place.entry_ids:
        client.delete_schedule_entry(entry_id)
