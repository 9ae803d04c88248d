import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from flowpilot.accounts import factors
from flowpilot.accounts.models import AuditEvent, LoginSession, User
from flowpilot.accounts.preferences import set_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.tests.codes import code_of, totp
from flowpilot.testing.fixtures import PASSWORD

LOGIN = "/accounts/login/"


def _sign_in(client, email, password=PASSWORD, **extra):
    return client.post(LOGIN, {"login": email, "password": password}, **extra)


def _is_in(client):
    return client.get(reverse("home")).status_code == 200


def _actions(account):
    with account_scope(account.id):
        return list(AuditEvent.objects.order_by("number").values_list("action", flat=True))


def test_a_sign_in_and_a_failed_one_are_written_down(client, account, technician):
    _sign_in(client, technician.email, "wrong")
    _sign_in(client, technician.email)

    assert _actions(account) == ["sign_in.failed", "sign_in.done"]


def test_a_sign_in_is_listed_with_its_browser_and_place(client, technician):
    _sign_in(
        client,
        technician.email,
        headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"},
        REMOTE_ADDR="192.0.2.7",
    )

    session = LoginSession.objects.get(user=technician)
    assert (session.ip, session.device) == ("192.0.2.7", "Firefox on Windows")


@pytest.mark.django_db(transaction=True)
def test_of_two_hundred_wrong_passwords_at_once_five_are_evaluated(account, technician):
    def attempt(number):
        try:
            return _sign_in(Client(), technician.email, f"wrong {number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(200)))

    assert _actions(account) == ["sign_in.failed"] * 5  # what was not evaluated did not fail


def test_the_right_password_does_not_help_after_five_wrong_ones(client, technician):
    for _ in range(5):
        _sign_in(client, technician.email, "wrong")

    reply = _sign_in(client, technician.email)

    assert b"wrong too often" in reply.content
    assert not _is_in(client)


def test_from_elsewhere_the_person_still_gets_in(client, technician):
    for _ in range(6):
        _sign_in(client, technician.email, "wrong", REMOTE_ADDR="192.0.2.7")

    _sign_in(client, technician.email, REMOTE_ADDR="192.0.2.8")

    assert _is_in(client)


def test_one_place_tries_twenty_times_over_all_addresses(client, technician):
    for number in range(20):
        _sign_in(client, f"nobody{number}@example.com", "wrong")

    assert b"wrong too often" in _sign_in(client, technician.email).content


def test_neighbours_in_an_ipv6_network_are_one_place(client, technician):
    for number in range(5):
        _sign_in(client, technician.email, "wrong", REMOTE_ADDR=f"2001:db8::{number:x}")

    assert b"wrong too often" in _sign_in(client, technician.email, REMOTE_ADDR="2001:db8::ffff").content


def test_good_sign_ins_do_not_use_tries_up(technician):
    for _ in range(7):
        client = Client()
        _sign_in(client, technician.email)
        assert _is_in(client)


def test_a_known_and_an_unknown_address_get_the_same_answers(client, technician):
    def answers(email):
        pages = [_sign_in(client, email, "wrong").content.decode() for _ in range(6)]
        return [re.search(r'id="sign-in-error".*?</p>', page, re.DOTALL)[0] for page in pages]

    assert answers(technician.email) == answers("nobody@example.com")


def test_the_last_tries_are_counted_down(client, technician):
    pages = [_sign_in(client, technician.email, "wrong").content.decode() for _ in range(5)]

    assert ["2 tries left" in pages[2], "1 try left" in pages[3], "last try for now" in pages[4]] == [True] * 3


def test_a_forgotten_password_is_asked_for_with_the_same_answer(client, technician):
    replies = [
        client.post("/accounts/password/reset/", {"email": email}, follow=True)
        for email in (technician.email, "nobody@example.com")
    ]

    assert replies[0].content == replies[1].content
    assert [each.to for each in mail.outbox] == [[technician.email], ["nobody@example.com"]]


def _reset_link(client, email):
    client.post("/accounts/password/reset/", {"email": email})
    return re.search(r"http://testserver(\S+)", mail.outbox[-1].body)[1]


def test_a_reset_password_signs_in_and_every_old_session_is_dead(client, account, technician):
    old = Client()
    old.force_login(technician)
    form = client.get(_reset_link(client, technician.email), follow=True)

    client.post(form.request["PATH_INFO"], {"password1": "seven quiet lanterns", "password2": "seven quiet lanterns"})

    assert not _is_in(old)
    assert not LoginSession.objects.filter(user=technician).exists()
    _sign_in(client, technician.email, "seven quiet lanterns")
    assert _is_in(client)
    assert "sign_in.password" in _actions(account)


def test_a_reset_link_works_once(client, technician):
    link = _reset_link(client, technician.email)
    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": "seven quiet lanterns", "password2": "seven quiet lanterns"})

    assert b"does not work any more" in Client().get(link, follow=True).content


def test_a_changed_password_keeps_this_browser_and_ends_the_others(technician):
    here, there = Client(), Client()
    for each in (here, there):
        _sign_in(each, technician.email)

    here.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "seven quiet lanterns", "password2": "seven quiet lanterns"},
    )

    assert (_is_in(here), _is_in(there)) == (True, False)


