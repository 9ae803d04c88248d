"""Reading the library, ready to show."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from django.db import models

from flowpilot.accounts.models import User
from flowpilot.errors import NotFound
from flowpilot.scripts.comparing import Difference, compare
from flowpilot.scripts.languages import LANGUAGES
from flowpilot.scripts.models import ScriptConversation, ScriptMessage, ScriptTemplate, ScriptVersion
from flowpilot.scripts.starter import find_starter, load_starter, unused_starters

MOST_LISTED = 200
SORTS = {"name": "Name", "used": "Most used", "worked": "Last success"}
_PEOPLE = ("author", "source_user", "source_session")


@dataclass(frozen=True)
class Library:
    """The library as its page lists it: what was looked for, and what there is."""

    templates: list[ScriptTemplate]
    published: int
    drafts: int
    tags: list[str]

    @property
    def total(self) -> int:
        return self.published + self.drafts


@dataclass(frozen=True)
class VersionRow:
    """A version of a template, and what it changed."""

    version: ScriptVersion
    difference: Difference | None


def library(*, text: str = "", language: str = "", tag: str = "", sort: str = "", archived: bool = False) -> Library:
    """Return the templates that match, sorted by name, by use or by last success."""
    every = _every()
    living = [each for each in every if each.status != ScriptTemplate.Status.ARCHIVED]
    shown = [each for each in every if each.status == ScriptTemplate.Status.ARCHIVED] if archived else living
    looked = text.lower().split()
    found = [each for each in shown if _fits(each, looked, language, tag)]
    published = sum(each.is_published for each in living)
    tags = Counter(str(name) for each in living for name in each.tags)
    return Library(_sorted(found, sort)[:MOST_LISTED], published, len(living) - published, sorted(tags))


def get_template(template_id: UUID) -> ScriptTemplate:
    """Return a template, or a starter that has no row yet. Raises NotFound."""
    template = ScriptTemplate.objects.select_related(*_PEOPLE).filter(pk=template_id).first()
    template = template or find_starter(template_id)
    if template is None:
        raise NotFound("There is no such script.")
    return template


def published_templates() -> list[ScriptTemplate]:
    """Return what may be offered in a session."""
    return [each for each in _every() if each.is_published]


def versions(template: ScriptTemplate) -> list[VersionRow]:
    """Return a template's versions with what each changed, the newest first."""
    rows = list(template.versions.select_related("author").order_by("number").fetch_mode(models.FETCH_RAISE)[:100])
    before = [None, *rows]
    pairs = zip(before, rows, strict=False)
    return [VersionRow(new, compare(old.body, new.body) if old else None) for old, new in pairs][::-1]


def conversations(user: User, *, template: ScriptTemplate | None = None, limit: int = 30) -> list[ScriptConversation]:
    """Return the builder chats of a person, or those about one script, newest first."""
    mine = ScriptConversation.objects.filter(owner=user).order_by("-updated_at", "-id")
    mine = mine.filter(template_id=template.id) if template else mine
    return list(mine.fetch_mode(models.FETCH_RAISE)[:limit])


def get_conversation(conversation_id: UUID) -> ScriptConversation:
    """Return a builder chat. Raises NotFound."""
    people = ScriptConversation.objects.select_related("owner", "template", "source_session")
    found = people.filter(pk=conversation_id).first()
    if found is None:
        raise NotFound("There is no such chat.")
    return found


def exchanges(conversation: ScriptConversation) -> list[ScriptMessage]:
    """Return what was said with the builder, oldest first."""
    return list(conversation.exchanges.select_related("author").order_by("number").fetch_mode(models.FETCH_RAISE))


def _every() -> list[ScriptTemplate]:
    rows = list(ScriptTemplate.objects.select_related(*_PEOPLE).order_by("name", "id").fetch_mode(models.FETCH_RAISE))
    used = {each.starter_key for each in rows if each.starter_key}
    return [*rows, *unused_starters(used)] if len(used) < len(load_starter()) else rows


def _fits(template: ScriptTemplate, looked: list[str], language: str, tag: str) -> bool:
    if (language in LANGUAGES and template.language != language) or (tag and tag not in template.tags):
        return False
    said = " ".join(
        [template.name, template.summary, template.get_language_display(), *map(str, template.tags)]
    ).lower()
    return all(word in said for word in looked)


def _sorted(found: list[ScriptTemplate], sort: str) -> list[ScriptTemplate]:
    by_name = sorted(found, key=lambda each: (each.name.lower(), str(each.id)))
    if sort == "used":
        return sorted(by_name, key=lambda each: -each.usage_count)
    if sort == "worked":
        return sorted(by_name, key=lambda each: -(each.last_worked_at.timestamp() if each.last_worked_at else 0))
    return by_name
