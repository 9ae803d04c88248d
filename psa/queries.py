"""Reading tickets. What talks to ConnectWise runs with no scope open."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope, refuse_open_transaction
from flowpilot.accounts.sealing import unseal
from flowpilot.errors import Refused, UserError
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.models import ConfigurationData, NoteData, TicketData
from psa.models import PsaConnection, PsaMemberLink

NOT_CONNECTED = "This account is not connected to ConnectWise yet."


@dataclass(frozen=True)
class TicketBundle:
    """A ticket with what stands around it. A part that ConnectWise refused is empty and named in `refused`."""

    ticket: TicketData
    notes: list[NoteData]
    configurations: list[ConfigurationData]
    refused: list[str]


def get_connectwise() -> ConnectWise:
    """Return the open account's ConnectWise. Raises Refused when it is not connected."""
    row = PsaConnection.objects.first()
    if row is None:
        raise Refused(NOT_CONNECTED)
    return _client(
        row.account_id, row.id, row.base_url, row.company_id, row.client_id, row.public_key, row.sealed_private_key
    )


def connectwise_of(account_id: UUID) -> ConnectWise:
    """Return an account's ConnectWise for a view with a scope of its own. Raises Refused."""
    refuse_open_transaction()
    with account_scope(account_id):
        return get_connectwise()


def member_of(user: User) -> PsaMemberLink | None:
    """Return which PSA member a person is, or None."""
    return PsaMemberLink.objects.filter(user=user).first()


def ticket_bundle(client: ConnectWise, ticket_id: int) -> TicketBundle:
    """Fetch a ticket, its notes and its configurations side by side. Raises NotFound, Refused or Unavailable for the ticket."""
    refuse_open_transaction()
    with ThreadPoolExecutor(3) as pool:
        ticket = pool.submit(client.get_ticket, ticket_id)
        notes = pool.submit(_or_refusal, client.list_notes, ticket_id)
        configurations = pool.submit(_or_refusal, client.list_configurations, ticket_id)
        found, why_notes = notes.result()
        devices, why_devices = configurations.result()
        return TicketBundle(ticket.result(), found, devices, [why for why in (why_notes, why_devices) if why])


def _or_refusal[T](ask: Callable[[int], list[T]], ticket_id: int) -> tuple[list[T], str]:
    try:
        return ask(ticket_id), ""
    except UserError as error:
        return [], error.message


@lru_cache(maxsize=256)
def _client(account_id, row_id, base_url, company_id, client_id, public_key, sealed) -> ConnectWise:
    """Keep one client, and so one small pool, for each connection as it stands now."""
    private_key = unseal(sealed, account_id=account_id, table="psa_psaconnection", row_id=row_id)
    return ConnectWise(
        base_url=base_url, company_id=company_id, public_key=public_key, private_key=private_key, client_id=client_id
    )
