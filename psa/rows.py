"""A ticket as a list shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from flowpilot.providers.connectwise.models import TicketData

SOON = timedelta(hours=2)


@dataclass(frozen=True)
class Sla:
    """How long until a ticket must be solved, or since it should have been. No span means nothing runs."""

    span: str = ""
    tone: str = ""
    is_over: bool = False
    is_close: bool = False

    @classmethod
    def of(cls, ticket: TicketData, now: datetime) -> "Sla":
        if ticket.due_at is None or ticket.is_closed:
            return cls()
        left = ticket.due_at - now
        if left < timedelta():
            return cls(_span(-left), "red", is_over=True)
        return cls(_span(left), "amber" if left < SOON else "", is_close=left < timedelta(hours=1))


@dataclass(frozen=True)
class Row:
    """One line of a list."""

    ticket: TicketData
    sla: Sla
    names: Mapping[str, str] = field(default_factory=dict)  # of members, by their identifiers in lower case

    @classmethod
    def of(cls, ticket: TicketData, names: Mapping[str, str] | None = None) -> "Row":
        return cls(ticket, Sla.of(ticket, timezone.now()), names or {})

    @property
    def people(self) -> list[str]:
        """Who works on it, the owner first; whose name is not known is called by the identifier."""
        ticket = self.ticket
        owner = ticket.owner
        others = [each for each in ticket.resources if not owner or each.lower() != owner.identifier.lower()]
        named = [self.names.get(each.lower(), each) for each in others]
        return [owner.name, *named] if owner else named


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    days, hours = minutes // 1440, minutes // 60
    if days:
        return f"{days}d {hours % 24}h"
    return f"{hours}h {minutes % 60:02d}m" if hours else f"{minutes}m"
