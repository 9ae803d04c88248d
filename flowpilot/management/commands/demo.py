import os
import subprocess
import sys
import time
from contextlib import ExitStack

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from flowpilot import preflight, serving
from flowpilot.demo import EMAIL, PASSWORD, fresh_start, seed
from flowpilot.postgres.embedded import BrokenServer, EmbeddedPostgres
from flowpilot.providers.connectwise.sandbox import Sandbox


class Command(BaseCommand):
    help = "Start everything on this machine: database, an invented MSP with its ConnectWise, web and worker."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--sandbox-port", type=int, default=0, help="where the ConnectWise sandbox listens; 0: any free port"
        )
        parser.add_argument("--fresh", action="store_true", help="start over: forget what was done in the demo")

    def handle(self, *, host, port, sandbox_port, fresh, **options):
        started = time.monotonic()
        try:
            preflight.require_free_port(host, port)
            if sandbox_port:
                preflight.require_free_port("127.0.0.1", sandbox_port)
            if fresh:
                self._say("Forgetting what was done before")
                fresh_start()
            with ExitStack() as stack:
                self._prepare(stack, sandbox_port, f"http://127.0.0.1:{port}")
                settings.PUBLIC_URL = settings.PUBLIC_URL or f"http://{host}:{port}"
                settings.DEMO_SIGN_IN = {"email": EMAIL, "password": PASSWORD}
                self._tell(host, port, time.monotonic() - started)
                serving.serve(host=host, port=port, has_worker=True)
                self.stdout.write("\nStopping …")
        except (preflight.NotReady, BrokenServer) as problem:
            raise CommandError(str(problem)) from problem
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")

    def _prepare(self, stack: ExitStack, sandbox_port: int, site: str) -> None:
        if settings.IS_EMBEDDED:
            self._say(f"Starting the database in {settings.POSTGRES_ROOT}")
            stack.enter_context(EmbeddedPostgres(settings.POSTGRES_ROOT))
        preflight.require_database()
        if preflight.has_migrations_to_apply():
            self._say("Bringing its tables up to date")
            _migrate()
        self._say("Collecting static files")
        call_command("collectstatic", interactive=False, verbosity=0)
        self._say("Starting the ConnectWise sandbox")
        settings.PSA_LOOPBACK = True
        sandbox = Sandbox(settings.DATA_DIR / "sandbox.jsonl")
        base_url = stack.enter_context(sandbox.serve(port=sandbox_port))
        if seed(base_url, sandbox.credentials, site):
            self._say("Moved in: Summit IT Services, its people, clients and sessions")

    def _tell(self, host: str, port: int, seconds: float) -> None:
        engine = "Claude" if settings.ANTHROPIC_API_KEY else "the guided engine (no AI key is set)"
        self.stdout.write(
            f"\nFlowPilot is ready after {seconds:.1f} s. Answers come from {engine}.\n\n"
            f"  Open      {self.style.SUCCESS(f'http://{host}:{port}')}\n"
            f"  E-mail    {EMAIL}\n"
            f"  Password  {PASSWORD}\n\n"
            "Press Ctrl-C to stop; what you did is kept.\n"
        )

    def _say(self, step: str) -> None:
        self.stdout.write(f"· {step} …")
        self.stdout.flush()


def _migrate() -> None:
    """Migrate as the owner role, in a process of its own: this one stays the app role."""
    environment = {**os.environ, "DATABASE_ROLE": "owner"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise preflight.NotReady(f"The tables could not be brought up to date: {done.stderr.strip().splitlines()[-1]}")
