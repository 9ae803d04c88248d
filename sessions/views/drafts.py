from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid
from flowpilot.scripts.comparing import Difference
from flowpilot.scripts.parameters import KINDS
from flowpilot.scripts.templatizing import Proposal, read_proposals
from sessions import templatizing
from sessions.queries import drafts as queries
from sessions.services import drafts as services

_KINDS = {key: label for key, label in KINDS.items() if key != "choice"}


@require_GET
def drafts(request):
    """What waits for review, over all sessions; the first is open."""
    waiting = queries.pending_drafts()
    if waiting:
        return redirect(waiting[0])
    return render(request, "drafts/drafts.html", {"at": "scripts", "drafts": [], "draft": None})


@require_GET
def draft(request, draft_id):
    found = queries.get_draft(draft_id)
    context = review(found, queries.pending_drafts())
    return render(
        request, "drafts/_review.html" if request.htmx else "drafts/drafts.html", {**context, "at": "scripts"}
    )


@require_GET
def badge(request):
    return render(request, "drafts/_badge.html", {"count": queries.pending_count()})


@require_POST
def preview_draft(request, draft_id):
    """What the template would change, with the parameters as they are ticked now."""
    found = queries.get_draft(draft_id)
    context = {"draft": found, **_difference(found, _typed(request, found))}
    return render(request, "drafts/_changes.html", context)


@require_POST
def save_draft(request, draft_id):
    found = queries.get_draft(draft_id)
    services.save_draft(draft_id=draft_id, **_form(request, found))
    return _next(request, found)


@require_POST
def publish_draft(request, draft_id):
    found = queries.get_draft(draft_id)
    services.publish_draft(draft_id=draft_id, by=request.user, **_form(request, found))
    return _next(request, found)


@require_POST
def dismiss_draft(request, draft_id):
    found = queries.get_draft(draft_id)
    services.dismiss_draft(draft_id=draft_id, by=request.user)
    return _next(request, found)


@require_POST
@own_scope
def suggest_draft(request, draft_id):
    """Ask the AI for a name and parameters; what it finds that the script does not hold is left out."""
    with account_scope(request.account_id):
        found = queries.get_draft(draft_id)
    async_to_sync(templatizing.suggest)(request.account_id, found)
    return _back(request, found)


def review(found, waiting) -> dict:
    """Return what the review of a draft shows."""
    proposals = read_proposals(found.proposals) if found is not None else []
    context = {"draft": found, "drafts": waiting, "proposals": proposals, "kinds": _KINDS.items()}
    if found is not None:
        at = next((place for place, each in enumerate(waiting) if each.id == found.id), None)
        context |= {"place": None if at is None else at + 1, **_difference(found, proposals)}
        context |= {
            "previous": waiting[at - 1] if at else None,
            "following": waiting[at + 1] if at is not None and at + 1 < len(waiting) else None,
        }
    return context


def _difference(found, proposals) -> dict:
    try:
        difference, _ = queries.draft_difference(found, proposals)
    except Invalid as error:
        return {"difference": Difference((), 0, 0), "problem": error.message}
    return {"difference": difference, "problem": ""}


def _typed(request, found) -> list[Proposal]:
    """Return the proposals as the form has them; a row that is not ticked keeps its value fixed."""
    post = request.POST
    names, kinds, labels = post.getlist("p-name"), post.getlist("p-kind"), post.getlist("p-label")
    used = set(post.getlist("p-use"))
    proposals = []
    for at, each in enumerate(read_proposals(found.proposals)):
        if at >= len(names):
            raise Invalid("This page is out of date. Reload it; what you typed is kept.")
        kind = kinds[at] if at < len(kinds) and kinds[at] in _KINDS else each.kind
        label = labels[at][:80] if at < len(labels) else each.label
        name = each.name if each.is_on_top else names[at].strip()
        proposals.append(Proposal(each.value, name, kind, each.why, label, each.is_on_top, str(at) in used))
    return proposals


def _form(request, found) -> dict:
    tags = [tag for tag in request.POST.get("tags", "").split(",") if tag.strip()]
    texts = {name: request.POST.get(name, "") for name in ("name", "summary")}
    return {**texts, "tags": tags, "proposals": _typed(request, found)}


def _next(request, found):
    """Go where the person came from: the session's review shows what is left, else the list of all."""
    if request.POST.get("from") == "session":
        return _go(request, found.source_session.get_absolute_url())
    return _go(request, reverse("drafts:drafts"))


def _back(request, found):
    return _go(
        request,
        found.source_session.get_absolute_url() if request.POST.get("from") == "session" else found.get_absolute_url(),
    )


def _go(request, url: str):
    if not request.htmx:
        return redirect(url)
    response = HttpResponse()
    response["HX-Redirect"] = url
    return response
