from urllib.parse import urlsplit

from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.models import Account
from flowpilot.accounts.permissions import Right, needs
from flowpilot.accounts.preferences import change_setting, get_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid, UserError
from flowpilot.providers.connectwise.address import REGIONS
from psa import connecting, drafts, lookups
from psa.connecting import API_PATH, Form
from psa.filters import record_id
from psa.models import PsaConnection
from psa.problems import describe
from psa.queries import member_of, patient_connectwise


@require_http_methods(["GET", "POST"])
@needs(Right.MANAGE)
def connection(request):
    """How the account reaches ConnectWise. Keys are written here and never shown."""
    kept = PsaConnection.objects.first()
    context = {**_section("psa"), "kept": kept, "regions": REGIONS.items(), "form": _form_of(kept), "error": ""}
    if request.method == "GET":
        return render(request, "psa/connection.html", context)
    names = ("host", "company_id", "client_id", "public_key", "private_key")
    form = Form(**{name: request.POST.get(name, "").replace("\x00", "").strip()[:300] for name in names})
    try:
        connecting.connect(form=form, by=request.user)
    except Invalid as error:
        context |= {"form": form, "error": error.message}
        return render(request, "psa/connection.html", context, status=error.status)
    return redirect("psa:connection")


@require_POST
@own_scope
@needs(Right.MANAGE)
def test_connection(request):
    """Prove the keys, and list each permission as there or missing with what it breaks."""
    context = {**_section("psa"), "report": None, "problem": None}
    try:
        context["report"] = connecting.test(request.account_id)
    except UserError as error:
        context["problem"] = describe(error, "the connection")
    return render(request, "psa/_report.html" if request.htmx else "psa/report.html", context)


@require_GET
@own_scope
@needs(Right.MANAGE)
def ticket_defaults(request):
    """What a new ticket begins with, and who is which member."""
    return render(request, "psa/_ticket_defaults.html", _defaults(request))


@require_POST
@own_scope
@needs(Right.MANAGE)
def set_ticket_defaults(request):
    with account_scope(request.account_id):
        account = Account.objects.get(pk=request.account_id)
        for name, key in drafts.DEFAULTS.items():
            change_setting(account=account, key=key, value=record_id(request.POST.get(name, "")) or 0, by=request.user)
    if not request.htmx:
        return redirect("psa:connection")
    return render(request, "psa/_ticket_defaults.html", _defaults(request) | {"is_saved": True})


@require_http_methods(["GET", "POST"])
@own_scope
@needs(Right.WORK)
def my_member(request):
    """Which ConnectWise member a person is: guessed by the e-mail address, and said by the person."""
    if request.method == "POST":
        number = record_id(request.POST.get("member", ""))
        if number is None:
            raise Invalid("Choose which member you are.")
        connecting.confirm_member(account_id=request.account_id, user=request.user, member_id=number)
        return redirect("psa:my-member")
    context = {**_section("member"), "members": [], "guess": None, "problem": None}
    with account_scope(request.account_id):
        context["link"] = member_of(request.user)
    try:
        client = patient_connectwise(request.account_id)
        context["members"] = lookups.members(request.account_id, client)
        context["guess"] = connecting.guess_member(request.account_id, request.user)
    except UserError as error:
        context["problem"] = describe(error, "members")
    return render(request, "psa/my_member.html", context)


def _defaults(request):
    context = {"boards": [], "priorities": [], "problem": None, "is_saved": False}
    context["people"] = connecting.people(request.account_id)
    with account_scope(request.account_id):
        account = Account.objects.get(pk=request.account_id)
        context["chosen"] = {name: get_setting(account, key) or 0 for name, key in drafts.DEFAULTS.items()}
    try:
        client = patient_connectwise(request.account_id)
        context["boards"] = lookups.boards(request.account_id, client)
        context["priorities"] = lookups.priorities(request.account_id, client)
    except UserError as error:
        context["problem"] = describe(error, "boards and priorities")
    return context


def _form_of(kept):
    if kept is None:
        return Form("api-eu.myconnectwise.net", "", "", "", "")
    parts = urlsplit(kept.base_url)
    is_usual = parts.scheme == "https" and parts.path.strip("/") == API_PATH
    return Form(parts.netloc if is_usual else kept.base_url, kept.company_id, kept.client_id, kept.public_key, "")


def _section(section):
    return {"at": "settings", "section": section}
