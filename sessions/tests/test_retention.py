from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from flowpilot.accounts.models import AuditEvent
from flowpilot.accounts.preferences import set_setting
from flowpilot.accounts.scope import account_scope
from flowpilot.testing.fixtures import make_person
from psa.models import PsaPost
from sessions import files
from sessions.models import Attachment, ChatSession, SessionFact, Turn
from sessions.retention import Purged, purge
from sessions.tests.factories import make_chat, make_fact, make_fix, make_turn

pytestmark = pytest.mark.django_db(transaction=True)
OLD = 400


@pytest.fixture
def keeps_a_year(account):
    with account_scope(account.id):
        set_setting(account, "retention.sessions_days", "365")
    return account


def age(chat, days):
    ChatSession.objects.filter(pk=chat.pk).update(updated_at=timezone.now() - timedelta(days=days))


@pytest.fixture
def make(account):
    """A session with a row of everything, of some days ago."""

    def run(days=OLD, status="resolved", **fields):
        with account_scope(account.id):
            chat = make_chat(status=status, **fields)
            turn = make_turn(chat)
            make_fact(chat)
            make_fix(chat)
            name = files.keep(account.id, b"picture")
            at = {"chat": chat, "turn": turn, "kind": "image", "media_type": "image/png"}
            Attachment.objects.create(**at, name="a.png", file=name, size=7)
            age(chat, days)
        return chat

    return run


def left(account, model=ChatSession):
    with account_scope(account.id):
        return model.objects.count()


def test_what_is_too_old_is_gone_with_all_its_rows_and_files(keeps_a_year, make):
    chat = make()
    with account_scope(keeps_a_year.id):
        name = chat.attachments.get().file

    assert purge(keeps_a_year.id) == Purged(sessions=1, files=1)
    assert [left(keeps_a_year, model) for model in (ChatSession, Turn, SessionFact, Attachment)] == [0, 0, 0, 0]
    assert files.read(keeps_a_year.id, name) == b""


@pytest.mark.parametrize(("days", "status"), [(364, "resolved"), (OLD, "active"), (OLD, "paused")])
def test_what_is_young_or_open_stays(keeps_a_year, make, days, status):
    make(days, status)

    assert purge(keeps_a_year.id) == Purged()
    assert left(keeps_a_year) == 1


def test_without_a_setting_everything_stays(account, make):
    make()

    assert purge(account.id) == Purged()


def test_what_is_on_hold_stays_whole(keeps_a_year, make):
    make(is_on_hold=True)

    assert purge(keeps_a_year.id) == Purged()
    assert left(keeps_a_year, Attachment) == 1


def test_a_dry_run_counts_the_same_and_deletes_nothing(keeps_a_year, make):
    make()
    counted = purge(keeps_a_year.id, is_dry_run=True)

    assert counted == Purged(sessions=1, files=1)
    assert left(keeps_a_year) == 1
    assert purge(keeps_a_year.id) == counted


def test_old_posts_are_gone_and_those_under_way_stay(keeps_a_year):
    with account_scope(keeps_a_year.id):
        for key, state in (("over", "sent"), ("under way", "uncertain")):
            PsaPost.objects.create(kind="note", ticket_id=1, idempotency_key=key, payload={"text": "x"}, state=state)
        PsaPost.objects.update(created_at=timezone.now() - timedelta(days=OLD))

    assert purge(keeps_a_year.id) == Purged(posts=1)
    with account_scope(keeps_a_year.id):
        assert PsaPost.objects.get().state == "uncertain"


def test_screenshots_may_go_sooner(account, make):
    with account_scope(account.id):
        set_setting(account, "retention.attachments_days", "30")
    make(days=31)

    assert purge(account.id) == Purged(files=1)
    assert left(account) == 1


def test_more_than_a_batch_goes_in_one_run(keeps_a_year):
    with account_scope(keeps_a_year.id):
        ChatSession.objects.bulk_create(
            [ChatSession(title=f"Old {number}", status="resolved") for number in range(120)]
        )
        ChatSession.objects.update(updated_at=timezone.now() - timedelta(days=OLD))

    assert purge(keeps_a_year.id).sessions == 120


def test_another_accounts_sessions_stay(keeps_a_year, other_account, make):
    with account_scope(other_account.id):
        age(make_chat(status="resolved"), OLD)
    make()
    purge(keeps_a_year.id)

    assert left(other_account) == 1


def test_what_was_purged_is_logged_and_written_down(keeps_a_year, make, caplog):
    make()
    with caplog.at_level("INFO", "flowpilot.retention"):
        purge(keeps_a_year.id)

    assert f"retention.purged account={keeps_a_year.id} sessions=1 files=1 posts=0" in caplog.text
    with account_scope(keeps_a_year.id):
        assert AuditEvent.objects.get(action="retention.purged").detail == {"sessions": 1, "files": 1, "posts": 0}


def test_the_command_says_what_would_go(keeps_a_year, make, technician):
    make()
    out = StringIO()
    call_command("purge_sessions", "--dry-run", stdout=out)

    assert "1 sessions, 1 files, 0 posts would go" in out.getvalue()
    assert left(keeps_a_year) == 1


def test_an_admin_holds_and_releases_a_session(account, make, client):
    chat = make()
    client.force_login(make_person(account, "s.okafor@summit-it.example", name="S. Okafor", role="admin"))
    held = []
    for step in ("hold", "release"):
        client.post(f"/pilot/{chat.id}/{step}")
        with account_scope(account.id):
            held.append(ChatSession.objects.get(pk=chat.pk).is_on_hold)

    assert held == [True, False]


def test_an_engineer_may_not_hold(make, browse):
    assert browse.post(f"/pilot/{make().id}/hold").status_code == 403
