"""An export, generated from the models: every row of its account is in it, no secret, and nothing of the other account."""

import json
import zipfile

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from flowpilot.accounts import archive, exports
from flowpilot.accounts.models import Account, User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.tests.codes import totp
from flowpilot.providers.ai.registry import seal_credential
from flowpilot.providers.models import AiCall, AiCredential
from flowpilot.tests.conftest import THEIRS
from flowpilot.tests.rows import OWNED
from psa.models import PsaConnection
from sessions import files
from sessions.models import Attachment

KEY = "sk-only-here-0123456789"


@pytest.fixture
def exported(ours, theirs, settings, tmp_path):
    """The archive of the first account, opened."""
    settings.DATA_DIR = tmp_path
    totp(ours.person)
    Client().force_login(ours.person)
    with account_scope(ours.account.id):
        credential = AiCredential.objects.get()
        seal_credential(credential, KEY)
        credential.save()
        name = files.keep(ours.account.id, b"what was attached")
        Attachment.objects.update(file=name, name="../../router log.txt")
        export = exports.ask_export(by=ours.person)
    exports.make_export(ours.account.id, export.pk)
    with account_scope(ours.account.id):
        path = exports.take_export(export_id=export.pk, by=ours.person)
    with zipfile.ZipFile(path) as opened:
        yield opened


def _rows(opened, model):
    return json.loads(opened.read(f"tables/{model._meta.db_table}.json"))


def test_every_row_of_the_account_is_in_it(exported, ours):
    for model in OWNED:
        assert str(ours.rows[model].pk) in {row["id"] for row in _rows(exported, model)}, model.__name__
    assert [row["id"] for row in _rows(exported, Account)] == [str(ours.account.id)]
    assert [row["id"] for row in _rows(exported, User)] == [str(ours.person.pk)]
    assert [row["type"] for row in _rows(exported, Authenticator)] == ["totp"]


def test_a_file_is_in_it_under_a_name_that_leads_nowhere(exported):
    (name,) = [name for name in exported.namelist() if name.startswith("files/")]

    assert name.endswith("-router-log.txt")
    assert ".." not in name
    assert exported.read(name) == b"what was attached"


def test_nothing_that_opens_something_is_in_it(exported, ours):
    everything = b"".join(exported.read(name) for name in exported.namelist()).decode()
    with account_scope(ours.account.id):
        sealed = [AiCredential.objects.get().sealed_key, PsaConnection.objects.get().sealed_private_key]
    secrets = [KEY, *sealed, User.objects.get(pk=ours.person.pk).password, Authenticator.objects.get().data["secret"]]

    assert [secret for secret in secrets if secret in everything] == []


def test_nothing_of_the_other_account_is_in_it(exported, theirs):
    everything = b"".join(exported.read(name) for name in exported.namelist()).decode()

    assert [word for word in (THEIRS, str(theirs.account.id), theirs.person.email) if word in everything] == []


def test_a_table_of_many_batches_is_in_it_whole(ours, monkeypatch):
    monkeypatch.setattr(archive, "_BATCH", 2)
    with account_scope(ours.account.id):
        AiCall.objects.bulk_create(AiCall(service="chat", month="2026-11-01") for _ in range(6))

    assert len({row["id"] for row in archive._rows(ours.account.id, AiCall)}) == 7
