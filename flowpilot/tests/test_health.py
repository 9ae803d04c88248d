import pytest
from django.db import connection
from django.test import Client


@pytest.fixture
def production_like(settings):
    """A client of a server that sends everybody to HTTPS."""
    settings.SECURE_SSL_REDIRECT = True
    return Client()


def test_healthz_answers_without_the_database(client):
    assert client.get("/healthz").content == b"ok\n"


def test_readyz_answers_when_the_database_does(client, db):
    assert client.get("/readyz").content == b"ready\n"


@pytest.mark.django_db(transaction=True)
def test_readyz_refuses_while_the_database_is_away():
    kept = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict["PORT"] = "1"
    try:
        reply = Client().get("/readyz")
    finally:
        connection.close()
        connection.settings_dict.update(kept)

    assert reply.status_code == 503
    assert reply.content == b"not ready: the database cannot be reached\n"
    assert reply["Retry-After"] == "5"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_nobody_caches_the_answer(client, db, path):
    assert "no-store" in client.get(path)["Cache-Control"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_what_stands_behind_the_proxy_asks_in_plain_http(production_like, db, path):
    assert production_like.get(path).status_code == 200
    assert production_like.get("/").status_code == 301
