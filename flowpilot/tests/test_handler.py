"""What serves pages, spoken to as a server of ASGI does."""

import asyncio

import httpx
import pytest
from asgiref.sync import iscoroutinefunction
from django.conf import settings

from flowpilot.handler import get_application


def ask(path: str) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(get_application())
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            return await client.get(path)

    return asyncio.run(go())


def test_the_middleware_takes_one_hop_for_all():
    assert not iscoroutinefunction(get_application()._middleware_chain)


@pytest.mark.filterwarnings("error")
def test_a_file_comes_whole():
    reply = ask("/static/vendor/htmx.min.js")

    assert reply.content == (settings.BASE_DIR / "static/vendor/htmx.min.js").read_bytes()
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_that_is_not_there_says_so():
    assert ask("/nowhere").status_code == 404
