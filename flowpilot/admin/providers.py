"""The account's AI keys, calls and budget, in the admin."""

from django.contrib import admin

from flowpilot import rotating
from flowpilot.admin.rows import BOTH, Rows
from flowpilot.admin.site import site
from flowpilot.providers.ai.credentials import remove_key
from flowpilot.providers.models import AiBudget, AiCall, AiCredential


@admin.register(AiCall, site=site)
class Calls(Rows):
    noun, nouns, help = "AI call", "AI calls", "Each call with its tokens, cost and outcome"
    list_display = ("created_at", "service", "provider", "model", "outcome", "error", "cost", "total_ms")
    list_filter = ("outcome", "provider")
    search_help_text = "The ID of a session, or of a call"
    ids = ("chat_id",)
    narrows = ("chat_id",)
    ordering = ("-created_at", "-id")

    @admin.display(description="cost, $")
    def cost(self, row):
        return f"{row.cost_micros / 1_000_000:.4f}"


@admin.register(AiBudget, site=site)
class Budgets(Rows):
    noun, nouns, help = "month", "AI budgets", "What AI cost in each month"
    list_display = ("month", "spent", "reserved")
    ordering = ("-month", "-id")

    @admin.display(description="spent, $")
    def spent(self, row):
        return f"{row.spent_micros / 1_000_000:.2f}"

    @admin.display(description="set aside, $")
    def reserved(self, row):
        return f"{row.reserved_micros / 1_000_000:.2f}"


@admin.register(AiCredential, site=site)
class Credentials(Rows):
    noun, nouns, help = "AI key", "AI keys", "Which providers the account has a key for; never the key"
    list_display = ("provider", "ending", "base_url", "updated_at")
    actions = ("seal_anew", "forget")

    @admin.display(description="key")
    def ending(self, row):
        return f"…{row.last_four}"

    @admin.action(description="Seal with the newest key", location=BOTH)
    def seal_anew(self, request, rows):
        self.each(request, rows, rotating.renew, "sealed with the newest key")

    @admin.action(description="Remove", location=BOTH)
    def forget(self, request, rows):
        def work(row):
            remove_key(provider=row.provider, by=request.user)

        self.each(request, rows, work, "removed", is_known=True)
