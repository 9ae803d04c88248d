import pytest

from flowpilot.providers.ai.anthropic import AnthropicProvider
from flowpilot.providers.ai.remote import Limits
from flowpilot.testing.messages_server import MessagesServer


@pytest.fixture(scope="session")
def served():
    with MessagesServer() as server:
        yield server


@pytest.fixture
def server(served):
    served.reset()
    return served


@pytest.fixture
def claude(server):
    """A provider that waits for nothing long."""
    limits = Limits(first=1.0, idle=0.3, total=3.0, pause=0.6, retries=1)
    return AnthropicProvider(api_key=server.api_key, base_url=server.base_url, limits=limits)
