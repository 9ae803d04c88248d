"""Which engine answers a chat: Claude with a key, else the guided engine."""

from functools import cache

from django.conf import settings

from flowpilot.flows.starter import load_starter_flows
from flowpilot.providers.ai.anthropic import AnthropicProvider
from flowpilot.providers.ai.base import AIProvider
from flowpilot.providers.ai.guided import GuidedProvider


def choose_provider() -> tuple[AIProvider, str, int]:
    """Return the provider, its model and the most tokens an answer may take."""
    if settings.ANTHROPIC_API_KEY:
        key, base = settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL or None
        return _anthropic(key, base), settings.AI_MODELS["standard"], settings.AI_MAX_TOKENS
    return _guided(), "guided", settings.AI_MAX_TOKENS


@cache
def _anthropic(key: str, base_url: str | None) -> AIProvider:
    return AnthropicProvider(api_key=key, base_url=base_url)


@cache
def _guided() -> AIProvider:
    return GuidedProvider(load_starter_flows())
