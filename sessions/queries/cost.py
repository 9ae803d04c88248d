"""What a session's AI cost, and what the provider's cache saved."""

from dataclasses import dataclass

from django.db.models import Count, Sum

from flowpilot.providers.models import AiCall
from sessions.models import ChatSession


@dataclass(frozen=True)
class Cost:
    """Money in millionths of a US dollar, over all calls that were made for a session."""

    calls: int
    micros: int
    saved_micros: int
    tokens: int
    cached_percent: int  # of what was read, how much came from the provider's cache

    @property
    def text(self) -> str:
        return _dollars(self.micros)

    @property
    def saved(self) -> str:
        return _dollars(self.saved_micros) if self.saved_micros > 0 else ""


def cost(chat: ChatSession) -> Cost:
    """Return what a session cost so far."""
    sums = AiCall.objects.filter(chat_id=chat.pk).aggregate(
        calls=Count("id"),
        micros=Sum("cost_micros", default=0),
        saved_micros=Sum("saved_micros", default=0),
        read=Sum("input_tokens", default=0),
        cached=Sum("cache_read_input_tokens", default=0),
        kept=Sum("cache_creation_input_tokens", default=0),
        written=Sum("output_tokens", default=0),
    )
    tokens = sums["read"] + sums["cached"] + sums["kept"] + sums["written"]
    read = sums["read"] + sums["cached"] + sums["kept"]
    percent = 100 * sums["cached"] // read if read else 0
    return Cost(sums["calls"], sums["micros"], sums["saved_micros"], tokens, percent)


def _dollars(micros: int) -> str:
    dollars = micros / 1_000_000
    return f"${dollars:.2f}" if dollars >= 0.01 or not micros else "under $0.01"
