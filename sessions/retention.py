"""How long ended sessions are kept: the account's setting, a daily job, and a hold that goes before both."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from flowpilot.accounts import audit
from flowpilot.accounts.audit import Action
from flowpilot.accounts.models import Account
from flowpilot.accounts.preferences import get_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.scripts.models import ScriptConversation
from psa.models import PsaPost, TicketRequest
from sessions import files
from sessions.models import Attachment, ChatSession

log = logging.getLogger("flowpilot.retention")
_A_BATCH = 50
_ENDED = [ChatSession.Status.RESOLVED, ChatSession.Status.ESCALATED, ChatSession.Status.ARCHIVED]
_OVER = [PsaPost.State.SENT, PsaPost.State.REJECTED, PsaPost.State.DEAD]


@dataclass(frozen=True)
class Purged:
    """What was deleted, or would be."""

    sessions: int = 0
    files: int = 0
    posts: int = 0

    def __add__(self, other: "Purged") -> "Purged":
        return Purged(self.sessions + other.sessions, self.files + other.files, self.posts + other.posts)


def purge(account_id: UUID, *, is_dry_run: bool = False) -> Purged:
    """Delete what the account no longer keeps, in small transactions; count, log and write it down. A dry run only counts.

    Sessions that are on hold stay whole. Posted notes stay in ConnectWise.
    """
    with account_scope(account_id):
        account = Account.objects.get(pk=account_id)
        sessions_before = _cutoff(account, "retention.sessions_days")
        files_before = _cutoff(account, "retention.attachments_days")
        if is_dry_run:
            return _count(sessions_before, files_before)
    purged = Purged()
    while batch := _purge_batch(account_id, sessions_before, files_before):
        purged += batch
    if purged != Purged():
        with account_scope(account_id):
            counts = {"sessions": purged.sessions, "files": purged.files, "posts": purged.posts}
            audit.record(Action.PURGED, detail=counts)
    log.info(
        "retention.purged account=%s sessions=%d files=%d posts=%d",
        account_id,
        purged.sessions,
        purged.files,
        purged.posts,
    )
    return purged


def purge_attachments(*, chat_ids: list[UUID]) -> int:
    """Delete the files of sessions, in the open transaction; the files themselves go when it ends well. Return how many."""
    found = Attachment.objects.filter(chat_id__in=chat_ids)
    names = list(found.values_list("account_id", "file"))
    found.delete()
    for account_id, name in names:
        transaction.on_commit(partial(files.discard, account_id, [name]))
    return len(names)


def _purge_batch(account_id: UUID, sessions_before: datetime | None, files_before: datetime | None) -> Purged | None:
    with account_scope(account_id):
        ids = list(_old_sessions(sessions_before).values_list("id", flat=True)[:_A_BATCH])
        old = list(_old_files(files_before).values_list("chat_id", flat=True)[:_A_BATCH])
        dropped = purge_attachments(chat_ids=[*ids, *old])
        ScriptConversation.objects.filter(source_session__in=ids).delete()
        ChatSession.objects.filter(id__in=ids).delete()
        posts = _delete_posts(sessions_before)
    return Purged(len(ids), dropped, posts) if ids or dropped or posts else None


def _delete_posts(before: datetime | None) -> int:
    if before is None:
        return 0
    TicketRequest.objects.filter(created_at__lt=before).delete()
    return PsaPost.objects.filter(created_at__lt=before, state__in=_OVER).delete()[0]


def _count(sessions_before: datetime | None, files_before: datetime | None) -> Purged:
    sessions = _old_sessions(sessions_before)
    old = Attachment.objects.filter(chat__in=sessions.values("id")) | _old_files(files_before)
    posts = PsaPost.objects.filter(created_at__lt=sessions_before, state__in=_OVER).count() if sessions_before else 0
    return Purged(sessions.count(), old.distinct().count(), posts)


def _old_sessions(before: datetime | None) -> QuerySet[ChatSession]:
    """Return the ended sessions that nothing happened to since, the longest ago first."""
    if before is None:
        return ChatSession.objects.none()
    return ChatSession.objects.filter(status__in=_ENDED, updated_at__lt=before, is_on_hold=False).order_by("updated_at")


def _old_files(before: datetime | None) -> QuerySet[Attachment]:
    if before is None:
        return Attachment.objects.none()
    return Attachment.objects.filter(chat__status__in=_ENDED, chat__updated_at__lt=before, chat__is_on_hold=False)


def _cutoff(account: Account, key: str) -> datetime | None:
    days = int(get_setting(account, key))
    return timezone.now() - timedelta(days=days) if days else None
