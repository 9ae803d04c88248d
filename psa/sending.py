"""How each kind of post is sent, and how it is found again when nobody knows whether it landed."""

from collections.abc import Callable

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


def _send_status(client: ConnectWise, post: PsaPost) -> str:
    ticket = client.set_status(post.ticket_id, post.payload["status_id"])
    return ticket.status.name if ticket.status else ""


_SEND: dict[PsaPost.Kind, Callable[[ConnectWise, PsaPost], str]] = {Kind.NOTE: _send_note, Kind.STATUS: _send_status}
_FIND: dict[PsaPost.Kind, Callable[[ConnectWise, PsaPost], str]] = {Kind.NOTE: _find_note}
