"""Web and worker processes on a database of their own, to be killed, paused and replaced by the hundred.

A process that has Django loaded and no connection open forks the others, so that a new worker costs milliseconds. Workers and web share
PostgreSQL alone, as they do while Redis is away: what a page is shown comes from what was saved.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings

from flowpilot.postgres.embedded import DATABASE, EmbeddedPostgres

_PATIENCE = 30.0  # seconds until a process must be there
# A worker that was struck off for its silence comes again under another number: so each row says whose process it is.
_SAY_WHOSE = "ALTER TABLE procrastinate_workers ADD COLUMN process text DEFAULT current_setting('application_name')"
_LISTENS = "SELECT 1 FROM procrastinate_workers WHERE process = %s"


class Fleet:
    """The processes of one run; a context manager. `environment` is theirs."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.workers: list[int] = []  # pids
        self.webs: dict[int, int] = {}  # pid -> port
        self._postgres = EmbeddedPostgres(folder / "postgres", is_throwaway=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
        own = {"FLOWPILOT_DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "flowpilot.settings", "LOG_LEVEL": "ERROR"}
        self._environment = {**kept, **own, **environment}
        self._log = (folder / "fleet.log").open("ab")

    def __enter__(self) -> "Fleet":
        self._postgres.acquire()
        try:
            self._manage("migrate", "--verbosity", "0", DATABASE_ROLE="owner")
            self._manage("collectstatic", "--no-input", "--verbosity", "0")
            command = [sys.executable, "-m", "flowpilot.testing.fleet"]
            piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._log, "text": True}
            self._nursery = subprocess.Popen(command, cwd=settings.BASE_DIR, env=self._environment, **piped)  # type: ignore[call-overload]
            self._sql = self._postgres.connect(dbname=DATABASE)
            self.sql(_SAY_WHOSE)
        except BaseException:
            self._postgres.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for pid in [*self.workers, *self.webs]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._nursery.stdin.close()
        self._nursery.wait(timeout=10)
        self._sql.close()
        self._postgres.release()
        self._log.close()

    def sql(self, statement: str, *params: Any) -> list[tuple]:
        """Run a statement past every policy; return its rows."""
        cursor = self._sql.execute(statement.encode(), params or None)
        return cursor.fetchall() if cursor.description else []

    def open_account(self, chats: int) -> dict[str, Any]:
        """Make an account with a technician and sessions; return their ids, and the technician's cookie."""
        return self._ask(do="open", chats=chats)

    def add_worker(self) -> int:
        """Start a worker and wait until the queue knows it; return its pid."""
        pid = self._ask(do="worker")["pid"]
        _until(lambda: self.sql(_LISTENS, process_name("worker", pid)))
        self.workers.append(pid)
        return pid

    def add_web(self, *, has_worker: bool = False) -> int:
        """Start a web process, with a worker inside if asked, and wait until it listens; return its pid."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        pid = self._ask(do="web", port=port, has_worker=has_worker)["pid"]
        _until(lambda: _listens(port))
        self.webs[pid] = port
        return pid

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Send a signal; a process that is to end is forgotten."""
        os.kill(pid, number)
        if number in {signal.SIGKILL, signal.SIGTERM}:
            self.webs.pop(pid, None)
            if pid in self.workers:
                self.workers.remove(pid)

    def _ask(self, **what: Any) -> dict[str, Any]:
        print(json.dumps(what), file=self._nursery.stdin, flush=True)
        line = self._nursery.stdout.readline()
        if not line:
            raise RuntimeError(Path(self._log.name).read_text()[-2000:])
        return json.loads(line)

    def _manage(self, *arguments: str, **environment: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        env = {**self._environment, **environment}
        subprocess.run(command, cwd=settings.BASE_DIR, env=env, check=True, stdout=self._log, stderr=self._log)


def process_name(kind: str, pid: int) -> str:
    """Return what a process of the fleet calls itself to the database."""
    return f"fleet-{kind}-{pid}"


def _until[T](found: Callable[[], T]) -> T:
    patience = time.monotonic() + _PATIENCE
    while time.monotonic() < patience:
        if what := found():
            return what
        time.sleep(0.02)
    raise RuntimeError("A process of the fleet did not come up.")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _nursery() -> None:
    """Fork what standard input asks for, line by line. Nothing here may open a connection or a thread."""
    import django

    django.setup()
    from flowpilot import asgi, serving, urls  # noqa: F401  loaded once, for all that are forked

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        what = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _grow_up(what, writing)
        os.close(writing)
        with os.fdopen(reading) as told:
            print(json.dumps({"pid": pid}) if what["do"] != "open" else told.read(), flush=True)


def _grow_up(what: dict[str, Any], writing: int) -> None:
    from flowpilot import serving

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ["PGAPPNAME"] = process_name(what["do"], os.getpid())  # by which its connections are known
    try:
        if what["do"] == "open":
            os.write(writing, json.dumps(_open(what["chats"])).encode())
        os.close(writing)
        if what["do"] == "worker":
            serving.work()
        if what["do"] == "web":
            serving.serve(host="127.0.0.1", port=what["port"], has_worker=what["has_worker"])
    finally:
        os._exit(0)


def _open(chats: int) -> dict[str, Any]:
    from django.test import Client

    from flowpilot.accounts.models import User
    from flowpilot.accounts.scope import account_scope
    from flowpilot.accounts.services import open_account
    from sessions.models import ChatSession

    account = open_account(name="Bench")
    with account_scope(account.id):
        person = User.objects.create_user("bench@example.com", None, account=account, name="Bench")
        made = [ChatSession.objects.create(title=f"Session {number}", owner=person) for number in range(chats)]
    client = Client()
    client.force_login(person)
    name = settings.SESSION_COOKIE_NAME
    ids = [str(chat.id) for chat in made]
    return {"account": str(account.id), "chats": ids, "cookie": {name: client.cookies[name].value}}


if __name__ == "__main__":
    _nursery()
