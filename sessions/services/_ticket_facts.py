"""What a ticket tells a session: lines of "What we know" that name the ticket as their source."""

from psa.queries import TicketBundle
from sessions.models import ChatSession, SessionFact

_LONGEST_NOTE_FACT = 600  # characters of the first note that become a fact


def name_ticket(chat: ChatSession, bundle: TicketBundle) -> list[str]:
    """Write a ticket onto a session, unsaved; return the names of the fields."""
    ticket = bundle.ticket
    chat.ticket_id, chat.ticket_summary = ticket.id, ticket.summary[:200]
    chat.ticket_company = ticket.company.name[:200] if ticket.company else ""
    chat.ticket_contact = ticket.contact_name[:200]
    return ["ticket_id", "ticket_summary", "ticket_company", "ticket_contact", "updated_at"]


def add_facts(chat: ChatSession, bundle: TicketBundle) -> None:
    """Bring a ticket's summary, client, contact, first note and devices into a session."""
    source = SessionFact.SourceType.TICKET
    SessionFact.objects.bulk_create(
        SessionFact(chat=chat, text=text[:1000], source_type=source, source_ref=ref) for text, ref in _facts(bundle)
    )


def _facts(bundle: TicketBundle) -> list[tuple[str, str]]:
    ticket, here = bundle.ticket, f"ticket:{bundle.ticket.id}"
    found = [(ticket.summary, here)]
    if ticket.company:
        found.append((f"Client: {ticket.company.name}", here))
    if ticket.contact_name:
        found.append((f"Contact: {ticket.contact_name}", here))
    if bundle.notes:
        first = bundle.notes[-1]  # newest first
        words = " ".join(first.text.split())
        found.append(
            (words[:_LONGEST_NOTE_FACT] + ("…" if len(words) > _LONGEST_NOTE_FACT else ""), f"note:{first.id}")
        )
    for device in bundle.configurations:
        parts = [device.name, device.type, device.os, device.ram]
        found.append((", ".join(part for part in parts if part), f"configuration:{device.id}"))
    return [(text, ref) for text, ref in found if text]
