"""What people of an account change about it."""

import uuid

from flowpilot.accounts.models import Account, User
from flowpilot.accounts.scope import account_scope
from flowpilot.errors import Invalid


def open_account(*, name: str, account_id: uuid.UUID | None = None) -> Account:
    """Create an account. Its scope must be open while it is made, so this opens it."""
    account = Account(id=account_id or uuid.uuid4(), name=name)
    with account_scope(account.id):
        account.save(force_insert=True)
    return account


def set_theme(*, user: User, theme: str) -> None:
    """Keep how the pages look for a person. Raises Invalid for a theme that does not exist."""
    if theme not in User.Theme.values:
        raise Invalid("There is no such theme.")
    User.objects.filter(pk=user.pk).update(theme=theme)


def set_single_keys(*, user: User, is_on: bool) -> None:
    """Keep whether single keys do something for a person, or only those with Ctrl."""
    User.objects.filter(pk=user.pk).update(has_single_keys=is_on)
