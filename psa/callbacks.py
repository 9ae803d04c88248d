"""What ConnectWise tells by itself. It is believed when it is signed, new and once; and then it only says where to look.

The address ConnectWise calls names the account and its connection, signed by us, so that nobody else can be told things. The body is signed
by ConnectWise with a key that is fetched from the account's own ConnectWise.
"""

import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.urls import reverse

from flowpilot.accounts.caching import forget, remember
from flowpilot.accounts.scope import account_scope, refuse_open_transaction
from flowpilot.errors import Invalid, NotFound, Refused
from flowpilot.providers.connectwise.client import ConnectWise
from flowpilot.providers.connectwise.system import is_signed
from psa import changes, details
from psa.models import PsaConnection
from psa.queries import connectwise_of, get_connectwise

LARGEST_BODY = 512 * 1024
OLDEST = timedelta(minutes=5)
_PATIENCE = 3.0  # ConnectWise waits five seconds for us
_KEY_SECONDS = 3600
_signer = Signer(salt="psa.callbacks")
log = logging.getLogger("flowpilot.psa")


@dataclass(frozen=True)
class Told:
    """What a callback says, before anything of it is believed."""

    message_id: str
    key_url: str
    ticket_id: int | None
    changed_at: datetime | None

    @classmethod
    def from_body(cls, body: bytes) -> "Told":
        """Read a callback. Raises Invalid."""
        try:
            data = json.loads(body)
            entity = json.loads(data["Entity"]) if data.get("Entity") else {}
            return cls(
                message_id=str(data["MessageId"])[:64],
                key_url=str((data.get("Metadata") or {})["key_url"]),
                ticket_id=_ticket_id(str(data["Type"]).lower(), int(data["ID"]), entity),
                changed_at=_moment((entity.get("_info") or {}).get("lastUpdated")),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Invalid("This is no callback of ConnectWise.") from error


def take(*, token: str, body: bytes, signature: str) -> None:
    """Write down what a callback tells. Telling it again changes nothing. Raises NotFound, Refused, Invalid or Unavailable."""
    refuse_open_transaction()
    account_id, connection_id = _opened(token)
    client = _client(account_id, connection_id)
    told = Told.from_body(body)
    if not _is_believed(account_id, client, told, body, signature):
        log.warning("psa.callback account=%s refused=signature", account_id)
        raise Refused("This callback is not signed by your ConnectWise.")
    now = datetime.now(UTC)
    if told.ticket_id is None or (told.changed_at and now - told.changed_at > OLDEST):
        return  # about something else, or so old that it was told before
    change = changes.Change(told.ticket_id, told.changed_at or now, f"told:{told.message_id}")
    with account_scope(account_id):
        new = changes.note([change])
    for ticket_id in new:
        details.doubt_ticket(account_id, ticket_id)
    log.info("psa.callback account=%s ticket=%s new=%s", account_id, told.ticket_id, bool(new))


def address_for(account_id: UUID, connection_id: UUID, site: str) -> str:
    """Return where ConnectWise reaches us for an account; it adds the record's number at the end."""
    token = _signer.sign(f"{account_id.hex}{connection_id.hex}").replace(":", ".")
    return f"{site.rstrip('/')}{reverse('psa-callback', args=[token])}?recordId="


def subscribe(*, account_id: UUID, site: str) -> int:
    """Ask ConnectWise to tell us of every change of a ticket; return the callback's number. Asking again changes nothing.

    `site` is where ConnectWise reaches FlowPilot, such as https://flowpilot.example. Raises Refused or Unavailable.
    """
    client = connectwise_of(account_id)
    with account_scope(account_id):
        connection = PsaConnection.objects.get()
    url = address_for(account_id, connection.id, site)
    ours = [each for each in client.list_callbacks() if urlsplit(each.url).path == urlsplit(url).path]
    for moved in ours:
        if moved.url != url:  # FlowPilot was reached elsewhere before
            client.delete_callback(moved.id)
    known = [each for each in ours if each.url == url]
    found = known[0] if known else client.create_callback(url=url, type="ticket")
    with account_scope(account_id):
        PsaConnection.objects.filter(pk=connection.pk).update(callback_id=found.id)
    return found.id


def unsubscribe(*, account_id: UUID) -> None:
    """Ask ConnectWise to tell us no more. Raises Refused or Unavailable."""
    client = connectwise_of(account_id)
    with account_scope(account_id):
        connection = PsaConnection.objects.get()
    if connection.callback_id is not None:
        with suppress(NotFound):  # somebody deleted it there
            client.delete_callback(connection.callback_id)
    with account_scope(account_id):
        PsaConnection.objects.filter(pk=connection.pk).update(callback_id=None)


def _opened(token: str) -> tuple[UUID, UUID]:
    try:
        names = _signer.unsign(token.replace(".", ":"))
        return UUID(hex=names[:32]), UUID(hex=names[32:])
    except (BadSignature, ValueError) as error:
        raise NotFound("There is nothing here.") from error


def _client(account_id: UUID, connection_id: UUID) -> ConnectWise:
    with account_scope(account_id):
        if not PsaConnection.objects.filter(pk=connection_id).exists():
            raise NotFound("There is nothing here.")
        return get_connectwise().within(_PATIENCE)


def _is_believed(account_id: UUID, client: ConnectWise, told: Told, body: bytes, signature: str) -> bool:
    """Check the signature with the key that is kept, or with a fresh one where the key was changed."""
    kept = f"psa:callback-key:{sha256(told.key_url.encode()).hexdigest()}"
    with account_scope(account_id):
        key = remember(kept, lambda: None, seconds=1)
    if key and is_signed(body, signature, key):
        return True
    try:
        key = client.signing_key(told.key_url)
    except Refused:
        return False
    with account_scope(account_id):
        forget(kept)
        remember(kept, lambda: key, seconds=_KEY_SECONDS)
    return is_signed(body, signature, key)


def _ticket_id(kind: str, number: int, entity: dict[str, Any]) -> int | None:
    if kind == "ticket":
        return number
    of = entity.get({"schedule": "objectId", "time": "chargeToId"}.get(kind, ""))
    return of if isinstance(of, int) else None


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
