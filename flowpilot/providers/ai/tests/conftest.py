import pytest

from flowpilot.providers.ai.anthropic import AnthropicProvider
from flowpilot.providers.ai.gemini import GeminiProvider
from flowpilot.providers.ai.tests.asking import SHORT, Remote
from flowpilot.testing.gemini_server import GeminiServer
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
    return AnthropicProvider(api_key=server.api_key, base_url=server.base_url, limits=SHORT)


@pytest.fixture(scope="session")
def gemini_served():
    with GeminiServer() as server:
        yield server


@pytest.fixture
def gemini_server(gemini_served):
    gemini_served.reset()
    return gemini_served


@pytest.fixture
def gemini(gemini_server):
    """A provider that waits for nothing long."""
    return GeminiProvider(api_key=gemini_server.api_key, base_url=gemini_server.base_url, limits=SHORT)


@pytest.fixture(params=["claude", "gemini"])
def remote(request):
    """Each provider in turn."""
    provider = request.getfixturevalue(request.param)
    return Remote(request.getfixturevalue({"claude": "server", "gemini": "gemini_server"}[request.param]), provider)
