from contextlib import ExitStack

import pytest

from flowpilot.accounts.scope import account_scope
from flowpilot.providers.connectwise.sandbox import Sandbox
from psa import services


@pytest.fixture(scope="session")
def served():
    """One sandbox of the test run, over HTTP, and its address."""
    sandbox = Sandbox()
    with ExitStack() as stack:
        yield sandbox, stack.enter_context(sandbox.serve())


@pytest.fixture
def sandbox(served):
    """ConnectWise as on its first day."""
    served[0].reset()
    return served[0]


@pytest.fixture
def connected(served, sandbox, account, technician):
    """The technician's account reaches the sandbox, and the technician is its J. Ortiz. Returns the account."""
    with account_scope(account.id):
        services.connect(base_url=served[1], **sandbox.credentials)
        services.link_member(user=technician, member_id=151, identifier="jortiz")
    return account
