"""The relay between processes: one Redis stream a turn, gone soon after its end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from uuid import UUID
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from redis.exceptions import RedisError

from sessions.relay import Glimpse

log = logging.getLogger("flowpilot.turns")
_KEPT = 15 * 60  # seconds after the last piece
_MOST_AT_ONCE = 200
_Entry = tuple[str, dict[str, str]]


class RedisRelay:
    """The same as MemoryRelay, for a worker apart from the web. What Redis loses, the database still has."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Redis] = WeakKeyDictionary()
        self._outgoing: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Queue[_Entry]] = WeakKeyDictionary()
        self._writers: set[asyncio.Task] = set()

    def begin(self, key: tuple[UUID, UUID], epoch: int) -> None:
        """Start a turn's stream anew under a higher epoch."""
        self._put(key, epoch, "begin", "")

    def publish(self, key: tuple[UUID, UUID], epoch: int, piece: str) -> None:
        """Append text; readers ignore it from a claim that was overtaken."""
        self._put(key, epoch, "text", piece)

    def finish(self, key: tuple[UUID, UUID], epoch: int) -> None:
        """Tell the readers that the result is in the database."""
        self._put(key, epoch, "done", "")

    async def watch(self, key: tuple[UUID, UUID], *, every: float) -> AsyncIterator[Glimpse | None]:
        """Yield the answer whenever it has grown, and None when nothing moved for `every` seconds."""
        client, name = self._client(), _name(key)
        last, epoch, is_done = "0", 0, False
        pieces: list[str] = []
        while not is_done:
            try:
                rows = await client.xread({name: last}, count=_MOST_AT_ONCE, block=int(every * 1000))
            except RedisError as error:
                log.warning("relay.unreachable error=%s", type(error).__name__)
                await asyncio.sleep(every)
                rows = []
            if not rows:
                yield None
                continue
            for entry_id, entry in entries_of(rows):
                last = entry_id
                written_by = int(entry["epoch"])
                if written_by > epoch:
                    epoch, pieces, is_done = written_by, [], False
                if written_by == epoch:
                    pieces.append(entry["text"])
                    is_done = entry["kind"] == "done"
            yield Glimpse(epoch, "".join(pieces), is_done)

    def _put(self, key: tuple[UUID, UUID], epoch: int, kind: str, text: str) -> None:
        """Hand an entry to the writer: whoever publishes never waits for Redis, and entries keep their order."""
        loop = asyncio.get_running_loop()
        if loop not in self._outgoing:
            self._outgoing[loop] = asyncio.Queue()
            writer = loop.create_task(self._write(self._outgoing[loop]))
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)
        self._outgoing[loop].put_nowait((_name(key), {"epoch": str(epoch), "kind": kind, "text": text}))

    async def _write(self, outgoing: "asyncio.Queue[_Entry]") -> None:
        while True:
            batch = [await outgoing.get()]
            while not outgoing.empty() and len(batch) < _MOST_AT_ONCE:
                batch.append(outgoing.get_nowait())
            try:
                async with self._client().pipeline(transaction=False) as pipe:
                    for name, entry in batch:
                        pipe.xadd(name, entry)  # type: ignore[arg-type]
                        pipe.expire(name, _KEPT)
                    await pipe.execute()
            except RedisError as error:
                log.warning("relay.unreachable error=%s lost=%s", type(error).__name__, len(batch))

    def _client(self) -> Redis:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = Redis.from_url(self._url, decode_responses=True)
        return self._clients[loop]


def _name(key: tuple[UUID, UUID]) -> str:
    account_id, turn_id = key
    return f"acct:{account_id}:turn:{turn_id}"


def entries_of(rows) -> list[_Entry]:
    """Return the entries of the one stream that was read; Redis 8 answers a mapping where 7 answers pairs."""
    streams = rows.values() if isinstance(rows, dict) else [entries for _name, entries in rows]
    return [
        entry for entries in streams for entry in (entries[0] if entries and isinstance(entries[0], list) else entries)
    ]
