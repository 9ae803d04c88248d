"""Migration operations that make the database keep accounts apart. They reverse, and work on any PostgreSQL engine."""

from django.conf import settings
from django.db.migrations.operations.base import Operation, OperationCategory

from flowpilot.accounts.scope import SETTING

POLICY = "account_isolation"


def condition(column: str) -> str:
    """Return the SQL that holds for rows of the open account.

    The sub-select is evaluated once and keeps indexes in use; NULLIF because the setting is '' after a SET LOCAL.
    """
    return f"{column} = (SELECT NULLIF(current_setting('{SETTING}', true), '')::uuid)"


class _SqlOperation(Operation):
    reversible = True
    reduces_to_sql = True
    category = OperationCategory.SQL

    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        for statement in self.forwards(schema_editor, to_state.apps, app_label):
            schema_editor.execute(statement, params=None)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        for statement in self.backwards(schema_editor, from_state.apps, app_label):
            schema_editor.execute(statement, params=None)


class EnableRowLevelSecurity(_SqlOperation):
    """Enable and force one policy, for reading and for writing, on a model's table."""

    def __init__(self, model_name: str, column: str = "account_id"):
        self.model_name, self.column = model_name, column

    def forwards(self, schema_editor, apps, app_label):
        table = _table(schema_editor, apps, app_label, self.model_name)
        holds = condition(schema_editor.quote_name(self.column))
        return [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY {POLICY} ON {table} USING ({holds}) WITH CHECK ({holds})",
        ]

    def backwards(self, schema_editor, apps, app_label):
        table = _table(schema_editor, apps, app_label, self.model_name)
        return [
            f"DROP POLICY {POLICY} ON {table}",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ]

    def describe(self):
        return f"Force row level security on {self.model_name}"


class AddAccountForeignKey(_SqlOperation):
    """Add the composite key (account_id, x_id) beside a model's ordinary one: foreign keys ignore row level security."""

    def __init__(self, model_name: str, field_name: str):
        self.model_name, self.field_name = model_name, field_name

    def forwards(self, schema_editor, apps, app_label):
        model = apps.get_model(app_label, self.model_name)
        field = model._meta.get_field(self.field_name)
        table, quote = schema_editor.quote_name(model._meta.db_table), schema_editor.quote_name
        target = quote(field.related_model._meta.db_table)
        return [
            f"ALTER TABLE {table} ADD CONSTRAINT {quote(self._name(model))} FOREIGN KEY (account_id, {quote(field.column)}) "
            f"REFERENCES {target} (account_id, id) DEFERRABLE INITIALLY DEFERRED"
        ]

    def backwards(self, schema_editor, apps, app_label):
        model = apps.get_model(app_label, self.model_name)
        table, quote = schema_editor.quote_name(model._meta.db_table), schema_editor.quote_name
        return [f"ALTER TABLE {table} DROP CONSTRAINT {quote(self._name(model))}"]

    def describe(self):
        return f"Tie {self.model_name}.{self.field_name} to its own account"

    def _name(self, model):
        return f"{model._meta.db_table}_{self.field_name}_same_account"[:63]


class RemoveAccountForeignKey(AddAccountForeignKey):
    """Take a composite key away, before its field is removed; a migration that reverses brings it back."""

    def forwards(self, schema_editor, apps, app_label):
        return super().backwards(schema_editor, apps, app_label)

    def backwards(self, schema_editor, apps, app_label):
        return super().forwards(schema_editor, apps, app_label)

    def describe(self):
        return f"Untie {self.model_name}.{self.field_name} from its own account"


class GrantToApp(_SqlOperation):
    """Let the app role read and write what the owner has made and will make. It gets no TRUNCATE and owns nothing."""

    def forwards(self, schema_editor, apps, app_label):
        role = schema_editor.quote_name(settings.DATABASE_APP_ROLE)
        rows, counters = "SELECT, INSERT, UPDATE, DELETE", "USAGE, SELECT"
        return [
            f"GRANT USAGE ON SCHEMA public TO {role}",
            f"GRANT {rows} ON ALL TABLES IN SCHEMA public TO {role}",
            f"GRANT {counters} ON ALL SEQUENCES IN SCHEMA public TO {role}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rows} ON TABLES TO {role}",
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {counters} ON SEQUENCES TO {role}",
        ]

    def backwards(self, schema_editor, apps, app_label):
        return []  # the tables that stay behind still serve the app role

    def describe(self):
        return "Grant the app role its rights on tables and sequences"


class CreateSearchView(_SqlOperation):
    """Create a view that reads past the policies for its own account only, for operators that a policy keeps from their index.

    It belongs to the search role, which nobody signs in as, repeats the tenant condition, and can only be read. `tables` are those that the
    role may not read yet.
    """

    def __init__(self, name: str, select: str, tables: list[str], column: str):
        self.name, self.select, self.tables, self.column = name, select, tables, column

    def forwards(self, schema_editor, apps, app_label):
        quote = schema_editor.quote_name
        view, app, search = quote(self.name), quote(settings.DATABASE_APP_ROLE), quote(settings.DATABASE_SEARCH_ROLE)
        grant = [f"GRANT SELECT ON {', '.join(map(quote, self.tables))} TO {search}"] if self.tables else []
        return [
            *grant,
            f"CREATE VIEW {view} AS {self.select} WHERE {condition(self.column)}",
            f"REVOKE ALL ON {view} FROM {app}",
            f"GRANT SELECT ON {view} TO {app}",
            f"GRANT CREATE ON SCHEMA public TO {search}",  # owning takes it, for this moment
            f"ALTER VIEW {view} OWNER TO {search}",
            f"REVOKE CREATE ON SCHEMA public FROM {search}",
        ]

    def backwards(self, schema_editor, apps, app_label):
        quote = schema_editor.quote_name
        tables, search = ", ".join(map(quote, self.tables)), quote(settings.DATABASE_SEARCH_ROLE)
        revoke = [f"REVOKE SELECT ON {tables} FROM {search}"] if self.tables else []  # noqa: S608
        return [f"DROP VIEW {quote(self.name)}", *revoke]

    def describe(self):
        return f"Create the search view {self.name}"


