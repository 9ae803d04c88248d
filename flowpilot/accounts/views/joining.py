from allauth.account.utils import perform_login
from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from flowpilot.accounts import invitations
from flowpilot.accounts.middleware import own_scope
from flowpilot.errors import Invalid
from flowpilot.replies import render_error


@require_http_methods(["GET", "POST"])
@login_not_required
@own_scope
def join(request, token: str):
    if request.user.is_authenticated:
        return render(request, "accounts/join_signed_in.html")
    try:
        account, invitation = invitations.read(token)
        context = {"account": account, "invitation": invitation, "name": "", "error": ""}
        if request.method == "GET":
            return render(request, "accounts/join.html", context)
        name = request.POST.get("name", "")
        user = invitations.accept(token, name=name, password=request.POST.get("password", ""))
    except Invalid as error:
        context |= {"name": name, "error": error.message}
        return render(request, "accounts/join.html", context, status=error.status)
    except invitations.DeadInvitation as error:
        return render_error(request, error)
    return perform_login(request, user, email_verification="none")
