"""The resolution note: editing it, posting it, resolving."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.errors import Conflict, Invalid
from psa import services as psa_services
from psa.models import PsaPost
from sessions.models import ChatSession, SuggestedFix
from sessions.tasks import deliver_posts

LONGEST_NOTE = 100_000  # characters
PLACES = ("internal", "discussion", "resolution")


@dataclass(frozen=True)
class NoteForm:
    """What the technician agreed to: the words as shown, the version they were made on, where they go."""

    markdown: str
    seen_version: int
    shown_in: list[str]
    status_id: int | None
    status_name: str


@transaction.atomic
def save_note(*, chat_id: UUID, markdown: str) -> ChatSession:
    """Keep a note edited by hand, on the session's version as it stands. Raises Invalid, Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    _refuse_posted(chat)
    chat.resolution_note_markdown, chat.resolution_note_version = _checked(markdown), chat.state_version
    chat.save(update_fields=["resolution_note_markdown", "resolution_note_version", "updated_at"])
    return chat


@transaction.atomic
def rebuild_note(*, chat_id: UUID) -> ChatSession:
    """Drop what was edited by hand; the note is built from the session's state again. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    _refuse_posted(chat)
    chat.resolution_note_markdown, chat.resolution_note_version = "", None
    chat.save(update_fields=["resolution_note_markdown", "resolution_note_version", "updated_at"])
    return chat


@transaction.atomic
def post_note(*, chat_id: UUID, form: NoteForm, by: User, client_key: UUID) -> ChatSession:
    """Put the note and the status change into the outbox; a worker brings them to the ticket.

    Raises Invalid, StaleState (the session changed since the note was shown), Conflict or NotFound. The same `client_key` twice is one post.
    """
    chat = ChatSession.objects.lock(chat_id)
    if chat.resolution_post and chat.resolution_post.idempotency_key == f"note:{client_key}":
        return chat
    _refuse_posted(chat)
    if chat.ticket_id is None:
        raise Invalid("This session has no ticket to post to.")
    if not form.shown_in or not set(form.shown_in) <= set(PLACES):
        raise Invalid("Choose where the note is shown: Internal, Discussion or Resolution.")
    markdown = _checked(form.markdown)
    _require_outcome(chat)
    ticket, key = chat.ticket_id, str(client_key)
    chat = ChatSession.objects.advance(chat_id, form.seen_version)
    chat.resolution_post = psa_services.enqueue_note(
        ticket_id=ticket, key=key, text=markdown, shown_in=form.shown_in, by=by
    )
    chat.status_post = None
    if form.status_id is not None:
        chat.status_post = psa_services.enqueue_status(
            ticket_id=ticket, key=key, status_id=form.status_id, status_name=form.status_name, by=by
        )
    chat.resolution_note_markdown, chat.resolution_note_version = markdown, chat.state_version
    chat.save()
    _defer(chat)
    return chat


@transaction.atomic
def retry_posts(*, chat_id: UUID) -> ChatSession:
    """Try again what ConnectWise refused, after a person has looked. Raises Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    posts = [post for post in (chat.resolution_post, chat.status_post) if post]
    stuck = [post for post in posts if post.state in {PsaPost.State.REJECTED, PsaPost.State.DEAD}]
    if not stuck:
        raise Conflict("Nothing waits to be tried again.")
    for post in stuck:
        post.state, post.error, post.attempts, post.next_at = PsaPost.State.PENDING, "", 0, None
        post.save(update_fields=["state", "error", "attempts", "next_at", "updated_at"])
    _defer(chat)
    return chat


@transaction.atomic
def resolve_chat(*, chat_id: UUID, seen_version: int) -> ChatSession:
    """Close a session that has no ticket. Raises StaleState, Conflict or NotFound."""
    chat = ChatSession.objects.lock(chat_id)
    _refuse_posted(chat)
    if chat.ticket_id is not None:
        raise Conflict("This session has a ticket: post its note to resolve it.")
    _require_outcome(chat)
    chat = ChatSession.objects.advance(chat_id, seen_version)
    chat.status, chat.resolved_at = ChatSession.Status.RESOLVED, timezone.now()
    chat.save(update_fields=["status", "resolved_at", "updated_at"])
    return chat


def _defer(chat: ChatSession) -> None:
    job = deliver_posts.configure(lock=f"posts:{chat.id}")
    job.defer(account_id=str(chat.account_id), chat_id=str(chat.id))


def _refuse_posted(chat: ChatSession) -> None:
    if chat.resolution_note_posted_at:
        raise Conflict("This note is on the ticket already.")
    if chat.resolution_post and chat.resolution_post.is_open:
        raise Conflict("This note is on its way to the ticket.")
    if not chat.is_open:
        raise Conflict("This session is closed already.")


def _require_outcome(chat: ChatSession) -> None:
    unsure = {SuggestedFix.Outcome.VERIFYING, SuggestedFix.Outcome.WAITING}
    if chat.fixes.filter(superseded_at=None, outcome__in=unsure).exists():
        raise Conflict("The applied fix has no outcome yet. Say in the session whether it worked, then resolve.")


def _checked(markdown: str) -> str:
    markdown = markdown.replace("\r\n", "\n").replace("\x00", "").strip()
    if not markdown:
        raise Invalid("The note is empty. Write it, or rebuild it from the session.")
    if len(markdown) > LONGEST_NOTE:
        raise Invalid(f"That is {len(markdown):,} characters; a note takes {LONGEST_NOTE:,}. Your text is still here.")
    return markdown
