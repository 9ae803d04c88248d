"""Turns under workers that are killed, paused and replaced, and browsers that lose their connection.

Web and workers are processes of their own on an embedded database, without Redis; the AI is a stand-in on loopback, every answer of which carries
the number of its try. Times are those of production divided by `2 / beat`, so that a lost worker is noticed sooner and the run is shorter.

`lost`: messages that are not there exactly as they were typed. `doubled`: messages stored twice, and answers that are not one try's, whole.
`stuck`: turns that had not ended when everything was quiet again. `differing`: pages that a stream left otherwise than the stored text, or a
reload, shows them, and pages that ever showed two tries at once. A turn that loses its worker six times fails with words; it is tried again.
"""

import asyncio
import random
import re
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from flowpilot.testing.fleet import Fleet, process_name
from flowpilot.testing.messages_server import MessagesServer
from flowpilot.testing.scripted_server import Reply
from flowpilot.testing.watching import Page, Technician
from flowpilot.ui.markdown import render

_WORKERS, _WEBS, _PIECES = 8, 2, 40
_MOST_LIVE = 50
_TRY = re.compile(r"try-(\d+)[ .]")  # whole: a number that is still growing is no other try
_IN_FLIGHT = """
    SELECT DISTINCT worker.process FROM procrastinate_jobs job JOIN procrastinate_workers worker ON worker.id = job.worker_id
    JOIN ai_turns turn ON turn.id = (job.args->>'turn_id')::uuid
    WHERE job.status = 'doing' AND turn.status = 'running' AND turn.started_at < clock_timestamp() - interval '200 ms'
      AND turn.heartbeat_at > clock_timestamp() - %s * interval '1 second'
"""


def add_arguments(parser) -> None:
    """Take how much goes wrong, and how fast."""
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--kills", type=int, default=600)
    parser.add_argument("--pauses", type=int, default=200)
    parser.add_argument("--disconnects", type=int, default=200)
    parser.add_argument("--live-at-restart", type=int, default=20)
    parser.add_argument("--answer-seconds", type=float, default=12.0)
    parser.add_argument("--beat", type=float, default=0.5)


def run(**options: Any) -> dict[str, Any]:
    """Return the counts of what was done and of what went wrong."""
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder:
        return asyncio.run(_Run(Path(folder), **options).go())


