from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.login_sessions import ABSOLUTE, IDLE, end_session, end_sessions, hashed
from flowpilot.accounts.models import LoginSession


@pytest.fixture
def signed_in(technician):
    """Two browsers of one person."""
    browsers = Client(), Client()
    for browser in browsers:
        browser.force_login(technician)
    return browsers


def _key(browser):
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


def _is_in(browser):
    return browser.get(reverse("home")).status_code == 200


def _age(browser, **columns):
    LoginSession.objects.filter(session_key=hashed(_key(browser))).update(**columns)


def test_a_session_knows_whose_it_is(signed_in, technician):
    assert set(LoginSession.objects.values_list("user_id", flat=True)) == {technician.pk}


def test_the_key_of_a_cookie_is_not_kept(signed_in, sql):
    kept = sql("SELECT string_agg(accounts_loginsession::text, '') FROM accounts_loginsession")

    assert _key(signed_in[0]) not in kept


def test_an_ended_session_is_dead_at_the_next_request(signed_in, technician):
    here, there = signed_in

    assert end_sessions(technician, but=_key(here)) == 1

    assert (_is_in(here), _is_in(there)) == (True, False)


def test_one_session_is_ended_by_itself(signed_in, technician):
    here, there = signed_in

    assert end_session(technician, hashed(_key(there)))

    assert (_is_in(here), _is_in(there)) == (True, False)


def test_nobody_ends_the_session_of_another(signed_in, stranger):
    assert not end_session(stranger, hashed(_key(signed_in[0])))


def test_an_ended_session_does_not_come_back_by_being_saved(signed_in, technician):
    here = signed_in[0]
    session = here.session
    session["late"] = "write"  # loads it
    end_sessions(technician)

    with pytest.raises(UpdateError):
        session.save()

    assert not _is_in(here)


def test_twelve_idle_hours_end_a_session(signed_in):
    now = timezone.now()
    _age(signed_in[0], last_seen_at=now - IDLE, expire_date=now - timedelta(seconds=1))

    assert not _is_in(signed_in[0])


def test_use_moves_the_idle_end(signed_in):
    here, now = signed_in[0], timezone.now()
    _age(here, last_seen_at=now - timedelta(hours=11), expire_date=now + timedelta(hours=1))

    assert _is_in(here)
    assert LoginSession.objects.get(session_key=hashed(_key(here))).expire_date > now + timedelta(hours=11)


def test_fourteen_days_end_a_session_in_use(signed_in):
    here, now = signed_in[0], timezone.now()
    _age(here, last_seen_at=now - timedelta(hours=1), began_at=now - ABSOLUTE + timedelta(minutes=3))

    _is_in(here)
    end = LoginSession.objects.get(session_key=hashed(_key(here))).expire_date
    assert now < end < now + timedelta(minutes=4)


def test_signing_in_changes_the_key(client, technician):
    client.get(reverse("account_login"))
    session = client.session
    session["before"] = True
    session.save()
    before = session.session_key

    client.force_login(technician)

    assert client.session.session_key != before
