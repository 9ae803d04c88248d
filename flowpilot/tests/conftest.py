import pytest

from flowpilot.testing.fixtures import make_person
from flowpilot.tests.rows import make_tenant

OURS, THEIRS = "Ours-only-7Q", "Theirs-only-4K"


@pytest.fixture
def ours(account):
    """The first account: its person and one row of every model."""
    return make_tenant(account, make_person(account, "k.lund@summit-it.example", name="K. Lund", role="owner"), OURS)


@pytest.fixture
def theirs(other_account):
    """The second account, filled the same way. Its person is the stranger."""
    return make_tenant(
        other_account, make_person(other_account, "t.abel@harbour.example", name="T. Abel", role="owner"), THEIRS
    )
