"""What every page tells the browser: nothing inline, nothing from elsewhere, in nobody's frame, in no shared cache."""

import re
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from flowpilot.testing.canaries import PASSWORD
from flowpilot.tests.test_urls import STREAMS, URLS, _arguments, _body

PAGES = sorted(name for name, arguments in URLS.items() if not arguments and name not in STREAMS)
LIMITS = ("default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'")
TOLD = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def test_every_page_tells_the_browser_what_it_may_do(ours):
    for name in PAGES:
        reply = _client(ours).get(reverse(name))

        assert {header: reply[header] for header in TOLD} == TOLD, name
        assert re.search("no-store|no-cache|max-age=0", reply["Cache-Control"]), name
        if reply["Content-Type"].startswith("text/html"):
            policy = reply["Content-Security-Policy"]
            assert "unsafe" not in policy, name
            assert [each for each in LIMITS if each not in policy] == [], name


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "https:evil.example"],
)
def test_a_sign_in_leads_to_our_own_pages_only(target, ours):
    reply = Client().post(reverse("account_login"), {"login": ours.person.email, "password": PASSWORD, "next": target})

    assert reply["Location"] == reverse("home")


def test_cookies_are_kept_from_scripts(ours):
    client = Client()
    client.post(reverse("account_login"), {"login": ours.person.email, "password": PASSWORD})
    client.get("/tickets/?sort=priority")

    assert {name.split("-")[0] for name in client.cookies} == {"sessionid", "csrftoken", "tickets"}
    assert [name for name, cookie in client.cookies.items() if cookie.value and not cookie["httponly"]] == []


def test_cookies_travel_over_tls_only_where_there_is_tls(ours, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    client = Client()
    client.post(reverse("account_login"), {"login": ours.person.email, "password": PASSWORD}, secure=True)
    client.get("/tickets/?sort=priority", secure=True)

    assert [name for name, cookie in client.cookies.items() if cookie.value and not cookie["secure"]] == []


def test_no_page_breaks_at_a_nul_in_what_it_is_asked(ours):
    client = _client(ours)

    assert {client.get(f"{reverse(name)}?who=a%00b").status_code for name in PAGES} == {400}


def test_no_form_breaks_at_a_nul_in_what_is_typed(ours):
    broken = []
    for name in sorted(URLS.keys() - STREAMS):
        typed = {field: f"{value}\0" for field, value in _body().items()} | {"client_key": str(uuid4())}
        if _client(ours).post(reverse(name, kwargs=_arguments(name, ours)), typed).status_code == 500:
            broken.append(name)

    assert broken == []


def _client(tenant) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(tenant.person)
    return client
