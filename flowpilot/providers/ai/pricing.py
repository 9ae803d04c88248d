"""What tokens cost. The prices and their date are settings (`AI_PRICES`, `AI_PRICES_AS_OF`); money is in millionths of a US dollar."""

from dataclasses import dataclass

from django.conf import settings

from flowpilot.providers.ai.base import Usage

_CHARACTERS_A_TOKEN = 3  # few, so that an estimate is rather too high


@dataclass(frozen=True)
class Cost:
    """What a call cost, and what its cache saved against the same call without one."""

    micros: int
    saved_micros: int


def cost_of(model: str, usage: Usage) -> Cost:
    """Return the price of a call. A model without a price costs as much as the dearest: a budget must not miss it."""
    price = _price(model)
    read, written, written_long = (
        usage.cache_read_input_tokens,
        usage.cache_creation_input_tokens - usage.cache_creation_1h_input_tokens,
        usage.cache_creation_1h_input_tokens,
    )
    prompt = usage.input_tokens + read + written + written_long
    factor = price["long_factor"] if prompt > price["long_from"] else 1
    billed = usage.input_tokens + read * price["read"] + written * price["write"] + written_long * price["write_1h"]
    micros = factor * (billed * price["input"] + usage.output_tokens * price["output"])
    return Cost(round(micros), round(factor * price["input"] * (prompt - billed)))


def most_it_can_cost(model: str, characters: int, max_tokens: int) -> int:
    """Return what a call of so many characters costs at the most, to be set aside before it is made."""
    tokens = characters // _CHARACTERS_A_TOKEN + 1
    return cost_of(model, Usage(cache_creation_input_tokens=tokens, output_tokens=max_tokens)).micros


def what_arrived(characters_sent: int, characters_got: int) -> Usage:
    """Return the likely tokens of a call that ended without telling them."""
    return Usage(
        input_tokens=characters_sent // _CHARACTERS_A_TOKEN, output_tokens=characters_got // _CHARACTERS_A_TOKEN
    )


def _price(model: str) -> dict[str, float]:
    prices = settings.AI_PRICES
    known = prices.get(model) or max(prices.values(), key=lambda price: price["output"])
    return {"read": 0.1, "write": 1.25, "write_1h": 2.0, "long_from": 10**9, "long_factor": 1, **known}
