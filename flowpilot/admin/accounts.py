"""The account, its people and what happened, in the admin."""

from django.contrib import admin

from flowpilot.accounts import invitations, people, staff
from flowpilot.accounts.audit import Action
from flowpilot.accounts.audit_log import KINDS
from flowpilot.accounts.known_settings import SETTINGS
from flowpilot.accounts.login_sessions import end_sessions
from flowpilot.accounts.models import Account, AccountSettings, AuditEvent, Invitation, StaffGrant, User
from flowpilot.accounts.permissions import Right, allows
from flowpilot.accounts.preferences import change_setting
from flowpilot.admin import writing
from flowpilot.admin.columns import short
from flowpilot.admin.rows import BOTH, Rows, changed_names
from flowpilot.admin.settings_form import AccountForm, groups
from flowpilot.admin.site import site


@admin.register(Account, site=site)
class Accounts(Rows):
    noun, nouns, help = "account", "the account", "Its name and its settings"
    list_display = ("name", "created_at")
    ordering = ("id",)
    editable = ("name", *SETTINGS)
    form = AccountForm

    def get_fieldsets(self, request, obj=None):
        keys = [key for key in self.editable if key in SETTINGS and allows(request.user, SETTINGS[key].right)]
        plain = [name for name in self.get_fields(request, obj) if name not in SETTINGS]
        return [("", {"fields": plain}), *((title, {"fields": names}) for title, names in groups(keys))]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        for key in SETTINGS.keys() & form.cleaned_data.keys():
            change_setting(account=obj, key=key, value=form.cleaned_data[key], by=request.user)

    def log_change(self, request, obj, message):
        names = changed_names(message)
        if names:
            writing.changed(request, self.called(obj), f"changed {', '.join(names)}", is_known="Name" not in names)


@admin.register(User, site=site)
class People(Rows):
    noun, nouns, help = "person", "people", "Who signs in, with which role"
    list_display = ("name", "email", "role", "is_active", "created_at")
    list_filter = ("role", "is_active")
    search_help_text = "The beginning of a name or an e-mail address, or an ID"
    beginnings = ("name", "email")
    ordering = ("name", "id")
    actions = ("make_engineer", "make_admin", "deactivate", "reactivate", "sign_out")

    def get_fields(self, request, obj=None):
        return ["id", "name", "email", "role", "is_active", "theme", "has_single_keys", "signature", "created_at"]

    @admin.action(description="Make an engineer", location=BOTH)
    def make_engineer(self, request, rows):
        self._give_role(request, rows, User.Role.ENGINEER)

    @admin.action(description="Make an admin", location=BOTH)
    def make_admin(self, request, rows):
        self._give_role(request, rows, User.Role.ADMIN)

    def _give_role(self, request, rows, role):
        def work(row):
            people.change_role(user_id=row.pk, role=role, by=request.user)

        self.each(request, rows, work, f"made {role.label.lower()}", is_known=True)

    @admin.action(description="Deactivate", location=BOTH)
    def deactivate(self, request, rows):
        self.each(
            request, rows, lambda row: people.deactivate(user_id=row.pk, by=request.user), "deactivated", is_known=True
        )

    @admin.action(description="Reactivate", location=BOTH)
    def reactivate(self, request, rows):
        self.each(
            request, rows, lambda row: people.reactivate(user_id=row.pk, by=request.user), "reactivated", is_known=True
        )

    @admin.action(description="Sign out everywhere", location=BOTH)
    def sign_out(self, request, rows):
        self.each(request, rows, end_sessions, "signed out everywhere")


@admin.register(Invitation, site=site)
class Invitations(Rows):
    noun, nouns, help = "invitation", "invitations", "Who was invited, and has come or not"
    list_display = ("email", "role", "invited_by", "sent_at", "expires_at", "accepted_at", "revoked_at")
    list_filter = ("role",)
    list_select_related = ("invited_by",)
    search_help_text = "The beginning of an e-mail address, or an ID"
    beginnings = ("email",)
    actions = ("revoke",)

    @admin.action(description="Revoke", location=BOTH)
    def revoke(self, request, rows):
        self.each(
            request,
            rows,
            lambda row: invitations.revoke(invitation_id=row.pk, by=request.user),
            "revoked",
            is_known=True,
        )


@admin.register(AccountSettings, site=site)
class Settings(Rows):
    noun, nouns, help = "settings", "kept settings", "Those that somebody changed, as they are kept"
    list_display = ("id", "updated_at")


@admin.register(StaffGrant, site=site)
class Visits(Rows):
    noun, nouns, help = "visit of platform staff", "visits of platform staff", "Who looked in, why, until when"
    list_display = ("staff", short("reason"), "created_at", "expires_at", "ended_at", "ended_by")
    actions = ("send_away",)

    @admin.action(description="End the visit", location=BOTH)
    def send_away(self, request, rows):
        self.each(request, rows, lambda row: staff.send_away(grant_id=row.pk, by=request.user), "ended", is_known=True)


class KindFilter(admin.SimpleListFilter):
    """Events of one kind, by the index on what happened."""

    title, parameter_name = "kind", "kind"

    def lookups(self, request, model_admin):
        return KINDS.items()

    def queryset(self, request, queryset):
        if self.value() not in KINDS:
            return queryset
        return queryset.filter(action__in=[each for each in Action.values if each.startswith(f"{self.value()}.")])


@admin.register(AuditEvent, site=site)
class Events(Rows):
    noun, nouns, help = "event", "audit log", "What happened, and who did it; nobody can change it"
    right = Right.OWN  # as on its page in the settings
    list_display = ("number", "created_at", "actor", "what", short("object", "about"), "ip")
    list_filter = (KindFilter,)
    search_help_text = "The number of an event, or an ID of a person"
    ids = ("actor_id",)
    numbers = ("number",)
    ordering = ("-number",)

    @admin.display(description="what")
    def what(self, row):
        return Action(row.action).label if row.action in Action.values else row.action
