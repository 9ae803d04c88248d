from django.core.management.base import BaseCommand

from flowpilot.accounts.queries import accounts_with_people
from sessions.retention import purge


class Command(BaseCommand):
    help = "Delete what accounts no longer keep, as the daily job does; --dry-run only counts."

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="say what would be deleted, and delete nothing")

    def handle(self, *, dry_run, **options):
        verb = "would go" if dry_run else "deleted"
        for account_id in accounts_with_people():
            found = purge(account_id, is_dry_run=dry_run)
            self.stdout.write(
                f"{account_id}: {found.sessions} sessions, {found.files} files, {found.posts} posts {verb}"
            )
