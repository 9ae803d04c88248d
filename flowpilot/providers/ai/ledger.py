"""The account's AI money: set aside before a call, settled after it. Every function needs the account's scope open.

One conditional update reserves, so a hundred calls at once never start more than the budget carries. A call whose process vanished
gives its reservation back after ten minutes, when somebody needs it.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import F, Sum
from django.utils import timezone

from flowpilot.errors import Unavailable
from flowpilot.providers.ai.base import Usage
from flowpilot.providers.ai.pricing import Cost
from flowpilot.providers.models import AiBudget, AiCall

LOST_AFTER = timedelta(minutes=10)  # longer than any call may take
NOTICE_AT = 0.8
LIMIT_KEY = "ai.budget.monthly_usd"


class BudgetUsed(Unavailable):
    """The account's AI budget of this month does not carry another call."""


@dataclass(frozen=True)
class Budget:
    """The month so far, in millionths of a dollar; `limit` is None where nobody set one, `next_answer` is what one more may cost at the most."""

    limit: int | None
    spent: int
    reserved: int
    next_answer: int

    @property
    def share(self) -> float:
        """How much of the limit is spent, 0 to 1 and above; 0 where there is none."""
        return self.spent / self.limit if self.limit else 0.0

    @property
    def percent(self) -> int:
        return round(self.share * 100)

    @property
    def is_nearly_used(self) -> bool:
        return self.share >= NOTICE_AT or self.is_used

    @property
    def is_used(self) -> bool:
        """Whether what is left does not carry another answer: a call whose money cannot be set aside is not made."""
        return self.limit is not None and self.spent + self.next_answer > self.limit


def open_call(
    *,
    service: str,
    provider: str,
    model: str,
    reserve: int,
    limit: int | None,
    chat_id: UUID | None = None,
    is_fallback: bool = False,
    has_mcp: bool = False,
) -> AiCall:
    """Set money aside and note a call that is about to be made. Raises BudgetUsed where the month does not carry it."""
    month = _this_month()
    if not _reserve(month, reserve, limit):
        raise BudgetUsed("This month's AI budget is used up. An admin can raise it in the settings.")
    return AiCall.objects.create(
        service=service,
        provider=provider,
        model=model,
        chat_id=chat_id,
        is_fallback=is_fallback,
        has_mcp=has_mcp,
        reserved_micros=reserve,
        month=month,
    )


def settle(
    call_id: UUID,
    *,
    usage: Usage,
    cost: Cost,
    outcome: str,
    error: str = "",
    first_ms: int | None = None,
    total_ms: int | None = None,
    model: str = "",
) -> None:
    """Note how a call ended and what it cost, and give back what was set aside for it. A second settling changes nothing."""
    call = AiCall.objects.select_for_update().filter(pk=call_id).first()
    if call is None or call.outcome not in {AiCall.Outcome.RUNNING, AiCall.Outcome.LOST}:
        return
    freed = call.reserved_micros if call.outcome == AiCall.Outcome.RUNNING else 0
    AiCall.objects.filter(pk=call_id).update(
        model=model or call.model,
        outcome=outcome,
        error=error[:80],
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_input_tokens=usage.cache_read_input_tokens,
        cache_creation_input_tokens=usage.cache_creation_input_tokens,
        cost_micros=cost.micros,
        saved_micros=cost.saved_micros,
        reserved_micros=0,
        first_ms=first_ms,
        total_ms=total_ms,
    )
    AiBudget.objects.filter(month=call.month).update(
        spent_micros=F("spent_micros") + cost.micros, reserved_micros=F("reserved_micros") - freed
    )


def read_month(limit: int | None, next_answer: int) -> Budget:
    """Return the open account's month so far."""
    row = AiBudget.objects.filter(month=_this_month()).first()
    return Budget(limit, row.spent_micros if row else 0, row.reserved_micros if row else 0, next_answer)


def read_limit(preferences: dict) -> int | None:
    """Return an account's limit of a month, from its preferences or the environment; None for no limit."""
    dollars = preferences.get(LIMIT_KEY, settings.AI_BUDGET_MONTHLY_USD)
    return round(float(dollars) * 1_000_000) if dollars else None


def _reserve(month: date, amount: int, limit: int | None) -> bool:
    if _take(month, amount, limit):
        return True
    if not AiBudget.objects.filter(month=month).exists():
        AiBudget.objects.bulk_create([AiBudget(month=month)], ignore_conflicts=True)
    elif not _free_lost(month):
        return False
    return _take(month, amount, limit)


def _take(month: date, amount: int, limit: int | None) -> bool:
    rows = AiBudget.objects.filter(month=month)
    if limit is not None:
        rows = rows.filter(spent_micros__lte=limit - amount - F("reserved_micros"))
    return bool(rows.update(reserved_micros=F("reserved_micros") + amount))


def _free_lost(month: date) -> bool:
    """Give back what calls hold whose process vanished. Return whether there was any."""
    running = AiCall.objects.filter(
        month=month, outcome=AiCall.Outcome.RUNNING, created_at__lt=timezone.now() - LOST_AFTER
    )
    ids = list(running.select_for_update(skip_locked=True).values_list("id", flat=True))
    freed = AiCall.objects.filter(id__in=ids).aggregate(sum=Sum("reserved_micros"))["sum"] or 0
    AiCall.objects.filter(id__in=ids).update(outcome=AiCall.Outcome.LOST)
    AiBudget.objects.filter(month=month).update(reserved_micros=F("reserved_micros") - freed)
    return bool(ids)


def _this_month() -> date:
    return timezone.now().date().replace(day=1)
