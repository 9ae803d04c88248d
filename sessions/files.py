"""Where attachments lie: privately, under random names, one folder an account. Nothing but a view hands them out."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from django.conf import settings

from flowpilot.errors import Unavailable


def keep(account_id: UUID, data: bytes) -> str:
    """Write a file that either is there whole or not at all; return its name. Raises Unavailable."""
    name = secrets.token_hex(16)
    path = _path(account_id, name)
    half = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        half.rename(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise Unavailable("The file could not be stored. What you typed is kept; try again later.") from error
    return name


def read(account_id: UUID, name: str) -> bytes:
    """Return a file's bytes; one that is gone is empty."""
    try:
        return _path(account_id, name).read_bytes()
    except FileNotFoundError:
        return b""


def discard(account_id: UUID, names: Iterable[str]) -> None:
    """Delete files; those that are gone already are fine."""
    for name in names:
        _path(account_id, name).unlink(missing_ok=True)


def _path(account_id: UUID, name: str) -> Path:
    return settings.DATA_DIR / "attachments" / str(account_id) / name
