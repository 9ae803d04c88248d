"""What the database itself keeps of a session beside its rows: its past, and the words it is found by. Triggers write both."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from flowpilot.accounts.owned import AccountManager, AccountOwned


class ChatChange(AccountOwned):
    """What a part of a session says from one state_version on. Rows are only ever added."""

    class Part(models.TextChoices):
        CHAT = "chat"
        TASK = "task"
        FACT = "fact"
        FIX = "fix"
        TURN = "turn"

    chat = models.ForeignKey("chat_sessions.ChatSession", on_delete=models.CASCADE, related_name="changes")
    version = models.PositiveIntegerField()
    part = models.CharField(max_length=10, choices=Part)
    ref = models.CharField(max_length=80)
    state = models.JSONField(null=True)  # null: it is gone

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "session_changes"
        indexes = [models.Index(fields=["account", "chat", "version"], name="change_of_chat")]

    def __str__(self):
        return f"{self.part} at version {self.version}"


class ChatDocument(AccountOwned):
    """The words of a session, weighted: A its title and problem, B facts and fixes, C what was said."""

    chat = models.ForeignKey("chat_sessions.ChatSession", on_delete=models.CASCADE, related_name="+")
    started_at = models.DateTimeField()
    words = SearchVectorField()

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "session_documents"
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account", "chat"], name="document_once_per_chat"),
        ]
        indexes = [
            GinIndex(fields=["account", "words"], name="document_words"),
            models.Index(fields=["account", "-started_at", "-chat"], name="document_newest"),
        ]

    def __str__(self):
        return f"Words of {self.chat_id}"


class ChatSearch(models.Model):
    """The words of the open account's sessions, read through a view: a policy would keep `@@` from its index."""

    id = models.UUIDField(primary_key=True)  # the session's
    account_id = models.UUIDField()
    started_at = models.DateTimeField()
    words = SearchVectorField()
    status = models.CharField(max_length=10)
    owner_id = models.UUIDField(null=True)
    updated_at = models.DateTimeField()
    ticket_company = models.CharField(max_length=200)

    objects = AccountManager()

    class Meta:
        managed = False
        db_table = "session_search"

    def __str__(self):
        return f"Session {self.id}"


class ChatNewest(models.Model):
    """The words of the open account's newest sessions (2,000 of them), read through a view that looks at no others.

    What is searched for is mostly here, and looking at so many costs a millisecond whatever their words: the text index, which holds the words
    of every account, is asked for what is older.
    """

    id = models.UUIDField(primary_key=True)  # the session's
    account_id = models.UUIDField()
    started_at = models.DateTimeField()
    words = SearchVectorField()
    status = models.CharField(max_length=10)
    owner_id = models.UUIDField(null=True)
    updated_at = models.DateTimeField()
    ticket_company = models.CharField(max_length=200)

    objects = AccountManager()

    class Meta:
        managed = False
        db_table = "session_newest"

    def __str__(self):
        return f"Session {self.id}"
