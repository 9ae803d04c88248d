from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts import audit, factors, queries
from flowpilot.accounts.login_sessions import end_session, end_sessions
from flowpilot.accounts.permissions import Right, needs


@require_GET
@needs(Right.WORK)
def security(request):
    return render(request, "accounts/security.html", _context(request))


@require_GET
def second_factor(request):
    """Say that the account asks for a second factor, and offer the two kinds."""
    if not factors.must_set_one_up(request.user):
        return redirect("accounts:security")
    return render(request, "accounts/second_factor.html")


@require_POST
@needs(Right.WORK)
def unlink_microsoft(request):
    if SocialAccount.objects.filter(user=request.user).delete()[0]:
        audit.record(audit.Action.IDENTITY_UNLINKED, by=request.user, about=request.user.email)
    return redirect("accounts:security")


@require_POST
@needs(Right.WORK)
def end_login_session(request, session_id: str):
    if end_session(request.user, session_id):
        audit.record(audit.Action.SIGNED_OUT_ELSEWHERE, by=request.user, about=request.user.email)
    return _changed(request, "Signed out there.")


@require_POST
@needs(Right.WORK)
def end_other_login_sessions(request):
    count = end_sessions(request.user, but=request.session.session_key)
    if count:
        audit.record(
            audit.Action.SIGNED_OUT_ELSEWHERE, by=request.user, about=request.user.email, detail={"ended": count}
        )
    return _changed(request, "You are signed in here only.")


def _changed(request, words: str):
    if not request.htmx:
        return redirect("accounts:security")
    return render(request, "accounts/security.html#changed", _context(request) | {"words": words})


def _context(request) -> dict:
    authenticators = list(Authenticator.objects.filter(user_id=request.user.pk).order_by("created_at"))
    of_type = {each.type: each.wrap() for each in authenticators}
    codes = of_type.get(Authenticator.Type.RECOVERY_CODES)
    return {
        "at": "settings",
        "section": "security",
        "totp": of_type.get(Authenticator.Type.TOTP),
        "passkeys": [each.wrap() for each in authenticators if each.type == Authenticator.Type.WEBAUTHN],
        "has_codes": codes is not None,
        "codes_left": len(codes.get_unused_codes()) if codes else 0,
        "has_factor": any(each.type in factors.KINDS for each in authenticators),
        "has_microsoft": bool(settings.SOCIALACCOUNT_PROVIDERS),
        "identities": list(SocialAccount.objects.filter(user=request.user)),
        "sessions": queries.login_sessions(request.user, request.session.session_key),
    }
