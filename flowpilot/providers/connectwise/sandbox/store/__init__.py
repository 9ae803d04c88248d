"""What changes in the sandbox. Every write is kept in a journal, if there is one."""

from flowpilot.providers.connectwise.sandbox.store.callbacks import Callbacks
from flowpilot.providers.connectwise.sandbox.store.notes import Notes
from flowpilot.providers.connectwise.sandbox.store.tickets import Tickets
from flowpilot.providers.connectwise.sandbox.store.times import Times

__all__ = ["Store"]


class Store(Tickets, Notes, Times, Callbacks):
    """The MSP's records, and every way to change them."""
