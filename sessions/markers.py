"""The structure in an answer, read from the stream (`MarkerParser`) or from the whole (`parse`). Pure; linear in its input.

A marker is `[NAME]`, a body and `[/NAME]`, beginning on a line of its own. What is what:

- A known name at the start of a line opens a marker. It ends at the first close of its name; where a line inside it opens another known
  marker, it was left unclosed. Its text is never shown: malformed, unclosed or oversized, it is dropped and reported.
- An unknown marker is any other `[UPPER_CASE]` of at least three letters at the start of a line whose own close follows before a blank line,
  a line that starts with another tag or a code fence. It is dropped and reported. Without that close (`[ERROR] disk full`) it is text.
- A known marker that opens in the middle of a line and closes on it is dropped and reported: it does not stand on a line of its own.
  Left open there, or right after a backtick, it is text. A known close without its opening is dropped and reported.
- Whatever stands in a code fence is text.
- The line of a dropped or read marker goes with it, and of the blank lines around it one stays.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sessions.marker_shapes import Action, Data, Promotion, Question, SuggestFix, read_body

KNOWN = ("QUESTIONS", "ACTIONS", "PROMOTE", "SUGGEST_FIX", "TITLE")
MOST_CHARS = 32_000  # in a marker's body

_ANY_KNOWN = "|".join(KNOWN)
_HEAD = re.compile(
    r"[ \t]{0,80}(?:\[(?P<slash>/?)(?P<name>[A-Z][A-Z_]{2,39})\]|(?P<blank>\r?\n)"
    r"|(?:(?:[-*+]|\d{1,3}[.)])[ \t]{1,80})?(?P<fence>`{3,80}|~{3,80}))"
)
_HEAD_UNDECIDED = re.compile(
    r"[ \t]{0,80}(?:\[/?[A-Z_]{0,40}|(?:(?:[-*+]|\d{1,3}[.)])[ \t]{0,80}|\d{1,3})?(?:`{1,80}|~{1,80})?)?\r?"
)
_PLAIN_LINES = re.compile(r"(?:(?:[^\s\[`~*+0-9-][^\[\n]*)?\n)+")
_KNOWN_OR_EOL = re.compile(rf"\n|\[(?P<slash>/?)(?P<name>{_ANY_KNOWN})\]")
_CLOSE_OR_EOL = re.compile(r"\n|\[/(?P<name>[A-Z][A-Z_]{2,39})\]")
_PART_OF_TAG = re.compile(r"\[/?[A-Z_]{0,40}")
_FENCE_END = re.compile(r"[ \t]{0,80}(`{3,80}|~{3,80})[ \t]{0,80}\r?\n")
_FENCE_END_UNDECIDED = re.compile(r"[ \t]{0,80}(?:`{0,80}|~{0,80})[ \t]{0,80}\r?")


@dataclass(frozen=True)
class Text:
    """Text to show."""

    text: str


@dataclass(frozen=True)
class Marker:
    """A marker that was understood: tuples of Question, Action or Promotion, a SuggestFix, or a title's text."""

    name: str
    data: Data


@dataclass(frozen=True)
class InvalidMarker:
    """A marker that was dropped. The reason names the marker and what was wrong, never its content."""

    reason: str


Event = Text | Marker | InvalidMarker


@dataclass(frozen=True)
class Parsed:
    """A whole answer: its text and the last marker of each kind."""

    text: str = ""
    questions: tuple[Question, ...] = ()
    actions: tuple[Action, ...] = ()
    facts: tuple[Promotion, ...] = ()
    fix: SuggestFix | None = None
    title: str = ""
    invalid_count: int = 0


def parse(answer: str) -> list[Event]:
    """Return the events of a whole answer."""
    parser = MarkerParser()
    return [*parser.feed(answer), *parser.close()]


def collect(events: Iterable[Event]) -> Parsed:
    """Sum events up: text without its outer blank lines, and of several markers of a kind the last."""
    texts, latest, invalid = [], {}, 0
    for event in events:
        match event:
            case Text(text):
                texts.append(text)
            case Marker(name, data):
                latest[_FIELDS[name]] = data
            case InvalidMarker():
                invalid += 1
    return Parsed(text="".join(texts).strip(), invalid_count=invalid, **latest)  # type: ignore[arg-type]


_FIELDS = {"QUESTIONS": "questions", "ACTIONS": "actions", "PROMOTE": "facts", "SUGGEST_FIX": "fix", "TITLE": "title"}


