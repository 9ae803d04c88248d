"""Fixtures that every app's tests share."""

import uuid
from concurrent.futures import wait

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse

from flowpilot.accounts.models import Account, User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.services import open_account
from flowpilot.providers.connectwise.sandbox import Sandbox
from flowpilot.testing.canaries import PASSWORD, find_canary
from flowpilot.testing.gemini_server import GeminiServer
from flowpilot.testing.messages_server import MessagesServer
from flowpilot.testing.product import Product
from psa import known
from psa import services as psa_services


def make_account(name: str) -> Account:
    return open_account(name=name, account_id=uuid.uuid4())


def make_person(account: Account, email: str, **fields) -> User:
    with account_scope(account.id):
        return User.objects.create_user(email, PASSWORD, account=account, name=fields.pop("name", "J. Ortiz"), **fields)


@pytest.fixture
def account(db) -> Account:
    return make_account("Summit IT Services")


@pytest.fixture
def other_account(db) -> Account:
    return make_account("Harbour Networks")


@pytest.fixture
def technician(account) -> User:
    return make_person(account, "j.ortiz@summit-it.example")


@pytest.fixture
def stranger(other_account) -> User:
    return make_person(other_account, "m.reyes@harbour.example", name="M. Reyes")


@pytest.fixture
def scope(account):
    """The technician's account, open for the whole test."""
    with account_scope(account.id):
        yield


@pytest.fixture
def sql(db):
    """Run raw SQL as the app role and return the first column of the first row: the manager's filter is not in the way."""

    def run(statement, *params):
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    return run


@pytest.fixture
def browse(client, technician, log_watch):
    """A signed-in client that asks for pages."""
    client.force_login(technician)
    log_watch.plant(client.cookies[settings.SESSION_COOKIE_NAME].value)
    return client


@pytest.fixture
def htmx(client, technician, log_watch):
    """The same person as `browse`, asking as htmx does."""
    client.force_login(technician)
    log_watch.plant(client.cookies[settings.SESSION_COOKIE_NAME].value)
    client.defaults["HTTP_HX_REQUEST"] = "true"
    return client


@pytest.fixture(scope="session")
def product(tmp_path_factory):
    """The running demo with the guided engine, shared by the browser tests."""
    running = Product(tmp_path_factory.mktemp("product")).start()
    yield running
    running.stop()
    assert find_canary(running.log()) == ""


@pytest.fixture(scope="session")
def claude():
    """A server that speaks the Messages API."""
    with MessagesServer() as server:
        yield server


@pytest.fixture(scope="session")
def claude_product(tmp_path_factory, claude):
    """The running demo with Claude, who is the `claude` server."""
    folder = tmp_path_factory.mktemp("claude-product")
    running = Product(folder, ANTHROPIC_API_KEY=claude.api_key, ANTHROPIC_BASE_URL=claude.base_url).start()
    yield running
    running.stop()
    assert find_canary(running.log()) == ""


@pytest.fixture(scope="session")
def gemini():
    """A server that speaks Gemini's API."""
    with GeminiServer() as server:
        yield server


@pytest.fixture(scope="session")
def gemini_product(tmp_path_factory, gemini):
    """The running demo with Gemini, who is the `gemini` server."""
    folder = tmp_path_factory.mktemp("gemini-product")
    running = Product(folder, GEMINI_API_KEY=gemini.api_key, GEMINI_BASE_URL=gemini.base_url).start()
    yield running
    running.stop()
    assert find_canary(running.log()) == ""


@pytest.fixture(scope="session")
def served():
    """One ConnectWise sandbox of the test run, over HTTP, and its address."""
    sandbox = Sandbox()
    with sandbox.serve() as base_url:
        yield sandbox, base_url


@pytest.fixture
def sandbox(served):
    """ConnectWise as on its first day. What a page still asks beside its answer ends with the test: the next one counts what is asked."""
    served[0].reset()
    yield served[0]
    asked = [future for _, future in known._running.values()]
    for future in asked:
        future.cancel()
    wait(asked, timeout=1)
    known._running.clear()


@pytest.fixture
def connected(served, sandbox, account, technician):
    """The technician's account reaches the sandbox, and the technician is its J. Ortiz. Returns the account."""
    with account_scope(account.id):
        psa_services.connect(base_url=served[1], **sandbox.credentials)
        psa_services.link_member(user=technician, member_id=151, identifier="jortiz")
    return account


@pytest.fixture
def staff(db) -> User:
    """One of the platform's staff, who belongs to no account and has a second factor."""
    person = User.objects.create_user("r.vance@flowpilot.example", PASSWORD, name="R. Vance", role="super_admin")
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})
    return person


@pytest.fixture
def staff_client(staff) -> Client:
    """Their browser, in no account."""
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def staff_in(staff_client):
    """Have them enter an account; return their browser."""

    def enter(account: Account) -> Client:
        form = {"whom": str(account.pk), "reason": "Posts are stuck since this morning"}
        assert staff_client.post(reverse("admin:enter"), form).status_code == 302
        return staff_client

    return enter
