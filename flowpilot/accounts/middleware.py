"""Opens the signed-in person's account around each view, and shows errors in our words."""

from allauth.account.adapter import get_adapter
from asgiref.sync import iscoroutinefunction
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from flowpilot.accounts import audit
from flowpilot.accounts.factors import must_set_one_up
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Refused, UserError
from flowpilot.replies import render_error

# What a person can reach who must set up a second factor first.
_BEFORE_A_FACTOR = {
    "accounts:second-factor",
    "accounts:set-theme",
    "account_logout",
    "account_reauthenticate",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
}


def own_scope(view):
    """Mark a view whose service opens its own scopes, because it asks a provider or streams."""
    view.has_own_scope = True
    return view


class AccountScopeMiddleware(MiddlewareMixin):
    """One scope a request. A reply of 400 and above rolls back what the view wrote."""

    def process_request(self, request):
        audit.seen_from.set(get_adapter().get_client_ip(request))

    def process_view(self, request, view, args, kwargs):
        user = request.user
        if not user.is_authenticated:
            return None
        if user.account_id is None:
            return render_error(request, Refused("You are signed in, but belong to no account."))
        request.account_id = user.account_id
        if request.resolver_match.view_name not in _BEFORE_A_FACTOR and must_set_one_up(user):
            return _to_second_factor(request)
        if iscoroutinefunction(view) or getattr(view, "has_own_scope", False):
            return None
        try:
            return _in_scope(user.account_id, view, request, args, kwargs)
        except UserError as error:
            return render_error(request, error)

    def process_exception(self, request, error):
        """Word the errors of views that open their own scopes."""
        return render_error(request, error) if isinstance(error, UserError) else None


def _to_second_factor(request) -> HttpResponse:
    address = reverse("accounts:second-factor")
    return HttpResponse(headers={"HX-Redirect": address}) if request.htmx else redirect(address)


def _in_scope(account_id, view, request, args, kwargs) -> HttpResponse:
    with account_scope(account_id):
        response = view(request, *args, **kwargs)
        if hasattr(response, "render") and not response.is_rendered:
            response = response.render()
        if response.status_code >= 400:
            transaction.set_rollback(True)
        return response
