from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from flowpilot.accounts import people, services
from flowpilot.accounts.permissions import Right, allows, needs
from flowpilot.errors import Invalid


def settings(request):
    """Go to the first section that a person may change."""
    return redirect("accounts:people" if allows(request.user, Right.MANAGE) else "accounts:profile")


@require_http_methods(["GET", "POST"])
@needs(Right.WORK)
def profile(request):
    context = {"at": "settings", "section": "profile", "form": request.user, "error": "", "is_saved": False}
    if request.method == "GET":
        return render(request, "accounts/profile.html", context)
    typed = {
        "name": request.POST.get("name", ""),
        "signature": request.POST.get("signature", ""),
        "has_single_keys": request.POST.get("has_single_keys") == "on",
    }
    page = "accounts/profile.html#card" if request.htmx else "accounts/profile.html"
    try:
        people.save_profile(user=request.user, **typed)
    except Invalid as error:
        return render(request, page, context | {"form": typed, "error": error.message}, status=error.status)
    return render(request, page, context | {"is_saved": True}) if request.htmx else redirect("accounts:profile")


@require_POST
def set_theme(request):
    services.set_theme(user=request.user, theme=request.POST.get("theme", ""))
    return HttpResponse(status=204) if request.htmx else redirect("home")


@require_POST
@needs(Right.WORK)
def set_single_keys(request):
    services.set_single_keys(user=request.user, is_on=request.POST.get("has_single_keys") == "on")
    return HttpResponse(status=204) if request.htmx else redirect("home")
