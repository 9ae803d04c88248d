"""Answers on their way to the browsers that watch them. What counts is in PostgreSQL; this is only quick and forgetful."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True)
class Glimpse:
    """An answer as far as it has come: all its visible text, under the claim that writes it."""

    epoch: int
    text: str
    is_done: bool


@dataclass
class _Channel:
    epoch: int = 0
    pieces: list[str] = field(default_factory=list)
    is_done: bool = False
    version: int = 0
    watchers: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def move(self) -> None:
        """Wake every watcher; one that is busy sees by the version that it missed something."""
        self.version += 1
        moved, self.moved = self.moved, asyncio.Event()
        moved.set()


class MemoryRelay:
    """The relay of one process: the worker runs on the same loop as the streams. A key is (account, turn)."""

    def __init__(self, *, kept_after_end: float = 60) -> None:
        self._kept_after_end = kept_after_end  # seconds, for a browser that is a moment late
        self._channels: dict[tuple[UUID, UUID], _Channel] = {}

    def begin(self, key: tuple[UUID, UUID], epoch: int) -> None:
        """Start a turn's channel anew under a higher epoch; watchers start their bubble anew."""
        channel = self._channels.setdefault(key, _Channel())
        if epoch < channel.epoch:
            return  # the worker was overtaken between its claim and this
        channel.epoch, channel.pieces, channel.is_done = epoch, [], False
        channel.move()

    def publish(self, key: tuple[UUID, UUID], epoch: int, piece: str) -> None:
        """Append text; ignored from a claim that was overtaken."""
        channel = self._channels.get(key)
        if channel and channel.epoch == epoch:
            channel.pieces.append(piece)
            channel.move()

    def finish(self, key: tuple[UUID, UUID], epoch: int) -> None:
        """Tell the watchers that the result is in the database, and forget the text a minute later."""
        channel = self._channels.get(key)
        if channel and channel.epoch == epoch:
            channel.is_done = True
            channel.move()
            asyncio.get_running_loop().call_later(self._kept_after_end, self._forget, key, epoch)

    async def watch(self, key: tuple[UUID, UUID], *, every: float) -> AsyncIterator[Glimpse | None]:
        """Yield the answer whenever it has grown, and None when nothing moved for `every` seconds."""
        channel = self._channels.setdefault(key, _Channel())
        channel.watchers += 1
        try:
            async for glimpse in self._follow(channel, every):
                yield glimpse
        finally:
            channel.watchers -= 1
            if not channel.epoch and not channel.watchers:  # nobody ever wrote here
                self._channels.pop(key, None)

    async def _follow(self, channel: _Channel, every: float) -> AsyncIterator[Glimpse | None]:
        seen = 0
        while not (channel.is_done and channel.version == seen):
            if channel.version != seen:
                seen = channel.version
                yield Glimpse(channel.epoch, "".join(channel.pieces), channel.is_done)
                continue
            try:
                await asyncio.wait_for(channel.moved.wait(), every)
            except TimeoutError:
                yield None

    def _forget(self, key: tuple[UUID, UUID], epoch: int) -> None:
        channel = self._channels.get(key)
        if channel and channel.epoch == epoch:
            del self._channels[key]
