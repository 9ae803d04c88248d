"""One ticket with what stands around it. Each panel asks for itself; opening the ticket begins all their questions at once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.utils import timezone

from flowpilot.accounts.scope import account_scope
from flowpilot.errors import NotFound, UserError
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.errors import NotPermitted
from flowpilot.providers.connectwise.models import ConfigurationData, NoteData, TicketData, TimeEntryData
from psa import known, lookups
from psa.known import JUST_NOW, Known
from psa.models import PsaPost
from psa.queries import patient_connectwise
from psa.resources import Resources, merged
from psa.rows import Row

_RELATED_DAYS, _MOST_RELATED = 90, 6


@dataclass(frozen=True)
class Devices:
    """A ticket's configurations: by name at once, with what is known of them a moment later."""

    rows: list[ConfigurationData]
    is_complete: bool
    error: UserError | None = None  # why there is no more than names


@dataclass(frozen=True)
class Related:
    """Another ticket, and what it has in common with this one."""

    ticket: TicketData
    reason: str


def open_ticket(*, account_id: UUID, ticket_id: int) -> Known[Row]:
    """Return a ticket, and begin to ask for its panels beside it. Raises NotFound, Refused or Unavailable."""
    client = patient_connectwise(account_id)
    known.begin(account_id, f"psa:ticket:{ticket_id}", partial(client.get_ticket, ticket_id))
    for key, question in _panels(account_id, client, ticket_id).items():
        known.begin(account_id, key, question)
    return ticket(account_id=account_id, ticket_id=ticket_id, fresh_seconds=0)


def ticket(*, account_id: UUID, ticket_id: int, fresh_seconds: float = JUST_NOW) -> Known[Row]:
    """Return a ticket, or how it was when ConnectWise was last reached. Raises NotFound, Refused or Unavailable."""
    client = patient_connectwise(account_id)
    question = partial(client.get_ticket, ticket_id)
    try:
        found = known.ask(account_id, f"psa:ticket:{ticket_id}", question, fresh_seconds=fresh_seconds)
    except NotFound as error:
        raise NotFound(f"ConnectWise has no ticket #{ticket_id}. It may have been deleted or merged.") from error
    return Known(Row.of(found.value, lookups.names(account_id)), found.at, found.error)


def notes(*, account_id: UUID, ticket_id: int) -> Known[list[NoteData]]:
    """Return everything written on a ticket, newest first. Raises NotFound, Refused or Unavailable."""
    client = patient_connectwise(account_id)
    question = partial(client.list_notes, ticket_id)
    return known.ask(account_id, f"psa:notes:{ticket_id}", question, fresh_seconds=JUST_NOW)


def people(*, account_id: UUID, ticket_id: int) -> Resources:
    """Return who works on a ticket; where the schedule may not be read, as far as the ticket tells. Raises NotFound, Refused or Unavailable."""
    client = patient_connectwise(account_id)
    this = ticket(account_id=account_id, ticket_id=ticket_id).value.ticket
    question = partial(client.list_schedule_entries, ticket_id)
    try:
        entries = known.ask(account_id, f"psa:entries:{ticket_id}", question, fresh_seconds=JUST_NOW).value
    except NotPermitted as error:
        return merged(this, (), error.permission)
    return merged(this, entries)


def devices(*, account_id: UUID, ticket_id: int, is_complete: bool) -> Devices:
    """Return a ticket's configurations; without `is_complete` what is known of them may be their names alone.

    Raises NotFound, Refused or Unavailable.
    """
    client = patient_connectwise(account_id)
    refs = known.ask(
        account_id,
        f"psa:device-refs:{ticket_id}",
        partial(client.list_configuration_refs, ticket_id),
        fresh_seconds=JUST_NOW,
    ).value
    keys = {ref.id: f"psa:device:{ref.id}" for ref in refs}
    found = {number: known.peek(account_id, key) for number, key in keys.items()}
    error = None
    if is_complete and not all(found.values()):
        try:
            for device in client.within(known.PATIENCE).get_configurations(list(keys)):
                known.learn(account_id, keys[device.id], device)
                found[device.id] = known.peek(account_id, keys[device.id])
        except UserError as failure:
            error = failure
    rows = [kept.value if (kept := found[ref.id]) else ref for ref in refs]
    return Devices(rows, is_complete or all(found.values()), error)


