"""A troubleshooting session: what was said, what is known, what was proposed."""

import re
import uuid

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.models import User
from flowpilot.accounts.owned import AccountManager, AccountOwned
from flowpilot.errors import NotFound, StaleState
from sessions.news import announce
from sessions.records import ChatChange as ChatChange
from sessions.records import ChatDocument as ChatDocument
from sessions.records import ChatNewest as ChatNewest
from sessions.records import ChatSearch as ChatSearch
from sessions.script_models import DraftTemplate as DraftTemplate
from sessions.script_models import ScriptGeneration as ScriptGeneration


class ChatSessionManager(AccountManager):
    def advance(self, chat_id, seen_version=None) -> "ChatSession":
        """Move a chat to its next state_version and lock it, or raise StaleState or NotFound."""
        chat = self.filter(pk=chat_id)
        current = chat if seen_version is None else chat.filter(state_version=seen_version)
        if current.update(state_version=F("state_version") + 1):
            announce(chat_id)
            return chat.get()
        if chat.exists():
            raise StaleState("This session changed while you were looking at it. Look at what changed, then try again.")
        raise NotFound("There is no such session.")

    def lock(self, chat_id) -> "ChatSession":
        """Return a chat, locked until the transaction ends, or raise NotFound."""
        chat = self.select_for_update().filter(pk=chat_id).first()
        if chat is None:
            raise NotFound("There is no such session.")
        announce(chat_id)
        return chat


