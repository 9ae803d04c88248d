"""Telling the pages that show a session that it changed. Quick and forgetful: a page looks by itself as well, only later."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from redis import Redis
from redis import asyncio as redis_asyncio
from redis.exceptions import RedisError

from flowpilot.accounts.scope import current_account_id
from sessions.redis_relay import entries_of

type Key = tuple[UUID | None, UUID]  # account, chat
_KEPT = 60  # seconds that Redis remembers that something happened


class Listener:
    """One page's ear: `wait` returns when there may be news, or when the time is up. Nothing between two waits is missed."""

    def __init__(self) -> None:
        self.loop, self.rang = asyncio.get_running_loop(), asyncio.Event()

    def ring(self) -> None:
        """Wake the page; from any thread."""
        with suppress(RuntimeError):  # its loop has closed
            self.loop.call_soon_threadsafe(self.rang.set)

    async def wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.rang.wait(), seconds)
        self.rang.clear()


class MemoryNews:
    """News within one process."""

    def __init__(self) -> None:
        self._listeners: dict[Key, set[Listener]] = {}
        self._lock = threading.Lock()

    def tell(self, key: Key) -> None:
        """Wake every page that shows this session; from any thread."""
        with self._lock:
            listeners = tuple(self._listeners.get(key, ()))
        for listener in listeners:
            listener.ring()

    @asynccontextmanager
    async def listen(self, key: Key) -> AsyncIterator[Listener]:
        """Hear of a session's changes for as long as the block is open."""
        listener = Listener()
        with self._lock:
            self._listeners.setdefault(key, set()).add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners[key].discard(listener)
                if not self._listeners[key]:
                    del self._listeners[key]


class RedisNews:
    """News between processes: a stream of one entry a session. What Redis loses is seen at the page's next own look."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)

    def tell(self, key: Key) -> None:
        """Wake every page that shows this session; from any thread."""
        with suppress(RedisError):
            pipe = self._client.pipeline(transaction=False)
            pipe.xadd(_name(key), {"is": "new"}, maxlen=1)
            pipe.expire(_name(key), _KEPT)
            pipe.execute()

    @asynccontextmanager
    async def listen(self, key: Key) -> AsyncIterator[Listener]:
        """Hear of a session's changes for as long as the block is open."""
        listener = Listener()
        client = redis_asyncio.Redis.from_url(self._url, decode_responses=True)
        following = asyncio.create_task(self._follow(client, _name(key), listener))
        try:
            yield listener
        finally:
            following.cancel()
            await client.aclose()

    async def _follow(self, client: "redis_asyncio.Redis", name: str, listener: Listener) -> None:
        last: str = "0"  # what was told just before we came is told again: better twice than not
        while True:
            try:
                rows = await client.xread({name: last}, count=1, block=15_000)
            except RedisError:
                await asyncio.sleep(2)
                continue
            if rows:
                last = entries_of(rows)[-1][0]
                listener.ring()


news: MemoryNews | RedisNews = RedisNews(settings.REDIS_URL) if settings.REDIS_URL else MemoryNews()


def announce(chat_id: UUID) -> None:
    """Wake the pages that show a session of the open account, once the open transaction is committed."""
    transaction.on_commit(partial(news.tell, (current_account_id(), chat_id)), robust=True)


def _name(key: Key) -> str:
    account_id, chat_id = key
    return f"acct:{account_id}:chat:{chat_id}:news"
