"""What PostgreSQL itself says about the tables: every promise that keeps accounts apart, read from its catalogue."""

import re

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from flowpilot.accounts import rls
from flowpilot.accounts.owned import AccountOwned

# Tables that row level security does not guard. Signing in reads the first before any account is known; none of the others holds
# anything of an account but what a job is called and which ids it carries.
WITHOUT_POLICY = {
    "accounts_user",
    "account_emailaddress",
    "account_emailconfirmation",
    "accounts_loginsession",
    "accounts_throttle",
    "auth_group",
    "django_admin_log",  # nothing writes it: the audit log is the admin's
    "auth_group_permissions",
    "auth_permission",
    "django_content_type",
    "django_migrations",
    "django_session",
    "mfa_authenticator",
    "procrastinate_events",
    "procrastinate_jobs",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
    "socialaccount_socialaccount",
    "socialaccount_socialapp",
    "socialaccount_socialtoken",
}
_ANOTHER_ACCOUNT = "socialaccount_socialtoken"  # its account_id is that of an identity at Microsoft
VIEWS_WITH_THE_RIGHTS_OF_THEIR_OWNER = {
    "session_newest",
    "session_search",
}  # each repeats the tenant condition: tested below
FUNCTIONS_WITH_THE_RIGHTS_OF_THEIR_OWNER = {"forget_account"}  # for the open account, once it is due: docs/adr/0015
UNIQUE_OVER_ALL_ACCOUNTS = {"accounts_user_email_key"}  # one e-mail address signs in to one account

_TABLES = "FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"


@pytest.fixture
def rows(db):
    """Run SQL and return its rows as tuples."""

    def run(statement, *params):
        with connection.cursor() as cursor:
            cursor.execute(statement, params or None)
            return cursor.fetchall()

    return run


@pytest.fixture
def tenant_tables(rows):
    with_column = rows(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'account_id' "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
    )
    return {name for (name,) in with_column} - {"accounts_user", _ANOTHER_ACCOUNT} | {"accounts_account"}


def test_every_account_owned_model_has_a_tenant_table(tenant_tables):
    owned = {model._meta.db_table for model in apps.get_models() if issubclass(model, AccountOwned)}

    assert owned | {"accounts_account"} == tenant_tables


def test_tables_without_row_security_are_the_named_ones(rows):
    assert {name for (name,) in rows(f"SELECT c.relname {_TABLES} AND NOT c.relrowsecurity")} == WITHOUT_POLICY


def test_every_tenant_table_forces_row_security(rows, tenant_tables):
    forced = rows(f"SELECT c.relname {_TABLES} AND c.relrowsecurity AND c.relforcerowsecurity")

    assert {name for (name,) in forced} == tenant_tables


def test_every_tenant_table_has_the_one_policy_for_all_commands(rows, tenant_tables):
    found = rows("SELECT tablename, policyname, permissive, roles::text, cmd FROM pg_policies ORDER BY 1")

    assert found == [(table, rls.POLICY, "PERMISSIVE", "{public}", "ALL") for table in sorted(tenant_tables)]


def test_every_policy_reads_and_writes_by_the_same_condition(rows):
    for table, reads, writes in rows("SELECT tablename, qual, with_check FROM pg_policies"):
        column = "id" if table == "accounts_account" else "account_id"
        wished = _bare(rls.condition(column))
        assert (_bare(reads), _bare(writes)) == (wished, wished), table


def test_every_foreign_key_between_tenants_has_its_account_beside_it(rows, tenant_tables):
    missing = rows(_FOREIGN_KEYS_WITHOUT_ACCOUNT, sorted(tenant_tables), sorted(tenant_tables))

    assert missing == []


def test_every_unique_index_of_a_tenant_table_holds_the_account(rows, tenant_tables):
    without = rows(
        "SELECT i.indexrelid::regclass::text FROM pg_index i WHERE i.indrelid::regclass::text = ANY(%s) "
        "AND i.indisunique AND NOT i.indisprimary AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid "
        "AND a.attname = 'account_id' AND a.attnum = ANY(i.indkey))",
        [*sorted(tenant_tables), "accounts_user"],
    )

    assert {name for (name,) in without} == UNIQUE_OVER_ALL_ACCOUNTS