class ChainAuditEvents(_SqlOperation):
    """Make the audit log append-only for the app role, and let the database number, date and chain its events."""

    def forwards(self, schema_editor, apps, app_label):
        return [
            f"REVOKE UPDATE, DELETE ON accounts_auditevent FROM {schema_editor.quote_name(settings.DATABASE_APP_ROLE)}",
            _AUDIT_HASH,
            _AUDIT_CHAIN,
            "CREATE TRIGGER audit_chain BEFORE INSERT ON accounts_auditevent FOR EACH ROW EXECUTE FUNCTION audit_chain()",
        ]

    def backwards(self, schema_editor, apps, app_label):
        return [
            "DROP TRIGGER audit_chain ON accounts_auditevent",
            "DROP FUNCTION audit_chain()",
            "DROP FUNCTION audit_hash(accounts_auditevent)",
            f"GRANT UPDATE, DELETE ON accounts_auditevent TO {schema_editor.quote_name(settings.DATABASE_APP_ROLE)}",
        ]

    def describe(self):
        return "Chain the events of the audit log"


class LetAccountsGo(_SqlOperation):
    """Let the app role delete an account whole, audit log and all, once its deletion is due; and let it be due after its grace only."""

    def forwards(self, schema_editor, apps, app_label):
        role = schema_editor.quote_name(settings.DATABASE_APP_ROLE)
        return [
            _FORGET_ACCOUNT,
            "REVOKE ALL ON FUNCTION forget_account() FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION forget_account() TO {role}",
            _DELETION_GRACE.format(role=settings.DATABASE_APP_ROLE.replace("'", "''"), days=DELETION_GRACE_DAYS),
            "CREATE TRIGGER deletion_grace BEFORE INSERT OR UPDATE OF deletion_due_at ON accounts_account "
            "FOR EACH ROW WHEN (NEW.deletion_due_at IS NOT NULL) EXECUTE FUNCTION deletion_grace()",
        ]

    def backwards(self, schema_editor, apps, app_label):
        return [
            "DROP TRIGGER deletion_grace ON accounts_account",
            "DROP FUNCTION deletion_grace()",
            "DROP FUNCTION forget_account()",
        ]

    def describe(self):
        return "Let accounts that are due be deleted whole"


DELETION_GRACE_DAYS = 7
# Every table with an account's id is in it, by the catalogue: one that is made tomorrow too. Keys are deferred, so any order will do.
_FORGET_ACCOUNT = """
    CREATE FUNCTION forget_account() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        mine uuid := NULLIF(current_setting('app.current_account_id', true), '')::uuid;
        part regclass;
        gone bigint;
        total bigint := 0;
    BEGIN
        PERFORM FROM accounts_account WHERE id = mine AND deletion_due_at <= clock_timestamp() FOR UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the deletion of this account is not due';
        END IF;
        FOR part IN
            SELECT c.oid::regclass FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
              AND a.attname = 'account_id' AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped
        LOOP
            EXECUTE format('DELETE FROM %s WHERE account_id = $1', part) USING mine;
            GET DIAGNOSTICS gone = ROW_COUNT;
            total := total + gone;
        END LOOP;
        DELETE FROM accounts_account WHERE id = mine;
        RETURN total;
    END $$
"""
_DELETION_GRACE = """
    CREATE FUNCTION deletion_grace() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_user = '{role}' AND NEW.deletion_due_at < clock_timestamp() + interval '{days} days' THEN
            NEW.deletion_due_at := clock_timestamp() + interval '{days} days';
        END IF;
        RETURN NEW;
    END $$
"""
_AUDIT_HASH = """
    CREATE FUNCTION audit_hash(event accounts_auditevent) RETURNS text LANGUAGE sql STABLE AS $$
        SELECT encode(sha256(convert_to(jsonb_build_array(
            event.prev_hash, event.number, event.id, event.account_id,
            to_char(event.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
            event.actor_id, event.actor, event.action, event.object, event.detail, event.ip
        )::text, 'UTF8')), 'hex')
    $$
"""
# The lock is the account's own and ends with the transaction; the read after it is a statement of its own, which sees what was committed
# while it waited.
_AUDIT_CHAIN = """
    CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        before record;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('audit:' || NEW.account_id, 0));
        SELECT number, hash INTO before FROM accounts_auditevent WHERE account_id = NEW.account_id ORDER BY number DESC LIMIT 1;
        NEW.created_at := clock_timestamp();
        NEW.number := coalesce(before.number, 0) + 1;
        NEW.prev_hash := coalesce(before.hash, '');
        NEW.hash := audit_hash(NEW);
        RETURN NEW;
    END $$
"""


def _table(schema_editor, apps, app_label, model_name):
    return schema_editor.quote_name(apps.get_model(app_label, model_name)._meta.db_table)
