"""A technician's browser without the browser: asks, watches answers, loses its connection, and keeps what a page would show."""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import anthropic
import httpx

_PARTIAL = r'<hx-partial hx-target="#turn-{id}{part}" hx-swap="(\w+)">(.*?)</hx-partial>'
_TURN = re.compile(r'id="turn-([0-9a-f-]{36})"')


class Page:
    """What a page holds of one turn, event by event, as the script in it would swap them."""

    def __init__(self, turn_id: str) -> None:
        self.done, self.tail, self.ended = "", "", ""
        self._delta = re.compile(_PARTIAL.format(id=turn_id, part="-(done|tail)"), re.DOTALL)
        self._end = re.compile(_PARTIAL.format(id=turn_id, part=""), re.DOTALL)

    def take(self, event: str) -> None:
        """Take in one whole event."""
        data = "\n".join(line.removeprefix("data: ") for line in event.split("\n") if line.startswith("data:"))
        for part, swap, html in self._delta.findall(data):
            if part == "done":
                self.done = html if swap == "innerHTML" else self.done + html
            else:
                self.tail = html
        if found := self._end.search(data):
            self.ended = found[2]


class Technician:
    """Signed in by a cookie; `ports` gives the web processes that are there now."""

    def __init__(self, cookie: dict[str, str], ports: Callable[[], list[int]], *, seed: int = 0) -> None:
        self._cookie, self._ports, self._random = cookie, ports, random.Random(seed)
        self.cuts_left = 0
        many = httpx.Limits(max_connections=1_000)
        self._http = httpx.AsyncClient(timeout=30, cookies={**cookie, "csrftoken": "c" * 32}, limits=many)

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(self, chat_id: str, text: str) -> str:
        """Send a message as the form does, again with the same key until it is taken; return the turn's id."""
        form = {"text": text, "client_key": str(uuid4())}
        html = await self._post(f"/pilot/{chat_id}/turns", form)
        found = _TURN.search(html)
        assert found, html[:500]
        return found[1]

    async def retry(self, chat_id: str, turn_id: str) -> None:
        """Press *Try again*."""
        await self._post(f"/pilot/{chat_id}/turns/{turn_id}/retry", {})

    async def reload(self, chat_id: str) -> str:
        """Return the page as a reload shows it."""
        return (await self._send("GET", f"/pilot/{chat_id}")).text

    async def watch(self, chat_id: str, turn_id: str, look: Callable[[Page], None]) -> Page:
        """Watch a turn to its end, over as many connections as it takes. `look` sees the page after every event."""
        page = Page(turn_id)
        while not page.ended:
            cut = None
            if self.cuts_left > 0:
                self.cuts_left -= 1
                cut = self._random.randrange(1, 6000)
            try:
                await self._connect(f"/pilot/{chat_id}/turns/{turn_id}/stream", page, look, cut)
            except httpx.HTTPError:
                await asyncio.sleep(0.2)
        return page

    @asynccontextmanager
    async def listening(self, chat_id: str) -> AsyncIterator[None]:
        """Hold the stream of a page that listens open, from its first word on."""
        async with self._http.stream("GET", self._url(f"/pilot/{chat_id}/events")) as reply:
            await anext(reply.aiter_text())
            yield

    async def _connect(self, path: str, page: Page, look: Callable[[Page], None], cut: int | None) -> None:
        url, waiting, count = self._url(path), "", 0
        async with self._http.stream("GET", url, headers={"HX-Request": "true"}) as reply:
            async for chunk in reply.aiter_text():
                count += len(chunk)
                if cut is not None and count > cut:
                    return  # in mid-event, and what is left of it is lost
                *events, waiting = (waiting + chunk).split("\n\n")
                for event in events:
                    page.take(event)
                    look(page)

    async def _post(self, path: str, form: dict[str, str]) -> str:
        headers = {"X-CSRFToken": "c" * 32, "HX-Request": "true"}
        return (await self._send("POST", path, data=form, headers=headers)).text

    async def _send(self, method: str, path: str, **options) -> httpx.Response:
        for _ in range(100):
            try:
                reply = await self._http.request(method, self._url(path), **options)
            except httpx.HTTPError:
                await asyncio.sleep(0.2)
                continue
            if reply.status_code < 500:
                return reply
            await asyncio.sleep(0.2)
        raise RuntimeError(f"{path} did not answer.")

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._random.choice(self._ports())}{path}"


async def first_word_by_sdk(api_key: str, base_url: str) -> float:
    """Return the milliseconds that the SDK alone takes to the first word of an answer."""
    async with anthropic.AsyncAnthropic(api_key=api_key, base_url=base_url) as client:
        began = time.perf_counter()
        asked = client.messages.stream(
            model="claude-sonnet-5-5", max_tokens=1024, messages=[{"role": "user", "content": "Hello"}]
        )
        async with asked as stream:
            await anext(aiter(stream.text_stream))
            return (time.perf_counter() - began) * 1000
