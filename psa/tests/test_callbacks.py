"""What ConnectWise tells by itself: believed when signed, new and once. The sandbox signs and sends as ConnectWise does."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from flowpilot.accounts.caching import remember
from flowpilot.accounts.scope import account_scope
from flowpilot.providers.connectwise.sandbox.sender import signature
from psa import callbacks, changes
from psa.models import PsaChange, PsaConnection

OUTLOOK = 48213
SITE = "http://127.0.0.1:9"


@pytest.fixture
def address(connected):
    """Where ConnectWise reaches us, without the site."""
    with account_scope(connected.id):
        connection = PsaConnection.objects.get()
    return callbacks.address_for(connected.id, connection.id, "")


@pytest.fixture
def tell(client, connected, sandbox, address):
    """Post a callback as the sandbox words it; return the status."""

    def send(*, changed=None, to=address, signed=None, entity=None, **fields):
        ticket = dict(sandbox.store.tables.tickets[OUTLOOK])
        moment = (changed or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
        ticket["_info"] = ticket["_info"] | {"lastUpdated": moment}
        callback = {"id": 1, "type": "ticket", "level": "owner", "objectId": 1}
        payload = sandbox.sender.payload(callback, "ticket", fields.pop("action", "updated"), entity or ticket) | fields
        body = json.dumps(payload).encode()
        headers = {"X-Content-Signature": signature(body) if signed is None else signed}
        return client.post(f"{to}{OUTLOOK}&action=updated", body, "application/json", headers=headers).status_code

    return send


def known(account):
    with account_scope(account.id):
        return list(PsaChange.objects.values_list("ticket_id", flat=True))


def test_a_signed_callback_is_written_down(tell, connected):
    assert tell() == 204

    assert known(connected) == [OUTLOOK]


def test_ten_replays_have_one_effect(tell, connected):
    message, moment = str(uuid4()), datetime.now(UTC)

    assert {tell(MessageId=message, changed=moment) for _ in range(10)} == {204}

    assert known(connected) == [OUTLOOK]


def test_the_key_is_fetched_once(tell, sandbox):
    for _ in range(3):
        tell(Metadata={"key_url": sandbox.sender.key_url.split("&id=")[0] + "&id=1"})

    assert sum("callbackkey" in seen.path for seen in sandbox.seen) == 1


def test_the_key_is_asked_for_without_our_credentials(tell, sandbox):
    tell()

    [asked] = [seen for seen in sandbox.seen if "callbackkey" in seen.path]
    assert "authorization" not in asked.headers


@pytest.mark.parametrize("forged", ["", "x", "ключ", signature(b"another body"), signature(b"", "another key")])
def test_a_forged_callback_changes_nothing(tell, connected, forged):
    assert tell(signed=forged) == 403

    assert known(connected) == []


@pytest.mark.parametrize(
    "key_url",
    [
        "https://evil.example/v4_6_release/system/callbackkey/index.rails?companyName=summit",
        "http://{host}@evil.example/v4_6_release/system/callbackkey/index.rails?companyName=summit",
        "http://{host}/v4_6_release/system/callbackkey/index.rails?companyName=another",
        "http://{host}/v4_6_release/system/callbackkey/index.rails?companyName=summit&companyName=another",
        "http://{host}/v4_6_release/apis/3.0/system/callbackkey/index.rails?companyName=summit",
        "http://{host}/elsewhere?companyName=summit",
        "ftp://{host}/v4_6_release/system/callbackkey/index.rails?companyName=summit",
        "http://127.0.0.1:1/v4_6_release/system/callbackkey/index.rails?companyName=summit",
        "",
    ],
)
def test_a_key_of_somebody_else_is_never_asked_for(tell, connected, sandbox, key_url):
    assert tell(Metadata={"key_url": key_url.format(host=sandbox.sender.host)}) == 403

    assert known(connected) == []
    assert sandbox.seen == []


def test_an_old_callback_is_taken_and_forgotten(tell, connected):
    assert tell(changed=datetime.now(UTC) - timedelta(minutes=6)) == 204

    assert known(connected) == []


def test_a_deleted_ticket_is_told_without_a_record(tell, connected):
    assert tell(action="deleted") == 204

    assert known(connected) == [OUTLOOK]


@pytest.mark.parametrize(("kind", "of"), [("schedule", "objectId"), ("time", "chargeToId")])
def test_what_hangs_on_a_ticket_tells_of_the_ticket(tell, connected, sandbox, kind, of):
    row = next(
        iter(sandbox.store.tables.entries_of(OUTLOOK) if kind == "schedule" else sandbox.store.tables.times_of(OUTLOOK))
    )
    tell(Type=kind, ID=row["id"], Entity=json.dumps({"id": row["id"], of: row[of]}))

    assert known(connected) == [OUTLOOK]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"MessageId": 1}', b'{"Entity": "{", "ID": 1}', b"[" * 100_000]
)
def test_what_is_no_callback_is_refused(client, address, body):
    answer = client.post(f"{address}1", body, "application/json", headers={"X-Content-Signature": signature(body)})

    assert answer.status_code == 422


def test_too_much_is_not_read(client, address):
    assert client.post(f"{address}1", b"x" * 600_000, "application/json").status_code == 413


@pytest.mark.parametrize(
    "change", [lambda path: path.replace("callback/", "callback/a"), lambda path: path[:-14] + "x?recordId="]
)
def test_an_address_that_we_did_not_give_is_not_there(tell, address, change):
    assert tell(to=change(address)) == 404


def test_the_address_of_another_account_does_not_open_this_one(tell, connected, other_account):
    with account_scope(connected.id):
        connection = PsaConnection.objects.get()

    assert tell(to=callbacks.address_for(other_account.id, connection.id, "")) == 404


def test_a_connection_that_is_gone_is_not_told(tell, connected):
    with account_scope(connected.id):
        PsaConnection.objects.all().delete()

    assert tell() == 404


def test_it_is_not_to_be_looked_at(client, address):
    assert client.get(f"{address}1").status_code == 405


def test_subscribe_asks_once_and_unsubscribe_takes_it_back(connected, sandbox):
    first = callbacks.subscribe(account_id=connected.id, site="https://fp.example/")
    again = callbacks.subscribe(account_id=connected.id, site="https://fp.example")

    [row] = sandbox.store.tables.callbacks.values()
    assert (first, again, row["type"], row["level"]) == (row["id"], row["id"], "ticket", "Owner")
    assert row["url"].startswith("https://fp.example/psa/callback/")
    assert row["url"].endswith("?recordId=")
    callbacks.unsubscribe(account_id=connected.id)
    assert sandbox.store.tables.callbacks == {}


def test_subscribe_from_another_place_takes_the_first_one_back(connected, sandbox):
    callbacks.subscribe(account_id=connected.id, site="https://old.example")
    callbacks.subscribe(account_id=connected.id, site="https://new.example")

    assert [row["url"][:19] for row in sandbox.store.tables.callbacks.values()] == ["https://new.example"]


def test_unsubscribe_is_content_when_it_is_gone_already(connected, sandbox):
    callbacks.subscribe(account_id=connected.id, site=SITE)
    sandbox.store.tables.callbacks.clear()

    callbacks.unsubscribe(account_id=connected.id)


@pytest.mark.django_db(transaction=True)
def test_from_a_change_in_connectwise_to_the_open_queue(live_server, connected, sandbox, browse):
    callbacks.subscribe(account_id=connected.id, site=live_server.url)
    since = browse.get(reverse("psa:changes")).context["until"]

    sandbox.store.patch_ticket(
        sandbox.store.tables.tickets[OUTLOOK], [{"op": "replace", "path": "summary", "value": "New"}]
    )
    sandbox.sender.wait()

    assert [status for _, status in sandbox.sender.sent] == [204]
    told = browse.get(reverse("psa:changes"), {"since": since, "ticket": OUTLOOK, "banner": ""})
    assert told["HX-Trigger"] == "tickets-changed, ticket-changed"
    assert "#48213 changed in ConnectWise" in told.content.decode()


def test_changes_tell_nothing_at_first_and_nothing_of_before(browse, connected):
    first = browse.get(reverse("psa:changes"))
    second = browse.get(reverse("psa:changes"), {"since": first.context["until"]})

    assert "HX-Trigger" not in first
    assert "HX-Trigger" not in second
    assert 'hx-trigger="every 20s' in second.content.decode()


@pytest.mark.parametrize("since", ["soon", "2026", "0001-01-01T00:00:00", "9999-12-31T23:59:59+00:00"])
def test_changes_take_any_since(browse, connected, since):
    assert browse.get(reverse("psa:changes"), {"since": since}).status_code == 200


def test_changes_of_another_account_are_not_told(tell, other_account, connected):
    before = changes.changes(other_account.id).until
    tell()

    assert not changes.changes(other_account.id, before)
    with account_scope(other_account.id):
        assert remember("psa:watched", lambda: None, seconds=1)
