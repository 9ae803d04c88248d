"""Every page of allauth that can be reached is drawn by our own frame."""

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.template.loader import get_template
from django.test import Client
from django.urls import get_resolver, reverse

from flowpilot.testing.fixtures import PASSWORD
from flowpilot.tests import test_urls as every

REACHED = sorted(name for name in every.URLS if name.startswith(("account_", "mfa_", "socialaccount_", "microsoft_")))
OURS = 'class="brand"'  # the logo of our frame
SAYS = {"mfa_download_recovery_codes": "FlowPilot recovery codes"}  # a file, not a page
ARGUMENTS = {"uidb36": "1", "key": "set-password", "pk": 1}


@pytest.fixture
def nobody(db):
    return Client()


@pytest.fixture
def somebody(technician):
    """Signed in a moment ago, with an app and recovery codes."""
    client = Client()
    client.post(reverse("account_login"), {"login": technician.email, "password": PASSWORD})
    TOTP.activate(technician, generate_totp_secret())
    RecoveryCodes.activate(technician)
    return client


def _page(client, name):
    arguments = {each: ARGUMENTS[each] for each in every.URLS[name]}
    return client.get(reverse(name, kwargs=arguments), follow=True)


@pytest.mark.parametrize("name", REACHED)
def test_nobody_sees_our_frame_only(name, nobody):
    reply = _page(nobody, name)

    assert OURS in reply.content.decode()
    assert _strangers(reply) == set()


@pytest.mark.parametrize("name", REACHED)
def test_somebody_sees_our_frame_only(name, somebody):
    reply = _page(somebody, name)

    assert SAYS.get(name, OURS) in reply.content.decode()
    assert _strangers(reply) == set()


@pytest.mark.parametrize("name", REACHED)
def test_what_a_post_without_fields_answers_is_ours_too(name, somebody):
    arguments = {each: ARGUMENTS[each] for each in every.URLS[name]}

    reply = somebody.post(reverse(name, kwargs=arguments), follow=True)

    assert reply.status_code == 405 or OURS in reply.content.decode() or name in SAYS
    assert _strangers(reply) == set()


def test_what_is_not_named_does_not_exist(somebody):
    for path in (
        "/accounts/email/",
        "/accounts/password/set/",
        "/accounts/2fa/webauthn/signup/",
        "/accounts/confirm-email/",
    ):
        assert somebody.get(path).status_code == 404, path


def test_no_url_of_allauth_came_in_by_another_way():
    modules = {
        getattr(each.callback, "__module__", "") for each in get_resolver().url_patterns if hasattr(each, "callback")
    }

    assert not any(module.startswith("allauth") for module in modules)


def _strangers(reply) -> set[str]:
    """Return the templates of a reply that do not lie in our own folder; mail and words of allauth aside."""
    names = {template.name for template in reply.templates or [] if template.name and template.name.endswith(".html")}
    return {name for name in names if "site-packages" in get_template(name.split("#")[0]).origin.name}
