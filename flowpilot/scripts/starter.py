"""The starter set: twenty scripts that technicians use, one file each with what it asks for beside it.

An account sees them from its first day without a row of its own; the first use or change gives one, under an id that follows from the
account and the script. So nothing is written on reading, and no row is shared between accounts.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from flowpilot.accounts.scope import current_account_id
from flowpilot.scripts.languages import LANGUAGES
from flowpilot.scripts.models import ScriptTemplate, ScriptVersion

_FOLDER = Path(__file__).parent / "starter"


@cache
def load_starter() -> dict[str, dict[str, Any]]:
    """Return the fields of each starter by its key; read from disk once."""
    return {file.stem: _read(file) for file in sorted(_FOLDER.glob("*.json"))}


def unused_starters(used: set[str]) -> list[ScriptTemplate]:
    """Return the open account's starters that have no row yet, as objects that were not saved."""
    return [_make(key) for key in load_starter() if key not in used]


def find_starter(template_id: UUID) -> ScriptTemplate | None:
    """Return the open account's starter with this id, as an object that was not saved."""
    return next((_make(key) for key in load_starter() if _id(key) == template_id), None)


def keep_starter(template: ScriptTemplate) -> None:
    """Give a starter its row and its first version, unless somebody was faster."""
    ScriptTemplate.objects.bulk_create([template], ignore_conflicts=True)
    first = ScriptVersion(
        id=uuid5(template.id, "v1"),
        template_id=template.id,
        number=1,
        name=template.name,
        body=template.body,
        parameters=template.parameters,
        note="From the starter set",
    )
    ScriptVersion.objects.bulk_create([first], ignore_conflicts=True)


def _make(key: str) -> ScriptTemplate:
    return ScriptTemplate(
        id=_id(key), starter_key=key, status=ScriptTemplate.Status.PUBLISHED, version=1, **load_starter()[key]
    )


def _id(key: str) -> UUID:
    account_id = current_account_id()
    assert account_id is not None, "Starters are an account's own."
    return uuid5(account_id, key)


def _read(file: Path) -> dict[str, Any]:
    fields = json.loads(file.read_text(encoding="utf-8"))
    code = file.with_suffix(f".{LANGUAGES[fields['language']].extension}")
    return {**fields, "body": code.read_text(encoding="utf-8")}
