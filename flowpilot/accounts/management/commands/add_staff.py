import getpass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from flowpilot.accounts.models import User


class Command(BaseCommand):
    help = "Add one of the platform's staff, who belongs to no account. Asks for the password."

    def add_arguments(self, parser):
        parser.add_argument("email", help="the address they sign in with")
        parser.add_argument("--name", required=True, help="how they are called; the people they help read it")

    def handle(self, *, email, name, **options):
        email = email.strip().lower()
        if User.objects.filter(email=email).exists():
            raise CommandError(f"{email} signs in to FlowPilot already. Choose another address.")
        password = getpass.getpass("Password: ")
        try:
            validate_password(password, User(email=email, name=name))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        User.objects.create_user(email, password, name=name, role=User.Role.SUPER_ADMIN)
        self.stdout.write(f"{email} can sign in, and is asked to set up a second factor first.")
