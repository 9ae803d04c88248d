from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from flowpilot.accounts.middleware import own_scope
from flowpilot.accounts.permissions import Right, needs
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.views.settings import rows
from flowpilot.errors import UserError
from flowpilot.providers.ai import credentials
from flowpilot.providers.ai.registry import PROVIDERS, read_budget
from flowpilot.providers.models import AiCredential


@require_GET
@needs(Right.MANAGE)
def ai_settings(request):
    return render(request, "providers/ai_settings.html", _context(request))


@require_POST
@needs(Right.MANAGE)
def save_ai_key(request, provider: str):
    credentials.save_key(
        provider=provider, key=request.POST.get("key", ""), base_url=request.POST.get("base_url", ""), by=request.user
    )
    return _keys(request)


@require_POST
@needs(Right.MANAGE)
def remove_ai_key(request, provider: str):
    credentials.remove_key(provider=provider, by=request.user)
    return _keys(request)


@require_POST
@needs(Right.MANAGE)
@own_scope
def test_ai_key(request, provider: str):
    try:
        model = credentials.test_key(account_id=request.account_id, provider=provider, by=request.user)
        result = {"provider": provider, "tone": "green", "words": f"It works: {model} answered."}
    except UserError as error:
        result = {"provider": provider, "tone": "red", "words": error.message}
    with account_scope(request.account_id):
        return _keys(request, result)


test_ai_key.__test__ = False


def _keys(request, result: dict | None = None):
    if not request.htmx and result is None:
        return redirect("ai:settings")
    page = "providers/ai_settings.html#keys" if request.htmx else "providers/ai_settings.html"
    return render(request, page, _context(request, result))


def _context(request, result: dict | None = None) -> dict:
    kept = {each.provider: each for each in AiCredential.objects.all()}
    return {
        "at": "settings",
        "section": "ai",
        "keys": [(name, label, kept.get(name)) for name, label in PROVIDERS.items()],
        "result": result,
        "budget": read_budget(),
        "rows": rows(request.user, "ai"),
        "tiers": rows(request.user, "tiers"),
        "mcp": rows(request.user, "mcp"),
    }
