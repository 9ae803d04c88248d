import pytest

from flowpilot.accounts.models import AuditEvent
from flowpilot.accounts.scope import account_scope
from flowpilot.tests.conftest import ours, theirs  # noqa: F401


@pytest.fixture
def written(account):
    """Return what the account's audit log says: (action, about) of each event, oldest first, after the first `skip`."""

    def read(skip: int = 0) -> list[tuple[str, str]]:
        with account_scope(account.id):
            return list(AuditEvent.objects.order_by("number").values_list("action", "object"))[skip:]

    return read
