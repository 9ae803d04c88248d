"""The connection to an account's ticket system, who is who there, and what must still reach it."""

from django.db import models
from django.db.models.functions import Now
from ulid import ULID

from flowpilot.accounts.models import User
from flowpilot.accounts.owned import AccountOwned


def new_reference() -> str:
    """Return the 26 characters by which a post is found again in the ticket system."""
    return str(ULID())


class PsaConnection(AccountOwned):
    """How an account reaches its ConnectWise. The private key is sealed (`psa/credentials.py`)."""

    base_url = models.URLField(max_length=300)
    company_id = models.CharField(max_length=100)
    client_id = models.CharField(max_length=100)
    public_key = models.CharField(max_length=100)
    sealed_private_key = models.TextField()
    callback_id = models.PositiveIntegerField(null=True, blank=True)  # by which ConnectWise tells us of changes
    polled_until = models.DateTimeField(null=True, blank=True)  # what changed before is known

    class Meta(AccountOwned.Meta):
        abstract = False
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account"], name="psa_connection_once_per_account"),
        ]

    def __str__(self):
        return f"{self.company_id} at {self.base_url}"


class PsaMemberLink(AccountOwned):
    """Which PSA member a person is."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="psa_links")
    member_id = models.PositiveIntegerField()
    identifier = models.CharField(max_length=50)

    class Meta(AccountOwned.Meta):
        abstract = False
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account", "user"], name="psa_member_once_per_user"),
        ]

    def __str__(self):
        return self.identifier


class PsaChange(AccountOwned):
    """A ticket changed in the PSA: told by a callback, or seen by the poll. Kept for a day."""

    ticket_id = models.PositiveBigIntegerField()
    changed_at = models.DateTimeField()  # by the PSA's clock
    told_at = models.DateTimeField(db_default=Now(), editable=False)  # by the database's
    key = models.CharField(max_length=80)  # what makes a second telling of it the same change

    class Meta(AccountOwned.Meta):
        abstract = False
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account", "key"], name="psa_change_once"),
        ]
        indexes = [models.Index(fields=["account", "told_at"], name="psa_change_latest")]

    def __str__(self):
        return f"ticket {self.ticket_id} at {self.changed_at}"


class TicketRequest(AccountOwned):
    """A ticket that somebody asked for: one form makes one, however often it is sent."""

    class State(models.TextChoices):
        SENDING = "sending"
        UNCERTAIN = "uncertain"  # nobody knows whether it was made; it is looked for before it is made again
        CREATED = "created"
        REFUSED = "refused"

    client_key = models.UUIDField()
    reference = models.CharField(max_length=26, default=new_reference, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.SENDING)
    ticket_id = models.PositiveBigIntegerField(null=True, blank=True)
    attempted_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(AccountOwned.Meta):
        abstract = False
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account", "client_key"], name="ticket_request_once_per_form"),
        ]

    def __str__(self):
        return f"ticket {self.ticket_id or 'asked for'}: {self.state}"


class PsaPost(AccountOwned):
    """One thing that must reach a ticket exactly once: the outbox. `docs/architecture.md` draws its states."""

    class Kind(models.TextChoices):
        NOTE = "note"
        TIME = "time"
        STATUS = "status"
        OWNER = "owner"
        RESOURCE = "resource"  # somebody who works on it beside the owner

    class State(models.TextChoices):
        PENDING = "pending"
        SENDING = "sending"
        UNCERTAIN = "uncertain"  # nobody knows whether it landed; never repeated before the ticket was searched
        SENT = "sent"
        REJECTED = "rejected"
        DEAD = "dead"

    kind = models.CharField(max_length=10, choices=Kind)
    ticket_id = models.PositiveBigIntegerField()
    batch = models.UUIDField(null=True, blank=True)  # what one click posted together
    position = models.PositiveSmallIntegerField(default=0)  # in its batch; the first leads, and the others wait for it
    idempotency_key = models.CharField(max_length=64)
    reference = models.CharField(max_length=26, default=new_reference, editable=False)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    epoch = models.PositiveIntegerField(default=0)
    external_id = models.CharField(max_length=40, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(AccountOwned.Meta):
        abstract = False
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account", "idempotency_key"], name="psa_post_once"),
            models.UniqueConstraint(
                fields=["account", "ticket_id"],
                condition=models.Q(state__in=["sending", "uncertain"]),
                name="psa_post_one_in_flight_per_ticket",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "state", "next_at"], name="psa_post_due"),
            models.Index(fields=["account", "batch"], name="psa_post_batch"),
            models.Index(fields=["account", "-created_at", "-id"], name="psa_post_newest"),
            models.Index(fields=["account", "ticket_id", "created_at"], name="psa_post_by_ticket"),
        ]

    def __str__(self):
        return f"{self.kind} for ticket {self.ticket_id}: {self.state}"

    @property
    def is_open(self) -> bool:
        """Whether it may still reach the ticket by itself."""
        return self.state in {self.State.PENDING, self.State.SENDING, self.State.UNCERTAIN}

    @property
    def is_stuck(self) -> bool:
        """Whether it waits for a person."""
        return self.state in {self.State.REJECTED, self.State.DEAD}
