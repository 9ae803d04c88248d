"""Credentials at rest: AES-256-GCM, bound to their account, table and row, under keys that live outside the database."""

import base64
import os
import secrets
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_NONCE = 12


class BrokenSeal(Exception):
    """A sealed value belongs to another row, or its key is gone."""


def new_key() -> str:
    """Return a fresh key for CREDENTIAL_KEYS."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def seal(value: str, *, account_id, table: str, row_id) -> str:
    """Return a value sealed with the newest key; only the same account, table and row open it."""
    name, key = _keys()[0]
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(key).encrypt(nonce, value.encode(), _bound_to(account_id, table, row_id))
    return f"{name}:{base64.b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, *, account_id, table: str, row_id) -> str:
    """Return what was sealed. Raises BrokenSeal."""
    name, _, body = sealed.partition(":")
    key = dict(_keys()).get(name)
    if key is None:
        raise BrokenSeal("The key that sealed this credential is not in CREDENTIAL_KEYS.")
    raw = base64.b64decode(body)
    try:
        return AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], _bound_to(account_id, table, row_id)).decode()
    except InvalidTag as error:
        raise BrokenSeal("This credential was sealed for another row.") from error


def is_newest(sealed: str) -> bool:
    """Return whether a value is sealed with the newest key already."""
    return sealed.partition(":")[0] == _keys()[0][0]


def _bound_to(account_id, table: str, row_id) -> bytes:
    return f"{account_id}‖{table}‖{row_id}".encode()


def _keys() -> list[tuple[str, bytes]]:
    return _decoded(tuple(settings.CREDENTIAL_KEYS) or (_machine_key(),))


@cache
def _decoded(keys: tuple[str, ...]) -> list[tuple[str, bytes]]:
    raw = [base64.b64decode(key) for key in keys]
    if any(len(key) != 32 for key in raw):
        raise ImproperlyConfigured("Each of CREDENTIAL_KEYS is 32 bytes in base64; `./run new_key` prints one.")
    return [(_name(key), key) for key in raw]


def _name(key: bytes) -> str:
    """Return the first bytes of the key's own encryption of nothing: enough to find it again, nothing about it."""
    return base64.b32encode(AESGCM(key).encrypt(b"\0" * _NONCE, b"", b"name")).decode()[:8]


@cache
def _machine_key() -> str:
    if not settings.IS_EMBEDDED:
        raise ImproperlyConfigured("Set CREDENTIAL_KEYS; `./run new_key` prints a key.")
    path = settings.DATA_DIR / "credential.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(new_key())
    return path.read_text().strip()
