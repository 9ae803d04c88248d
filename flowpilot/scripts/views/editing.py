from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from flowpilot.errors import Invalid, StaleState
from flowpilot.scripts import forms, queries
from flowpilot.scripts.languages import CHOICES
from flowpilot.scripts.services import templates as services


@require_http_methods(["GET", "POST"])
def new_template(request):
    """A script by hand, or a copy of another as a draft of one's own."""
    if request.method == "GET":
        source = queries.get_template(request.GET["copy"]) if _is_id(request.GET.get("copy", "")) else None
        return render(
            request, "scripts/edit.html", _form(_fields_of(source), name=f"{source.name} (copy)" if source else "")
        )
    form = _typed(request)
    try:
        template = services.create_template(
            content=services.read_content(form), by=request.user, note="Written by hand"
        )
    except Invalid as error:
        return _again(request, form, error)
    return redirect(template)


@require_http_methods(["GET", "POST"])
def edit_template(request, template_id):
    template = queries.get_template(template_id)
    services.require_may_edit(template, request.user)
    if request.method == "GET":
        return render(request, "scripts/edit.html", {**_form(_fields_of(template)), "template": template})
    form = _typed(request)
    try:
        services.edit_template(
            template_id=template_id,
            content=services.read_content(form),
            seen_version=_number(request, "seen_version"),
            by=request.user,
            note=request.POST.get("note", ""),
        )
    except (Invalid, StaleState) as error:
        return _again(request, form, error, template)
    return redirect(template)


@require_GET
def parameter_row(request):
    return render(request, "scripts/_parameter_row.html", {"row": forms.spare_rows([])[0], **_choices()})


@require_POST
def publish_template(request, template_id):
    return _to(request, services.publish_template(template_id=template_id, by=request.user))


@require_POST
def archive_template(request, template_id):
    return _to(request, services.archive_template(template_id=template_id, by=request.user))


@require_POST
def restore_version(request, template_id):
    number = _number(request, "number")
    return _to(request, services.restore_version(template_id=template_id, number=number, by=request.user))


def _to(request, template):
    if not request.htmx:
        return redirect(template)
    response = HttpResponse()
    response["HX-Redirect"] = template.get_absolute_url()
    return response


def _again(request, form, error, template=None):
    """Show the form as it was typed, with what is wrong."""
    context = {**_form(form), "template": template, "error": error.message}
    return render(request, "scripts/edit.html", context, status=error.status)


def _typed(request) -> dict:
    tags = [tag for tag in request.POST.get("tags", "").split(",") if tag.strip()]
    texts = {name: request.POST.get(name, "") for name in ("name", "summary", "language", "body")}
    return {**texts, "tags": tags, "parameters": forms.read_rows(request.POST)}


def _fields_of(template) -> dict:
    if template is None:
        return {"name": "", "summary": "", "language": "powershell", "body": "", "tags": [], "parameters": []}
    names = ("name", "summary", "language", "body", "tags", "parameters")
    return {name: getattr(template, name) for name in names}


def _form(form, **changes) -> dict:
    shown = {**form, **{name: value for name, value in changes.items() if value}}
    shown["tags"] = ", ".join(map(str, shown["tags"]))
    return {"at": "scripts", "form": shown, "rows": forms.spare_rows(form["parameters"]), **_choices()}


def _choices() -> dict:
    return {"languages": CHOICES, "kinds": forms.KIND_CHOICES, "fills": forms.FILL_CHOICES}


def _number(request, name: str) -> int:
    value = request.POST.get(name, "")
    if not value.isdecimal() or len(value) > 9:
        raise Invalid("This page is out of date. Reload it; what you typed is kept.")
    return int(value)


def _is_id(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4
