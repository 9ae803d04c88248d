import getpass

from django.core.management.base import BaseCommand, CommandError

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import UserError
from flowpilot.providers.connectwise.address import checked
from psa import services
from psa.queries import connectwise_of


class Command(BaseCommand):
    help = "Connect an account to its ConnectWise and try it; people are linked to members by their e-mail address."

    def add_arguments(self, parser):
        parser.add_argument("--owner", required=True, help="e-mail address of somebody in the account")
        parser.add_argument(
            "--url", help="the REST API, such as https://api-eu.myconnectwise.net/v4_6_release/apis/3.0"
        )
        parser.add_argument("--company", help="the company ID that one signs in to ConnectWise with")
        parser.add_argument("--client-id", help="the integration's client ID")
        parser.add_argument("--public-key", help="the API member's public key")
        parser.add_argument("--test", action="store_true", help="only try the connection that is kept")

    def handle(self, *, owner, test, **options):
        person = User.objects.filter(email=owner.strip().lower(), account__isnull=False).first()
        if person is None or person.account_id is None:
            raise CommandError(f"Nobody signs in as {owner}.")
        if not test:
            self._keep(person.account_id, options)
        try:
            client = connectwise_of(person.account_id)
            info = client.test()
            members = client.list_members()
        except UserError as error:
            raise CommandError(error.message) from error
        linked = _link_people(person.account_id, members)
        self.stdout.write(f"ConnectWise {info.version} answers. {linked} of your people are linked to their members.")

    def _keep(self, account_id, options) -> None:
        missing = [name for name in ("url", "company", "client_id", "public_key") if not options[name]]
        if missing:
            raise CommandError("Missing: " + ", ".join(f"--{name.replace('_', '-')}" for name in missing))
        try:
            checked(options["url"])
        except UserError as error:
            raise CommandError(error.message) from error
        private_key = getpass.getpass("Private key: ")
        with account_scope(account_id):
            services.connect(
                base_url=options["url"],
                company_id=options["company"],
                client_id=options["client_id"],
                public_key=options["public_key"],
                private_key=private_key,
            )


def _link_people(account_id, members) -> int:
    by_email = {member.email.lower(): member for member in members if member.email}
    with account_scope(account_id):
        known = [person for person in User.objects.filter(is_active=True) if person.email in by_email]
        for person in known:
            member = by_email[person.email]
            services.link_member(user=person, member_id=member.id, identifier=member.identifier)
    return len(known)
