"""Who may do what: one table, which views, templates and tests read."""

import logging
from enum import StrEnum
from functools import wraps

from asgiref.sync import iscoroutinefunction
from django.shortcuts import render

from flowpilot.accounts.models import User
from flowpilot.errors import Refused

log = logging.getLogger(__name__)


class Right(StrEnum):
    """A row of the table."""

    WORK = "work"  # sessions and tickets, PSA members, scripts and flows
    PUBLISH = "publish"  # publish or delete script templates and flows, see everybody's analytics
    MANAGE = "manage"  # PSA connection, AI settings, retention, invitations, roles
    OWN = "own"  # delete the account, transfer ownership
    ADMINISTER = "administer"  # Django admin, the account's own rows


_ADMIN = frozenset({Right.WORK, Right.PUBLISH, Right.MANAGE, Right.ADMINISTER})
TABLE: dict[str, frozenset[Right]] = {
    User.Role.ENGINEER: frozenset({Right.WORK}),
    User.Role.ADMIN: _ADMIN,
    User.Role.OWNER: _ADMIN | {Right.OWN},
    User.Role.SUPER_ADMIN: frozenset(
        Right
    ),  # only while they hold a grant for an account, and then in the admin (staff.py)
}
_WORDS = {
    Right.WORK: "work sessions and tickets",
    Right.PUBLISH: "publish or delete templates and flows",
    Right.MANAGE: "change how the account is set up",
    Right.OWN: "do this",
    Right.ADMINISTER: "open the admin",
}


class NotYourRole(Refused):
    """A person's role does not include this."""


def allows(user, right: Right | str) -> bool:
    """Return whether the table lets a person do it. Nobody, the deactivated and staff without an account may nothing."""
    if not user.is_authenticated or not user.is_active:
        return False
    if user.account_id is None and getattr(user, "acting_account_id", None) is None:
        return False
    return Right(right) in TABLE[user.role]


def require(user, right: Right | str) -> None:
    """Raise NotYourRole, in words that say whom to ask."""
    if allows(user, right):
        return
    log.info("auth.denied user=%s role=%s right=%s", getattr(user, "pk", None), getattr(user, "role", ""), str(right))
    who = "Only the owner of your account" if right == Right.OWN else "Only an admin or the owner of your account"
    role = user.get_role_display().lower() if user.is_authenticated else "nobody"
    raise NotYourRole(f"{who} may {_WORDS[Right(right)]}. Your role is {role}.")


def needs(right: Right):
    """Let a view's request in only with this right. A piece that htmx loads says so in its own place."""

    def decorate(view):
        @wraps(view)
        def checked(request, *args, **kwargs):
            refusal = _refusal(request, right)
            return refusal or view(request, *args, **kwargs)

        @wraps(view)
        async def checked_async(request, *args, **kwargs):
            refusal = _refusal(request, right)
            return refusal or await view(request, *args, **kwargs)

        return checked_async if iscoroutinefunction(view) else checked

    return decorate


def _refusal(request, right):
    try:
        require(request.user, right)
    except NotYourRole as error:
        if request.htmx and request.method == "GET":
            return render(request, "_refused.html", {"text": error.message}, status=error.status)
        raise
    return None
