"""What people of an account change about each other and about themselves."""

from uuid import UUID

from django.db import transaction

from flowpilot.accounts import audit
from flowpilot.accounts.login_sessions import end_sessions
from flowpilot.accounts.models import Account, User
from flowpilot.accounts.permissions import Right, require
from flowpilot.accounts.scope import current_account_id
from flowpilot.errors import Conflict, Invalid, NotFound

GIVEN = (User.Role.ENGINEER, User.Role.ADMIN)  # roles an admin gives; ownership is transferred by the owner
_OWNER_STAYS = "An account needs an owner. Transfer the ownership first."


@transaction.atomic
def change_role(*, user_id: UUID, role: str, by: User) -> User:
    """Make a person an engineer or an admin. Raises NotFound, NotYourRole, Invalid, Conflict."""
    require(by, Right.MANAGE)
    if role not in GIVEN:
        raise Invalid("Choose engineer or admin. Ownership is transferred by the owner.")
    user = _locked(user_id)
    if user.role == role:
        return user
    if user.role == User.Role.OWNER:
        _refuse_without_other_owner(user, by)
    before, user.role = user.role, role
    user.save(update_fields=["role"])
    audit.record(audit.Action.ROLE_CHANGED, by=by, about=user.email, detail={"from": before, "to": role})
    return user


@transaction.atomic
def deactivate(*, user_id: UUID, by: User) -> User:
    """Switch a person's sign-in off and end their sessions. What they did stays. Raises NotFound, NotYourRole, Conflict."""
    require(by, Right.MANAGE)
    user = _locked(user_id)
    if user.pk == by.pk:
        raise Conflict("You cannot deactivate yourself. Ask another admin.")
    if user.role == User.Role.OWNER:
        _refuse_without_other_owner(user, by)
    if user.is_active:
        user.is_active = False
        user.save(update_fields=["is_active"])
        audit.record(audit.Action.DEACTIVATED, by=by, about=user.email)
    end_sessions(user)
    return user


@transaction.atomic
def reactivate(*, user_id: UUID, by: User) -> User:
    """Let a person sign in again, with the role they had. Raises NotFound, NotYourRole."""
    require(by, Right.MANAGE)
    user = _locked(user_id)
    if not user.is_active:
        user.is_active = True
        user.save(update_fields=["is_active"])
        audit.record(audit.Action.REACTIVATED, by=by, about=user.email)
    return user


@transaction.atomic
def transfer_ownership(*, heir_id: str, typed: str, by: User) -> User:
    """Hand the account to another active person and become an admin; `typed` is their e-mail address, as the confirmation.

    Raises NotFound, NotYourRole, Invalid, Conflict.
    """
    require(by, Right.OWN)
    try:
        heir = _locked(UUID(heir_id))
    except ValueError as error:
        raise Invalid("Choose who becomes the owner.") from error
    giver = User.objects.filter(role=User.Role.OWNER, pk=by.pk).first()  # as it is now that the account is locked
    if giver is None or heir.pk == by.pk:
        raise Conflict("You are not the owner any more, or it is yours already. Reload the page.")
    if not heir.is_active:
        raise Conflict(f"{heir} is deactivated. Reactivate them first.")
    if typed.strip().lower() != heir.email:
        raise Invalid(f"Type {heir.email} to confirm.")
    heir.role, giver.role = User.Role.OWNER, User.Role.ADMIN
    heir.save(update_fields=["role"])
    giver.save(update_fields=["role"])
    audit.record(audit.Action.OWNERSHIP_MOVED, by=by, about=heir.email, detail={"from": by.email, "to": heir.email})
    return heir


def save_profile(*, user: User, name: str, signature: str, has_single_keys: bool) -> User:
    """Keep how a person is called and how they like to work. Raises Invalid."""
    name, signature = " ".join(name.replace("\x00", "").split()), signature.replace("\x00", "").strip()
    if not name:
        raise Invalid("Write your name: colleagues and notes show it.")
    if len(name) > 200 or len(signature) > 300:
        raise Invalid("A name takes 200 characters, a signature 300.")
    user.name, user.signature, user.has_single_keys = name, signature, has_single_keys
    user.save(update_fields=["name", "signature", "has_single_keys"])
    return user


def _locked(user_id: UUID) -> User:
    """Return a person, with the account locked: who counts its owners must see what others decided before."""
    account_id = current_account_id()
    if account_id is None:
        raise NotFound("No account is open.")
    Account.objects.select_for_update().get(pk=account_id)
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("There is no such person in your account.")
    return user


def _refuse_without_other_owner(user: User, by: User) -> None:
    others = User.objects.filter(role=User.Role.OWNER, is_active=True).exclude(pk=user.pk)
    if not others.exists():
        raise Conflict(_OWNER_STAYS)
    require(by, Right.OWN)
