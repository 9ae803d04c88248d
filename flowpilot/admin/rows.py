"""The base of every page of rows in the admin: the open account's only, looked at rather than changed, and written down.

What a service guards (versions, states, the last owner) is changed by an action that calls it; so almost everything is read-only here.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import Http404
from django.urls import path
from django.utils.html import format_html

from flowpilot.accounts.permissions import Right, allows, require
from flowpilot.admin import writing
from flowpilot.admin.columns import is_hidden, is_text, plain, related, short, shown
from flowpilot.admin.paging import CappedPaginator
from flowpilot.errors import UserError
from flowpilot.providers.ai.untrusted import mask_secrets

BOTH = [admin.ActionLocation.CHANGE_LIST, admin.ActionLocation.CHANGE_FORM]  # where an action is offered
MOST_AT_ONCE = 200  # rows that one action takes: each is a service call in the same transaction


class Rows(admin.ModelAdmin):
    """Rows of one table. A subclass names its columns, filters and what a search finds."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = list_max_show_all = 50
    list_select_related: ClassVar[Any] = False
    sortable_by = ()
    ordering: ClassVar[Any] = (
        "-id",
    )  # the index on (account, id) gives it; newest first where there is an index for that
    actions_selection_counter = False
    view_on_site = False
    save_on_top = False
    noun = nouns = help = ""  # what one row and several are called, and what they are for
    # What an address may narrow a list by, beside its filters.
    narrows: ClassVar[Sequence[str]] = ()
    # What a search finds: a row's own ID always, these too where what was typed is an ID, a number, or words.
    ids: ClassVar[Sequence[str]] = ()
    numbers: ClassVar[Sequence[str]] = ()
    beginnings: ClassVar[Sequence[str]] = ()
    right = Right.ADMINISTER  # who sees these rows
    can_add = can_delete = False
    editable: ClassVar[Sequence[str]] = ()

    def __init__(self, model, site):
        super().__init__(model, site)
        fields = [each for each in model._meta.concrete_fields if not is_hidden(each)]
        drawn = {each.name: draw for each in fields if (draw := plain(each))}
        self._columns = drawn | {each.name: short(each.name) for each in fields if is_text(each)}
        self._shown = drawn | {each.name: shown(each) for each in fields if is_text(each)}
        self._shown |= {each.name: related(each) for each in fields if each.is_relation}
        self.noun = self.noun or str(self.opts.verbose_name)
        self.nouns = self.nouns or str(self.opts.verbose_name_plural)

    # --- who, and what -----------------------------------------------------------------------------------------------------------

    def has_module_permission(self, request):
        return allows(request.user, self.right)

    def has_view_permission(self, request, obj=None):
        return allows(request.user, self.right)

    def has_add_permission(self, request):
        return self.can_add and allows(request.user, Right.MANAGE)

    def has_change_permission(self, request, obj=None):
        return bool(self.editable) and allows(request.user, Right.MANAGE)

    def has_delete_permission(self, request, obj=None):
        return self.can_delete and allows(request.user, Right.MANAGE)

    def get_fields(self, request, obj=None):
        if obj is None:
            return list(self.editable)
        names = [each.name for each in self.model._meta.concrete_fields if not is_hidden(each)]
        return [name if name in self.editable else self._shown.get(name, name) for name in names]

    def get_readonly_fields(self, request, obj=None):
        return [name for name in self.get_fields(request, obj) if name not in self.editable]

    def get_urls(self):
        """The list, the row, and what may be done; no history, because the audit log is that."""
        info = f"{self.opts.app_label}_{self.opts.model_name}"

        def wrap(view):
            def guarded(request, *args, **kwargs):
                require(request.user, self.right)
                return view(request, *args, **kwargs)

            return self.admin_site.admin_view(guarded)

        urls = [
            path("", wrap(self.changelist_view), name=f"{info}_changelist"),
            path("<path:object_id>/change/", wrap(self.change_view), name=f"{info}_change"),
        ]
        if self.can_add:
            urls.insert(1, path("add/", wrap(self.add_view), name=f"{info}_add"))
        if self.can_delete:
            urls.append(path("<path:object_id>/delete/", wrap(self.delete_view), name=f"{info}_delete"))
        return urls

    def _get_obj_does_not_exist_redirect(self, request, opts, object_id):
        raise Http404

    # --- lists -------------------------------------------------------------------------------------------------------------------

    def get_list_display(self, request):
        return [self._columns.get(each, each) for each in self.list_display]

    def action_checkbox(self, obj):
        name = ACTION_CHECKBOX_NAME
        words = f"Choose {self.called(obj)}"
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">', name, obj.pk, words
        )

    def get_action_choices(self, request, default_choices=None, action_location=admin.ActionLocation.CHANGE_LIST):
        return super().get_action_choices(request, [("", "Choose what to do")], action_location)

    def lookup_allowed(self, lookup, value, request):
        """Only filters and what `narrows` names: an address must not try out what a hidden column begins with."""
        filters = {getattr(each, "parameter_name", each) for each in self.list_filter}
        return lookup.split("__")[0] in {"pk", *self.narrows, *filters} and not lookup.endswith(
            ("regex", "contains", "with")
        )

    def get_search_fields(self, request):
        return ("pk", *self.ids, *self.numbers, *self.beginnings)

    def get_search_results(self, request, queryset, search_term):
        term = search_term.replace("\x00", "").strip()
        return (self.find(queryset, term) if term else queryset), False

    def find(self, rows: QuerySet, term: str) -> QuerySet:
        """Return the rows that a search means, by an index."""
        try:
            names, value = ("pk", *self.ids), UUID(term)
        except ValueError:
            return self._find_plain(rows, term)
        return rows.filter(_any(names, value))

    def _find_plain(self, rows: QuerySet, term: str) -> QuerySet:
        number = term.lstrip("#")
        if number.isdecimal() and len(number) < 16 and self.numbers:
            return rows.filter(_any(self.numbers, int(number)))
        begins = _any([f"{name}__istartswith" for name in self.beginnings], term)
        return rows.filter(begins) if self.beginnings else rows.none()

    def changelist_view(self, request, extra_context=None):
        asked = [f"{name} {mask_secrets(value)[:100]}" for name, value in sorted(request.GET.items()) if value]
        detail = {"narrowed to": "; ".join(asked)[:300]} if asked else {}
        writing.saw(request, _sentence(f"{self.nouns}, the list"), detail)
        return super().changelist_view(request, {"title": _sentence(self.nouns), "rows": self, **(extra_context or {})})

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        context = {"title": _sentence(self.noun), "rows": self, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        beside = [] if obj is None else self.beside(obj)
        context |= {"subtitle": self.called(obj) if obj else "", "beside": beside}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def beside(self, row: Any) -> list[tuple[str, str]]:
        """Return the lists that belong to a row, as words and address."""
        return []

    def delete_view(self, request, object_id, extra_context=None):
        return super().delete_view(request, object_id, {"rows": self, **(extra_context or {})})

    # --- rows, and what is written down --------------------------------------------------------------------------------------------

    def get_object(self, request, object_id, from_field=None):
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            writing.saw(request, self.called(row), {"id": str(row.pk)})
        return row

    def log_addition(self, request, obj, message):
        writing.changed(request, self.called(obj), "added")

    def log_change(self, request, obj, message):
        names = changed_names(message)
        writing.changed(request, self.called(obj), f"changed {', '.join(names)}" if names else "saved as it was")

    def log_deletions(self, request, queryset):  # asked before they go
        for row in queryset:
            writing.changed(request, self.called(row), "deleted")

    def response_action(self, request, queryset, action_location=admin.ActionLocation.CHANGE_LIST):
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(_is_id(each) for each in chosen):
            raise BadRequest
        return super().response_action(request, queryset, action_location)

    def each(self, request, rows: QuerySet, work: Callable[[Any], Any], done: str, *, is_known: bool = False) -> None:
        """Do one thing to each chosen row, as `done` calls it; what is refused is told, and the others go on."""
        chosen = list(rows[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            self.message_user(request, f"Choose {MOST_AT_ONCE} at most.", messages.ERROR)
            return
        refused: dict[str, list[str]] = {}
        for row in chosen:
            try:
                with transaction.atomic():
                    work(row)
            except UserError as error:
                refused.setdefault(error.message, []).append(self.called(row))
            else:
                writing.changed(request, self.called(row), done, is_known=is_known)
        if count := len(chosen) - sum(map(len, refused.values())):
            self.message_user(request, f"{count} {done}.", messages.SUCCESS)
        for why, names in refused.items():
            which = names[0] if len(names) == 1 else f"{len(names)} others" if count else f"All {len(names)}"
            self.message_user(request, f"{which}: {why}", messages.WARNING)

    def called(self, row: models.Model) -> str:
        """Return how a row is called, without what looks like a secret."""
        words = str(row)
        is_named = words.lower().startswith(self.noun.lower())
        return mask_secrets(_sentence(words if is_named else f"{self.noun}: {words}"))[:160]


def changed_names(message: list[dict]) -> list[str]:
    """Return what Django says was changed in a form."""
    return [name for part in message or [] for name in part.get("changed", {}).get("fields", [])]


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _is_id(words: str) -> bool:
    try:
        UUID(words)
    except ValueError:
        return False
    return True


def _any(lookups: Sequence[str], value: Any) -> models.Q:
    found = models.Q()
    for lookup in lookups:
        found |= models.Q(**{lookup: value})
    return found
