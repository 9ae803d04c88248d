"""What FlowPilot asks of ConnectWise, and nothing more.

Each noun is a file of its own:

tickets.py   search_tickets, count_tickets, get_ticket, find_ticket, create_ticket, set_status, set_priority, set_owner, clear_owner
notes.py     list_notes, find_note, create_note
boards.py    list_boards, list_statuses, list_types, list_sub_types, list_priorities
clients.py   search_companies, get_company, list_contacts, get_contact, list_configurations (of a ticket), list_configuration_refs,
             get_configurations, list_company_configurations
people.py    list_members, search_members, list_schedule_entries, create_schedule_entry, delete_schedule_entry
times.py     list_time_entries, create_time_entry, list_work_types
system.py    test, list_rights, list_callbacks, create_callback, delete_callback, signing_key
"""

import copy
from typing import Self

from flowpilot.providers.connectwise.boards import Boards
from flowpilot.providers.connectwise.clients import Clients
from flowpilot.providers.connectwise.notes import Notes
from flowpilot.providers.connectwise.people import People
from flowpilot.providers.connectwise.system import System
from flowpilot.providers.connectwise.tickets import ORDERS, Tickets
from flowpilot.providers.connectwise.times import Times
from flowpilot.providers.connectwise.wire import Wire

__all__ = ["ORDERS", "ConnectWise"]


class ConnectWise(Tickets, Notes, Boards, Clients, People, Times, System):
    """One account's ConnectWise. Failures are NotFound, Refused, Invalid or Unavailable; errors.py tells them apart."""

    def __init__(
        self,
        *,
        base_url: str,
        company_id: str,
        public_key: str,
        private_key: str,
        client_id: str,
        read_timeout: float = 10.0,
    ) -> None:
        """Raises Invalid when the address may not be called."""
        self._wire = Wire(
            base_url=base_url,
            company_id=company_id,
            public_key=public_key,
            private_key=private_key,
            client_id=client_id,
            read_timeout=read_timeout,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def within(self, seconds: float) -> Self:
        """Return the same ConnectWise for a caller who waits only so long from now, over all its calls together."""
        hurried = copy.copy(self)
        hurried._wire = self._wire.within(seconds)
        return hurried
