"""How each kind of post is sent, and how it is found again when nobody knows whether it landed."""

from collections.abc import Callable
from datetime import datetime, timedelta

from flowpilot.providers.connectwise.client import ConnectWise
from psa.models import PsaPost

Kind = PsaPost.Kind
SAFE_TO_REPEAT = frozenset({Kind.STATUS, Kind.OWNER})  # doing it again changes nothing


def send(client: ConnectWise, post: PsaPost) -> str:
    """Bring a post to ConnectWise; return the id or the name of what it is there. Raises what the client raises."""
    return _SEND[Kind(post.kind)](client, post)


def find(client: ConnectWise, post: PsaPost) -> str:
    """Look for a post on its ticket; return its id there, or nothing. Raises what the client raises."""
    return _FIND[Kind(post.kind)](client, post)


def _send_note(client: ConnectWise, post: PsaPost) -> str:
    shown = post.payload["shown_in"]
    note = client.create_note(
        post.ticket_id,
        f"{post.payload['text']}\n\n[FP-{post.reference}]",
        is_internal="internal" in shown,
        is_discussion="discussion" in shown,
        is_resolution="resolution" in shown,
        member_id=post.payload["member_id"],
    )
    return str(note.id)


def _find_note(client: ConnectWise, post: PsaPost) -> str:
    assert post.attempted_at is not None
    note = client.find_note(post.ticket_id, post.reference, post.attempted_at)
    return str(note.id) if note else ""


def _send_time(client: ConnectWise, post: PsaPost) -> str:
    """Charge the time. The reference stands in the internal notes: the others may get onto an invoice."""
    wanted = post.payload
    entry = client.create_time_entry(
        post.ticket_id,
        starts_at=datetime.fromisoformat(wanted["starts_at"]),
        ends_at=datetime.fromisoformat(wanted["ends_at"]),
        idle=timedelta(minutes=wanted["idle_minutes"]),
        member_id=wanted["member_id"],
        work_type_id=wanted["work_type_id"],
        billable=wanted["billable"],
        notes=wanted["notes"],
        internal_notes=f"[FP-{post.reference}]",
    )
    return str(entry.id)


def _find_time(client: ConnectWise, post: PsaPost) -> str:
    entries = client.list_time_entries(post.ticket_id)
    return next((str(each.id) for each in entries if post.reference in each.internal_notes), "")


def _send_owner(client: ConnectWise, post: PsaPost) -> str:
    ticket = client.set_owner(post.ticket_id, post.payload["member_id"])
    return ticket.owner.name[:40] if ticket.owner else ""


def _send_resource(client: ConnectWise, post: PsaPost) -> str:
    """Put a member on the ticket, unless they are on it: ConnectWise makes two places of two calls."""
    there = _find_resource(client, post)
    return there or str(client.create_schedule_entry(post.ticket_id, post.payload["member_id"]).id)


def _find_resource(client: ConnectWise, post: PsaPost) -> str:
    entries = client.list_schedule_entries(post.ticket_id)
    member_id = post.payload["member_id"]
    return next((str(each.id) for each in entries if each.member and each.member.id == member_id), "")


def _send_status(client: ConnectWise, post: PsaPost) -> str:
    ticket = client.set_status(post.ticket_id, post.payload["status_id"])
    return ticket.status.name if ticket.status else ""


_SEND: dict[PsaPost.Kind, Callable[[ConnectWise, PsaPost], str]] = {
    Kind.NOTE: _send_note,
    Kind.TIME: _send_time,
    Kind.STATUS: _send_status,
    Kind.OWNER: _send_owner,
    Kind.RESOURCE: _send_resource,
}
_FIND: dict[PsaPost.Kind, Callable[[ConnectWise, PsaPost], str]] = {
    Kind.NOTE: _find_note,
    Kind.TIME: _find_time,
    Kind.RESOURCE: _find_resource,
}
