"""Sessions and all that belongs to one, in the admin."""

from typing import Any

from django.contrib import admin
from django.urls import reverse

from flowpilot.admin.columns import short
from flowpilot.admin.rows import BOTH, Rows
from flowpilot.admin.site import site
from flowpilot.providers.models import AiCall
from psa.models import PsaPost
from sessions.models import (
    Attachment,
    ChatChange,
    ChatSession,
    DraftTemplate,
    NoteDraft,
    ScriptGeneration,
    SessionFact,
    SuggestedFix,
    Turn,
)
from sessions.queries.search import first
from sessions.services.retention import set_hold
from sessions.services.turns import retry_turn

_BY_SESSION = "The ID of a session, or of a row"


@admin.register(ChatSession, site=site)
class Chats(Rows):
    noun, nouns, help = "session", "sessions", "Troubleshooting conversations"
    list_display = (
        short("title"),
        "status",
        "owner",
        "ticket_id",
        short("ticket_company", "client"),
        "is_on_hold",
        "updated_at",
    )
    list_filter = ("status",)
    list_select_related = ("owner",)
    search_help_text = "Words of a session, the number of its ticket, or an ID"
    numbers = ("ticket_id",)
    narrows = ("owner", "ticket_id")
    ordering = ("-updated_at", "-id")
    actions = ("hold", "release")

    def find(self, rows, term):
        found = super().find(rows, term)
        return found if found.query.is_empty() is False else rows.filter(pk__in=first(term, 500))

    def beside(self, row):
        lists = [(rows.nouns, f"{_list_of(model)}?chat={row.pk}") for model, rows in OF_A_SESSION.items()]
        posts = [("outbox", f"{_list_of(PsaPost)}?ticket_id={row.ticket_id}")] if row.ticket_id else []
        return [*lists, *posts, ("AI calls", f"{_list_of(AiCall)}?chat_id={row.pk}")]

    @admin.action(description="Put on hold, so that retention leaves it alone", location=BOTH)
    def hold(self, request, rows):
        self._set_hold(request, rows, is_on_hold=True, done="put on hold")

    @admin.action(description="Release from hold", location=BOTH)
    def release(self, request, rows):
        self._set_hold(request, rows, is_on_hold=False, done="released from hold")

    def _set_hold(self, request, rows, *, is_on_hold, done):
        def work(row):
            set_hold(chat_id=row.pk, is_on_hold=is_on_hold, by=request.user)

        self.each(request, rows, work, done, is_known=True)


@admin.register(Turn, site=site)
class Turns(Rows):
    noun, nouns, help = "turn", "turns", "Messages and their answers; failed ones can be run again"
    list_display = (
        short("chat__title", "session"),
        "number",
        "status",
        "failure",
        short("error"),
        "provider",
        "model",
        "created_at",
    )
    list_filter = ("status", "failure")
    list_select_related = ("chat",)
    search_help_text = _BY_SESSION
    ids = ("chat_id",)
    narrows = ("chat",)
    ordering = ("-created_at", "-id")
    actions = ("run_again",)

    @admin.action(description="Run again", location=BOTH)
    def run_again(self, request, rows):
        self.each(request, rows, lambda row: retry_turn(chat_id=row.chat_id, turn_id=row.pk), "queued to run again")


class OfASession(Rows):
    """Rows that are looked at with their session."""

    search_help_text = _BY_SESSION
    ids = ("chat_id",)
    narrows = ("chat",)
    list_select_related = ("chat",)


@admin.register(SessionFact, site=site)
class Facts(OfASession):
    noun, nouns, help = "fact", "facts", "Lines of What we know"
    list_display = (short("text"), short("chat__title", "session"), "source_type", "created_at", "deleted_at")
    list_filter = ("source_type",)


@admin.register(SuggestedFix, site=site)
class Fixes(OfASession):
    noun, nouns, help = "suggested fix", "suggested fixes", "What was proposed, decided and came of it"
    list_display = (
        short("title"),
        short("chat__title", "session"),
        "confidence",
        "user_decision",
        "outcome",
        "created_at",
    )
    list_filter = ("user_decision", "outcome")


@admin.register(ScriptGeneration, site=site)
class Generations(OfASession):
    noun, nouns, help = "session script", "session scripts", "Scripts that were prepared or drafted in a session"
    list_display = (
        short("name"),
        short("chat__title", "session"),
        "kind",
        "status",
        "language",
        "outcome",
        "ran_at",
        "created_at",
    )
    list_filter = ("status", "kind", "outcome")


@admin.register(DraftTemplate, site=site)
class Drafts(Rows):
    noun, nouns, help = "draft template", "draft templates", "Scripts that may become templates"
    list_display = (
        short("name"),
        short("source_session__title", "session"),
        "status",
        "language",
        "proposed_by",
        "created_at",
    )
    list_filter = ("status",)
    list_select_related = ("source_session",)
    search_help_text = _BY_SESSION
    ids = ("source_session_id",)
    narrows = ("source_session",)


@admin.register(NoteDraft, site=site)
class Notes(OfASession):
    noun, nouns, help = "note", "notes", "Documents that were worded, edited or posted"
    list_display = (short("chat__title", "session"), "kind", "origin", "state_version", "updated_at")
    list_filter = ("kind",)


@admin.register(Attachment, site=site)
class Attachments(OfASession):
    noun, nouns, help = "attachment", "attachments", "Screenshots and long output"
    list_display = (short("name"), short("chat__title", "session"), "kind", "size", "created_at")
    list_filter = ("kind",)


@admin.register(ChatChange, site=site)
class Changes(OfASession):
    noun, nouns, help = "session change", "session changes", "Which part of a session changed at which version"
    list_display = (short("chat__title", "session"), "part", "version", "created_at")


OF_A_SESSION: dict[Any, type[Rows]] = {
    Turn: Turns,
    SessionFact: Facts,
    SuggestedFix: Fixes,
    ScriptGeneration: Generations,
    NoteDraft: Notes,
    Attachment: Attachments,
    ChatChange: Changes,
}


def _list_of(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