def test_every_primary_key_of_a_tenant_table_is_one_uuid(rows, tenant_tables):
    kinds = rows(
        "SELECT i.indnkeyatts, a.atttypid::regtype::text FROM pg_index i "
        "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
        "WHERE i.indisprimary AND i.indrelid::regclass::text = ANY(%s)",
        sorted(tenant_tables),
    )

    assert kinds == [(1, "uuid")] * len(tenant_tables)


def test_no_view_lends_the_rights_of_its_owner(rows):
    lending = rows(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND (c.relkind = 'm' OR c.relkind = 'v' "
        "AND NOT coalesce('security_invoker=true' = ANY(c.reloptions) OR 'security_invoker=on' = ANY(c.reloptions), false))"
    )

    assert {name for (name,) in lending} == VIEWS_WITH_THE_RIGHTS_OF_THEIR_OWNER


def test_only_the_named_functions_run_with_the_rights_of_their_owner(rows):
    lending = rows("SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef")

    assert {name for name, _ in lending} == FUNCTIONS_WITH_THE_RIGHTS_OF_THEIR_OWNER
    assert all(config[0].startswith("search_path=pg_catalog") for _, config in lending)


def test_the_app_role_is_bound_by_policies(rows):
    rights = "rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"

    assert rows(f"SELECT {rights} FROM pg_roles WHERE rolname = %s", settings.DATABASE_APP_ROLE) == [(False,) * 5]


def test_the_app_role_is_in_no_other_role(rows):
    member = "JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %s"

    assert rows(f"SELECT m.roleid::regrole::text FROM pg_auth_members m {member}", settings.DATABASE_APP_ROLE) == []


def test_the_app_role_owns_nothing(rows):
    owned = rows(
        "SELECT d.classid::regclass::text, d.objid FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid "
        "WHERE d.deptype = 'o' AND r.rolname = %s",
        settings.DATABASE_APP_ROLE,
    )

    assert owned == []


def test_the_app_role_may_not_truncate_or_change_tables(rows):
    may = rows(
        f"SELECT c.relname {_TABLES} AND has_table_privilege(%s, c.oid, 'TRUNCATE, REFERENCES, TRIGGER')",
        settings.DATABASE_APP_ROLE,
    )

    assert may == []


def test_the_app_role_may_not_create_tables(rows):
    assert rows("SELECT has_schema_privilege(%s, 'public', 'CREATE')", settings.DATABASE_APP_ROLE) == [(False,)]


def test_audit_of_django_rls_passes(db, capsys):
    call_command("audit_rls")

    assert "RLS audit passed" in capsys.readouterr().out


def _bare(sql: str) -> str:
    """Return a condition without what the server adds when it prints it: casts to text, an alias, parentheses, spaces."""
    return re.sub(r'::text| as "nullif"|[()\s]', "", sql.lower())


# Each single-column key from a tenant table to a tenant table or a person, accounts_account aside, for which no deferred key on
# (account_id, the same column) to (account_id, id) of the same table exists.
_FOREIGN_KEYS_WITHOUT_ACCOUNT = """
    WITH keys AS (
        SELECT k.conname, k.conrelid, k.confrelid, k.condeferrable AND k.condeferred AND k.convalidated AS is_deferred,
               (SELECT array_agg(a.attname::text ORDER BY n.at) FROM unnest(k.conkey) WITH ORDINALITY n (num, at)
                JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.num) AS here,
               (SELECT array_agg(a.attname::text ORDER BY n.at) FROM unnest(k.confkey) WITH ORDINALITY n (num, at)
                JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = n.num) AS there
        FROM pg_constraint k
        WHERE k.contype = 'f' AND k.conrelid::regclass::text = ANY(%s)
    )
    SELECT single.conrelid::regclass::text, single.conname
    FROM keys single
    WHERE cardinality(single.here) = 1 AND single.here <> '{account_id}'
      AND (single.confrelid::regclass::text = ANY(%s) OR single.confrelid = 'accounts_user'::regclass)
      AND NOT EXISTS (
        SELECT FROM keys pair
        WHERE pair.conrelid = single.conrelid AND pair.confrelid = single.confrelid AND pair.is_deferred
          AND pair.here = ARRAY['account_id', single.here[1]] AND pair.there = '{account_id,id}'
      )
"""
