"""The pytest plugin of the whole project: the database server, the app role, the two accounts.

Tests run as the app role, which row level security binds. Tables are emptied by the owner, because the app role may not TRUNCATE.
"""

import os

import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase

from flowpilot.postgres.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings):
    if not settings.IS_EMBEDDED:
        yield
        return
    with EmbeddedPostgres(settings.POSTGRES_ROOT, is_throwaway=True):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
    become_app()
    yield
    become_owner()


def become_app() -> None:
    """From here on every connection of the test run is the app role."""
    connection.settings_dict["OPTIONS"]["assume_role"] = settings.DATABASE_APP_ROLE
    connection.close()


def become_owner() -> None:
    """Give this connection its owner's rights back, for what the app role must not do."""
    connection.settings_dict["OPTIONS"].pop("assume_role", None)
    connection.close()


def _empty_as_owner(empty):
    def teardown(self):
        become_owner()
        try:
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_periodic_defers CASCADE")
            empty(self)
        finally:
            become_app()

    return teardown


TransactionTestCase._fixture_teardown = _empty_as_owner(TransactionTestCase._fixture_teardown)  # TestCase has its own


def pytest_collection_modifyitems(items):
    """Skip browser tests where there is no browser, and say once how to get one; CI demands them."""
    from flowpilot.testing.browser import chromium_path

    if chromium_path() or os.environ.get("BROWSER_TESTS") == "required":
        return
    reason = "no Chromium found: install it (Debian: apt-get install chromium) or set CHROMIUM=/path/to/it"
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=reason))
