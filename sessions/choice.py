"""The engine that answers a session where no AI can: fixed rules that walk the starter flows."""

from functools import cache

from flowpilot.flows.starter import load_starter_flows
from flowpilot.providers.ai.guided import GuidedProvider


@cache
def guided() -> GuidedProvider:
    """Return the guided engine; reads the flows when first asked for."""
    return GuidedProvider(load_starter_flows())
