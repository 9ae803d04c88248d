from django.core.management.base import BaseCommand, CommandError

from flowpilot.doctor import examine


class Command(BaseCommand):
    help = "Look at everything FlowPilot stands on: a line each, what is wrong, and what to do. Ends with 1 when something is."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--ask", action="store_true", help="also ask each AI for a word, and each ConnectWise")

    def handle(self, *, ask, **options):
        wrong = 0
        for finding in examine(asks_outside=ask):
            wrong += not finding.is_ok
            mark = self.style.SUCCESS("OK   ") if finding.is_ok else self.style.ERROR("WRONG")
            self.stdout.write(f"{mark} {finding.name}: {finding.text}")
        if wrong:
            raise CommandError(f"{wrong} of these need attention.")
