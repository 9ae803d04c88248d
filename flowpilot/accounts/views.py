from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from flowpilot.accounts import services


@require_POST
def set_theme(request):
    services.set_theme(user=request.user, theme=request.POST.get("theme", ""))
    return HttpResponse(status=204) if request.htmx else redirect("home")
