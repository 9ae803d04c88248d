from django.views.decorators.http import require_POST

from sessions.services import fixes as services
from sessions.views._panels import client_key, render_panels


@require_POST
def apply_fix(request, chat_id, fix_id):
    services.apply_fix(chat_id=chat_id, fix_id=fix_id)
    return render_panels(request, chat_id)


@require_POST
def record_outcome(request, chat_id, fix_id):
    _, turn = services.record_outcome(
        chat_id=chat_id,
        fix_id=fix_id,
        outcome=request.POST.get("outcome", ""),
        reason=request.POST.get("reason", ""),
        by=request.user,
        client_key=_key_to_tell(request),
    )
    return render_panels(request, chat_id, turn=turn)


@require_POST
def dismiss_fix(request, chat_id, fix_id):
    reason = request.POST.get("reason", "")
    _, turn = services.dismiss_fix(
        chat_id=chat_id, fix_id=fix_id, reason=reason, by=request.user, client_key=_key_to_tell(request)
    )
    return render_panels(request, chat_id, turn=turn)


def _key_to_tell(request):
    """Return the form's key when the person asked for the next suggestion as well."""
    return client_key(request) if request.POST.get("next") else None
