"""The connection to ConnectWise and what must reach it, in the admin."""

from typing import Any

from django import forms
from django.contrib import admin

from flowpilot import rotating
from flowpilot.accounts.models import User
from flowpilot.admin.columns import short
from flowpilot.admin.rows import BOTH, Rows
from flowpilot.admin.site import site
from psa.models import PsaChange, PsaConnection, PsaMemberLink, PsaPost, TicketRequest
from sessions.services.resolving import retry_any_post


@admin.register(PsaConnection, site=site)
class Connections(Rows):
    noun, nouns, help = "connection", "connection", "How ConnectWise is reached; its keys are never shown"
    list_display = ("company_id", "base_url", "callback_id", "polled_until", "updated_at")
    actions = ("seal_anew",)

    @admin.action(description="Seal its keys with the newest key", location=BOTH)
    def seal_anew(self, request, rows):
        self.each(request, rows, rotating.renew, "sealed with the newest key")


@admin.register(PsaPost, site=site)
class Posts(Rows):
    noun, nouns, help = "post", "outbox", "What must reach a ticket once; refused posts can be tried again"
    list_display = (
        "ticket_id",
        "kind",
        "state",
        "attempts",
        short("error"),
        "created_by",
        "next_at",
        "sent_at",
        "created_at",
    )
    list_filter = ("state", "kind")
    list_select_related = ("created_by",)
    search_help_text = "The number of a ticket, the ID of what was posted together, or a post’s own"
    ids = ("batch",)
    numbers = ("ticket_id",)
    narrows = ("ticket_id", "batch")
    ordering = ("-created_at", "-id")
    actions = ("try_again",)

    @admin.action(description="Try again", location=BOTH)
    def try_again(self, request, rows):
        self.each(request, rows, lambda row: retry_any_post(post_id=row.pk), "queued to be sent again")


class MemberForm(forms.ModelForm):
    """Names the person by their address: an account may have more people than a list can show."""

    user = forms.ModelChoiceField(
        User.objects.none(),
        to_field_name="email",
        widget=forms.EmailInput,
        label="Person",
        help_text="Their e-mail address",
        error_messages={"invalid_choice": "Nobody of the account signs in with that address."},
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        person: Any = self.fields["user"]
        person.queryset = User.objects.all()
        if self.instance.user_id:
            self.initial["user"] = self.instance.user.email

    def clean_user(self):
        user = self.cleaned_data["user"]
        if PsaMemberLink.objects.filter(user=user).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(f"{user} is linked to a member already.")
        return user


@admin.register(PsaMemberLink, site=site)
class Members(Rows):
    noun, nouns, help = "member link", "member links", "Which ConnectWise member a person is"
    list_display = ("user", "identifier", "member_id", "updated_at")
    list_select_related = ("user",)
    form = MemberForm
    search_help_text = "A member’s number, the beginning of its identifier, or the ID of a person"
    ids = ("user_id",)
    numbers = ("member_id",)
    beginnings = ("identifier",)
    editable = ("user", "member_id", "identifier")
    can_add = can_delete = True


@admin.register(TicketRequest, site=site)
class Requests(Rows):
    noun, nouns, help = "new ticket", "new tickets", "Tickets that somebody asked for"
    list_display = ("ticket_id", "state", "reference", short("error"), "created_by", "created_at")
    list_filter = ("state",)
    list_select_related = ("created_by",)


@admin.register(PsaChange, site=site)
class TicketChanges(Rows):
    noun, nouns, help = "ticket change", "ticket changes", "What ConnectWise told, or the poll saw; kept for a day"
    list_display = ("ticket_id", "changed_at", "told_at", short("key"))
    search_help_text = "The number of a ticket"
    numbers = ("ticket_id",)
    ordering = ("-told_at", "-id")
