from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.errors import Invalid
from flowpilot.scripts import forms, queries
from flowpilot.scripts.languages import CHOICES, LANGUAGES
from flowpilot.scripts.rendering import file_name, to_file
from flowpilot.scripts.rendering import render as render_script
from flowpilot.scripts.services.templates import may_edit


@require_GET
def library(request):
    context = _list(request)
    return render(request, "scripts/_list.html" if request.htmx else "scripts/library.html", context)


@require_GET
def template(request, template_id):
    found = queries.get_template(template_id)
    context = detail(request, found)
    if request.htmx:
        return render(request, "scripts/_detail.html", context)
    return render(request, "scripts/library.html", {**_list(request), **context})


@require_POST
def preview(request, template_id):
    found = queries.get_template(template_id)
    shown, _ = _shown(found, forms.given_values(request.POST, found.asks))
    return render(request, "scripts/_preview.html", {"shown": shown, "template": found})


@require_POST
def copy(request, template_id):
    """The one reply that holds a secret: for the person who typed it, kept nowhere."""
    found = queries.get_template(template_id)
    return HttpResponse(_rendered(request, found), content_type="text/plain; charset=utf-8")


@require_POST
def download(request, template_id):
    found = queries.get_template(template_id)
    return as_file(_rendered(request, found), found.name, found.language)


@require_GET
def versions(request, template_id):
    found = queries.get_template(template_id)
    context = {"template": found, "versions": queries.versions(found), "may_edit": may_edit(found, request.user)}
    return render(request, "scripts/_versions.html", context)


def as_file(code: str, name: str, language: str) -> HttpResponse:
    """Return a script as a file that its interpreter reads as the same characters."""
    reply = HttpResponse(to_file(code, language), content_type="application/octet-stream")
    reply["Content-Disposition"] = f'attachment; filename="{file_name(name, language)}"'
    reply["X-Content-Type-Options"] = "nosniff"
    return reply


def detail(request, found, raw=None) -> dict:
    """Return what the detail of a template shows."""
    values = forms.first_values(found.asks) if raw is None else raw
    shown, _ = _shown(found, values)
    return {
        "template": found,
        "fields": forms.fields(found.asks, values),
        "shown": shown,
        "may_edit": may_edit(found, request.user),
        "extension": LANGUAGES[found.language].extension,
    }


def _shown(found, raw):
    return forms.show(language=found.language, body=found.body, parameters=found.asks, raw=raw, title=found.title)


def _rendered(request, found) -> str:
    shown, values = _shown(found, forms.given_values(request.POST, found.asks))
    if not shown.is_ready:
        raise Invalid(" ".join(shown.problems.values()))
    return render_script(
        language=found.language, body=found.body, parameters=found.asks, values=values, title=found.title
    )


def _list(request) -> dict:
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    language, tag = request.GET.get("language", ""), request.GET.get("tag", "")
    sort, archived = request.GET.get("sort", ""), request.GET.get("archived") == "1"
    found = queries.library(text=text, language=language, tag=tag, sort=sort, archived=archived)
    asked = {"q": text, "language": language, "tag": tag, "sort": sort, "archived": archived}
    return {"at": "scripts", "library": found, "asked": asked, "languages": CHOICES, "sorts": queries.SORTS.items()}
