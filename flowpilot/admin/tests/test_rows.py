"""Every table of the admin, by generation: no secret, as many queries for many rows as for few, no guessing through an address."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from flowpilot.accounts.models import Account, User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.sealing import seal
from flowpilot.admin.columns import is_text
from flowpilot.admin.paging import CappedPaginator
from flowpilot.admin.site import Site, site
from flowpilot.errors import Unavailable
from flowpilot.providers.models import AiCall, AiCredential
from flowpilot.tests import test_urls as every
from flowpilot.tests.rows import APPEND_ONLY
from flowpilot.tests.test_admin_urls import STAFF_ONLY, _path
from psa.models import PsaConnection, PsaPost
from sessions.models import ChatSession, SessionFact, Turn

PAGES = sorted(every.ADMIN.keys() - STAFF_ONLY)
TABLES = sorted(site._registry, key=lambda model: model.__name__)
SECRET = "Canary-9f3kQ7xv2Lr8"
WORDS = f"The password is {SECRET}"
READ_AS_THEY_ARE = {
    "pending_task_lane",
    "parameters",
    "proposals",
    "key",
}  # their shape is relied upon, or they are unique
every_table = pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)


@pytest.fixture
def look(client, ours):
    client.force_login(ours.person)
    return client


def _list(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_no_page_holds_what_is_sealed_or_looks_like_a_secret(look, ours, staff_in):
    sealed = _plant(ours)

    pages = {name: look.get(_path(name, ours)).content.decode() for name in PAGES}
    staff = staff_in(ours.account)
    pages |= {f"{name} for staff": staff.get(_path(name, ours)).content.decode() for name in PAGES}

    assert [name for name, page in pages.items() if SECRET in page or any(each in page for each in sealed)] == []
    assert "masked: password" in pages["admin:chat_sessions_sessionfact_change"]  # so the canary was there to be seen


def test_the_audit_log_holds_no_planted_secret(ours, staff_in, sql):
    _plant(ours)
    client = staff_in(ours.account)

    for name in PAGES:
        client.get(_path(name, ours), {"q": f"password is {SECRET}"} if name.endswith("list") else {})

    with account_scope(ours.account.id):
        assert sql("SELECT count(*) FROM accounts_auditevent WHERE action LIKE 'staff.%%'") > len(PAGES)
        assert sql("SELECT count(*) FROM accounts_auditevent e WHERE e::text LIKE %s", f"%{SECRET}%") == 0


def _plant(tenant) -> list[str]:
    """Put a secret into every text of every row, and seal it in every sealed column; return what must be on no page."""
    hidden = [tenant.person.password]
    with account_scope(tenant.account.id):
        for model, row in tenant.rows.items():
            if model in APPEND_ONLY:
                continue
            for field in model._meta.concrete_fields:
                if field.name.startswith("sealed_"):
                    table = model._meta.db_table
                    sealed = seal(SECRET, account_id=tenant.account.id, table=table, row_id=row.pk)
                    model.objects.filter(pk=row.pk).update(**{field.name: sealed})
                    hidden.append(sealed)
                elif is_text(field) and field.name not in READ_AS_THEY_ARE and (field.max_length or 200) >= 80:
                    value = {"text": WORDS} if isinstance(field, models.JSONField) else WORDS
                    model.objects.filter(pk=row.pk).update(**{field.name: value})
            if hasattr(row, "key_hash"):
                hidden.append(row.key_hash)
    return hidden


@every_table
def test_a_list_costs_as_many_queries_for_many_rows(model, look, ours):
    look.get(_list(model))  # content types and the like are found once
    before = _queries(look, model)

    with account_scope(ours.account.id):
        more = _copies(model, ours)

    assert _queries(look, model) == before, more


def _queries(client, model) -> int:
    with CaptureQueriesContext(connection) as seen:
        client.get(_list(model))
    return len(seen)


def _copies(model, tenant) -> int:
    """Make rows beside the one there is, where nothing says that there is but one; return how many."""
    made = 0
    source = {Account: tenant.account, User: tenant.person}.get(model) or tenant.rows[model]
    if model is Account:
        return 0
    columns = [field.column for field in model._meta.concrete_fields if not field.primary_key]
    free = {
        "email": "substr(gen_random_uuid()::text, 1, 20) || '@example.com'",
        "number": "(random() * 1000000)::int + 10",
        "client_key": "gen_random_uuid()",
        "key": "gen_random_uuid()::text",
        "idempotency_key": "gen_random_uuid()::text",
        "origin": "gen_random_uuid()::text",
        "staff_id": "gen_random_uuid()",
        "starter_key": "gen_random_uuid()::text",
        "month": "month + (random() * 10000)::int",
        "superseded_at": "now()",
    }
    values = ", ".join(free.get(column, f'"{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    once = {"AccountSettings", "PsaConnection", "AiCredential", "PsaMemberLink"}
    if model.__name__ in once:
        return 0
    with connection.cursor() as cursor:
        for _ in range(5):
            cursor.execute(
                f"INSERT INTO {model._meta.db_table} (id, {names}) SELECT gen_random_uuid(), {values} "
                f"FROM {model._meta.db_table} WHERE id = %s",
                [source.pk],
            )
            made += cursor.rowcount
    assert made == 5
    return made


@every_table
def test_a_list_is_read_in_the_order_of_an_index(model):
    """A list of a million rows must not be sorted: what orders it begins an index of the account, or is its key."""
    if model in {Account, User}:  # one row, and some hundreds
        return
    ordered = [each.lstrip("-") for each in site._registry[model].ordering]
    indexes = [[each.lstrip("-") for each in index.fields][1:] for index in model._meta.indexes if not index.condition]
    unique = [[*each.fields][1:] for each in model._meta.constraints if isinstance(each, models.UniqueConstraint)]

    assert any(
        found[: len(ordered)] == ordered or found == ordered[: len(found)] != [] for found in [*indexes, *unique]
    )


@pytest.mark.parametrize(
    "query",
    ["sealed_key__startswith=x", "sealed_key=x", "account__name=x", "account=00000000-0000-4000-8000-000000000000"],
)
def test_an_address_does_not_filter_by_what_is_hidden(look, query):
    assert look.get(f"{_list(AiCredential)}?{query}").status_code == 400


def test_an_address_does_not_guess_a_password(look):
    assert look.get(f"{_list(User)}?password__startswith=md5").status_code == 400


def test_an_address_narrows_to_a_session(look, ours):
    chat = ours.rows[ChatSession]

    page = look.get(f"{_list(SessionFact)}?chat={chat.pk}").content.decode()

    assert "1 row<" in page
    assert "0 rows" in look.get(f"{_list(SessionFact)}?chat={uuid4()}").content.decode()


@pytest.mark.parametrize("query", ["q=%00", "q=" + "9" * 40, "chat=nonsense", "p=99999", "o=1.2.3", "q=%27%22%3B--"])
def test_a_strange_address_breaks_nothing(look, query):
    assert look.get(f"{_list(Turn)}?{query}").status_code in {200, 302, 400}


def test_a_strange_choice_of_rows_breaks_nothing(look):
    form = {"action": "run_again", "index": 0, "_selected_action": "nonsense"}

    assert look.post(_list(Turn), form).status_code == 400


def test_a_list_is_counted_no_further_than_a_hundred_pages(monkeypatch, ours):
    monkeypatch.setattr("flowpilot.admin.paging.MOST", 3)
    with account_scope(ours.account.id):
        for _ in range(5):
            AiCall.objects.create(service="chat", provider="guided", model="guided", month=timezone.now().date())
        with CaptureQueriesContext(connection) as seen:
            assert CappedPaginator(AiCall.objects.order_by("-id"), 2).count == 3
    assert "LIMIT 3" in seen[0]["sql"]


def test_a_question_that_takes_too_long_is_stopped_in_words(ours, rf):
    class Hasty(Site):
        patience = "20ms"

    def slow(request):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1)")

    request = rf.get("/admin/")
    request.user = ours.person

    with account_scope(ours.account.id), pytest.raises(Unavailable, match="took too long"), transaction.atomic():
        Hasty(name="hasty").admin_view(slow)(request)


def test_a_search_finds_a_session_by_its_words_its_ticket_and_its_id(look, ours):
    chat = ours.rows[ChatSession]

    for words in ("Ours-only-7Q", "#42", "42", str(chat.pk)):
        assert str(chat.pk) in look.get(_list(ChatSession), {"q": words}).content.decode(), words
    assert str(chat.pk) not in look.get(_list(ChatSession), {"q": "nothing like it"}).content.decode()


def test_a_search_finds_a_post_by_its_ticket(look, ours):
    assert "1 row<" in look.get(_list(PsaPost), {"q": "42"}).content.decode()


def test_every_model_with_a_sealed_column_hides_it():
    hidden = {
        (model.__name__, field.name)
        for model in apps.get_models()
        for field in model._meta.fields
        if field.name.startswith("sealed_") and model in site._registry
    }

    shown = {(model.__name__, name) for model in (AiCredential, PsaConnection) for name in site._registry[model]._shown}
    assert hidden
    assert not hidden & shown
