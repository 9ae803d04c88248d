"""Which model answers which service: services have tiers, tiers have models, accounts have providers.

An account's settings (`ai.provider`, `ai.tiers.<service>`, `ai.mcp.<service>`) and keys go before the environment's.
"""

import logging
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from flowpilot.accounts.models import AccountSettings
from flowpilot.accounts.sealing import BrokenSeal, seal, unseal
from flowpilot.providers.ai.anthropic import AnthropicProvider
from flowpilot.providers.ai.base import AIProvider
from flowpilot.providers.ai.gemini import GeminiProvider
from flowpilot.providers.ai.ledger import Budget, read_limit, read_month
from flowpilot.providers.ai.pricing import most_it_can_cost
from flowpilot.providers.models import AiCredential

log = logging.getLogger("flowpilot.ai")
PROVIDERS = {"anthropic": "Claude", "gemini": "Gemini"}
GUIDED = "guided"
TIERS = ("fast", "standard", "deep")
# What each service asks for unless an account or the environment says otherwise.
SERVICES = {
    "chat": "standard",
    "resolution_note": "standard",
    "escalation_package": "standard",
    "fact_synthesis": "fast",
    "script_generator": "standard",
    "script_builder": "standard",
    "templatize": "standard",
    "flow_scaffold": "deep",
    "flow_branch": "standard",
    "kb_conversion": "standard",
    "flow_fix": "standard",
    "ticket_parse": "fast",
}
_FACTORIES: dict[str, type] = {"anthropic": AnthropicProvider, "gemini": GeminiProvider}


@dataclass(frozen=True)
class Candidate:
    """A provider that may answer, and how it is asked."""

    provider: AIProvider
    model: str
    max_tokens: int
    has_mcp: bool
    circuit: str  # the breaker's key: one for each address

    @property
    def name(self) -> str:
        """What people call the provider."""
        return PROVIDERS[self.provider.name]


@dataclass(frozen=True)
class Plan:
    """Who may answer a service, in order of preference, and the account's limit in millionths of a dollar a month."""

    candidates: tuple[Candidate, ...]
    limit: int | None


def make_plan(service: str) -> Plan:
    """Return who may answer a service of the open account. Without a key, or where guided is chosen, nobody."""
    preferences = _preferences()
    wanted = preferences.get("ai.provider") or settings.AI_PROVIDER
    keys = {} if wanted == GUIDED else _keys()
    order = sorted(keys, key=lambda name: (name != wanted, list(PROVIDERS).index(name)))
    candidates = tuple(_candidate(service, name, *keys[name], preferences) for name in order)
    return Plan(candidates, read_limit(preferences))


def read_budget() -> Budget:
    """Return the open account's month so far, and what one more answer in a session may cost."""
    preferences = _preferences()
    wanted = preferences.get("ai.provider") or settings.AI_PROVIDER
    model = _model("chat", wanted if wanted in PROVIDERS else next(iter(PROVIDERS)), preferences)
    return read_month(read_limit(preferences), most_it_can_cost(model, 0, settings.AI_MAX_TOKENS))


def make_provider(name: str, api_key: str, base_url: str, service: str = "chat") -> AIProvider:
    """Return a provider for a key; the same key and address share their connections."""
    return _connect(name, api_key, base_url).with_service(service)


def seal_credential(credential: AiCredential, api_key: str) -> None:
    """Put an account's key into its row, sealed for that row. Does not save."""
    credential.sealed_key = seal(api_key, **_bound_to(credential))
    credential.last_four = api_key[-4:]


def open_credential(credential: AiCredential) -> str:
    """Return an account's key. Raises BrokenSeal."""
    return unseal(credential.sealed_key, **_bound_to(credential))


def _bound_to(credential: AiCredential) -> dict:
    return {
        "account_id": credential.account_id,
        "table": AiCredential._meta.db_table,
        "row_id": credential.pk,
    }


def _candidate(service: str, name: str, api_key: str, base_url: str, preferences: dict) -> Candidate:
    chosen = preferences.get(f"ai.mcp.{service}")
    has_mcp = chosen == "on" if chosen else service in settings.AI_MCP_SERVICES
    return Candidate(
        provider=make_provider(name, api_key, base_url, service),
        model=_model(service, name, preferences),
        max_tokens=settings.AI_MAX_TOKENS,
        has_mcp=settings.ENABLE_MCP_MICROSOFT_LEARN and has_mcp and name == "anthropic",
        circuit=f"{name}:{base_url}",
    )


def _model(service: str, name: str, preferences: dict) -> str:
    tier = preferences.get(f"ai.tiers.{service}") or settings.AI_TIERS.get(service) or SERVICES[service]
    return settings.AI_MODELS[name][tier]


def _preferences() -> dict:
    return AccountSettings.objects.values_list("preferences", flat=True).first() or {}


def _keys() -> dict[str, tuple[str, str]]:
    """Return key and address of each provider that has a key: the account's own, else the environment's."""
    found = {
        "anthropic": (settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL),
        "gemini": (settings.GEMINI_API_KEY, settings.GEMINI_BASE_URL),
    }
    for credential in AiCredential.objects.all():
        try:
            found[credential.provider] = (open_credential(credential), credential.base_url)
        except BrokenSeal:
            log.error("ai.credential_unreadable provider=%s", credential.provider)
    return {name: pair for name, pair in found.items() if pair[0] and name in PROVIDERS}


@lru_cache(maxsize=256)
def _connect(name: str, api_key: str, base_url: str):
    return _FACTORIES[name](api_key=api_key, base_url=base_url or None)