class _Run:
    """One run: what was asked, what was tried, what was seen."""

    def __init__(self, folder: Path, *, beat: float, answer_seconds: float, **wanted: int) -> None:
        self.folder, self.beat, self.answer_seconds, self.wanted = folder, beat, answer_seconds, wanted
        self.random = random.Random(7)  # noqa: S311  the same accidents each time
        self.tries: list[str] = []
        self.asked: dict[str, tuple[str, str]] = {}  # turn -> chat, words
        self.watching: dict[str, asyncio.Task[Page]] = {}
        self.done = {"kills": 0, "pauses": 0, "retried": 0, "restarts": 0}
        self.mixed = 0

    async def go(self) -> dict[str, Any]:
        environment = {"TURN_BEAT_SECONDS": str(self.beat), "WORKER_CONCURRENCY": "12", "WORKER_GRACE_SECONDS": "1"}
        with MessagesServer(self._answer) as ai:
            environment |= {"ANTHROPIC_API_KEY": ai.api_key, "ANTHROPIC_BASE_URL": ai.base_url}
            with Fleet(self.folder, **environment) as self.fleet:
                for _ in range(_WORKERS):
                    self.fleet.add_worker()
                for _ in range(_WEBS):
                    self.fleet.add_web()
                opened = self.fleet.open_account(self.wanted["turns"])
                self.chats = opened["chats"]
                self.person = Technician(opened["cookie"], lambda: list(self.fleet.webs.values()))
                self.person.cuts_left = self.wanted["disconnects"]
                try:
                    return await self._all()
                finally:
                    for task in self.watching.values():
                        task.cancel()
                    await self.person.close()

    async def _all(self) -> dict[str, Any]:
        began = time.monotonic()
        for chat in self.chats:
            await self._ask(chat)
        await self._kill()
        await self._pause()
        await self._restart()
        stuck = await self._settle()
        figures = {
            "turns": len(self.asked),
            **self.done,
            "disconnects": self.wanted["disconnects"] - self.person.cuts_left,
        }
        return {**figures, **await self._judge(stuck), "seconds": round(time.monotonic() - began)}

    def _answer(self, _request: dict[str, Any]) -> Reply:
        number = len(self.tries)
        lines = [
            f"try-{number} says:",
            "",
            "- one",
            "- two",
            "",
            *(f"Line {line} of try-{number}." for line in range(30)),
        ]
        text = "\n".join(lines)
        self.tries.append(text)
        size = -(-len(text) // _PIECES)
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        return Reply(text, pieces=pieces, delay=self.answer_seconds / _PIECES)

    async def _ask(self, chat: str) -> None:
        words = f"Message {len(self.asked)} of the bench"
        turn = await self.person.ask(chat, words)
        self.asked[turn] = chat, words
        self._watch(turn)

    def _watch(self, turn: str) -> None:
        self.watching[turn] = asyncio.create_task(self.person.watch(self.asked[turn][0], turn, self._look))

    def _look(self, page: Page) -> None:
        self.mixed += len(set(_TRY.findall(page.done + page.tail))) > 1

    async def _kill(self) -> None:
        while self.done["kills"] < self.wanted["kills"]:
            pid = await self._someone_busy()
            self.fleet.signal(pid, signal.SIGKILL)
            self.done["kills"] += 1
            await asyncio.to_thread(self.fleet.add_worker)

    async def _pause(self) -> None:
        while self.done["pauses"] < self.wanted["pauses"]:
            pids = {await self._someone_busy() for _ in range(_WORKERS // 2)}
            for pid in pids:
                self.fleet.signal(pid, signal.SIGSTOP)
            await asyncio.sleep(7.5 * self.beat)  # longer than a claim and a worker may be silent
            for pid in pids:
                self.fleet.signal(pid, signal.SIGCONT)
            self.done["pauses"] += len(pids)
            await asyncio.sleep(self.beat)

    async def _restart(self) -> None:
        """Replace every process, one after another, while answers are being written."""
        for _ in range(600):
            self.done["live_at_restart"] = await self._keep_busy()
            if self.done["live_at_restart"] >= self.wanted["live_at_restart"]:
                break
            await asyncio.sleep(0.2)
        for old in list(self.fleet.workers):
            await asyncio.to_thread(self.fleet.add_worker)
            self.fleet.signal(old, signal.SIGTERM)
        for old in list(self.fleet.webs):
            await asyncio.to_thread(self.fleet.add_web)
            self.fleet.signal(old, signal.SIGTERM)
        self.done["restarts"] += 1

    async def _someone_busy(self) -> int:
        """Return a worker that is in the middle of an answer; ask more when there is none."""
        while True:
            busy = {worker for (worker,) in self.fleet.sql(_IN_FLIGHT, 4 * self.beat)}
            pids = [pid for pid in self.fleet.workers if process_name("worker", pid) in busy]
            if pids:
                return self.random.choice(pids)
            await self._keep_busy()
            await asyncio.sleep(0.1)

    async def _keep_busy(self) -> int:
        """Try failed turns again, ask in sessions that are quiet; return how many turns are live."""
        await self._retry_failed()
        live = {
            str(chat)
            for (chat,) in self.fleet.sql("SELECT chat_id FROM ai_turns WHERE status IN ('queued', 'running')")
        }
        quiet = [chat for chat in self.chats if chat not in live]
        if len(live) < min(_MOST_LIVE, len(self.chats)) / 2:
            for chat in quiet:
                await self._ask(chat)
            return len(self.chats)
        return len(live)

    async def _retry_failed(self) -> int:
        failed = [str(turn) for (turn,) in self.fleet.sql("SELECT id FROM ai_turns WHERE status = 'failed'")]
        for turn in failed:
            await self.watching[turn]
            await self.person.retry(self.asked[turn][0], turn)
            self.done["retried"] += 1
            self._watch(turn)
        return len(failed)

    async def _settle(self) -> int:
        """Wait until every turn has ended, failed ones tried again; return how many have not."""
        patience = time.monotonic() + 60 + 5 * self.answer_seconds + 20 * self.beat
        live = "SELECT count(*) FROM ai_turns WHERE status IN ('queued', 'running')"
        while time.monotonic() < patience:
            failed = await self._retry_failed()
            if not failed and self.fleet.sql(live) == [(0,)]:
                break
            await asyncio.sleep(0.2)
        return self.fleet.sql(live)[0][0]

    async def _judge(self, stuck: int) -> dict[str, int]:
        rows = self.fleet.sql("SELECT id::text, chat_id::text, text, answer, raw_answer, status FROM ai_turns")
        stored = {row[0]: row[1:] for row in rows}
        lost = sum(stored.get(turn, ("", ""))[:2] != asked for turn, asked in self.asked.items())
        doubled, whole = len(stored) - len(self.asked), set(self.tries)
        differing, failed = self.mixed, 0
        for turn, (chat, _words, answer, raw, status) in stored.items():
            if status == "done":
                doubled += raw not in whole or answer != raw.strip()
            failed += status == "failed"
            if turn not in self.watching or status in {"queued", "running"}:
                continue
            page = await asyncio.wait_for(self.watching[turn], 30)
            prose = f'id="turn-{turn}-text" hx-ignore>{render(answer)}</div>'
            shown = "\n".join(prose.splitlines())
            differing += shown not in page.ended or prose not in await self.person.reload(chat)
        return {"lost": lost, "doubled": doubled, "stuck": stuck, "differing": differing, "failed": failed}
