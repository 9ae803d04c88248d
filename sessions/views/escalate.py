from uuid import UUID, uuid4

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.scope import account_scope
from sessions import queries
from sessions.documents import sentences
from sessions.models import NoteDraft
from sessions.queries import escalation as packages
from sessions.services import escalating as services
from sessions.services._posts import SecretFound, StaleNote
from sessions.views._notes import is_ai_asked, number, to_page
from sessions.views._panels import client_key


@require_GET
def escalation(request, chat_id):
    chat = queries.get_chat(chat_id)
    context = package_context(chat)
    is_editing = request.GET.get("edit") == "1" and chat.is_open
    return render(request, "sessions/escalation.html", {**context, "is_editing": is_editing})


@require_GET
def package_preview(request, chat_id):
    """The package alone; nothing is sent while the session stands as it was seen."""
    chat = queries.get_chat(chat_id)
    if request.GET.get("seen") == str(chat.state_version):
        return HttpResponse(status=204)
    return render(request, "sessions/_package.html#changed", package_context(chat))


@require_POST
def save_ask(request, chat_id):
    """Keep what is asked for; the package beside the form takes it in."""
    chat = services.save_ask(chat_id=chat_id, form=_ask(request))
    if not request.htmx:
        return redirect("sessions:escalation", chat_id)
    return render(request, "sessions/_package.html#changed", package_context(chat))


@require_GET
@own_scope
def find_assignees(request, chat_id):
    """Who may get the session, by what was typed; whoever is chosen stays."""
    with account_scope(request.account_id):
        chat = queries.get_chat(chat_id)
    text = request.GET.get("who", "").replace("\x00", "").strip()[:100]
    found, problem = packages.assignees(
        account_id=request.account_id, user=request.user, has_ticket=bool(chat.ticket_id), text=text
    )
    chosen = request.GET.get("assignee", "")
    return render(request, "sessions/_assignees.html", {"assignees": found, "problem": problem, "chosen": chosen})


@require_POST
def escalate_chat(request, chat_id):
    form = _form(request)
    try:
        services.escalate_chat(chat_id=chat_id, form=form, by=request.user, client_key=client_key(request))
    except StaleNote as error:
        return _render_refused(request, chat_id, error, stale=error)
    except SecretFound as error:
        return _render_refused(request, chat_id, error, secrets=error.found)
    return to_page(request, "escalation", chat_id)


@require_GET
def package_posting(request, chat_id):
    """What came of each part of the hand-over."""
    chat = queries.get_chat(chat_id)
    if not request.htmx:
        return redirect("sessions:escalation", chat_id)
    return render(request, "sessions/_hand_over.html#changed", package_context(chat))


@require_POST
def pick_up(request, chat_id):
    services.pick_up(chat_id=chat_id, by=request.user)
    return to_page(request, "chat", chat_id)


@require_POST
def hand_back(request, chat_id):
    services.hand_back(chat_id=chat_id, reason=request.POST.get("reason", ""), by=request.user)
    return to_page(request, "chat", chat_id)


def package_context(chat):
    """Return what the escalation page shows, before anybody tried to hand over."""
    state = queries.note_state(chat)
    package = queries.reading(chat, NoteDraft.Kind.ESCALATION, state)
    return {
        "chat": chat,
        "package": package,
        "sections": queries.parts(package, state),
        "editable": sentences.without(package.document, "ask").editable,
        "missing": packages.missing_parts(chat, package),
        "posting": queries.posting(chat.escalation_batch),
        "client_key": uuid4(),
        "is_form_open": chat.is_open,
        "is_editing": False,
        "ai_problem": "",
        "is_being_worded": False,
        "is_ai_asked": is_ai_asked(chat, "escalation_package", package),
        "stale": None,
        "secrets": queries.secrets(package.markdown) if chat.is_open else [],
    }


def _render_refused(request, chat_id, error, **shown):
    context = {**package_context(queries.get_chat(chat_id)), **shown}
    page = "sessions/_package.html#changed" if request.htmx else "sessions/escalation.html"
    return render(request, page, context, status=error.status)


def _ask(request):
    return services.AskForm(
        ask=request.POST.get("ask", ""), due=request.POST.get("due", ""), client=request.POST.get("client_told", "")
    )


def _form(request):
    kind, _, rest = request.POST.get("assignee", "").partition(":")
    member, _, name = rest.partition(":")
    status_id, _, status_name = request.POST.get("status", "").partition(":")
    return services.HandOverForm(
        package=request.POST.get("package", ""),
        seen_version=number(request, "seen_version"),
        ask=_ask(request),
        member_id=int(member) if kind == "member" and member.isdecimal() and len(member) < 10 else None,
        member_name=name,
        user_id=_uuid(rest) if kind == "user" else None,
        role=request.POST.get("role", services.OWNER),
        is_staying=bool(request.POST.get("stay")),
        status_id=int(status_id) if status_id.isdecimal() else None,
        status_name=status_name,
        status_before=request.POST.get("status_before", ""),
        confirmed=request.POST.getlist("confirmed"),
    )


def _uuid(text):
    try:
        return UUID(text)
    except ValueError:
        return None
