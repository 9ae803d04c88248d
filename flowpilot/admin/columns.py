"""How the admin shows a value: likely secrets masked, long texts cut, JSON laid out."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator

from flowpilot.providers.ai.untrusted import mask_secrets

LONGEST, SHORT = 20_000, 90  # characters of a value on its page, and in a list
_SEALED = ("sealed_", "key_hash", "password", "public_key", "prev_hash", "hash")  # what no page shows


def is_hidden(field: models.Field) -> bool:
    """Return whether a field is never shown: what is sealed or hashed, and the account, which is always the open one."""
    return field.name.startswith(_SEALED) or field.name == "account"


def is_text(field: models.Field) -> bool:
    """Return whether a field holds words of people, models or the ticket system, in which a secret may stand."""
    if isinstance(field, models.EmailField):
        return False
    return isinstance(field, models.JSONField) or (
        isinstance(field, models.CharField | models.TextField) and not field.choices
    )


def plain(field: models.Field) -> Callable[[Any], str] | None:
    """Return what shows a time, a yes or an ID as the product does, or None for a field that Django shows well."""
    draw = _PLAIN.get(type(field)) or (_any if field.name in _NAMES else None)
    if draw is None:
        return None

    @admin.display(description=_NAMES.get(field.name) or field.verbose_name)
    def show(row: Any) -> str:
        return draw(getattr(row, field.attname))

    show.__name__ = field.name
    return show


def _moment(value: datetime | None) -> str:
    if value is None:
        return "—"
    at = timezone.localtime(value)
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{at:%Y-%m-%d %H:%M}")


def _any(value: Any) -> str:
    return "—" if value is None else str(value)


def _yes(value: bool) -> str:
    return "Yes" if value else "No"


_NAMES = {"id": "ID", "ticket_id": "ticket", "chat_id": "session", "staff_id": "staff ID", "actor_id": "actor’s ID"}
_PLAIN: dict[type, Callable[[Any], str]] = {models.DateTimeField: _moment, models.BooleanField: _yes}


def related(field: models.Field) -> Callable[[Any], str]:
    """Return what shows the row that another points at, as a link to its page."""

    @admin.display(description=field.verbose_name)
    def show(row: Any) -> str:
        other = getattr(row, field.name)
        if other is None:
            return "—"
        words = Truncator(mask_secrets(str(other))).chars(SHORT)
        address = reverse(f"admin:{other._meta.app_label}_{other._meta.model_name}_change", args=[other.pk])
        return format_html('<a href="{}">{}</a>', address, words)

    show.__name__ = field.name
    return show


def shown(field: models.Field) -> Callable[[Any], str]:
    """Return what shows a text on the page of its row."""

    @admin.display(description=field.verbose_name)
    def show(row: Any) -> str:
        value = getattr(row, field.attname)
        if value in (None, "", [], {}):
            return "—"
        is_json = isinstance(field, models.JSONField)
        text = json.dumps(value, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder) if is_json else str(value)
        text = mask_secrets(text)
        if len(text) > LONGEST:
            text = f"{text[:LONGEST]}\n… and {len(text) - LONGEST:,} more characters"
        is_long = is_json or "\n" in text
        return format_html('<pre class="value" tabindex="0">{}</pre>', text) if is_long else text

    show.__name__ = field.name
    return show


def short(name: str, label: str = "", order: str = "") -> Callable[[Any], str]:
    """Return a column that shows the beginning of a text; `order` is the indexed field by which it may be sorted."""

    @admin.display(description=label or name.replace("_", " "), ordering=order or None)
    def show(row: Any) -> str:
        value: Any = row
        for part in name.split("__"):
            value = getattr(value, part, "")
        return Truncator(mask_secrets(" ".join(str(value or "").split())[: 4 * SHORT])).chars(SHORT) or "—"

    show.__name__ = name
    return show
