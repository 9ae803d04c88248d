from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from flowpilot.accounts import exports, leaving
from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.permissions import Right, needs
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid

_PIECE = 256 * 1024


@require_GET
@needs(Right.OWN)
def data(request):
    found = exports.exports()
    context = {
        "at": "settings",
        "section": "data",
        "exports": found,
        "is_making": any(each.state == each.State.MAKING for each in found),
        "account": request.user.account,
        "grace": leaving.GRACE.days,
        "kept": exports.KEPT.days,
    }
    is_piece = request.htmx and not request.htmx.boosted
    return render(request, "accounts/data.html#export" if is_piece else "accounts/data.html", context)


@require_POST
@needs(Right.OWN)
@own_scope
@reauthentication_required
def ask_export(request):
    with account_scope(request.user.account_id):
        exports.ask_export(by=request.user)
    return redirect("accounts:data")


@require_POST
@needs(Right.OWN)
@own_scope
@reauthentication_required
def take_export(request, export_id: UUID):
    with account_scope(request.user.account_id):
        path = exports.take_export(export_id=export_id, by=request.user)
    name = f"flowpilot-export-{timezone.now():%Y-%m-%d}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(path.stat().st_size)}
    return StreamingHttpResponse(_pieces(path), content_type="application/zip", headers=headers)


@require_http_methods(["GET", "POST"])
@needs(Right.OWN)
@own_scope
@reauthentication_required
def delete_account(request):
    with account_scope(request.user.account_id):
        context = {"at": "settings", "section": "data", "account": request.user.account, "grace": leaving.GRACE.days}
    context |= {"typed": request.POST.get("typed", ""), "error": ""}
    if request.method == "GET":
        return render(request, "accounts/delete_account.html", context)
    try:
        with account_scope(request.user.account_id):
            leaving.ask_deletion(typed=context["typed"], by=request.user)
    except Invalid as error:
        context |= {"error": error.message}
        return render(request, "accounts/delete_account.html", context, status=error.status)
    leaving.tell_admins(request.user.account_id, link=request.build_absolute_uri(reverse("accounts:data")))
    return redirect("accounts:data")


@require_POST
@needs(Right.OWN)
def keep_account(request):
    leaving.keep_account(by=request.user)
    return redirect("accounts:data")


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    """Yield a file piece by piece: an archive may be larger than the memory is."""
    file = await sync_to_async(path.open)("rb")
    try:
        while piece := await sync_to_async(file.read)(_PIECE):
            yield piece
    finally:
        await sync_to_async(file.close)()
