from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts import invitations, people, queries
from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.permissions import Right, needs
from flowpilot.accounts.scope import account_scope


@require_GET
@needs(Right.MANAGE)
def people_page(request):
    return render(request, "accounts/people.html", _context())


@require_POST
@needs(Right.MANAGE)
@own_scope
def invite(request):
    email, role = request.POST.get("email", ""), request.POST.get("role", "")
    invitation = invitations.invite(
        account_id=request.account_id, email=email, role=role, by=request.user, link=_link(request)
    )
    return _changed(request, f"Invitation sent to {invitation.email}.")


@require_POST
@needs(Right.MANAGE)
@own_scope
def resend_invitation(request, invitation_id: UUID):
    invitation = invitations.resend(
        account_id=request.account_id, invitation_id=invitation_id, by=request.user, link=_link(request)
    )
    return _changed(request, f"Sent again to {invitation.email}. The earlier link no longer works.")


@require_POST
@needs(Right.MANAGE)
def revoke_invitation(request, invitation_id: UUID):
    invitation = invitations.revoke(invitation_id=invitation_id, by=request.user)
    return _changed(request, f"{invitation.email} is no longer invited.")


@require_POST
@needs(Right.MANAGE)
def change_role(request, user_id: UUID):
    user = people.change_role(user_id=user_id, role=request.POST.get("role", ""), by=request.user)
    return _changed(request, f"{user} is now {user.get_role_display().lower()}.")


@require_POST
@needs(Right.MANAGE)
def deactivate(request, user_id: UUID):
    user = people.deactivate(user_id=user_id, by=request.user)
    return _changed(request, f"{user} is signed out everywhere and cannot sign in.")


@require_POST
@needs(Right.MANAGE)
def reactivate(request, user_id: UUID):
    user = people.reactivate(user_id=user_id, by=request.user)
    return _changed(request, f"{user} can sign in again.")


@require_POST
@needs(Right.OWN)
def transfer_ownership(request):
    heir_id, typed = request.POST.get("heir", ""), request.POST.get("typed", "")
    people.transfer_ownership(heir_id=heir_id, typed=typed, by=request.user)
    if not request.htmx:
        return redirect("accounts:people")
    return HttpResponse(headers={"HX-Redirect": reverse("accounts:people")})


def _changed(request, words: str):
    if not request.htmx:
        return redirect("accounts:people")
    with account_scope(request.account_id):
        return render(request, "accounts/people.html#changed", _context() | {"words": words})


def _context() -> dict:
    return {
        "at": "settings",
        "section": "people",
        "people": queries.people(),
        "invitations": queries.open_invitations(),
        "roles": [(role.value, role.label) for role in people.GIVEN],
    }


def _link(request):
    return lambda token: request.build_absolute_uri(reverse("accounts:join", args=[token]))
