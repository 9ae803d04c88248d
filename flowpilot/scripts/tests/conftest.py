import pytest

from flowpilot.accounts.scope import account_scope
from flowpilot.scripts.parameters import Parameter
from flowpilot.scripts.tests.factories import PRINTER, make_template
from flowpilot.testing.fixtures import make_person


@pytest.fixture
def admin(account):
    return make_person(account, "s.okafor@summit-it.example", name="S. Okafor", role="admin")


@pytest.fixture
def template(account, technician):
    """A published template of the account."""
    with account_scope(account.id):
        return make_template(author=technician)


@pytest.fixture
def own_draft(account, technician):
    """A draft that the technician wrote."""
    with account_scope(account.id):
        return make_template(name="Draft of mine", status="draft", author=technician)


@pytest.fixture
def with_secret(account):
    """A template that asks for a secret."""
    with account_scope(account.id):
        secret = Parameter("ApiToken", "secret", label="Token")
        return make_template(
            name="Ask the API", body="Invoke-RestMethod $ApiToken\n", parameters=[PRINTER.as_json(), secret.as_json()]
        )
