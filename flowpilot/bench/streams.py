"""Streams of one process, web and worker in it: what FlowPilot adds to the first word of an answer, and what open streams hold.

The AI is a stand-in on loopback. `added` is from pressing *Send* to the first word in the page, less what the SDK alone takes for the same on this
machine in the same run. First turns one after another, then as many at once, then pages that only listen: a stream must hold no connection to the
database while it waits, so `connections` stays at the pool's size whatever is open, and a page is served meanwhile.
"""

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from flowpilot.testing.fleet import Fleet
from flowpilot.testing.messages_server import MessagesServer
from flowpilot.testing.scripted_server import Reply
from flowpilot.testing.watching import Page, Technician, first_word_by_sdk

_PIECES = [f"Word{number} " for number in range(100)]
_TICKS = os.sysconf("SC_CLK_TCK")
_CONNECTIONS = "SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in%%') FROM pg_stat_activity WHERE application_name LIKE 'fleet-web-%%'"


def add_arguments(parser) -> None:
    """Take how many streams, and how the stand-in answers."""
    parser.add_argument("--alone", type=int, default=20, help="turns one after another")
    parser.add_argument("--held", type=int, default=50, help="turns at once")
    parser.add_argument("--idle", type=int, default=100, help="pages that listen")
    parser.add_argument("--piece", type=float, default=0.05, help="seconds before each of 100 pieces of an answer")


def run(*, alone: int, held: int, idle: int, piece: float, **_: object) -> dict[str, Any]:
    """Return milliseconds to the first word, connections, processor time and memory."""
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, MessagesServer(_answer(piece)) as ai:
        key = {"ANTHROPIC_API_KEY": ai.api_key, "ANTHROPIC_BASE_URL": ai.base_url}
        with Fleet(Path(folder), WORKER_CONCURRENCY=str(held + 10), **key) as fleet:
            return asyncio.run(_Run(fleet, ai, alone, held, idle).go())


def _answer(piece: float) -> Callable[[dict[str, Any]], Reply]:
    return lambda _request: Reply("".join(_PIECES), pieces=_PIECES, delay=piece)


class _Run:
    """One run: a process, a technician, and what was seen."""

    def __init__(self, fleet: Fleet, ai: MessagesServer, alone: int, held: int, idle: int) -> None:
        self.fleet, self.ai = fleet, ai
        self.alone, self.held, self.idle = alone, held, idle
        self.connections = self.in_transaction = 0

    async def go(self) -> dict[str, Any]:
        pid = self.fleet.add_web(has_worker=True)
        opened = self.fleet.open_account(max(self.held, self.alone) + 1)
        self.chats = opened["chats"]
        self.person = Technician(opened["cookie"], lambda: list(self.fleet.webs.values()))
        try:
            await self._first_word(self.chats[-1])  # the first turn of a process loads what all need
            bare = statistics.median([await first_word_by_sdk(self.ai.api_key, self.ai.base_url) for _ in range(5)])
            alone = [await self._first_word(self.chats[number]) - bare for number in range(self.alone)]
            before = _spent(pid)
            held = await self._counted(lambda: self._at_once(bare))
            per_turn = (_spent(pid) - before) / self.held * 1000
            memory, connections = _memory(pid), (self.connections, self.in_transaction)
            page = await self._counted(self._listen)
        finally:
            await self.person.close()
        return {
            "bare_first_word_ms": round(bare, 1),
            "alone_added_ms_p50": round(statistics.median(alone), 1),
            "held": self.held,
            "held_added_ms_p50": round(statistics.median(held), 1),
            "held_added_ms_p95": round(sorted(held)[int(len(held) * 0.95)], 1),
            "held_connections": connections[0],
            "held_waiting_in_a_transaction": connections[1],
            "cpu_ms_a_turn": round(per_turn, 1),
            "memory_mib": memory,
            "idle": self.idle,
            "idle_connections": self.connections,
            "idle_waiting_in_a_transaction": self.in_transaction,
            "page_meanwhile_ms": round(page, 1),
        }

    async def _first_word(self, chat: str) -> float:
        """Ask in a session, and return the milliseconds until the page showed a word; the answer is waited for."""
        seen: list[float] = []

        def look(page: Page) -> None:
            if not seen and (page.done or page.tail):
                seen.append(time.perf_counter())

        began = time.perf_counter()
        turn = await self.person.ask(chat, "Outlook asks for a password")
        await self.person.watch(chat, turn, look)
        return (seen[0] - began) * 1000

    async def _at_once(self, bare: float) -> list[float]:
        asked = await asyncio.gather(*(self._first_word(chat) for chat in self.chats[: self.held]))
        return [each - bare for each in asked]

    async def _listen(self) -> float:
        """Open the streams of pages that listen; return what a page takes while they are open."""
        async with AsyncExitStack() as stack:
            for number in range(self.idle):
                chat = self.chats[number % len(self.chats)]
                await stack.enter_async_context(self.person.listening(chat))
            times = []
            for _ in range(9):
                began = time.perf_counter()
                await self.person.reload(self.chats[0])
                times.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(0.2)
            return statistics.median(times)

    async def _counted[T](self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something, and keep the most connections that the process held meanwhile."""
        self.connections = self.in_transaction = 0
        counting = asyncio.create_task(self._count())
        try:
            return await work()
        finally:
            counting.cancel()

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            [(every, in_transaction)] = await asyncio.to_thread(self.fleet.sql, _CONNECTIONS)
            self.connections = max(self.connections, every)
            self.in_transaction = max(self.in_transaction, in_transaction)


def _spent(pid: int) -> float:
    """Return the seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _memory(pid: int) -> int:
    """Return the memory a process holds, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024)
