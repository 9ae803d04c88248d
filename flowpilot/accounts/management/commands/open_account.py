import getpass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.services import open_account


class Command(BaseCommand):
    help = "Open an account with its first person, the owner. Asks for the password."

    def add_arguments(self, parser):
        parser.add_argument("account", help="the name of the managed service provider")
        parser.add_argument("--owner", required=True, help="e-mail address of the owner")
        parser.add_argument("--name", required=True, help="how the owner is called")

    def handle(self, *, account, owner, name, **options):
        email = owner.strip().lower()
        if User.objects.filter(email=email).exists():
            raise CommandError(f"{email} signs in to FlowPilot already. Choose another address.")
        password = getpass.getpass("Password: ")
        try:
            validate_password(password, User(email=email, name=name))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        opened = open_account(name=account)
        with account_scope(opened.id):
            User.objects.create_user(email, password, account=opened, name=name, role=User.Role.OWNER)
        self.stdout.write(f"{account} is open. {email} can sign in.")
