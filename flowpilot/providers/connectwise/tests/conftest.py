import httpx
import pytest

from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.sandbox import (
    SANDBOX_CLIENT_ID,
    SANDBOX_COMPANY_ID,
    SANDBOX_PRIVATE_KEY,
    SANDBOX_PUBLIC_KEY,
    Sandbox,
)


@pytest.fixture(scope="session")
def served():
    sandbox = Sandbox()
    with sandbox.serve() as base_url:
        yield sandbox, base_url


@pytest.fixture
def sandbox(served):
    served[0].reset()
    return served[0]


@pytest.fixture
def base_url(served):
    return served[1]


@pytest.fixture
def connectwise(sandbox, base_url):
    with ConnectWise(base_url=base_url, **sandbox.credentials, read_timeout=5.0) as client:
        yield client


@pytest.fixture
def http(sandbox, base_url):
    """A plain client with the right keys, to see what the sandbox itself does."""
    auth = (f"{SANDBOX_COMPANY_ID}+{SANDBOX_PUBLIC_KEY}", SANDBOX_PRIVATE_KEY)
    with httpx.Client(base_url=base_url, auth=auth, headers={"clientId": SANDBOX_CLIENT_ID}, trust_env=False) as client:
        yield client
