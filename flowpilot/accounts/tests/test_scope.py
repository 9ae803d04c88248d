import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from flowpilot.accounts.models import AccountSettings, User
from flowpilot.accounts.preferences import get_setting, set_setting
from flowpilot.accounts.scope import OtherAccount, TransactionOpen, account_scope, refuse_open_transaction
from flowpilot.testing.plugin import become_app, become_owner


def test_tests_run_as_a_role_that_cannot_bypass_policies(sql):
    assert sql("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user") is False


def test_scope_shows_its_own_account_only(account, other_account, sql):
    with account_scope(account.id):
        assert sql("SELECT count(*) FROM accounts_account") == 1


def test_no_scope_no_rows(account, sql):
    assert sql("SELECT count(*) FROM accounts_account") == 0


def test_no_scope_takes_no_rows(account, sql):
    with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        sql(
            "INSERT INTO account_settings (id, account_id, preferences, created_at, updated_at) "
            "VALUES (gen_random_uuid(), %s, '{}', now(), now())",
            account.id,
        )


def test_a_row_of_another_account_is_refused(account, other_account):
    with account_scope(account.id), pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        AccountSettings.objects.create(account=other_account)


def test_nesting_another_account_raises(account, other_account):
    with account_scope(account.id), pytest.raises(OtherAccount), account_scope(other_account.id):
        pass


def test_nesting_the_same_account_is_a_savepoint(account, sql):
    with account_scope(account.id):
        with account_scope(account.id):
            pass
        assert sql("SELECT count(*) FROM accounts_account") == 1


def test_scope_closes_behind_itself(account, sql):
    with account_scope(account.id):
        pass
    assert sql("SELECT current_setting('app.current_account_id', true)") == ""


@pytest.mark.django_db(transaction=True)
def test_manager_filters_where_the_policy_does_not(account, other_account):
    for each in (account, other_account):
        with account_scope(each.id):
            set_setting(each, "ai.tier", "fast")
    become_owner()
    try:
        with account_scope(account.id):
            assert AccountSettings.objects.count() == 1
        assert AccountSettings.objects.count() == 0
    finally:
        become_app()


def test_people_of_another_account_are_not_listed(account, technician, stranger):
    with account_scope(account.id):
        assert list(User.objects.all()) == [technician]


def test_a_person_without_account_must_be_super_admin(db):
    with pytest.raises(IntegrityError):
        User.objects.create_user("nobody@example.com", "x", name="Nobody")


def test_a_provider_is_not_called_inside_a_scope(account):
    with account_scope(account.id), pytest.raises(TransactionOpen):
        refuse_open_transaction()


def test_set_setting_keeps_other_keys(account, scope):
    set_setting(account, "ai.tiers.chat", "deep")
    set_setting(account, "ai.tiers.note", "fast")
    assert get_setting(account, "ai.tiers.chat") == "deep"


def test_get_setting_makes_no_row(account, scope):
    assert get_setting(account, "missing", "default") == "default"
    assert not AccountSettings.objects.exists()


def test_a_connection_with_an_account_is_not_taken_back(db):
    from flowpilot.postgres.pool import Leftover, refuse_leftover

    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.current_account_id', 'x', true)")
    with pytest.raises(Leftover):
        refuse_leftover(connection.connection)
