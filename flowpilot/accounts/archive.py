"""What an export holds: every table as JSON, every file, and what is left out and why.

Tables and files are found by themselves: each model of an account, each folder of its own under the data directory.
"""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from flowpilot.accounts.models import Account, User
from flowpilot.accounts.owned import AccountOwned
from flowpilot.accounts.scope import account_scope

EXPORTS = "exports"  # the folder that is not in an export
_BATCH = 1000
# What opens something, or would help to: passwords, keys, what is sealed, cookies. `data` and `extra_data` are a factor's and an identity's.
WITHHELD = re.compile(r"^(sealed_.*|password|key_hash|session_key|session_data|data|extra_data)$")
_ABOUT = """FlowPilot: export of {name}, {at}

tables/   one JSON file a table: a list of rows, each with its columns
files/    what people attached, under its own name after its file's; tables/ai_attachments.json says to which session it belongs

Left out, because it opens something: passwords, keys of AI providers and ConnectWise, secrets of second factors and passkeys,
keys of invitations and of signed-in browsers. Rows that changed while the export was made are as they were at one moment of it.
"""


def write(account_id: UUID, file: IO[bytes]) -> None:
    """Write an account's archive into a file, a batch of rows at a time, each in a scope of its own."""
    names: dict[str, str] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with account_scope(account_id):
            account = Account.objects.get(pk=account_id)
            about = _ABOUT.format(name=account.name, at=timezone.now().isoformat(timespec="minutes"))
        archive.writestr("README.txt", about)
        for model in exported():
            with archive.open(f"tables/{model._meta.db_table}.json", "w", force_zip64=True) as out:
                _write_rows(account_id, model, out, names)
        for path in files_of(account_id):
            if path.parent.parent.name != EXPORTS:
                archive.write(path, f"files/{path.name}{_safe(names.get(path.name, ''))}")


def exported() -> list[type[models.Model]]:
    """Return the models whose rows are an account's, those of its people's sign-in among them."""
    owned = [model for model in apps.get_models() if issubclass(model, AccountOwned)]
    return [Account, User, *of_people(), *sorted(owned, key=lambda each: each._meta.db_table)]


def of_people() -> dict[type[models.Model], str]:
    """Return the models that hang on a person and name no account, each with the field that names the person."""
    found: dict[Any, str] = {each.related_model: each.field.name for each in User._meta.related_objects}
    apart = [model for model in found if not issubclass(model, AccountOwned)]
    return {model: found[model] for model in sorted(apart, key=lambda each: each._meta.db_table)}


def files_of(account_id: UUID) -> list[Path]:
    """Return every file of an account, in whichever folder of the data directory has one for it."""
    return sorted(
        path for folder in settings.DATA_DIR.glob(f"*/{account_id}") for path in folder.rglob("*") if path.is_file()
    )


def _write_rows(account_id: UUID, model: type[models.Model], out: IO[bytes], names: dict[str, str]) -> None:
    out.write(b"[")
    for number, row in enumerate(_rows(account_id, model)):
        if isinstance(row.get("file"), str) and "name" in row:
            names[row["file"]] = row["name"]
        out.write((",\n" if number else "\n").encode() + json.dumps(row, cls=DjangoJSONEncoder).encode())
    out.write(b"\n]\n")


def _rows(account_id: UUID, model: type[models.Model]) -> Iterator[dict[str, Any]]:
    fields = [each.attname for each in model._meta.concrete_fields if not WITHHELD.match(each.name)]
    after = None
    while True:
        with account_scope(account_id):
            rows = model._default_manager.filter(**_of(account_id, model)).order_by("pk")
            rows = rows if after is None else rows.filter(pk__gt=after)
            batch = list(rows.values(*fields, "pk")[:_BATCH])
        for row in batch:
            after = row.pop("pk")
            yield row
        if len(batch) < _BATCH:
            return


def _of(account_id: UUID, model: type[models.Model]) -> dict[str, Any]:
    if model is Account:
        return {"pk": account_id}
    if model is User or issubclass(model, AccountOwned):
        return {"account_id": account_id}
    return {f"{of_people()[model]}__account_id": account_id}


def _safe(name: str) -> str:
    """Return a name as the end of a path's last part, or nothing."""
    kept = re.sub(r"[^\w.-]+", "-", name).strip(".-")[-80:]
    return f"-{kept}" if kept else ""