class ChatSession(AccountOwned):
    """One troubleshooting conversation, at /pilot/<uuid>."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        RESOLVED = "resolved"
        ESCALATED = "escalated"
        ARCHIVED = "archived"

    title = models.CharField(max_length=200)
    is_named_by_hand = models.BooleanField(default=False, db_default=False)  # then no answer renames it
    problem = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="chats")
    ticket_id = models.PositiveBigIntegerField(null=True, blank=True)
    ticket_summary = models.CharField(max_length=200, blank=True)
    ticket_company = models.CharField(max_length=200, blank=True)
    ticket_contact = models.CharField(max_length=200, blank=True)
    pending_task_lane = models.JSONField(default=list, blank=True)
    state_version = models.PositiveIntegerField(default=0, db_default=0)
    resolution_note_markdown = models.TextField(blank=True)  # as it was posted; drafts have their own rows
    resolution_note_posted_at = models.DateTimeField(null=True, blank=True)
    resolution_note_external_id = models.CharField(max_length=40, blank=True)
    resolution_batch = models.UUIDField(null=True, blank=True)  # of the posts that bring it to the ticket
    resolved_at = models.DateTimeField(null=True, blank=True)
    reopened_at = models.DateTimeField(null=True, blank=True)
    escalation_ask = models.TextField(blank=True)
    escalation_due = models.CharField(max_length=200, blank=True)
    escalation_client = models.CharField(max_length=500, blank=True)  # what the customer was told
    escalation_package_markdown = models.TextField(blank=True)
    escalation_package_posted_at = models.DateTimeField(null=True, blank=True)
    escalation_package_external_id = models.CharField(max_length=40, blank=True)
    escalation_batch = models.UUIDField(null=True, blank=True)
    escalated_to = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    escalated_to_name = models.CharField(max_length=200, blank=True)  # who it is for, whether they sign in here or not
    escalated_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    escalated_at = models.DateTimeField(null=True, blank=True)
    picked_up_at = models.DateTimeField(null=True, blank=True)
    is_on_hold = models.BooleanField(default=False, db_default=False)  # kept whatever the retention says

    objects = ChatSessionManager()

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "ai_sessions"
        indexes = [
            models.Index(fields=["account", "-updated_at", "-id"], name="chat_newest"),
            models.Index(fields=["account", "status", "-updated_at"], name="chat_by_status"),
            models.Index(fields=["account", "ticket_id"], name="chat_by_ticket"),
            models.Index(fields=["account", "owner", "-updated_at", "-id"], name="chat_by_owner"),
            models.Index(fields=["account", "ticket_company", "-updated_at", "-id"], name="chat_by_company"),
            models.Index(
                fields=["account", "-updated_at", "-id"],
                condition=Q(status__in=["active", "paused"]),
                name="chat_open",
            ),
            models.Index(
                fields=["account", "owner", "-updated_at", "-id"],
                condition=Q(status__in=["active", "paused"]),
                name="chat_open_of_owner",
            ),
            models.Index(
                fields=["account", "resolved_at"],
                include=["created_at"],
                condition=Q(status="resolved"),
                name="chat_resolved",
            ),
        ]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("sessions:chat", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.status in {self.Status.ACTIVE, self.Status.PAUSED}


class Turn(AccountOwned):
    """One technician message and the answer to it, from queued to done."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Kind(models.TextChoices):
        MESSAGE = "message"
        TASKS = "tasks"  # the answers of the task lane, told to the assistant
        FIX = "fix"  # what came of a fix, told to the assistant

    class Failure(models.TextChoices):
        """Why there is no whole answer, as far as it decides what may follow."""

        UNAVAILABLE = "unavailable"  # trying again may help
        CUT_SHORT = "cut_short"  # the answer reached its longest
        DECLINED = "declined"  # the AI will not answer these words
        TOO_LONG = "too_long"  # these words, or the session, are more than the AI takes
        BROKEN = "broken"  # ours

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="turns")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.MESSAGE)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    client_key = models.UUIDField()  # one a form: a post that is sent twice is one turn
    text = models.TextField()
    briefing = models.TextField(
        blank=True
    )  # what the model was told beside the words: kept, so that its history stays byte for byte
    answer = models.TextField(blank=True)
    raw_answer = models.TextField(blank=True)  # with its markers, as the model wrote it
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    provider = models.CharField(max_length=20, blank=True)
    model = models.CharField(max_length=80, blank=True)
    usage = models.JSONField(default=dict, blank=True)
    fallback = models.CharField(max_length=300, blank=True)  # why another than the first choice answered
    sources = models.JSONField(default=list, blank=True)  # articles the answer drew on: title and url
    error = models.CharField(max_length=500, blank=True)
    failure = models.CharField(max_length=12, choices=Failure, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    claims = models.PositiveSmallIntegerField(default=0, db_default=0)  # since it was asked, or last tried again
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    is_waiting = False  # whether an earlier turn is still being answered; the queries know

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "ai_turns"
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account", "chat", "number"], name="turn_number_once_per_chat"),
            models.UniqueConstraint(fields=["account", "chat", "client_key"], name="turn_once_per_form"),
        ]
        indexes = [
            models.Index(fields=["account", "-created_at", "-id"], name="turn_newest"),
            models.Index(fields=["account", "status", "-created_at", "-id"], name="turn_by_status"),
        ]

    def __str__(self):
        return f"Turn {self.number}: {self.status}"

    @property
    def is_live(self) -> bool:
        """Whether its answer is still to come."""
        return self.status in {self.Status.QUEUED, self.Status.RUNNING}

    @property
    def is_unanswered(self) -> bool:
        """Whether it ended without a whole answer."""
        return self.status in {self.Status.FAILED, self.Status.CANCELLED}

    @property
    def can_retry(self) -> bool:
        """Whether asking the same again may end otherwise."""
        return (self.is_unanswered or bool(self.fallback)) and self.failure not in {
            self.Failure.DECLINED,
            self.Failure.TOO_LONG,
        }

    @property
    def can_change(self) -> bool:
        """Whether its words may still be changed or taken back."""
        return self.status == self.Status.QUEUED and self.kind == self.Kind.MESSAGE

    @property
    def is_heard(self) -> bool:
        """Whether later answers know its words. What the AI declined or could not take would only be declined again."""
        return self.failure not in {self.Failure.DECLINED, self.Failure.TOO_LONG}

    @property
    def continue_key(self) -> uuid.UUID:
        """The form key of going on from a part of an answer: pressed twice, it is one message."""
        return uuid.uuid5(self.pk, f"continue.{self.epoch}")

    @property
    def mark(self) -> str:
        """What a page compares to see whether the answer it shows is the newest."""
        if self.is_live:
            return "waiting" if self.is_waiting else "live"
        return f"{self.status}.{self.epoch}"


class Attachment(AccountOwned):
    """A screenshot or long output that goes with a message; without a turn it waits in its person's composer."""

    class Kind(models.TextChoices):
        IMAGE = "image"
        TEXT = "text"

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="attachments")
    turn = models.ForeignKey(Turn, null=True, blank=True, on_delete=models.CASCADE, related_name="attachments")
    uploaded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=5, choices=Kind)
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=20)
    file = models.CharField(max_length=32)  # where it lies: a random name (sessions/files.py)
    size = models.PositiveIntegerField()  # bytes
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    line_count = models.PositiveIntegerField(null=True, blank=True)

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "session_attachments"

    def __str__(self):
        return self.name

    @property
    def safe_name(self) -> str:
        """Its name as a header can carry it, with the ending that its content has."""
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", self.name.rpartition(".")[0] or self.name).strip("-.") or "file"
        return f"{stem}.{self.media_type.rpartition('/')[2].replace('plain', 'txt')}"


