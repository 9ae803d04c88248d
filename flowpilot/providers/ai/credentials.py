"""An account's own keys for AI providers: kept sealed, shown by their last four characters, tried by a click."""

from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from flowpilot.accounts import audit
from flowpilot.accounts.models import User
from flowpilot.accounts.permissions import Right, require
from flowpilot.accounts.scope import account_scope, refuse_open_transaction
from flowpilot.accounts.sealing import BrokenSeal
from flowpilot.errors import Invalid, NotFound, Refused
from flowpilot.providers.ai.base import Message
from flowpilot.providers.ai.registry import PROVIDERS, make_provider, open_credential, seal_credential
from flowpilot.providers.models import AiCredential


@transaction.atomic
def save_key(*, provider: str, key: str, base_url: str, by: User) -> AiCredential:
    """Keep an account's key for a provider in place of the one before. Raises NotYourRole, Invalid."""
    require(by, Right.MANAGE)
    _known(provider)
    key, base_url = key.strip(), base_url.strip().rstrip("/")
    if not 8 <= len(key) <= 500 or not key.isascii() or any(letter.isspace() for letter in key):
        raise Invalid("That does not look like an API key. Copy it whole, without spaces.")
    if base_url:
        try:
            URLValidator(schemes=["https", "http"])(base_url)
        except ValidationError as error:
            raise Invalid("The address must begin with https://, or be left empty.") from error
    credential = AiCredential.objects.filter(provider=provider).first() or AiCredential(provider=provider)
    credential.base_url = base_url
    seal_credential(credential, key)
    credential.save()
    detail = {"last_four": credential.last_four, "address": base_url}
    audit.record(audit.Action.CREDENTIAL_CHANGED, by=by, about=f"{PROVIDERS[provider]} key", detail=detail)
    return credential


@transaction.atomic
def remove_key(*, provider: str, by: User) -> None:
    """Forget an account's key; the server's own answers again where it has one. Raises NotYourRole."""
    require(by, Right.MANAGE)
    if AiCredential.objects.filter(provider=_known(provider)).delete()[0]:
        audit.record(
            audit.Action.CREDENTIAL_CHANGED, by=by, about=f"{PROVIDERS[provider]} key", detail={"removed": True}
        )


def test_key(*, account_id: UUID, provider: str, by: User) -> str:
    """Ask the provider for one word with the account's key; return the model that answered. Raises what the provider said."""
    require(by, Right.MANAGE)
    with account_scope(account_id):
        credential = AiCredential.objects.filter(provider=_known(provider)).first()
        if credential is None:
            raise NotFound(f"No key for {PROVIDERS[provider]} is kept.")
        try:
            key = open_credential(credential)
        except BrokenSeal as error:
            raise Refused("This key cannot be opened any more. Replace it.") from error
    refuse_open_transaction()
    model = settings.AI_MODELS[provider]["fast"]
    ask = make_provider(provider, key, credential.base_url).generate_text
    messages = [Message("user", "Answer with the one word: ready")]
    done = async_to_sync(ask)(system_prompt="You answer with one word.", messages=messages, model=model, max_tokens=64)
    return done.model or model


test_key.__test__ = False  # type: ignore[attr-defined]  # a service, not a test


def _known(provider: str) -> str:
    if provider not in PROVIDERS:
        raise NotFound("There is no such provider.")
    return provider
