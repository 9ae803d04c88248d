from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid, UserError
from sessions import files, queries
from sessions.models import Attachment
from sessions.services import attachments as services


@require_POST
@own_scope
def attach(request, chat_id):
    """Keep each file that can be taken, and say of each other why not."""
    with account_scope(request.account_id):
        queries.get_chat(chat_id)
    kept, refused = [], []
    for upload in request.FILES.getlist("files"):
        try:
            if upload.size > services.MOST_BYTES:
                raise Invalid(
                    f"“{upload.name}” is over {services.MOST_BYTES // 1024**2} MB. Crop it, or attach a part."
                )
            given = {"name": upload.name, "data": upload.read(), "by": request.user}
            kept.append(services.attach(account_id=request.account_id, chat_id=chat_id, **given))
        except UserError as error:
            refused.append(error)
    if refused and not kept:
        raise refused[0]
    if not kept:
        raise Invalid("No file came with that. Choose one, or paste a screenshot.")
    if not request.htmx:
        return redirect("sessions:chat", chat_id)
    context = {"chat_id": chat_id, "attachments": kept, "refused": refused}
    return render(request, "sessions/_attachments.html#kept", context)


@require_POST
def detach(request, chat_id, attachment_id):
    services.detach(chat_id=chat_id, attachment_id=attachment_id, by=request.user)
    return HttpResponse() if request.htmx else redirect("sessions:chat", chat_id)


@require_GET
def attachment(request, chat_id, attachment_id):
    """The file itself. Images are our own drawings; text is only ever handed out to be saved."""
    found = queries.get_attachment(chat_id, attachment_id)
    how = "inline" if found.kind == Attachment.Kind.IMAGE else "attachment"
    response = HttpResponse(files.read(found.account_id, found.file), content_type=found.media_type)
    response["Content-Disposition"] = f'{how}; filename="{found.safe_name}"'
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    return response
