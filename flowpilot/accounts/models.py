"""Accounts, their people and their settings."""

import uuid
from datetime import timedelta
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import Exact

from flowpilot.accounts.owned import AccountOwned
from flowpilot.accounts.scope import current_account_id


class Account(models.Model):
    """One managed service provider, the tenant. Its policy is on `id`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    deletion_due_at = models.DateTimeField(
        null=True, blank=True
    )  # the database lets nobody set it sooner than its grace
    deletion_asked_by = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(deletion_due_at__isnull=True, deletion_asked_by="")
                | Q(deletion_due_at__isnull=False) & ~Q(deletion_asked_by=""),
                name="account_deletion_due_at_and_asked_by_together",
            ),
        ]

    def __str__(self):
        return self.name


class UserManager(BaseUserManager):
    """Lists the open account's people only; unfiltered while no scope is open, which is when somebody signs in."""

    def get_queryset(self):
        account_id = current_account_id()
        people = super().get_queryset()
        return people if account_id is None else people.filter(account_id=account_id)

    def create_user(self, email, password=None, **fields):
        """Create a person who signs in with this e-mail address."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person. The e-mail address is unique over all accounts and kept in lower case."""

    class Role(models.TextChoices):
        ENGINEER = "engineer"
        ADMIN = "admin"
        OWNER = "owner"
        SUPER_ADMIN = "super_admin"

    class Theme(models.TextChoices):
        DARK = "dark"
        LIGHT = "light"
        SYSTEM = "system"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.CASCADE, related_name="people")
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=20, choices=Role, default=Role.ENGINEER)
    theme = models.CharField(max_length=10, choices=Theme, default=Theme.DARK)
    has_single_keys = models.BooleanField(default=True)
    signature = models.CharField(max_length=300, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(account__isnull=False) | Q(role="super_admin"), name="user_without_account_is_super_admin"
            ),
            models.UniqueConstraint(fields=["account", "id"], name="accounts_user_account_id"),
        ]

    def __str__(self):
        return self.name or self.email

    def get_full_name(self):
        return self.name


class AccountSettings(AccountOwned):
    """An account's preferences; made by the first write. Keys are flat and dotted, because `||` does not merge nested values."""

    preferences = models.JSONField(default=dict)

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "account_settings"
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account"], name="settings_once_per_account"),
            models.CheckConstraint(
                condition=Exact(
                    Func(F("preferences"), function="jsonb_typeof", output_field=models.TextField()), "object"
                ),
                name="preferences_are_an_object",
            ),
        ]

    def __str__(self):
        return f"Settings of {self.account_id}"


class AuditEvent(AccountOwned):
    """One thing that happened, added by `audit.record` only. The database numbers, dates and chains it, and lets nobody change it.

    The actor is kept as they were called then, and has no foreign key: platform staff belong to no account, and people may leave.
    """

    number = models.BigIntegerField(default=0, editable=False)
    action = models.CharField(max_length=40)
    actor_id = models.UUIDField(null=True, blank=True)
    actor = models.CharField(max_length=200, blank=True)
    object = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)
    ip = models.CharField(max_length=45, blank=True)
    prev_hash = models.CharField(max_length=64, blank=True, editable=False)
    hash = models.CharField(max_length=64, blank=True, editable=False)
    updated_at = None

    class Meta(AccountOwned.Meta):
        abstract = False
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account", "number"], name="audit_number_once_per_account"),
        ]
        indexes = [models.Index(fields=["account", "action", "number"], name="audit_by_action")]

    def __str__(self):
        return f"{self.number}: {self.action}"


class Invitation(AccountOwned):
    """A way in for one address. The link holds a key of which only the hash is kept; sending it again makes a new one."""

    email = models.EmailField()
    role = models.CharField(max_length=20, choices=User.Role, default=User.Role.ENGINEER)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    key_hash = models.CharField(max_length=64)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    is_late = False  # whether its link is too old; queries set it

    class Meta(AccountOwned.Meta):
        abstract = False
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(
                fields=["account", "email"],
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_one_open_per_address",
            ),
            models.CheckConstraint(
                condition=Q(role__in=["engineer", "admin"]), name="invitation_is_for_engineer_or_admin"
            ),
        ]

    def __str__(self):
        return f"Invitation of {self.email}"


class StaffGrant(AccountOwned):
    """One visit of platform staff to this account: who, why, until when. Staff belong to no account, so there is no foreign key."""

    staff_id = models.UUIDField()
    staff = models.CharField(max_length=200)  # as they were called then
    reason = models.CharField(max_length=500)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True)

    class Meta(AccountOwned.Meta):
        abstract = False
        db_table = "staff_grants"
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(
                fields=["account", "staff_id"], condition=Q(ended_at=None), name="staff_grant_one_open_per_person"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="staff_grant_has_a_reason"),
            models.CheckConstraint(
                condition=Q(expires_at__lte=F("created_at") + timedelta(hours=1)),
                name="staff_grant_ends_within_an_hour",
            ),
        ]

    def __str__(self):
        return f"{self.staff}: {self.reason}"


class AccountExport(AccountOwned):
    """Everything of an account in one archive, made by a job, for its owner, for some days."""

    class State(models.TextChoices):
        MAKING = "making"
        READY = "ready"
        FAILED = "failed"

    state = models.CharField(max_length=10, choices=State, default=State.MAKING)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    file = models.CharField(max_length=32, blank=True)  # its name, of which nobody is told
    size = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField()

    class Meta(AccountOwned.Meta):
        abstract = False
        constraints = [
            *AccountOwned.Meta.constraints,
            models.UniqueConstraint(fields=["account"], condition=Q(state="making"), name="export_one_at_a_time"),
            models.CheckConstraint(condition=Q(state__in=["making", "ready", "failed"]), name="export_state_is_known"),
            models.CheckConstraint(condition=~Q(state="ready") | ~Q(file=""), name="export_that_is_ready_has_its_file"),
        ]

    def __str__(self):
        return f"Export of {self.created_at}"


_BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


class LoginSession(AbstractBaseSession):
    """One browser of a person. The key in its cookie is not kept, only its hash. `login_sessions` reads and writes these."""

    session_key = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="login_sessions")
    began_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    ip = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)

    is_this = False  # whether it is the browser that asks; queries set it

    @property
    def device(self) -> str:
        """Which browser on what, as far as it tells."""
        browser = next((name for mark, name in _BROWSERS if mark in self.user_agent), "A browser")
        system = next((name for mark, name in _SYSTEMS if mark in self.user_agent), "")
        return f"{browser} on {system}" if system else browser

    def __str__(self):
        return f"{self.user_id} since {self.began_at}"


class Throttle(models.Model):
    """How often something was tried since when. Keys are hashes: nothing here names a person."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    since = models.DateTimeField()

    def __str__(self):
        return f"{self.count} since {self.since}"
