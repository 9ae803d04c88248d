"""An installation as `compose.yaml` lays it out, from Debian's packages on loopback: PostgreSQL, PgBouncer, Redis, Caddy, two webs, two workers.

It takes roles, pooler and proxy from `deploy/`, with nothing but hosts and ports changed; each page says in `X-Web` which web made it.
"""

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
from django.conf import settings

from flowpilot.accounts.sealing import new_key
from flowpilot.providers.connectwise.sandbox import Sandbox
from flowpilot.testing.messages_server import MessagesServer
from flowpilot.testing.product import Product, free_port

_PATIENCE = 60.0  # seconds until a part must answer
_SEED = "import sys, django; django.setup(); from flowpilot.demo import seed; from flowpilot.providers.connectwise.sandbox import Sandbox; seed(sys.argv[1], Sandbox().credentials, sys.argv[2])"
_USER = "postgres" if os.geteuid() == 0 else None  # PostgreSQL and PgBouncer refuse to be root


class Rehearsal(Product):
    """The parts of one installation; a context manager. `webs` and `workers` are processes to kill; `claude` answers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.url = f"https://localhost:{self.port}"
        self.claude = MessagesServer()
        self.webs: list[subprocess.Popen] = []
        self.workers: list[subprocess.Popen] = []
        self._ports = {name: free_port() for name in ("postgres", "pgbouncer", "redis", "web-1", "web-2", "http")}
        self._password = {"owner": secrets.token_hex(12), "app": secrets.token_hex(12)}
        self._stack = ExitStack()

    def __enter__(self) -> "Rehearsal":
        with ExitStack() as stack:
            stack.enter_context(self.claude)
            base_url = stack.enter_context(Sandbox(self.folder / "sandbox.jsonl").serve(port=self._sandbox_port))
            self._environment = self._settings()
            stack.callback(self._end)
            self._started: list[subprocess.Popen] = []
            self._start_servers()
            owner = self._address("owner", "postgres")
            self._manage("migrate", "--verbosity", "0", DATABASE_ROLE="owner", DATABASE_OWNER_URL=owner)
            self._manage("collectstatic", "--no-input", "--verbosity", "0")
            self._run([sys.executable, "-c", _SEED, base_url, self.url], self._environment)
            for number in (1, 2):
                self.webs.append(self._web(number))
                self.workers.append(self._worker())
            self._spawn(["caddy", "run", "--adapter", "caddyfile", "--config", str(self._caddyfile())])
            _wait_for(lambda: self._sign_in_page().status_code == 200)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def replace(self, number: int) -> None:
        """Start another web and worker in the place of those that were killed, and wait until the proxy sends pages there again."""
        self.webs[number] = self._web(number + 1)
        self.workers[number] = self._worker()
        web = f"127.0.0.1:{self._ports[f'web-{number + 1}']}"
        _wait_for(lambda: self._sign_in_page().headers.get("X-Web") == web)

    def _sign_in_page(self) -> httpx.Response:
        return httpx.get(f"{self.url}/accounts/login/", verify=False, timeout=5)  # the proxy's own certificate

    def log(self) -> str:
        """Return what all parts printed."""
        return (self.folder / "parts.log").read_text()

    def _end(self) -> None:
        for process in reversed(self._started):  # what is leaned on stops last
            process.terminate()
            process.wait(timeout=30)

    def _settings(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "DJANGO_"))}
        return {
            **kept,
            "DJANGO_SETTINGS_MODULE": "flowpilot.settings",
            "DATABASE_URL": self._address("app", "pgbouncer"),
            "DATABASE_POOL": "4",
            "REDIS_URL": f"redis://127.0.0.1:{self._ports['redis']}/0",
            "FLOWPILOT_DATA_DIR": str(self.folder),
            "SECRET_KEY": secrets.token_urlsafe(64),
            "CREDENTIAL_KEYS": new_key(),
            "ALLOWED_HOSTS": "localhost",
            "CSRF_TRUSTED_ORIGINS": self.url,
            "TRUSTED_PROXIES": "1",
            "PSA_LOOPBACK": "true",
            "ANTHROPIC_API_KEY": self.claude.api_key,
            "ANTHROPIC_BASE_URL": self.claude.base_url,
            "XDG_DATA_HOME": str(self.folder / "caddy"),
        }

    def _address(self, role: str, server: str) -> str:
        return f"postgres://flowpilot_{role}:{self._password[role]}@127.0.0.1:{self._ports[server]}/flowpilot"

    def _start_servers(self) -> None:
        data, port = self.folder / "database", str(self._ports["postgres"])
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        data.mkdir()
        (self.folder / "superuser").write_text(secrets.token_hex(12))
        _give(data, self.folder / "superuser")
        initdb = [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            _USER,
            "-A",
            "scram-sha-256",
            "--pwfile",
            self.folder / "superuser",
        ]
        self._run([str(part) for part in initdb], self._environment, user=_USER)
        self._spawn([f"{binaries}/postgres", "-D", str(data), "-p", port, "-k", "", "-h", "127.0.0.1"], user=_USER)
        ready = [f"{binaries}/pg_isready", "-h", "127.0.0.1", "-p", port]
        _wait_for(lambda: subprocess.run(ready, capture_output=True, check=False).returncode == 0)
        superuser = {"PGHOST": "127.0.0.1", "PGPORT": port, "PGPASSWORD": (self.folder / "superuser").read_text()}
        passwords = {f"{role.upper()}_PASSWORD": password for role, password in self._password.items()}
        self._run(["sh", str(settings.BASE_DIR / "deploy/roles.sh")], self._environment | superuser | passwords)
        self._spawn(["pgbouncer", str(self._pgbouncer_ini())], user=_USER)
        self._spawn(["redis-server", "--port", str(self._ports["redis"]), "--bind", "127.0.0.1", "--save", ""])

    def _pgbouncer_ini(self) -> Path:
        users, ini = self.folder / "userlist.txt", self.folder / "pgbouncer.ini"
        users.write_text(f'"flowpilot_app" "{self._password["app"]}"\n')
        text = (settings.BASE_DIR / "deploy/pgbouncer.ini").read_text()
        text = text.replace("host=postgres port=5432", f"host=127.0.0.1 port={self._ports['postgres']}")
        text = text.replace("0.0.0.0", "127.0.0.1").replace("6432", str(self._ports["pgbouncer"]))
        ini.write_text(text.replace("/run/pgbouncer/userlist.txt", str(users)))
        _give(users, ini)
        return ini

    def _caddyfile(self) -> Path:
        text = (
            (settings.BASE_DIR / "deploy/Caddyfile")
            .read_text()
            .replace("{$SITE_HOST} {", f"{self.url} {{\n\ttls internal")
        )
        webs = " ".join(f"127.0.0.1:{self._ports[name]}" for name in ("web-1", "web-2"))
        text = text.replace(
            "web-1:8000 web-2:8000 {", f"{webs} {{\n\t\theader_down X-Web {{http.reverse_proxy.upstream.hostport}}"
        )
        path = self.folder / "Caddyfile"
        options = f"{{\n\tadmin off\n\tskip_install_trust\n\thttp_port {self._ports['http']}\n}}\n"
        path.write_text(options + text.replace("{$SITE_HOST}", "localhost"))
        return path

    def _web(self, number: int) -> subprocess.Popen:
        port = self._ports[f"web-{number}"]
        process = self._spawn([sys.executable, "manage.py", "web", "--port", str(port)])
        ready = {"url": f"http://127.0.0.1:{port}/readyz", "headers": {"Host": "localhost"}, "timeout": 5}
        _wait_for(lambda: httpx.get(**ready).status_code == 200)  # type: ignore[arg-type]
        return process

    def _worker(self) -> subprocess.Popen:
        return self._spawn([sys.executable, "manage.py", "worker"], DATABASE_URL=self._address("app", "postgres"))

    def _spawn(self, command: list[str], user: str | None = None, **environment: str) -> subprocess.Popen:
        with (self.folder / "parts.log").open("ab") as log:
            own = self._environment | environment
            process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=own, stdout=log, stderr=log, user=user)
        self._started.append(process)
        return process

    def _manage(self, *arguments: str, **environment: str) -> None:
        self._run([sys.executable, "manage.py", *arguments], self._environment | environment)

    def _run(self, command: list[str], environment: dict[str, str], user: str | None = None) -> None:
        piped = {"capture_output": True, "text": True}
        done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, user=user, check=False, **piped)  # type: ignore[call-overload]
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def missing_programs() -> list[str]:
    """Return which of Debian's programs this machine lacks."""
    lacking = [name for name in ("pgbouncer", "redis-server", "caddy") if not shutil.which(name)]
    return lacking if list(Path("/usr/lib/postgresql").glob("*/bin/postgres")) else [*lacking, "postgresql"]


def _give(*paths: Path) -> None:
    if _USER:
        for path in paths:
            shutil.chown(path, _USER)


def _wait_for(is_there: Callable[[], bool]) -> None:
    patience = time.monotonic() + _PATIENCE
    while time.monotonic() < patience:
        with suppress(httpx.TransportError):
            if is_there():
                return
        time.sleep(0.1)
    raise RuntimeError("A part of the installation did not answer in time.")
