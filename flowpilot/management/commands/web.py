from django.core.management.base import BaseCommand, CommandError

from flowpilot import preflight, serving


class Command(BaseCommand):
    help = "Serve pages and streams; with --worker, answer turns in the same process."

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--worker", action="store_true")

    def handle(self, *, host, port, worker, **options):
        try:
            preflight.require_free_port(host, port)
            preflight.require_database()
            preflight.require_migrated()
            if not worker:
                preflight.require_relay()
        except preflight.NotReady as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"FlowPilot serves http://{host}:{port}")
        serving.serve(host=host, port=port, has_worker=worker)
