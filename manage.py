#!/usr/bin/env python
"""Django's command line. With no DATABASE_URL it starts the embedded PostgreSQL around the command."""

import os
import sys
from contextlib import nullcontext

OWNER_COMMANDS = {"migrate", "makemigrations", "sqlmigrate", "showmigrations", "flush", "audit_rls"}
NEED_NO_DATABASE = {"demo", "help", "collectstatic", "new_key", "--version", "--help", "-h"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flowpilot.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command in OWNER_COMMANDS:
        os.environ.setdefault("DATABASE_ROLE", "owner")

    from django.conf import settings  # after the role is chosen
    from django.core.management import execute_from_command_line

    from flowpilot.postgres.embedded import BrokenServer, EmbeddedPostgres

    needs_server = settings.IS_EMBEDDED and command not in NEED_NO_DATABASE
    try:
        with EmbeddedPostgres(settings.POSTGRES_ROOT) if needs_server else nullcontext():
            execute_from_command_line(sys.argv)
    except BrokenServer as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