def test_sign_out_elsewhere_ends_the_others_within_one_request(account, technician):
    here, there = Client(), Client()
    for each in (here, there):
        _sign_in(each, technician.email)

    here.post(reverse("accounts:end-other-sessions"))

    assert (_is_in(here), _is_in(there)) == (True, False)
    assert _actions(account)[-1] == "sign_in.ended_elsewhere"


def test_one_session_elsewhere_is_ended_from_the_list(technician):
    here, there = Client(), Client()
    for each in (here, there):
        _sign_in(each, technician.email)
    page = here.get(reverse("accounts:security")).content.decode()
    (end,) = set(re.findall(r'action="(/settings/security/sessions/\w+/end)"', page))

    here.post(end)

    assert (_is_in(here), _is_in(there)) == (True, False)


def test_nobody_ends_the_session_of_another(client, technician, stranger):
    _sign_in(client, technician.email)
    other = Client()
    _sign_in(other, stranger.email)

    other.post(reverse("accounts:end-session", args=[LoginSession.objects.get(user=technician).pk]))

    assert _is_in(client)


def test_the_deactivated_are_told_so(client, technician):
    User.objects.filter(pk=technician.pk).update(is_active=False)

    assert b"switched off" in _sign_in(client, technician.email, PASSWORD, follow=True).content


def test_a_second_factor_is_asked_for(client, technician):
    secret = totp(technician)

    reply = _sign_in(client, technician.email)
    assert (reply["Location"], _is_in(client)) == (reverse("mfa_authenticate"), False)

    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert _is_in(client)


def test_wrong_codes_are_counted_too(client, technician):
    secret = totp(technician)
    _sign_in(client, technician.email)
    for _ in range(5):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})

    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})

    assert not _is_in(client)


def test_the_secret_of_an_app_is_sealed(technician, sql):
    secret = totp(technician)

    assert secret not in sql("SELECT data::text FROM mfa_authenticator WHERE type = 'totp'")


def test_setting_up_an_app_gives_recovery_codes_and_one_signs_in(
    client, account, technician, django_capture_on_commit_callbacks
):
    _sign_in(client, technician.email)
    form = client.get(reverse("mfa_activate_totp"))
    with django_capture_on_commit_callbacks(execute=True):
        code = {"code": code_of(form.context["form"].secret)}
        reply = client.post(reverse("mfa_activate_totp"), code, follow=True)
    codes = re.findall(r"<li>(\d{8})</li>", reply.content.decode())
    assert (len(codes), "sign_in.factor_added" in _actions(account)) == (10, True)

    other = Client()
    _sign_in(other, technician.email)
    other.post(reverse("mfa_authenticate"), {"code": codes[0]})

    assert _is_in(other)


def test_changing_factors_asks_who_it_is_again(client, technician):
    client.force_login(technician)

    reply = client.get(reverse("mfa_activate_totp"))

    assert reply["Location"].startswith(reverse("account_reauthenticate"))


@pytest.fixture
def enforced(account):
    with account_scope(account.id):
        set_setting(account, "sign_in.second_factor", True)
    return account


@pytest.mark.parametrize(
    "path", ["/", "/tickets/", "/pilot/", "/settings/profile", "/settings/security", "/accounts/2fa/codes/"]
)
def test_without_a_factor_everything_leads_to_setting_one_up(enforced, client, technician, path):
    client.force_login(technician)

    assert client.get(path)["Location"] == reverse("accounts:second-factor")


def test_without_a_factor_htmx_is_led_there_too(enforced, htmx):
    assert htmx.get("/")["HX-Redirect"] == reverse("accounts:second-factor")


def test_setting_one_up_opens_the_rest(enforced, client, technician):
    _sign_in(client, technician.email)
    form = client.get(reverse("mfa_activate_totp"))
    client.post(reverse("mfa_activate_totp"), {"code": code_of(form.context["form"].secret)})

    assert _is_in(client)


def test_the_last_factor_stays_where_one_is_asked_for(enforced, client, technician):
    secret = totp(technician)
    _sign_in(client, technician.email)
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})

    reply = client.post(reverse("mfa_deactivate_totp"))

    assert b"asks everybody for a second factor" in reply.content
    assert factors.of(technician).exists()


def test_another_account_is_not_led_there(enforced, client, stranger):
    client.force_login(stranger)

    assert _is_in(client)


def test_cookies_are_bound_to_the_host_where_there_is_tls():
    from flowpilot.tests.processes import run_python

    code = "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY)"
    done = run_python("-c", code, DJANGO_SETTINGS_MODULE="flowpilot.settings", HTTPS="true")

    assert done.stdout.strip() == "__Host-session True True", done.stderr
