"""Asking ConnectWise what changed: the backstop for callbacks that never come. Only while somebody looks, and never much at once."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope, refuse_open_transaction
from flowpilot.errors import UserError
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.models import TicketData
from psa import changes, details
from psa.models import PsaConnection
from psa.queries import get_connectwise

MOST_PAGES, PAGE_SIZE = 3, 100
LONGEST_LOOK_BACK = timedelta(hours=1)  # after a longer silence the pages are fresh by themselves
_MARGIN = timedelta(seconds=30)  # their clock is not ours, and writes show late
log = logging.getLogger("flowpilot.psa")


@dataclass(frozen=True)
class _Turn:
    client: ConnectWise
    connection_id: UUID
    since: datetime


def connected_accounts() -> list[UUID]:
    """Return the accounts that have people: which of them are connected is only to be seen in their scope."""
    people = User.objects.filter(is_active=True, account__isnull=False)
    return list(people.order_by("account_id").values_list("account_id", flat=True).distinct())


def poll(account_id: UUID) -> list[int]:
    """Write down which tickets changed since the last time, when somebody looks; return the new ones.

    A ConnectWise that fails is asked again the next time, from the same moment.
    """
    refuse_open_transaction()
    with account_scope(account_id):
        turn = _turn()
    if turn is None:
        return []
    try:
        found = _changed(turn.client, turn.since)
    except UserError as error:
        log.info("psa.poll account=%s failed=%s", account_id, type(error).__name__)
        return []
    with account_scope(account_id):
        new = _keep(turn, found)
    for ticket_id in new:
        details.doubt_ticket(account_id, ticket_id)
    return new


def _turn() -> _Turn | None:
    connection = PsaConnection.objects.first()
    if connection is None or not changes.is_watched():
        return None
    now = datetime.now(UTC)
    since = max(connection.polled_until or now, now - LONGEST_LOOK_BACK)
    try:
        return _Turn(get_connectwise(), connection.id, since)
    except UserError:
        return None  # keys that cannot be opened: the pages say so


def _changed(client: ConnectWise, since: datetime) -> list[TicketData]:
    found: list[TicketData] = []
    for page in range(1, MOST_PAGES + 1):
        result = client.search_tickets(
            changed_since=since - _MARGIN, open_only=False, order="updated", page=page, page_size=PAGE_SIZE
        )
        found += result.tickets
        if not result.has_more:
            break
    return found


def _keep(turn: _Turn, found: list[TicketData]) -> list[int]:
    latest = max((each.updated_at for each in found if each.updated_at), default=turn.since)
    PsaConnection.objects.filter(pk=turn.connection_id).update(polled_until=max(latest, turn.since))
    changes.forget_old()
    told = [
        changes.Change(each.id, each.updated_at, f"seen:{each.id}:{each.updated_at:%Y%m%d%H%M%S}")
        for each in found
        if each.updated_at
    ]
    return changes.note(told)
