from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from flowpilot.accounts.permissions import Right, needs
from sessions.services import retention


@require_POST
@needs(Right.MANAGE)
def hold_chat(request, chat_id):
    return _held(
        request,
        retention.set_hold(chat_id=chat_id, is_on_hold=True, by=request.user),
        "Kept whatever the retention says.",
    )


@require_POST
@needs(Right.MANAGE)
def release_chat(request, chat_id):
    return _held(
        request,
        retention.set_hold(chat_id=chat_id, is_on_hold=False, by=request.user),
        "Kept as long as other sessions.",
    )


def _held(request, chat, words):
    if not request.htmx:
        return redirect(chat)
    return render(request, "sessions/_menu.html#changed", {"chat": chat, "words": words})
