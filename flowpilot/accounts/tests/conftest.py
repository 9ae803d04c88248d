import pytest
from django.core.cache import cache

from flowpilot.accounts.models import User
from flowpilot.testing.fixtures import make_person


@pytest.fixture(autouse=True)
def no_tries_of_other_tests():
    """Codes and mails are counted in the cache, which outlives a test."""
    cache.clear()


@pytest.fixture
def admin(account):
    return make_person(account, "s.okafor@summit-it.example", name="S. Okafor", role=User.Role.ADMIN)


@pytest.fixture
def owner(account):
    return make_person(account, "p.nakamura@summit-it.example", name="P. Nakamura", role=User.Role.OWNER)


@pytest.fixture
def as_admin(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def as_owner(client, owner):
    client.force_login(owner)
    return client
