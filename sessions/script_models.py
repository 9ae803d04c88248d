"""Scripts of a session: what was prepared or drafted for it, and what may become a template."""

from django.db import models
from django.db.models import Q
from django.urls import reverse

from flowpilot.accounts.models import User
from flowpilot.accounts.owned import AccountOwned
from flowpilot.scripts import languages
from flowpilot.scripts.models import ScriptTemplate

_CHAT = "chat_sessions.ChatSession"


class ScriptGeneration(AccountOwned):
    """One script for one session: which template or draft, with which values, and what came of it. No secret is ever in it."""

    class Kind(models.TextChoices):
        TEMPLATE = "template"
        DRAFT = "draft"

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"

    chat = models.ForeignKey(_CHAT, on_delete=models.CASCADE, related_name="scripts")
    fix = models.ForeignKey(
        "chat_sessions.SuggestedFix", null=True, blank=True, on_delete=models.SET_NULL, related_name="scripts"
    )
    template = models.ForeignKey(
        ScriptTemplate, null=True, blank=True, on_delete=models.SET_NULL, related_name="generations"
    )
    template_version = models.PositiveIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=10, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.READY)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=12, choices=languages.CHOICES)
    values = models.JSONField(default=dict, blank=True)  # a secret stands as its mask
    rendered = models.TextField(blank=True)  # masked; of a draft, the script as it was last edited
    remarks = models.TextField(blank=True)  # what the AI said beside its draft
    error = models.CharField(max_length=500, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=10, choices=ScriptTemplate.Outcome, blank=True, default="")
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    ran_at = models.DateTimeField(null=True, blank=True)

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "script_generations"
        indexes = [
            models.Index(fields=["account", "chat", "created_at"], name="generation_of_chat"),
            models.Index(fields=["account", "template", "-ran_at"], condition=~Q(ran_at=None), name="generation_uses"),
        ]

    def __str__(self):
        return self.name

    @property
    def is_live(self) -> bool:
        """Whether the AI is still writing it."""
        return self.status in {self.Status.QUEUED, self.Status.RUNNING}

    @property
    def is_draft(self) -> bool:
        return self.kind == self.Kind.DRAFT

    @property
    def told(self) -> str:
        """What a note says of it: its name, its version, and what it was told, secrets masked."""
        version = f", v{self.template_version}" if self.template_version else ""
        values = "; ".join(f"{name} {value}" for name, value in self.values.items() if value)
        return f"{self.name}{version}" + (f" ({values})" if values else "")


class DraftTemplate(AccountOwned):
    """A script of a session that waits for somebody to make it a template, or not."""

    class Status(models.TextChoices):
        PENDING = "pending"
        PROMOTED = "promoted"
        DISMISSED = "dismissed"

    source_session = models.ForeignKey(_CHAT, on_delete=models.CASCADE, related_name="template_drafts")
    generation = models.ForeignKey(
        ScriptGeneration, null=True, blank=True, on_delete=models.SET_NULL, related_name="drafts"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    name = models.CharField(max_length=120)
    summary = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=12, choices=languages.CHOICES)
    tags = models.JSONField(default=list, blank=True)
    code = models.TextField()  # as it ran
    proposals = models.JSONField(default=list, blank=True)  # which values become parameters (templatizing.Proposal)
    proposed_by = models.CharField(max_length=10, default="rules")  # rules or ai
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    promoted_template = models.ForeignKey(
        ScriptTemplate, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "draft_templates"
        indexes = [models.Index(fields=["account"], condition=Q(status="pending"), name="draft_pending")]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("drafts:draft", args=[self.pk])

    @property
    def is_pending(self) -> bool:
        return self.status == self.Status.PENDING

    @property
    def used_proposals(self) -> list[dict]:
        return [each for each in self.proposals if each.get("use")]
