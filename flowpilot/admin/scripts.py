"""The script library and its builder, in the admin."""

from django.contrib import admin

from flowpilot.admin.columns import short
from flowpilot.admin.rows import BOTH, Rows
from flowpilot.admin.site import site
from flowpilot.scripts.models import ScriptConversation, ScriptMessage, ScriptTemplate, ScriptVersion
from flowpilot.scripts.services.templates import archive_template, publish_template


@admin.register(ScriptTemplate, site=site)
class Templates(Rows):
    noun, nouns, help = "script template", "script templates", "The library, with how often each helped"
    list_display = (
        short("name"),
        "language",
        "status",
        "version",
        "author",
        "usage_count",
        "worked_count",
        "failed_count",
        "updated_at",
    )
    list_filter = ("status", "language")
    list_select_related = ("author",)
    search_help_text = "The beginning of a name, or an ID"
    beginnings = ("name",)
    actions = ("publish", "archive")

    @admin.action(description="Publish", location=BOTH)
    def publish(self, request, rows):
        self.each(request, rows, lambda row: publish_template(template_id=row.pk, by=request.user), "published")

    @admin.action(description="Archive", location=BOTH)
    def archive(self, request, rows):
        self.each(request, rows, lambda row: archive_template(template_id=row.pk, by=request.user), "archived")


@admin.register(ScriptVersion, site=site)
class Versions(Rows):
    noun, nouns, help = "script version", "script versions", "Templates as they were"
    list_display = (short("name"), "number", short("note"), "author", "created_at")
    list_select_related = ("author",)
    search_help_text = "The ID of a template, or of a version"
    ids = ("template_id",)
    narrows = ("template",)


@admin.register(ScriptConversation, site=site)
class Conversations(Rows):
    noun, nouns, help = "builder chat", "builder chats", "Scripts that were written in a chat"
    list_display = (short("title"), "language", "owner", "updated_at")
    list_filter = ("language",)
    list_select_related = ("owner",)
    search_help_text = "An ID"
    narrows = ("owner", "template")


@admin.register(ScriptMessage, site=site)
class Messages(Rows):
    noun, nouns, help = "builder message", "builder messages", "What was asked of the builder, and its answers"
    list_display = (short("conversation__title", "chat"), "number", "status", short("error"), "created_at")
    list_filter = ("status",)
    list_select_related = ("conversation",)
    search_help_text = "The ID of a chat, or of a message"
    ids = ("conversation_id",)
    narrows = ("conversation",)