class SessionFact(AccountOwned):
    """One line of "What we know", with where it came from. `source_ref` has no foreign key; the service checks it."""

    class SourceType(models.TextChoices):
        QUESTION = "question"
        CHECK = "check"
        TURN = "turn"
        TICKET = "ticket"
        FIX = "fix"
        HAND = "hand"

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="facts")
    text = models.CharField(max_length=1000)
    source_type = models.CharField(max_length=10, choices=SourceType)
    source_ref = models.CharField(max_length=80, blank=True)
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "session_facts"
        indexes = [
            models.Index(fields=["account", "chat", "created_at"], condition=Q(deleted_at=None), name="fact_active"),
        ]

    def __str__(self):
        return self.text

    @property
    def is_answer(self) -> bool:
        """Whether it restates an answer of the task lane, and so changes only with it."""
        return self.source_type in {self.SourceType.QUESTION, self.SourceType.CHECK}

    @property
    def says_device(self) -> bool:
        """Whether it names a configuration of the ticket."""
        return self.source_ref.startswith("configuration:")

    @property
    def says_note(self) -> bool:
        """Whether it repeats a note of the ticket."""
        return self.source_ref.startswith("note:")


class SuggestedFix(AccountOwned):
    """A resolution the assistant proposes. At most one is active in a session."""

    class Decision(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"
        ONE_OFF = "one_off"
        DRAFT_TEMPLATE = "draft_template"
        BUILD_TEMPLATE = "build_template"
        DISMISSED = "dismissed"

    class Outcome(models.TextChoices):
        NONE = "none"
        VERIFYING = "verifying"
        WAITING = "waiting"
        SUCCESS = "success"
        PARTIAL = "partial"
        FAILED = "failed"

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="fixes")
    turn = models.ForeignKey(Turn, null=True, blank=True, on_delete=models.SET_NULL, related_name="fixes")
    title = models.CharField(max_length=200)
    rationale = models.TextField(blank=True)
    steps = models.JSONField(default=list)
    confidence = models.PositiveSmallIntegerField()
    script = models.JSONField(null=True, blank=True)
    evidence = models.JSONField(default=list, blank=True)  # the facts it rests on: id, and text as it was then
    user_decision = models.CharField(max_length=20, choices=Decision, default=Decision.PENDING)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.NONE)
    reason = models.CharField(max_length=500, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    remind_at = models.DateTimeField(null=True, blank=True)  # while it waits to be verified
    superseded_at = models.DateTimeField(null=True, blank=True)

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "session_suggested_fixes"
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(
                fields=["account", "chat"], condition=Q(superseded_at=None), name="fix_one_active_per_chat"
            ),
            models.CheckConstraint(condition=Q(confidence__lte=100), name="fix_confidence_is_a_percentage"),
        ]
        indexes = [
            models.Index(
                fields=["account", "remind_at"], condition=Q(outcome="waiting", superseded_at=None), name="fix_waiting"
            ),
            models.Index(
                fields=["account", "updated_at", "outcome"],
                condition=Q(outcome__in=["success", "partial", "failed"]),
                name="fix_tried",
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def is_due(self) -> bool:
        """Whether it waits, and it is time to look again."""
        return self.remind_at is not None and self.remind_at <= timezone.now()


class NoteDraft(AccountOwned):
    """A document of a session that is not simply what its state makes: worded by a model, edited by hand, or as it was posted."""

    class Kind(models.TextChoices):
        RESOLUTION = "resolution"
        CLIENT = "client"
        ESCALATION = "escalation"

    HAND, POSTED = "hand", "posted"  # any other origin is the model that worded it

    chat = models.ForeignKey(ChatSession, on_delete=models.CASCADE, related_name="drafts")
    kind = models.CharField(max_length=10, choices=Kind)
    origin = models.CharField(max_length=80)
    state_version = models.PositiveIntegerField()
    sections = models.JSONField(default=list)
    base = models.JSONField(default=list, blank=True)  # the sentences that were shown when a person edited
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "session_note_drafts"
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(
                fields=["account", "chat", "kind", "origin"], name="draft_once_per_kind_and_origin"
            ),
        ]

    def __str__(self):
        return f"{self.kind}, {self.origin}, of version {self.state_version}"
