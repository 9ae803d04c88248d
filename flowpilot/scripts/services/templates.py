"""Templates of the library: making, changing, publishing, archiving, restoring. Publishing and deleting are an admin's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from flowpilot.accounts.models import User
from flowpilot.accounts.permissions import Right, allows, require
from flowpilot.errors import Conflict, Invalid, Refused, StaleState
from flowpilot.scripts.checking import check_body
from flowpilot.scripts.languages import known_language
from flowpilot.scripts.models import ScriptTemplate, ScriptVersion
from flowpilot.scripts.parameters import read_parameters
from flowpilot.scripts.queries import get_template
from flowpilot.scripts.starter import keep_starter

Status = ScriptTemplate.Status
_MOST_TAGS = 12


@dataclass(frozen=True)
class Content:
    """What a template says, checked."""

    name: str
    summary: str
    language: str
    body: str
    parameters: list[dict[str, Any]]
    tags: list[str]


def read_content(form: Mapping[str, Any]) -> Content:
    """Return what somebody typed or a model proposed as a template's content. Raises Invalid."""
    name = _line(form.get("name", ""), 120)
    language = known_language(str(form.get("language", "")))
    if not name:
        raise Invalid("Give the script a name that says what it does.")
    if not language:
        raise Invalid("Choose a language: PowerShell, Bash, Python or Batch.")
    parameters = read_parameters(form.get("parameters", []))
    body = check_body(str(form.get("body", "")), language, [each.name for each in parameters])
    tags = [_line(tag, 30).lower() for tag in form.get("tags", [])]
    return Content(
        name=name,
        summary=_line(form.get("summary", ""), 500),
        language=language,
        body=body,
        parameters=[each.as_json() for each in parameters],
        tags=[tag for tag in dict.fromkeys(tags) if tag][:_MOST_TAGS],
    )


@transaction.atomic
def create_template(
    *, content: Content, by: User, note: str = "", status: str = Status.DRAFT, **source: Any
) -> ScriptTemplate:
    """Keep a new script of the library, a draft unless an admin says otherwise. `source` says where it came from. Raises Refused."""
    if status == Status.PUBLISHED:
        require(by, Right.PUBLISH)
    template = ScriptTemplate(status=status, author=by, version=0, **source)
    _write(template, content, by, note)
    return template


@transaction.atomic
def edit_template(
    *, template_id: UUID, content: Content, seen_version: int, by: User, note: str = ""
) -> ScriptTemplate:
    """Change a template; what it was stays as a version. Raises Refused, StaleState, Conflict or NotFound."""
    template = _lock(template_id)
    require_may_edit(template, by)
    if template.version != seen_version:
        raise StaleState(
            "Somebody changed this script meanwhile. Open it in another tab to compare; your text is still here."
        )
    if template.status == Status.ARCHIVED:
        raise Conflict("This script is in the archive. Take it back first.")
    _write(template, content, by, note)
    return template


@transaction.atomic
def publish_template(*, template_id: UUID, by: User) -> ScriptTemplate:
    """Offer a draft in sessions, or take a script back from the archive. Raises Refused or NotFound."""
    template = _lock(template_id)
    require(by, Right.PUBLISH)
    template.status = Status.PUBLISHED
    template.save(update_fields=["status", "updated_at"])
    return template


@transaction.atomic
def archive_template(*, template_id: UUID, by: User) -> ScriptTemplate:
    """Take a script out of the library; its history stays. People may do so with their own drafts. Raises Refused or NotFound."""
    template = _lock(template_id)
    require_may_edit(template, by)
    template.status = Status.ARCHIVED
    template.save(update_fields=["status", "updated_at"])
    return template


@transaction.atomic
def restore_version(*, template_id: UUID, number: int, by: User) -> ScriptTemplate:
    """Make an earlier version the newest. Raises Refused, Invalid or NotFound."""
    template = _lock(template_id)
    require_may_edit(template, by)
    version = template.versions.filter(number=number).first()
    if version is None:
        raise Invalid("There is no such version.")
    content = Content(
        version.name, template.summary, template.language, version.body, version.parameters, list(template.tags)
    )
    _write(template, content, by, f"Restored v{number}")
    return template


def may_edit(template: ScriptTemplate, user: User) -> bool:
    """Tell whether a person may change a template: an admin any, anybody else their own drafts."""
    is_own_draft = template.status == Status.DRAFT and template.author_id == user.pk
    return allows(user, Right.PUBLISH) or is_own_draft


def require_may_edit(template: ScriptTemplate, user: User) -> None:
    """Raise Refused for what is neither an admin's nor one's own draft."""
    if not may_edit(template, user):
        raise Refused(
            "Published scripts are changed by an admin of your account. Copy it as a draft and propose your change."
        )


def _write(template: ScriptTemplate, content: Content, by: User, note: str) -> None:
    template.name, template.summary, template.language = content.name, content.summary, content.language
    template.body, template.parameters, template.tags = content.body, content.parameters, content.tags
    template.version += 1
    template.save()
    ScriptVersion.objects.create(
        template=template,
        number=template.version,
        name=content.name,
        body=content.body,
        parameters=content.parameters,
        note=_line(note, 200),
        author=by,
    )


def _lock(template_id: UUID) -> ScriptTemplate:
    """Return a template, locked until the transaction ends; a starter gets its row. Raises NotFound."""
    template = ScriptTemplate.objects.select_for_update().filter(pk=template_id).first()
    if template is None:
        keep_starter(get_template(template_id))
        template = ScriptTemplate.objects.select_for_update().get(pk=template_id)
    return template


def _line(value: Any, most: int) -> str:
    return " ".join(str(value).replace("\x00", "").encode("utf-8", "ignore").decode().split())[:most]
