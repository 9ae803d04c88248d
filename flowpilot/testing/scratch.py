"""A database to take apart: its own embedded server in a temporary folder, migrated, with this process as the app role.

Pages can be asked for as well: static files are those of the source tree.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.test.utils import override_settings

from flowpilot.postgres.embedded import EmbeddedPostgres

_AS_THEY_LIE = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@contextmanager
def scratch_database(kept: Path | None = None) -> Iterator[EmbeddedPostgres]:
    """Give this process a database of its own. Must come before its first query; needs the embedded server's settings.

    It is empty, and gone afterwards, unless it is `kept` in a folder.
    """
    database = connections.settings["default"]
    with (
        _folder(kept) as folder,
        EmbeddedPostgres(Path(folder) / "postgres", is_throwaway=True) as server,
        override_settings(STORAGES=_AS_THEY_LIE, ALLOWED_HOSTS=["localhost"], SECURE_SSL_REDIRECT=False),
    ):
        environment = {**os.environ, "FLOWPILOT_DATA_DIR": folder, "DATABASE_ROLE": "owner"}
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=settings.BASE_DIR, env=environment, check=True)
        usual, database["HOST"] = database["HOST"], str(server.socket)
        try:
            yield server
        finally:
            connections.close_all()
            connections["default"].close_pool()
            database["HOST"] = usual


@contextmanager
def _folder(kept: Path | None) -> Iterator[str]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield str(kept)
        return
    with tempfile.TemporaryDirectory(prefix="flowpilot-") as folder:
        yield folder
