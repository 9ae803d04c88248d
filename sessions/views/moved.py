"""Where sessions used to be: old links lead on for good."""

from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from sessions import queries


@require_GET
def assistant(request):
    return redirect("sessions:history", permanent=True)


@require_GET
def assistant_chat(request, chat_id):
    return redirect(queries.get_chat(chat_id), permanent=True)
