"""A small sample of the benchmark of pages; `./run bench pages` is the whole."""

import pytest
from django.conf import settings
from django.db import connections

from flowpilot.bench import pages
from flowpilot.postgres.embedded import EmbeddedPostgres
from flowpilot.testing.seeding import Size

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not settings.IS_EMBEDDED, reason="fills the database as its superuser"),
]


def test_what_is_seeded_is_what_pages_find(sql):
    database = pages.Database(connections["default"])
    with EmbeddedPostgres(settings.POSTGRES_ROOT).connect(dbname=database.wrapper.settings_dict["NAME"]) as superuser:
        pages.fill(superuser, Size(sessions=1_000, facts=3, accounts=4, share=20))
        counted = superuser.execute("SELECT (SELECT count(*) FROM ai_sessions), (SELECT count(*) FROM session_facts)")
        assert counted.fetchone() == (1_001, 3_001)  # and those that the rest are made from
        indexes = superuser.execute("SELECT count(*) FROM pg_index WHERE NOT indisready OR NOT indisvalid")
        assert indexes.fetchone() == (0,)
    database.get_ready()

    figures = pages.measure(database, database, rounds=1)

    assert set(figures) >= {"home", "session", "list", "search", "similar"}
    assert all(each["queries"] == each["queries_before"] > 4 for each in figures.values())
    assert all(each["growth"] > 0 for each in figures.values())
