"""An account's export: asked for by its owner, made by a job, downloaded by its owner, gone after some days."""

import logging
import os
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from flowpilot.accounts import archive, audit
from flowpilot.accounts.audit import Action
from flowpilot.accounts.models import AccountExport, User
from flowpilot.accounts.permissions import Right, require
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, NotFound

log = logging.getLogger("flowpilot.exports")
KEPT = timedelta(days=3)
_LOST = timedelta(hours=1)  # a job that took longer is not coming back
State = AccountExport.State


def exports() -> list[AccountExport]:
    """Return the open account's exports that are being made, failed or can be had, the newest first."""
    found = AccountExport.objects.select_related("asked_by").filter(expires_at__gt=timezone.now())
    return list(found.order_by("-created_at", "id"))


@transaction.atomic
def ask_export(*, by: User) -> AccountExport:
    """Have an archive of the open account made. Raises NotYourRole, or Conflict while one is being made."""
    require(by, Right.OWN)
    now = timezone.now()
    AccountExport.objects.filter(state=State.MAKING, created_at__lt=now - _LOST).delete()
    if AccountExport.objects.filter(state=State.MAKING).exists():
        raise Conflict("An export is being made already. It shows here when it is ready.")
    export = AccountExport.objects.create(asked_by=by, expires_at=now + KEPT)
    audit.record(Action.EXPORT_ASKED, by=by)
    app.configure_task("export_account", queue="retention").defer(
        account_id=str(export.account_id), export_id=str(export.pk)
    )
    return export


def make_export(account_id: UUID, export_id: UUID) -> None:
    """Write the archive of an export that was asked for; one that is no longer wanted is left."""
    with account_scope(account_id):
        if not AccountExport.objects.filter(pk=export_id, state=State.MAKING).exists():
            return
    name = secrets.token_hex(16)
    path = _path(account_id, name)
    half = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "r+b") as file:
            archive.write(account_id, file)
        half.rename(path)
    except OSError as error:
        with suppress(OSError):
            half.unlink()
        log.warning("export.failed account=%s error=%s", account_id, type(error).__name__)
        _end(account_id, export_id, state=State.FAILED)
        return
    size = path.stat().st_size
    if _end(account_id, export_id, state=State.READY, file=name, size=size, expires_at=timezone.now() + KEPT):
        log.info("export.made account=%s bytes=%d", account_id, size)
    else:
        path.unlink(missing_ok=True)


@transaction.atomic
def take_export(*, export_id: UUID, by: User) -> Path:
    """Return where an export lies, and write down who took it. Raises NotYourRole or NotFound."""
    require(by, Right.OWN)
    export = AccountExport.objects.filter(pk=export_id, state=State.READY, expires_at__gt=timezone.now()).first()
    path = _path(export.account_id, export.file) if export else None
    if path is None or not path.exists():
        raise NotFound("That export is gone: they are kept for three days. Make a new one.")
    audit.record(Action.EXPORT_TAKEN, by=by, detail={"bytes": path.stat().st_size})
    return path


def forget_old(account_id: UUID) -> int:
    """Delete the account's exports that are too old, with their files and what a killed job left; return how many."""
    with account_scope(account_id):
        old = AccountExport.objects.filter(expires_at__lte=timezone.now())
        over = {_path(account_id, name) for name in old.values_list("file", flat=True)}
        forgotten = old.delete()[0]
        kept = {_path(account_id, name) for name in AccountExport.objects.values_list("file", flat=True)}
    lost = (timezone.now() - _LOST).timestamp()
    for path in archive.files_of(account_id):
        is_left = path not in kept and path.stat().st_mtime < lost
        if path.parent.parent.name == archive.EXPORTS and (path in over or is_left):
            path.unlink(missing_ok=True)
    return forgotten


def _end(account_id: UUID, export_id: UUID, **changes) -> bool:
    with account_scope(account_id):
        return bool(AccountExport.objects.filter(pk=export_id, state=State.MAKING).update(**changes))


def _path(account_id: UUID, name: str) -> Path:
    return settings.DATA_DIR / archive.EXPORTS / str(account_id) / f"{name}.zip"
