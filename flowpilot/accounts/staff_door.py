"""What platform staff can reach: their own sign-in pages, and the admin of an account for which they hold a grant.

What a page of the admin shows leaves only with its audit event, in one transaction: a page that wrote none down is not shown.
"""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from flowpilot.accounts import staff
from flowpilot.accounts.factors import must_set_one_up
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Refused, UserError
from flowpilot.replies import render_error

# What anybody can reach who must set up a second factor first.
BEFORE_A_FACTOR = {
    "accounts:second-factor",
    "accounts:set-theme",
    "account_logout",
    "account_reauthenticate",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
}
STAFFS_OWN = BEFORE_A_FACTOR | {
    "account_change_password",
    "mfa_authenticate",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_view_recovery_codes",
}
_TO_THE_ADMIN = {
    "home",
    "accounts:settings",
    "accounts:security",
    "mfa_index",
    "mfa_list_webauthn",
}  # sign-in ends there
ENTRANCE = "admin:enter"
_CLOSED = "Platform staff work in the admin, one account at a time."
_NO_GRANT = "You are in no account: your hour is over, or somebody of the account ended it. Enter it again."


class NotWrittenDown(RuntimeError):
    """A page for platform staff recorded nothing in the audit log, so it is not shown."""


def answer(request, view, args, kwargs) -> HttpResponse | None:
    """Answer a request of platform staff, or return None where their own pages go on."""
    name = request.resolver_match.view_name
    if name not in BEFORE_A_FACTOR and must_set_one_up(request.user):
        return to_second_factor(request)
    if name in STAFFS_OWN or name == ENTRANCE:
        return None
    if name in _TO_THE_ADMIN:
        return redirect("admin:index")
    if not name.startswith("admin:"):
        return render_error(request, Refused(_CLOSED))
    held = staff.held(request.session)
    if held is None and name == "admin:index":
        return redirect(ENTRANCE)
    try:
        return _in_account(request, held, view, args, kwargs)
    except UserError as error:
        return redirect(ENTRANCE) if name == "admin:index" else render_error(request, error)


def to_second_factor(request) -> HttpResponse:
    """Send somebody to where a second factor is set up."""
    address = reverse("accounts:second-factor")
    return HttpResponse(headers={"HX-Redirect": address}) if request.htmx else redirect(address)


def rendered(response: Any) -> HttpResponse:
    """Return a response with its words in it: a template that is rendered later would ask the database without a scope."""
    return response.render() if hasattr(response, "render") and not response.is_rendered else response


def _in_account(request, held, view, args, kwargs) -> HttpResponse:
    if held is None:
        raise Refused(_NO_GRANT)
    account_id, grant_id = held
    with account_scope(account_id):
        grant = staff.current(grant_id, request.user)
        if grant is None:
            raise Refused(_NO_GRANT)
        request.account_id = request.user.acting_account_id = account_id
        request.staff_grant = grant
        response = rendered(view(request, *args, **kwargs))
        if response.status_code >= 400:
            transaction.set_rollback(True)
        elif not getattr(request, "is_written_down", False):
            raise NotWrittenDown(request.resolver_match.view_name)
        return response