@dataclass
class _Open:
    """A marker, or what may turn out to be one, whose close has not come yet. `raw` is its opening as it was written."""

    name: str
    raw: str
    is_inline: bool = False
    is_oversized: bool = False
    size: int = 0

    def __post_init__(self) -> None:
        self.parts: list[str] = []

    @property
    def is_marker(self) -> bool:
        """Whether it is dropped even if no close comes."""
        return self.name in KNOWN and not self.is_inline


class _Output:
    """Collects events, joins neighbouring text, and takes away the blank lines that markers leave behind."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._texts: list[str] = []
        self._newlines = 2  # at the end of what was shown; the start counts as after a blank line
        self._is_after_marker = False
        self.is_on_marker_line = False
        self.last = ""

    def text(self, text: str) -> None:
        if not text:
            return
        self._texts.append(text)
        self.last = text[-1]
        blank = len(text) - len(text.rstrip())
        self._newlines = (self._newlines if blank == len(text) else 0) + text.count("\n", len(text) - blank)
        self._is_after_marker = self._is_after_marker and blank == len(text)
        self.is_on_marker_line = False

    def blank_line(self, line: str) -> None:
        if self.is_on_marker_line:
            self.is_on_marker_line = False
        elif not (self._is_after_marker and self._newlines > 1):
            self.text(line)

    def event(self, event: Marker | InvalidMarker, *, is_line_gone: bool = True) -> None:
        self._flush()
        self._events.append(event)
        if is_line_gone:
            self._is_after_marker = self.is_on_marker_line = True

    def take(self) -> list[Event]:
        self._flush()
        events, self._events = self._events, []
        return events

    @property
    def is_plain(self) -> bool:
        return not self._is_after_marker

    def _flush(self) -> None:
        if self._texts:
            self._events.append(Text("".join(self._texts)))
            self._texts = []


class MarkerParser:
    """Reads one answer as it streams. Text comes out at once; what may be a marker is withheld until that is known."""

    def __init__(self) -> None:
        self._out = _Output()
        self._held = ""
        self._open: _Open | None = None
        self._fence = ""
        self._is_final = False
        self._step = self._line_start

    def feed(self, chunk: str) -> list[Event]:
        """Take the next piece of the answer; return what it decided."""
        self._run(chunk)
        return self._out.take()

    def close(self) -> list[Event]:
        """End the answer; return what was still open. Nothing may be fed afterwards."""
        self._is_final = True
        self._run("")
        if self._open and self._open.is_marker:
            self._drop("not closed")
        elif self._open:
            self._release()
        return self._out.take()

    def _run(self, chunk: str) -> None:
        """Take steps until the data ends or more is needed. A step returns where it came to, or None to wait."""
        data, at = self._held + chunk, 0
        self._held = ""
        while at < len(data):
            end = self._step(data, at)
            if end is None:
                self._held = data[at:]
                return
            at = end
            if self._held:  # the tail of released text belongs to what follows
                data, at, self._held = self._held + data[at:], 0, ""

    def _line_start(self, data: str, at: int) -> int | None:
        if self._out.is_plain and (plain := _PLAIN_LINES.match(data, at)):
            self._out.text(plain.group())
            return plain.end()
        if self._must_wait(_HEAD_UNDECIDED, data, at):
            return None
        head = _HEAD.match(data, at)
        if head and head["blank"]:
            self._out.blank_line(head.group())
            return head.end()
        if head and head["fence"]:
            self._out.text(head.group())
            self._fence = head["fence"]
            self._step = self._fence_opening
            return head.end()
        if head and head["name"] and not head["slash"]:
            self._begin(_Open(head["name"], head.group()))
            return head.end()
        if head and head["name"] in KNOWN:
            self._out.event(InvalidMarker(f"{head['name']}: not opened"))
            return head.end()
        self._step = self._inside_line
        while self._out.is_on_marker_line and at < len(data) and data[at] in " \t":
            at += 1
        return at

    def _inside_line(self, data: str, at: int) -> int | None:
        found = _KNOWN_OR_EOL.search(data, at)
        if found is None:
            end = self._safe_end(data, at)
            self._out.text(data[at:end])
            return end if end > at else None
        if not found["name"]:
            self._out.text(data[at : found.end()])
            self._step = self._line_start
            return found.end()
        self._out.text(data[at : found.start()])
        if self._out.last == "`":
            self._out.text(found.group())
        elif found["slash"]:
            self._out.event(InvalidMarker(f"{found['name']}: not opened"), is_line_gone=False)
        else:
            self._begin(_Open(found["name"], found.group(), is_inline=True))
        return found.end()

    def _fence_opening(self, data: str, at: int) -> int:
        """The rest of the line that opens a fence. It is text either way; a backtick in it makes it inline code."""
        end = data.find("\n", at) + 1 or len(data)
        self._out.text(data[at:end])
        if self._fence.startswith("`") and "`" in data[at:end]:
            self._fence = ""
        if data[end - 1] == "\n":
            self._step = self._fence_line if self._fence else self._line_start
        return end

    def _fence_line(self, data: str, at: int) -> int | None:
        if self._must_wait(_FENCE_END_UNDECIDED, data, at):
            return None
        closing = _FENCE_END.match(data, at)
        if closing and closing[1].startswith(self._fence):
            self._out.text(closing.group())
            self._step = self._line_start
            return closing.end()
        self._step = self._fence_rest
        return at

    def _fence_rest(self, data: str, at: int) -> int:
        end = data.find("\n", at) + 1 or len(data)
        self._out.text(data[at:end])
        if data[end - 1] == "\n":
            self._step = self._fence_line
        return end

    def _begin(self, opened: _Open) -> None:
        self._open = opened
        self._step = self._body

    def _body(self, data: str, at: int) -> int | None:
        """A piece of a marker's body within one line."""
        found = _CLOSE_OR_EOL.search(data, at)
        is_close = bool(found and found["name"] == self._opened.name)
        if found is None:
            end = after = self._safe_end(data, at)
        else:
            end, after = (found.start() if is_close else found.end()), found.end()
        if end == after == at:
            return None
        if not self._keep(data[at:end]):
            return at + self._cut
        if is_close:
            self._finish()
        elif found and not found["name"]:
            if self._opened.is_inline:
                self._release()
                self._step = self._line_start
            else:
                self._step = self._body_line_start
        return after

    def _body_line_start(self, data: str, at: int) -> int | None:
        """A new line inside a body: it may show that this was no marker, or that its close is missing."""
        if self._must_wait(_HEAD_UNDECIDED, data, at):
            return None
        head = _HEAD.match(data, at)
        self._step = self._body
        if head and self._opened.is_marker:
            if head["name"] in KNOWN and not head["slash"]:
                self._drop("not closed")
                self._out.is_on_marker_line = False
                self._step = self._line_start
        elif head and not (head["slash"] and head["name"] == self._opened.name):
            self._release()
            self._step = self._line_start
        return at

    @property
    def _opened(self) -> _Open:
        assert self._open is not None
        return self._open

    def _keep(self, piece: str) -> bool:
        """Add to the body. False where what may have been a marker is too long for one: it was released up to `_cut`."""
        opened = self._opened
        room = MOST_CHARS - opened.size
        opened.size += len(piece)
        if len(piece) <= room:
            opened.parts.append(piece)
            return True
        if opened.is_marker:
            if not opened.is_oversized:
                opened.is_oversized = True
                opened.parts.clear()
            return True
        self._cut = max(room, 0)
        opened.parts.append(piece[: self._cut])
        self._release()
        return False

    def _finish(self) -> None:
        opened = self._opened
        if not opened.is_marker:
            self._drop("not on a line of its own" if opened.is_inline else "unknown")
        elif opened.is_oversized:
            self._drop("too long")
        else:
            try:
                data = read_body(opened.name, "".join(opened.parts))
            except ValueError as error:
                self._drop(str(error))
                return
            self._out.event(Marker(opened.name, data))
            self._open = None
            self._step = self._line_start

    def _drop(self, reason: str) -> None:
        opened = self._opened
        self._out.event(InvalidMarker(f"{opened.name}: {reason}"), is_line_gone=not opened.is_inline)
        self._open = None
        self._step = self._inside_line if opened.is_inline else self._line_start

    def _release(self) -> None:
        """Show what turned out not to be a marker."""
        opened, self._open = self._opened, None
        body = "".join(opened.parts)
        self._step = self._inside_line
        if opened.is_inline:
            self._out.text(opened.raw + body)
        else:
            self._out.text(opened.raw)
            self._run(body)

    def _must_wait(self, undecided: re.Pattern[str], data: str, at: int) -> bool:
        """Whether the data ends before it says what its line is."""
        return not self._is_final and undecided.fullmatch(data, at) is not None

    def _safe_end(self, data: str, at: int) -> int:
        """Where the data ends, or where a tag may begin that it ends in the middle of."""
        start = data.rfind("[", max(at, len(data) - 42))
        if start >= 0 and not self._is_final and _PART_OF_TAG.fullmatch(data, start):
            return start
        return len(data)
