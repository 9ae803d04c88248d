"""Opens the signed-in person's account around each view, and shows errors in our words."""

from allauth.account.adapter import get_adapter
from asgiref.sync import iscoroutinefunction
from django.db import transaction
from django.http import HttpResponse
from django.utils.deprecation import MiddlewareMixin

from flowpilot.accounts import audit, staff_door
from flowpilot.accounts.factors import must_set_one_up
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.staff_door import BEFORE_A_FACTOR, rendered, to_second_factor
from flowpilot.errors import UserError
from flowpilot.replies import render_error


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
            return staff_door.answer(request, view, args, kwargs)
        request.account_id = user.account_id
        try:
            return _in_scope(user, view, request, args, kwargs)
        except UserError as error:
            return render_error(request, error)

    def process_exception(self, request, error):
        """Word the errors of views that open their own scopes."""
        return render_error(request, error) if isinstance(error, UserError) else None


def _in_scope(user, view, request, args, kwargs) -> HttpResponse | None:
    """Return the view's response, or None where it opens its own scopes and may go on."""
    with account_scope(user.account_id):
        if request.resolver_match.view_name not in BEFORE_A_FACTOR and must_set_one_up(user):
            return to_second_factor(request)
        if iscoroutinefunction(view) or getattr(view, "has_own_scope", False):
            return None
        response = rendered(view(request, *args, **kwargs))
        if response.status_code >= 400:
            transaction.set_rollback(True)
        return response
