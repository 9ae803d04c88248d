"""Running FlowPilot's commands as a person does: in a process of its own, with an environment of its own."""

import os
import subprocess
import sys

from django.conf import settings
from django.db import connection

_NOT_HANDED_ON = {"DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_ROLE", "FLOWPILOT_DATA_DIR", "DJANGO_SETTINGS_MODULE"}


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run Python in the project's folder; `environment` is added to what is handed on."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def url_of(user: str, database: str) -> str:
    """Return the address of a database on the server of this test run."""
    return f"postgres://{user}@/{database}?host={connection.settings_dict['HOST']}"