def related(*, account_id: UUID, ticket_id: int) -> list[Related]:
    """Return other tickets of the last months: of the same device, contact or company. Raises NotFound, Refused or Unavailable."""
    client = patient_connectwise(account_id)
    this = ticket(account_id=account_id, ticket_id=ticket_id).value.ticket
    since = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=_RELATED_DAYS)
    common = {
        "Same device": {"configuration_id": _first_device(account_id, client, ticket_id)},
        "Same contact": {"contact_id": this.contact.id if this.contact else None},
        "Same company": {"company_id": this.company.id if this.company else None},
    }
    questions: dict[str, Callable[[], list[TicketData]]] = {
        f"psa:related:{ticket_id}:{lookups.digest(reason)}": partial(
            _search, client, not_id=ticket_id, entered_since=since, **criteria
        )
        for reason, criteria in common.items()
        if any(criteria.values())
    }
    answers = known.ask_all(account_id, questions)
    found: dict[int, Related] = {}
    reasons = [reason for reason, criteria in common.items() if any(criteria.values())]
    for reason, answer in zip(reasons, answers.values(), strict=True):
        for other in answer.value:
            found.setdefault(other.id, Related(other, reason))
    return list(found.values())[:_MOST_RELATED]


def time_entries(*, account_id: UUID, ticket_id: int) -> list[TimeEntryData]:
    """Return the time charged to a ticket, the latest first. Raises NotFound, Refused or Unavailable."""
    client = patient_connectwise(account_id)
    return known.ask(account_id, f"psa:time:{ticket_id}", partial(client.list_time_entries, ticket_id)).value


def waiting_posts(*, account_id: UUID, ticket_id: int) -> list[PsaPost]:
    """Return what has yet to reach a ticket or was refused there, oldest first."""
    with account_scope(account_id):
        posts = PsaPost.objects.filter(ticket_id=ticket_id).exclude(state=PsaPost.State.SENT)
        return list(posts.select_related("created_by").order_by("created_at", "id"))


def doubt_ticket(account_id: UUID, ticket_id: int) -> None:
    """Have a ticket asked for afresh with its panels: something was written."""
    for part in ("ticket", "notes", "entries", "device-refs"):
        known.doubt(account_id, f"psa:{part}:{ticket_id}")


def _first_device(account_id: UUID, client: ConnectWise, ticket_id: int) -> int | None:
    try:
        refs = known.recall(
            account_id, f"psa:device-refs:{ticket_id}", partial(client.list_configuration_refs, ticket_id)
        )
    except UserError:
        return None  # its own panel says why
    return refs[0].id if refs else None


def _panels(account_id: UUID, client: ConnectWise, ticket_id: int) -> dict[str, Callable]:
    kept = known.peek(account_id, f"psa:ticket:{ticket_id}")
    questions: dict[str, Callable] = {
        f"psa:notes:{ticket_id}": partial(client.list_notes, ticket_id),
        f"psa:entries:{ticket_id}": partial(client.list_schedule_entries, ticket_id),
        f"psa:device-refs:{ticket_id}": partial(client.list_configuration_refs, ticket_id),
    }
    if kept and kept.value.board and known.peek(account_id, f"psa:statuses:{kept.value.board.id}") is None:
        board = kept.value.board.id
        questions[f"psa:statuses:{board}"] = partial(client.list_statuses, board)
    return questions


def _search(client: ConnectWise, **criteria) -> list[TicketData]:
    page = client.search_tickets(open_only=False, page_size=_MOST_RELATED, order="newest", **criteria)
    return list(page.tickets)
