"""The invented MSP that `./run demo` moves in: its people, its ConnectWise, and sessions in several states."""

import shutil
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from flowpilot.accounts.models import Account, User
from flowpilot.accounts.scope import account_scope
from flowpilot.accounts.services import open_account
from psa import callbacks
from psa import services as psa
from sessions.models import ChatSession, SessionFact, SuggestedFix, Turn

ACCOUNT_ID = UUID("5e551011-0000-4000-8000-000000000001")
EMAIL, PASSWORD = "j.ortiz@summit-it.example", "flowpilot-demo"
_PEOPLE = [
    ("J. Ortiz", EMAIL, User.Role.ENGINEER, 151, "jortiz"),
    ("S. Okafor", "s.okafor@summit-it.example", User.Role.ADMIN, 154, "sokafor"),
    ("P. Nakamura", "p.nakamura@summit-it.example", User.Role.OWNER, 156, "pnakamura"),
]


def fresh_start() -> None:
    """Delete the demo's data. A real database is never touched."""
    if settings.IS_EMBEDDED:
        shutil.rmtree(settings.POSTGRES_ROOT, ignore_errors=True)
    (settings.DATA_DIR / "sandbox.jsonl").unlink(missing_ok=True)


def seed(base_url: str, credentials: dict[str, str], site: str) -> bool:
    """Move the MSP in, once; connect it to the sandbox where that listens today, and have it call us back at `site`.

    Return whether it is new.
    """
    is_new = not User.objects.filter(email=EMAIL).exists()
    if is_new:
        _move_in()
    with account_scope(ACCOUNT_ID):
        psa.connect(base_url=base_url, **credentials)
    callbacks.subscribe(account_id=ACCOUNT_ID, site=site)
    return is_new


def _move_in() -> None:
    account = open_account(name="Summit IT Services", account_id=ACCOUNT_ID)
    with account_scope(account.id):
        people = [_hire(account, *person) for person in _PEOPLE]
        _resolved_session(people[1])
        _paused_session(people[0])


def _hire(account: Account, name: str, email: str, role: str, member_id: int, identifier: str) -> User:
    user = User.objects.create_user(email, PASSWORD, account=account, name=name, role=role)
    psa.link_member(user=user, member_id=member_id, identifier=identifier)
    return user


def _resolved_session(owner: User) -> None:
    began = timezone.now() - timedelta(days=2, minutes=41)
    chat = ChatSession.objects.create(
        title="Shared calendar shows no details",
        problem="Adatum's dispatch calendar shows only Busy for two people since the weekend.",
        owner=owner,
        status=ChatSession.Status.RESOLVED,
        resolved_at=began + timedelta(minutes=41),
        state_version=4,
    )
    turn = Turn.objects.create(
        chat=chat,
        number=1,
        author=owner,
        client_key=chat.id,
        text=chat.problem,
        answer="Only *Busy* points at the calendar's default permission. Check what **Default** may see on that calendar.",
        raw_answer="",
        status=Turn.Status.DONE,
        provider="guided",
        model="guided",
        finished_at=began + timedelta(minutes=1),
    )
    for text in ("Others in the same office see the details", "Default permission on the calendar is AvailabilityOnly"):
        SessionFact.objects.create(chat=chat, text=text, source_type="hand", author=owner)
    SuggestedFix.objects.create(
        chat=chat,
        turn=turn,
        title="Give Default the LimitedDetails permission",
        rationale="The calendar's default permission was reset to AvailabilityOnly when the mailbox moved.",
        steps=["Set-MailboxFolderPermission dispatch:\\Calendar -User Default -AccessRights LimitedDetails"],
        confidence=85,
        user_decision=SuggestedFix.Decision.ACCEPTED,
        outcome=SuggestedFix.Outcome.SUCCESS,
        applied_at=began + timedelta(minutes=20),
        verified_at=began + timedelta(minutes=38),
    )
    ChatSession.objects.filter(pk=chat.pk).update(created_at=began, updated_at=chat.resolved_at)


def _paused_session(owner: User) -> None:
    chat = ChatSession.objects.create(
        title="VPN drops every 8 hours",
        problem="Fabrikam's field team loses the VPN after about eight hours and must sign in again.",
        owner=owner,
        status=ChatSession.Status.PAUSED,
        ticket_id=48209,
        ticket_summary="VPN drops every 8 hours",
        ticket_company="Fabrikam",
        state_version=2,
    )
    for text in ("Client: Fabrikam", "VPN drops every 8 hours"):
        SessionFact.objects.create(chat=chat, text=text, source_type="ticket", source_ref="ticket:48209")
