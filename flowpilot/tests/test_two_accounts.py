"""Two accounts, every model, every way to reach a row: the other account's is neither seen, nor changed, nor pointed at.

Raw SQL, because the manager would hide what the policy let through; and the manager alone, as the owner, whom no policy binds.
"""

from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction

from flowpilot.accounts.models import User
from flowpilot.accounts.scope import account_scope
from flowpilot.tests.rows import APPEND_ONLY, OWNED, without_factory

every_model = pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
every_model_that_changes = pytest.mark.parametrize(
    "model", [model for model in OWNED if model not in APPEND_ONLY], ids=lambda model: model.__name__
)
every_append_only_model = pytest.mark.parametrize(
    "model", sorted(APPEND_ONLY, key=lambda each: each.__name__), ids=lambda model: model.__name__
)
FOREIGN_KEYS = [
    (model, field)
    for model in OWNED
    for field in model._meta.concrete_fields
    if field.is_relation and field.name != "account"
]
every_foreign_key = pytest.mark.parametrize(
    ("model", "field"), FOREIGN_KEYS, ids=[f"{model.__name__}.{field.name}" for model, field in FOREIGN_KEYS]
)


def test_every_model_has_a_factory():
    assert without_factory() == set()


@every_model
def test_select_shows_own_rows_only(model, ours, theirs, sql):
    with account_scope(theirs.account.id):
        assert sql(f"SELECT array_agg(id) FROM {_table(model)}") == [theirs.rows[model].id]


@every_model
def test_select_without_a_scope_shows_nothing(model, ours, sql):
    assert sql(f"SELECT count(*) FROM {_table(model)}") == 0


@every_model_that_changes
def test_update_changes_no_row_of_the_other(model, ours, theirs):
    with account_scope(theirs.account.id):
        assert _count(f"UPDATE {_table(model)} SET created_at = now() WHERE id = %s", ours.rows[model].id) == 0


@every_model_that_changes
def test_delete_removes_no_row_of_the_other(model, ours, theirs):
    with account_scope(theirs.account.id):
        assert _count(f"DELETE FROM {_table(model)} WHERE id = %s", ours.rows[model].id) == 0


@every_model
def test_insert_for_the_other_is_refused(model, ours, theirs):
    with account_scope(theirs.account.id), _refused():
        _copy_row(model, theirs.rows[model], account_id=ours.account.id)


@every_model
def test_insert_without_a_scope_is_refused(model, ours):
    with account_scope(ours.account.id):
        values = _values(model, ours.rows[model])

    with _refused():
        _insert(model, values | {"id": uuid4()})


@every_model_that_changes
def test_moving_a_row_to_the_other_is_refused(model, ours, theirs):
    with account_scope(theirs.account.id), _refused():
        _count(f"UPDATE {_table(model)} SET account_id = %s", ours.account.id)


@every_model_that_changes
def test_upsert_onto_a_row_of_the_other_is_refused(model, ours, theirs):
    with account_scope(theirs.account.id), _refused():
        _copy_row(
            model,
            theirs.rows[model],
            "ON CONFLICT (id) DO UPDATE SET created_at = now()",
            id=ours.rows[model].id,
            account_id=ours.account.id,
        )


@every_model
def test_upsert_under_the_id_of_the_other_changes_nothing(model, ours, theirs, sql):
    with account_scope(theirs.account.id), pytest.raises(DatabaseError), transaction.atomic():
        _copy_row(
            model, theirs.rows[model], "ON CONFLICT (id) DO UPDATE SET created_at = 'epoch'", id=ours.rows[model].id
        )

    with account_scope(ours.account.id):
        assert sql(f"SELECT count(*) FROM {_table(model)} WHERE created_at > 'epoch'") == 1


@every_model
def test_the_manager_alone_shows_own_rows_only(model, ours, theirs, sql):
    with account_scope(theirs.account.id), _as_owner():
        assert sql(f"SELECT count(*) FROM {_table(model)}") == 2  # no policy binds us here
        assert list(model.objects.all()) == [theirs.rows[model]]


@every_model
def test_the_manager_alone_shows_nothing_without_a_scope(model, ours):
    with _as_owner():
        assert not model.objects.exists()


@every_model
def test_following_a_relation_uses_the_manager_too(model, ours):
    with _as_owner():
        assert not model._base_manager.exists()


@every_foreign_key
def test_pointing_at_a_row_of_the_other_is_refused(model, field, ours, theirs):
    target = ours.person if field.related_model is User else ours.rows[field.related_model]

    with account_scope(theirs.account.id), transaction.atomic():
        _count(f"UPDATE {_table(model)} SET {connection.ops.quote_name(field.column)} = %s", target.pk)
        with pytest.raises(IntegrityError, match="_same_account"):
            _count("SET CONSTRAINTS ALL IMMEDIATE")
        transaction.set_rollback(True)


def test_people_of_the_other_are_not_listed_even_as_the_owner(ours, theirs):
    with account_scope(theirs.account.id), _as_owner():
        assert list(User.objects.all()) == [theirs.person]


def test_an_account_shows_itself_only(ours, theirs, sql):
    with account_scope(theirs.account.id):
        assert sql("SELECT array_agg(id) FROM accounts_account") == [theirs.account.id]


def test_an_account_is_not_renamed_by_another(ours, theirs):
    with account_scope(theirs.account.id):
        assert _count("UPDATE accounts_account SET name = 'Taken' WHERE id = %s", ours.account.id) == 0


def test_an_account_is_not_deleted_by_another(ours, theirs):
    with account_scope(theirs.account.id):
        assert _count("DELETE FROM accounts_account WHERE id = %s", ours.account.id) == 0


@every_append_only_model
@pytest.mark.parametrize("change", ["UPDATE {} SET created_at = now()", "DELETE FROM {}", "TRUNCATE {}"])
def test_what_is_append_only_is_not_changed_by_its_own_account(model, change, ours):
    with account_scope(ours.account.id), _refused("permission denied"):
        _count(change.format(_table(model)))


@contextmanager
def _refused(why="row-level security"):
    with pytest.raises(DatabaseError, match=why), transaction.atomic():
        yield


@contextmanager
def _as_owner():
    """Take the rights of the owner, whom policies do not bind, for a part of the test's transaction."""
    owner = connection.settings_dict["USER"]
    _count(f"SET LOCAL ROLE {connection.ops.quote_name(owner)}")
    try:
        yield
    finally:
        _count(f"SET LOCAL ROLE {connection.ops.quote_name(settings.DATABASE_APP_ROLE)}")


def _count(statement, *params) -> int:
    """Run a statement and return how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return cursor.rowcount


def _copy_row(model, row, on_conflict="", **changes):
    _insert(model, _values(model, row) | {"id": uuid4()} | changes, on_conflict)


def _values(model, row) -> dict:
    """Return a row's columns as the database holds them; JSON is text, so that it goes back as it came."""
    columns = [field.column for field in model._meta.concrete_fields]
    json = {field.column for field in model._meta.concrete_fields if field.get_internal_type() == "JSONField"}
    listed = ", ".join(f"{column}::text" if column in json else column for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {listed} FROM {_table(model)} WHERE id = %s", [row.pk])
        return dict(zip(columns, cursor.fetchone(), strict=True))


def _insert(model, values, on_conflict=""):
    columns, holes = ", ".join(values), ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {_table(model)} ({columns}) VALUES ({holes}) {on_conflict}", list(values.values()))


def _table(model) -> str:
    return connection.ops.quote_name(model._meta.db_table)
