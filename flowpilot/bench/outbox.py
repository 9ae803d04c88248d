"""Whether posts reach their tickets exactly once: under faults of ConnectWise, while workers are killed."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from flowpilot.postgres import embedded
from flowpilot.postgres.embedded import EmbeddedPostgres
from flowpilot.providers.connectwise.sandbox import Reply, Sandbox

_NOTES = "/notes"
_SOON = Reply(429, {"error": "ConnectWiseAPI", "message": "Too many requests."}, {"Retry-After": "1"})
_FAULTS: list[tuple[float, str | Reply]] = [
    (0.12, "commit_then_drop"),
    (0.10, "commit_then_stall"),
    (0.08, "late_commit"),
    (0.05, "500"),
    (0.05, "commit_then_500"),
    (0.05, _SOON),
]
_WORKERS = 3
_READ_TIMEOUT, _LATE, _SETTLE = 0.5, (0.6, 1.2), 3.0  # what comes late comes within the settle time
_DONE = ("sent", "rejected", "dead")


def add_arguments(parser):
    parser.add_argument("--posts", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--tickets", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=20.0, help="after which what is not there counts as lost")


def run(*, posts: int, kills: int, tickets: int, minutes: float, **_: object) -> dict:
    """Return how many posts there were, how many workers were killed, and what was lost or doubled."""
    with tempfile.TemporaryDirectory(prefix="bench-outbox-") as folder, ExitStack() as stack:
        stack.enter_context(EmbeddedPostgres(Path(folder) / "postgres", is_throwaway=True))
        sandbox = Sandbox(more_tickets=tickets)
        sandbox.app.late_seconds, sandbox.app.stall_seconds, sandbox.switches.note_lag = _LATE, 1.0, 0.05
        base_url = stack.enter_context(sandbox.serve())
        stage = _Stage(Path(folder))
        stage.do("migrate", "--verbosity", "0", DATABASE_ROLE="owner")
        stage.call(
            f"prepare(count={posts}, tickets={tickets}, base_url={base_url!r}, credentials={sandbox.credentials!r})"
        )
        sandbox.faults.mix(_FAULTS, match=_NOTES)
        started = time.monotonic()
        killed = stage.deliver(kills=kills, until=started + minutes * 60)
        return _figures(stage, sandbox, killed) | {"seconds": round(time.monotonic() - started)}


class _Stage:
    """FlowPilot in processes of its own, on a database of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._host = str(embedded.socket_dir(folder / "postgres"))
        dropped = {"DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_ROLE", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
        self._environment = {name: value for name, value in os.environ.items() if name not in dropped} | {
            "FLOWPILOT_DATA_DIR": str(folder),
            "PSA_LOOPBACK": "1",
            "PSA_READ_TIMEOUT": str(_READ_TIMEOUT),
            "PSA_SETTLE_SECONDS": str(int(_SETTLE)),
            "WORKER_CONCURRENCY": "8",
            "DATABASE_POOL": "8",
            "LOG_LEVEL": "ERROR",
        }

    def do(self, *arguments: str, **environment: str) -> None:
        """Run a command of manage.py to its end."""
        subprocess.run(  # noqa: S603
            self._command(*arguments), cwd=settings.BASE_DIR, env=self._environment | environment, check=True
        )

    def call(self, what: str) -> None:
        """Run a function of the stage."""
        self.do("shell", "--no-imports", "-c", f"from flowpilot.testing.outbox_stage import *; {what}")

    def deliver(self, *, kills: int, until: float) -> int:
        """Let workers deliver, killing one after the other, until all is done or time is up; return how many were killed."""
        script = "from flowpilot.testing.outbox_stage import *; work()"
        nurseries = [self._start("shell", "--no-imports", "-c", script) for _ in range(_WORKERS)]
        workers = [_Worker(each) for each in nurseries]
        killed = 0
        try:
            while time.monotonic() < until and (killed < kills or self.states().keys() - set(_DONE)):
                time.sleep(random.uniform(0.2, 0.6))  # noqa: S311
                if killed < kills:
                    killed += workers[killed % _WORKERS].kill()
        finally:
            for worker in workers:
                worker.end()
        return killed

    def states(self) -> Counter:
        """Return how many posts stand where."""
        with self._connect() as connection:
            return Counter(
                dict(connection.execute("SELECT state, count(*) FROM psa_psapost GROUP BY state").fetchall())
            )

    def references(self) -> list[str]:
        """Return what each post is found by."""
        with self._connect() as connection:
            return [reference for (reference,) in connection.execute("SELECT reference FROM psa_psapost")]

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(host=self._host, user=embedded.OWNER, dbname=embedded.DATABASE, autocommit=True)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]

    def _start(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(  # noqa: S603
            self._command(*arguments), cwd=settings.BASE_DIR, env=self._environment, stdout=subprocess.PIPE, text=True
        )


class _Worker:
    """A process that keeps one worker alive, and says which it is."""

    def __init__(self, nursery: subprocess.Popen) -> None:
        self._nursery = nursery
        self._current = self._next()

    def kill(self) -> int:
        """Take the worker away without a word; another takes its place. Return one."""
        os.kill(self._current, signal.SIGKILL)
        self._current = self._next()
        return 1

    def end(self) -> None:
        """Stop for good."""
        self._nursery.kill()
        self._nursery.wait()
        os.kill(self._current, signal.SIGKILL)

    def _next(self) -> int:
        assert self._nursery.stdout is not None
        return int(self._nursery.stdout.readline())


def _figures(stage: _Stage, sandbox: Sandbox, killed: int) -> dict[str, Any]:
    texts = "\n".join(note["text"] for note in sandbox.store.tables.notes.values())
    times = [texts.count(f"FP-{reference}") for reference in stage.references()]
    states = stage.states()
    return {
        "posts": len(times),
        "kills": killed,
        "lost": sum(each == 0 for each in times),
        "doubled": sum(each > 1 for each in times),
        "sent": states["sent"],
        "not_sent": len(times) - states["sent"],
        "in_order": _are_in_order(sandbox),
    }


def _are_in_order(sandbox: Sandbox) -> bool:
    """Whether each ticket's notes stand in the order they were written."""
    found: dict[int, list[int]] = {}
    for note in sorted(sandbox.store.tables.notes.values(), key=lambda note: note["id"]):
        if note["text"].startswith("Note "):
            found.setdefault(note["ticketId"], []).append(int(note["text"].split()[1]))
    return all(numbers == sorted(numbers) for numbers in found.values())
