"""What the shell around every page shows."""

from functools import cache

from django.conf import settings

from flowpilot.accounts import staff
from flowpilot.accounts.scope import account_scope
from psa.queries import my_open_count
from sessions import queries
from sessions.queries.drafts import pending_count


def shell(request):
    """Return the sidebar's sessions, lazily: pieces and pages without a sidebar ask nothing."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or user.account_id is None:
        signing_in = {"demo_sign_in": settings.DEMO_SIGN_IN, "has_microsoft": bool(settings.SOCIALACCOUNT_PROVIDERS)}
        return signing_in | {"nav_leaving": None}

    @cache  # a template asks twice: whether there is any, and which
    def chats():
        with account_scope(user.account_id):
            return queries.active_chats(user, limit=6)

    @cache
    def account_name():
        with account_scope(user.account_id):
            return str(user.account)

    @cache
    def leaving():
        with account_scope(user.account_id):
            return user.account if user.account.deletion_due_at else None

    @cache
    def scripts():
        with account_scope(user.account_id):
            return pending_count()

    @cache
    def tickets():
        with account_scope(user.account_id):
            return my_open_count(user)

    @cache
    def visits():
        with account_scope(user.account_id):
            return staff.visits()

    return {
        "nav_tickets": tickets,
        "nav_chats": chats,
        "nav_account_name": account_name,
        "nav_scripts": scripts,
        "staff_visits": visits,
        "nav_leaving": leaving,
    }
