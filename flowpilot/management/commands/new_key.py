from django.core.management.base import BaseCommand

from flowpilot.accounts.sealing import new_key


class Command(BaseCommand):
    help = "Print a key for CREDENTIAL_KEYS. Put a new one first; keep the old ones until everything is sealed anew."
    requires_system_checks = []

    def handle(self, *args, **options):
        self.stdout.write(new_key())
