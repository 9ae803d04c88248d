"""What resolving and escalating share: what stops a post, and handing its parts to the worker."""

from collections.abc import Sequence

from flowpilot.errors import Conflict, Invalid, StaleState
from sessions import queries
from sessions.documents import sentences
from sessions.models import ChatSession, NoteDraft, SuggestedFix
from sessions.tasks import deliver_posts

LONGEST_NOTE = 100_000  # characters


class StaleNote(StaleState):
    """The session changed since its author looked at the note: `came` and `went` say what that does to it."""

    def __init__(self, came: Sequence[str], went: Sequence[str]) -> None:
        super().__init__("The session changed while you were looking at the note. Read what changed, then post again.")
        self.came, self.went = came, went


class SecretFound(Invalid):
    """Words that are about to leave hold likely secrets that nobody has confirmed."""

    def __init__(self, found: Sequence[queries.Secret]) -> None:
        super().__init__(
            "Nothing was posted: the note holds what looks like a secret. Mask it, or say that it may leave."
        )
        self.found = found


def refuse_posted(chat: ChatSession) -> None:
    """Raise Conflict when the session's note is on the ticket, on its way, or the session is closed."""
    if chat.resolution_note_posted_at:
        raise Conflict("This note is on the ticket already.")
    under_way = queries.posting(chat.resolution_batch)
    if under_way and under_way.is_under_way:
        raise Conflict("This note is on its way to the ticket.")
    if not chat.is_open:
        raise Conflict("This session is closed already.")


def require_outcome(chat: ChatSession) -> None:
    """Raise Conflict while a fix that was applied has no outcome."""
    unsure = {SuggestedFix.Outcome.VERIFYING, SuggestedFix.Outcome.WAITING}
    if chat.fixes.filter(superseded_at=None, outcome__in=unsure).exists():
        raise Conflict("The applied fix has no outcome yet. Say in the session whether it worked, then resolve.")


def require_seen(chat: ChatSession, seen_version: int, seen: Sequence[tuple[str, queries.Shown]]) -> None:
    """Raise StaleNote unless each document is, to the letter, the one its author saw, and was made on the session as it is now."""
    is_same = all(_plain(text) == current.markdown for text, current in seen)
    if seen_version == chat.state_version and is_same and not any(current.is_stale for _, current in seen):
        return
    came, went = [], []
    for text, current in seen:
        more, less = sentences.difference(sentences.lines(_plain(text)), sentences.lines(current.markdown))
        came += [*more, *current.came]
        went += [*less, *current.went]
    raise StaleNote(came, went)


def require_no_secret(confirmed: Sequence[str], *texts: str) -> None:
    """Raise SecretFound when a text holds a likely secret that nobody confirmed."""
    found = [each for each in queries.secrets(*texts) if each.mark not in confirmed]
    if found:
        raise SecretFound(found)


def keep_posted(chat: ChatSession, current: queries.Shown, by) -> None:
    """Keep a document with its sources as it is posted, without what had none."""
    document = sentences.supported(current.document)
    NoteDraft.objects.update_or_create(
        chat=chat,
        kind=current.kind,
        origin=NoteDraft.POSTED,
        defaults={"state_version": chat.state_version, "sections": sentences.to_json(document), "author": by},
    )


def defer_posts(chat: ChatSession) -> None:
    """Have a worker bring what the session posted to its ticket."""
    job = deliver_posts.configure(lock=f"posts:{chat.id}")
    job.defer(account_id=str(chat.account_id), chat_id=str(chat.id))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
