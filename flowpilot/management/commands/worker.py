from django.core.management.base import BaseCommand, CommandError

from flowpilot import preflight, serving


class Command(BaseCommand):
    help = "Answer turns and post notes, apart from the web."

    def handle(self, **options):
        try:
            preflight.require_database()
            preflight.require_migrated()
            preflight.require_relay()
        except preflight.NotReady as problem:
            raise CommandError(str(problem)) from problem
        serving.work()
