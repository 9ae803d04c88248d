"""An export holds everything of its account and nothing that opens anything; its owner alone takes it, for some days."""

import io
import os
import re
import zipfile
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from flowpilot.accounts import archive, exports
from flowpilot.accounts.models import AccountExport, AuditEvent
from flowpilot.accounts.permissions import NotYourRole
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Conflict, NotFound
from flowpilot.testing.canaries import PASSWORD

State = AccountExport.State
_OPENS_SOMETHING = re.compile(
    r"sealed|password|secret|token(?!s$)|hash|session_(key|data)|private|^data$|extra_data|recovery"
)
_OPENS_NOTHING = {"prev_hash", "hash"}  # of the audit log, which anybody may check


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """A data directory of the test's own."""
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def fresh(client, owner):
    """The owner, who has just proved who they are."""
    client.post(reverse("account_login"), {"login": owner.email, "password": PASSWORD})
    return client


@pytest.fixture
def made(account, owner):
    """An export that is ready."""
    with account_scope(account.id):
        export = exports.ask_export(by=owner)
    exports.make_export(account.id, export.pk)
    with account_scope(account.id):
        return AccountExport.objects.get()


def _taken(account, owner, export):
    with account_scope(account.id):
        return exports.take_export(export_id=export.pk, by=owner)


def _jobs():
    return list(ProcrastinateJob.objects.values_list("task_name", "args"))


def test_asking_defers_the_job_and_is_written_down(account, owner, scope):
    export = exports.ask_export(by=owner)

    assert ("export_account", {"account_id": str(account.id), "export_id": str(export.pk)}) in _jobs()
    assert AuditEvent.objects.get().action == "account.export_asked"


def test_asking_takes_the_owner(admin, scope):
    with pytest.raises(NotYourRole):
        exports.ask_export(by=admin)


def test_asking_while_one_is_made_is_refused(owner, scope):
    exports.ask_export(by=owner)

    with pytest.raises(Conflict, match="being made"):
        exports.ask_export(by=owner)


def test_one_that_was_lost_is_in_nobodys_way(owner, scope):
    lost = exports.ask_export(by=owner)
    AccountExport.objects.update(created_at=timezone.now() - timedelta(hours=2))

    assert exports.ask_export(by=owner).pk != lost.pk


def test_an_export_is_private_and_whole(account, owner, made):
    path = _taken(account, owner, made)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == made.size
    assert zipfile.ZipFile(path).testzip() is None


def test_an_export_that_is_asked_for_twice_by_its_job_is_made_once(account, made):
    exports.make_export(account.id, made.pk)

    assert len(archive.files_of(account.id)) == 1


def test_a_full_disk_is_said(account, owner, folder):
    (folder / "exports").write_text("no folder")
    with account_scope(account.id):
        export = exports.ask_export(by=owner)

    exports.make_export(account.id, export.pk)

    with account_scope(account.id):
        assert [each.state for each in exports.exports()] == [State.FAILED]


def test_it_is_gone_after_three_days_with_its_file(account, owner, made):
    with account_scope(account.id):
        AccountExport.objects.update(expires_at=timezone.now())
        with pytest.raises(NotFound, match="gone"):
            exports.take_export(export_id=made.pk, by=owner)

    assert exports.forget_old(account.id) == 1
    assert archive.files_of(account.id) == []


def test_what_a_killed_job_left_goes_too_but_not_what_is_being_written(account, made):
    [ready] = archive.files_of(account.id)
    left, growing = ready.with_name("a.part"), ready.with_name("b.part")
    for path in (left, growing):
        path.write_bytes(b"half")
    os.utime(left, (0, 0))
    os.utime(ready, (0, 0))

    exports.forget_old(account.id)

    assert archive.files_of(account.id) == sorted([ready, growing])


def test_the_owner_downloads_it_and_that_is_written_down(account, owner, fresh, made):
    browser = AsyncClient()
    browser.cookies = fresh.cookies

    async def download():
        reply = await browser.post(reverse("accounts:take-export", args=[made.pk]))
        return reply, b"".join([piece async for piece in reply.streaming_content])

    reply, content = async_to_sync(download)()

    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    assert 'filename="flowpilot-export-' in reply["Content-Disposition"]
    with account_scope(account.id):
        assert AuditEvent.objects.filter(action="account.export_taken", actor_id=owner.pk).count() == 1


def test_downloading_takes_a_fresh_proof(as_owner, made):
    reply = as_owner.post(reverse("accounts:take-export", args=[made.pk]))

    assert reply["Location"].split("?")[0] == reverse("account_reauthenticate")


def test_an_admin_does_not_download_it(as_admin, made):
    assert as_admin.post(reverse("accounts:take-export", args=[made.pk])).status_code == 403


def test_the_owner_of_another_account_does_not_find_it(client, other_account, stranger, made):
    type(stranger).objects.filter(pk=stranger.pk).update(role="owner")
    client.post(reverse("account_login"), {"login": stranger.email, "password": PASSWORD})

    assert client.post(reverse("accounts:take-export", args=[made.pk])).status_code == 404


def test_the_page_shows_one_that_is_ready(fresh, made):
    assert reverse("accounts:take-export", args=[made.pk]).encode() in fresh.get(reverse("accounts:data")).content


def test_what_was_asked_for_goes_on_after_the_proof(as_owner, account):
    proof = as_owner.post(reverse("accounts:ask-export"))["Location"]
    form = {"password": PASSWORD, "next": reverse("accounts:ask-export")}

    reply = as_owner.post(proof, form)

    assert reply["Location"] == reverse("accounts:data")
    with account_scope(account.id):
        assert AccountExport.objects.filter(state=State.MAKING).count() == 1


def test_the_page_asks_again_while_one_is_made(fresh, account):
    fresh.post(reverse("accounts:ask-export"))

    assert b'hx-trigger="every 2s"' in fresh.get(reverse("accounts:data")).content


def test_no_column_that_opens_something_is_exported():
    opening = {
        f"{model.__name__}.{field.name}"
        for model in archive.exported()
        for field in model._meta.concrete_fields
        if _OPENS_SOMETHING.search(field.name) and not archive.WITHHELD.match(field.name)
    }

    assert opening == {f"AuditEvent.{name}" for name in _OPENS_NOTHING}
