import httpx
import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from flowpilot.accounts.models import User
from flowpilot.accounts.preferences import set_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.testing.fixtures import PASSWORD
from flowpilot.testing.oidc_server import CLIENT_ID, CLIENT_SECRET, OidcServer

TRUSTED, OTHER = "72f988bf-86f1-41af-91ab-2d7cd011db47", "11111111-86f1-41af-91ab-2d7cd011db47"


@pytest.fixture(scope="module")
def entra():
    with OidcServer() as server:
        yield server


@pytest.fixture
def oidc(entra, settings):
    app = {"provider_id": "microsoft", "name": "Microsoft", "client_id": CLIENT_ID, "secret": CLIENT_SECRET}
    app["settings"] = {"server_url": entra.url, "fetch_userinfo": False, "oauth_pkce_enabled": True}
    settings.SOCIALACCOUNT_PROVIDERS = {"microsoft": {"APPS": [app]}}
    entra.claims, entra.forge = {}, False
    return entra


@pytest.fixture
def trusting(account):
    with account_scope(account.id):
        set_setting(account, "sign_in.microsoft_tenants", [TRUSTED])
    return account


def _claims(user, tenant=TRUSTED, **more):
    return {"tid": tenant, "sub": "subject-1", "preferred_username": user.email, "name": "J. Ortiz"} | more


def _come(client, process=""):
    begun = client.post(reverse("microsoft_login") + process)
    back = httpx.get(begun["Location"], follow_redirects=False).headers["Location"]
    return client.get(back.replace("http://testserver", ""))


def _is_in(client):
    return client.get(reverse("home")).status_code == 200


def test_a_listed_tenant_vouches_for_its_people(oidc, client, trusting, technician):
    oidc.claims = _claims(technician)

    _come(client)

    assert _is_in(client)
    assert SocialAccount.objects.get().user == technician


def test_another_tenant_takes_nobody_over(oidc, client, trusting, technician):
    oidc.claims = _claims(technician, tenant=OTHER)

    reply = _come(client)

    assert (reply.status_code, _is_in(client), SocialAccount.objects.exists()) == (403, False, False)


def test_an_address_that_a_tenant_wrote_itself_takes_nobody_over(oidc, client, trusting, technician):
    attacker = {"preferred_username": "mallory@evil.example", "email": technician.email, "email_verified": True}
    oidc.claims = _claims(technician, tenant=TRUSTED, **attacker)

    _come(client)

    assert not _is_in(client)


def test_a_tenant_is_trusted_by_its_own_account_only(oidc, client, trusting, stranger):
    oidc.claims = _claims(stranger)

    _come(client)

    assert not _is_in(client)


def test_the_unknown_and_the_not_allowed_see_the_same(oidc, trusting, technician):
    oidc.claims = _claims(technician, tenant=OTHER)
    known = _come(Client())
    oidc.claims = _claims(technician, preferred_username="nobody@example.com")
    unknown = _come(Client())

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)


@pytest.mark.parametrize("fault", ["forged", "another issuer", "no tenant", "another audience"])
def test_a_token_that_does_not_hold_is_refused(oidc, client, trusting, technician, fault):
    oidc.claims = _claims(technician)
    oidc.forge = fault == "forged"
    if fault == "another issuer":
        oidc.claims["iss_tid"] = OTHER
    if fault == "no tenant":
        oidc.claims["tid"] = ""
    if fault == "another audience":
        oidc.claims["aud"] = "somebody-else"

    _come(client)

    assert not _is_in(client)
    assert not SocialAccount.objects.exists()


def test_a_signed_in_person_links_and_signs_in_by_it_later(oidc, client, technician):
    oidc.claims = _claims(technician, tenant=OTHER, preferred_username="other.name@example.com")
    client.post(reverse("account_login"), {"login": technician.email, "password": PASSWORD})
    _come(client, "?process=connect")
    later = Client()

    _come(later)

    assert _is_in(later)


def test_a_link_is_undone_where_it_is_shown(oidc, client, technician):
    oidc.claims = _claims(technician, tenant=OTHER)
    client.post(reverse("account_login"), {"login": technician.email, "password": PASSWORD})
    _come(client, "?process=connect")
    assert technician.email in client.get(reverse("accounts:security")).content.decode()

    client.post(reverse("accounts:unlink-microsoft"))

    assert not SocialAccount.objects.exists()


def test_the_deactivated_do_not_come_in_by_microsoft(oidc, client, trusting, technician):
    oidc.claims = _claims(technician)
    User.objects.filter(pk=technician.pk).update(is_active=False)

    _come(client)

    assert not _is_in(client)


def test_without_a_registration_there_is_no_way_in(client, db):
    assert client.post(reverse("microsoft_login")).status_code == 404
    assert b"Continue with Microsoft" not in client.get(reverse("account_login")).content
