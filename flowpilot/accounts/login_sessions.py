"""Django's login sessions, kept so that a person can see theirs and end them.

The database is asked at each request, so an ended session is dead at the next one, in every process. What the cookie holds is kept as a hash
only: who reads the table cannot sign in with it. A session ends 12 hours after it was last used, and 14 days after it began.
"""

import hashlib
from datetime import UTC, datetime, timedelta

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from flowpilot.accounts.models import LoginSession, User

IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=14)
BEGAN, IP, AGENT = "_began", "_ip", "_agent"  # kept in the session's data, so that saving it again changes nothing
_SEEN_EVERY = timedelta(minutes=5)


def hashed(key: str) -> str:
    """Return what is kept of a session's key."""
    return hashlib.sha256(key.encode()).hexdigest()


def end_sessions(user: User, *, but: str | None = None) -> int:
    """End a person's sessions, all but the one with this key; return how many."""
    found = LoginSession.objects.filter(user=user)
    if but:
        found = found.exclude(session_key=hashed(but))
    return found.delete()[0]


def end_session(user: User, session_id: str) -> bool:
    """End one session of a person, by the hash of its key; return whether there was one."""
    return bool(LoginSession.objects.filter(user=user, session_key=session_id).delete()[0])


class SessionStore(DatabaseStore):
    """Keeps sessions in LoginSession, under the hash of their key."""

    @classmethod
    def get_model_class(cls):
        return LoginSession

    def _get_session_from_db(self):
        now = timezone.now()
        key = hashed(self.session_key or "")
        kept = LoginSession.objects.filter(session_key=key, expire_date__gt=now).first()
        if kept is None:
            self._session_key = None
        elif now - kept.last_seen_at > _SEEN_EVERY:
            LoginSession.objects.filter(pk=kept.pk).update(last_seen_at=now, expire_date=_end(now, kept.began_at))
        return kept

    async def _aget_session_from_db(self):
        return await sync_to_async(self._get_session_from_db)()

    def exists(self, session_key):
        return super().exists(hashed(session_key))

    async def aexists(self, session_key):
        return await super().aexists(hashed(session_key))

    def delete(self, session_key=None):
        key = session_key or self.session_key
        if key:
            super().delete(hashed(key))

    async def adelete(self, session_key=None):
        await sync_to_async(self.delete)(session_key)

    def create_model_instance(self, data):
        now = timezone.now()
        began = datetime.fromtimestamp(data.setdefault(BEGAN, now.timestamp()), UTC)
        return LoginSession(
            session_key=hashed(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=_end(now, began),
            user_id=data.get(SESSION_KEY),
            began_at=began,
            last_seen_at=now,
            ip=data.get(IP, ""),
            user_agent=data.get(AGENT, ""),
        )

    async def acreate_model_instance(self, data):
        return self.create_model_instance(data)


def _end(now: datetime, began: datetime) -> datetime:
    return min(now + IDLE, began + ABSOLUTE)
