"""How an error and a message leave the server: as a toast for htmx, as a page for anyone else."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from flowpilot.errors import UserError


def render_error(request: HttpRequest, error: UserError) -> HttpResponse:
    """Return the reply for an error; it never lands inside the panel that asked."""
    if getattr(request, "htmx", False):
        response = render(request, "_toasts.html", {"tone": "red", "text": error.message}, status=error.status)
        response["HX-Retarget"] = "#toasts"
        response["HX-Reswap"] = "beforeend"
        if error.event:
            response["HX-Trigger"] = error.event
        return response
    return render(request, "error.html", {"status": error.status, "message": error.message}, status=error.status)


def not_found(request, exception=None):
    return render_error(request, _worded("That page does not exist, or it belongs to somebody else.", 404))


def server_error(request):
    """Answer without asking the database who is there: it may be what broke."""
    words = "Something broke on our side. What you typed before is kept."
    if getattr(request, "htmx", False):
        html = render_to_string("_toasts.html", {"tone": "red", "text": words})
        return HttpResponse(html, status=500, headers={"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"})
    return HttpResponse(render_to_string("error.html", {"status": 500, "message": words}), status=500)


def bad_request(request, exception=None):
    return render_error(request, _worded("That request could not be read. Nothing was changed.", 400))


def forbidden(request, exception=None):
    return render_error(request, _worded("You may not do that. Ask an admin of your account.", 403))


def csrf_failure(request, reason=""):
    return render_error(request, _worded("This page has been open too long. Reload it and try again.", 403))


def _worded(text: str, status: int) -> UserError:
    error = UserError(text)
    error.status = status
    return error
