"""The script library and the chats of its builder."""

from django.db import models
from django.db.models import Q
from django.urls import reverse

from flowpilot.accounts.models import User
from flowpilot.accounts.owned import AccountOwned
from flowpilot.scripts import languages
from flowpilot.scripts.parameters import Parameter, read_parameters

_CHAT = "chat_sessions.ChatSession"  # by name: sessions stand above scripts


class ScriptTemplate(AccountOwned):
    """A parametrised script. A starter that nobody has used or changed yet has no row: `starter` makes its object."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        PUBLISHED = "published"
        ARCHIVED = "archived"

    class Outcome(models.TextChoices):
        NONE = "", "Not known"
        SUCCESS = "success", "Worked"
        PARTIAL = "partial", "Helped partly"
        FAILED = "failed", "Didn’t work"

    name = models.CharField(max_length=120)
    summary = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=12, choices=languages.CHOICES)
    body = models.TextField()
    parameters = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    version = models.PositiveIntegerField(default=1)
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    starter_key = models.CharField(max_length=60, blank=True)
    usage_count = models.PositiveIntegerField(default=0)
    worked_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_worked_at = models.DateTimeField(null=True, blank=True)
    last_outcome = models.CharField(max_length=10, choices=Outcome, blank=True, default=Outcome.NONE)
    source_session = models.ForeignKey(_CHAT, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    source_user = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    source_ticket_ref = models.CharField(max_length=20, blank=True)

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "script_templates"
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(
                fields=["account", "starter_key"], condition=~Q(starter_key=""), name="starter_once_per_account"
            ),
        ]
        indexes = [models.Index(fields=["account", "status", "name"], name="template_by_status")]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("scripts:template", args=[self.pk])

    @property
    def is_published(self) -> bool:
        return self.status == self.Status.PUBLISHED

    @property
    def is_kept(self) -> bool:
        """Whether it has a row; a starter that was never used has none."""
        return not self._state.adding

    @property
    def title(self) -> str:
        """What the script says of itself in its first comment."""
        return f"{self.name}, v{self.version}"

    @property
    def asks(self) -> tuple[Parameter, ...]:
        """The parameters, as typed values."""
        return read_parameters(self.parameters)

    @property
    def decided_count(self) -> int:
        return self.worked_count + self.failed_count

    @property
    def percent_worked(self) -> int | None:
        return round(100 * self.worked_count / self.decided_count) if self.decided_count else None


class ScriptVersion(AccountOwned):
    """A template as it was at one version; the newest is the template itself once more."""

    template = models.ForeignKey(ScriptTemplate, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=120)
    body = models.TextField()
    parameters = models.JSONField(default=list, blank=True)
    note = models.CharField(max_length=200, blank=True)
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "script_versions"
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account", "template", "number"], name="version_number_once_per_template"),
        ]

    def __str__(self):
        return f"{self.name}, v{self.number}"


class ScriptConversation(AccountOwned):
    """One chat with the builder, in one language; of a template, or of a session, or of neither."""

    title = models.CharField(max_length=120)
    language = models.CharField(max_length=12, choices=languages.CHOICES)
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    template = models.ForeignKey(
        ScriptTemplate, null=True, blank=True, on_delete=models.SET_NULL, related_name="conversations"
    )
    source_session = models.ForeignKey(_CHAT, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    source_ticket_ref = models.CharField(max_length=20, blank=True)
    context = models.TextField(blank=True)  # what was known where it was opened: told with the first message
    opening_code = models.TextField(blank=True)  # the script it starts from

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "script_conversations"
        indexes = [models.Index(fields=["account", "owner", "-updated_at"], name="conversation_newest")]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("scripts:conversation", args=[self.pk])


class ScriptMessage(AccountOwned):
    """One thing somebody asked of the builder, and its answer with the script in it."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    conversation = models.ForeignKey(ScriptConversation, on_delete=models.CASCADE, related_name="exchanges")
    number = models.PositiveIntegerField()
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    client_key = models.UUIDField()
    text = models.TextField()
    raw_answer = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    code = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    error = models.CharField(max_length=500, blank=True)
    epoch = models.PositiveIntegerField(default=0)

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "script_messages"
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account", "conversation", "number"], name="message_number_once"),
            models.UniqueConstraint(fields=["account", "conversation", "client_key"], name="message_once_per_form"),
        ]

    def __str__(self):
        return f"Message {self.number}: {self.status}"

    @property
    def is_live(self) -> bool:
        return self.status in {self.Status.QUEUED, self.Status.RUNNING}
