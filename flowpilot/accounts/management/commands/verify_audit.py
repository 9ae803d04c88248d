from django.core.management.base import BaseCommand, CommandError

from flowpilot.accounts import audit
from flowpilot.accounts.queries import accounts_with_people
from flowpilot.accounts.scope import account_scope


class Command(BaseCommand):
    help = "Check every account's audit log: no event was changed, and none taken away, since it was written."

    def handle(self, **options):
        broken, checked = 0, accounts_with_people()
        for account_id in checked:
            with account_scope(account_id):
                number = audit.first_broken()
            if number is not None:
                broken += 1
                self.stdout.write(
                    self.style.ERROR(f"account {account_id}: event {number} was changed, or one before it is gone")
                )
        if broken:
            raise CommandError(f"{broken} of {len(checked)} logs do not hold.")
        self.stdout.write(f"{len(checked)} logs hold.")
