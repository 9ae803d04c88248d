"""What AI costs: the account's keys, each call, and the month's budget. Money is in millionths of a US dollar."""

from django.db import models
from django.db.models import Q

from flowpilot.accounts.owned import AccountOwned


class AiCredential(AccountOwned):
    """An account's own key for a provider, sealed; it goes before the environment's."""

    class Provider(models.TextChoices):
        ANTHROPIC = "anthropic", "Claude"
        GEMINI = "gemini", "Gemini"

    provider = models.CharField(max_length=20, choices=Provider)
    base_url = models.URLField(max_length=300, blank=True)
    sealed_key = models.TextField()
    last_four = models.CharField(max_length=4)

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "ai_credentials"
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account", "provider"], name="ai_credential_once_per_provider"),
        ]

    def __str__(self):
        return f"{self.provider} …{self.last_four}"


class AiBudget(AccountOwned):
    """What an account's AI cost in a month, and what is set aside for calls under way."""

    month = models.DateField()  # its first day, in UTC
    spent_micros = models.BigIntegerField(default=0)
    reserved_micros = models.BigIntegerField(default=0)

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "ai_budgets"
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account", "month"], name="ai_budget_once_a_month"),
        ]

    def __str__(self):
        return f"AI in {self.month:%Y-%m}"


class AiCall(AccountOwned):
    """One call of an AI provider. While it runs, `reserved_micros` of the month's budget are set aside for it."""

    class Outcome(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        CUT = "cut"  # the answer ended early: too long, declined
        FAILED = "failed"
        CANCELLED = "cancelled"
        LOST = "lost"  # its process vanished; what was set aside was freed

    service = models.CharField(max_length=30)
    provider = models.CharField(max_length=20)
    model = models.CharField(max_length=80)
    chat_id = models.UUIDField(null=True, blank=True)  # no foreign key: sessions stand above the providers
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.RUNNING)
    error = models.CharField(max_length=80, blank=True)  # a kind, never a provider's text
    is_fallback = models.BooleanField(default=False)
    has_mcp = models.BooleanField(default=False)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cache_read_input_tokens = models.PositiveIntegerField(default=0)
    cache_creation_input_tokens = models.PositiveIntegerField(default=0)
    cost_micros = models.BigIntegerField(default=0)
    saved_micros = models.BigIntegerField(default=0)  # by the cache, against the same call without one
    reserved_micros = models.BigIntegerField(default=0)
    month = models.DateField()
    first_ms = models.PositiveIntegerField(null=True, blank=True)
    total_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "ai_calls"
        indexes = [
            models.Index(fields=["account", "-created_at", "-id"], name="ai_call_newest"),
            models.Index(fields=["account", "chat_id"], name="ai_call_of_chat"),
            models.Index(fields=["account", "created_at"], condition=Q(outcome="running"), name="ai_call_running"),
        ]

    def __str__(self):
        return f"{self.service} by {self.model}: {self.outcome}"
