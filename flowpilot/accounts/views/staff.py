from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from flowpilot.accounts import staff
from flowpilot.accounts.permissions import Right, needs


@require_POST
@needs(Right.MANAGE)
def send_away(request, grant_id):
    staff.send_away(grant_id=grant_id, by=request.user)
    return render(request, "_visits.html#changed") if request.htmx else redirect("home")
