from django.core.management.base import BaseCommand, CommandError

from flowpilot.rotating import rotate


class Command(BaseCommand):
    help = "Seal every credential and second factor with the newest of CREDENTIAL_KEYS; then the older keys can go."

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="open everything and count, and change nothing")

    def handle(self, *, dry_run, **options):
        seals = rotate(is_dry_run=dry_run)
        verb = "would be sealed anew" if dry_run else "sealed anew"
        self.stdout.write(f"{seals.older} {verb}, {seals.newest} sealed with the newest key before.")
        for name in seals.broken:
            self.stdout.write(self.style.ERROR(f"{name} does not open: enter it again, or bring its key back"))
        if seals.broken:
            raise CommandError(f"{len(seals.broken)} do not open. Keep the older keys until they do.")
