"""How the tests ask a provider: one question, and all that came of it."""

import asyncio
from typing import NamedTuple

from flowpilot.errors import UserError
from flowpilot.providers.ai.base import Message
from flowpilot.providers.ai.remote import Limits, RemoteProvider
from flowpilot.testing.scripted_server import ScriptedServer

SHORT = Limits(first=5.0, idle=0.8, total=9.0, backoff=0.02, pause=0.6, retries=1)
HELLO = [Message("user", "Outlook does not start.")]
MODELS = {"anthropic": "claude-sonnet-5-5", "gemini": "gemini-3.8-flash"}
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "steps": {"type": "array", "items": {"type": "string"}}},
    "required": ["title"],
    "additionalProperties": False,
}


class Remote(NamedTuple):
    """A provider and the server it asks."""

    server: ScriptedServer
    provider: RemoteProvider


def call(provider, system="Be brief.", messages=HELLO):
    return {"system_prompt": system, "messages": messages, "model": MODELS[provider.name], "max_tokens": 1000}


def stream(provider, **kwargs):
    """Everything a stream yields, and the error that ended it."""

    async def run():
        found = []
        try:
            async for piece in provider.generate_text_stream(**call(provider, **kwargs)):
                found.append(piece)
        except UserError as error:
            return found, error
        return found, None

    return asyncio.run(run())


def ask(provider, **kwargs):
    return asyncio.run(provider.generate_text(**call(provider, **kwargs)))


def ask_json(provider, schema=SCHEMA):
    return asyncio.run(provider.generate_json(**call(provider), schema=schema))
