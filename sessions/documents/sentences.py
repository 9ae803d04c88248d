"""A document as data: sections of sentences, and each sentence with the items it rests on."""

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

EDIT = "edit"  # the source of what a person wrote, or chose to keep
LINE, BULLET, STEP = "line", "bullet", "step"
_STARTS = re.compile(r"[#>+=|-]|\*[ *]|[_~]{3}|`{3}|\[[^\]]*\]:|[*_ ]+$")  # what begins a block in markdown


@dataclass(frozen=True)
class Sentence:
    """One sentence and the ids of the items it rests on. Without a source it is unsupported, and is not posted unless kept."""

    text: str
    sources: tuple[str, ...] = ()
    shape: str = LINE

    @property
    def is_supported(self) -> bool:
        return bool(self.sources)

    @property
    def words(self) -> str:
        """Its text as markdown: it starts no heading, list, quote or code block of the note; code marks stay."""
        text = " ".join(self.text.split())
        if _STARTS.match(text):
            return "\\" + text
        number, dot, rest = text.partition(". ")
        return f"{number}\\. {rest}" if dot and number.isdecimal() else text

    @property
    def key(self) -> str:
        """What names it in a form."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it. The only section of a plain text has no title."""

    key: str
    title: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class Document:
    """One reading of a session."""

    sections: tuple[Section, ...]

    @property
    def sentences(self) -> list[Sentence]:
        return [sentence for section in self.sections for sentence in section.sentences]

    @property
    def unsupported(self) -> list[Sentence]:
        return [sentence for sentence in self.sentences if not sentence.is_supported]

    @property
    def markdown(self) -> str:
        """What is posted: every sentence that has a source."""
        return _markdown(self.sections, are_unsupported_told=False)

    @property
    def editable(self) -> str:
        """What a person edits: every sentence, whether it has a source or not."""
        return _markdown(self.sections, are_unsupported_told=True)


def section(key: str, title: str, sentences: Iterable[Sentence]) -> Section:
    """Return a section without the sentences that say nothing."""
    return Section(key, title, tuple(sentence for sentence in sentences if sentence.text))


def checked(document: Document, known: Collection[str]) -> Document:
    """Return the document with those sources only that exist; a sentence may so become unsupported."""
    there = {*known, EDIT}
    return _each(document, lambda each: replace(each, sources=tuple(ref for ref in each.sources if ref in there)))


def supported(document: Document) -> Document:
    """Return the document without what has no source."""
    sections = (
        replace(each, sentences=tuple(s for s in each.sentences if s.is_supported)) for each in document.sections
    )
    return Document(tuple(each for each in sections if each.sentences))


def without(document: Document, key: str) -> Document:
    """Return the document without one of its sections."""
    return Document(tuple(each for each in document.sections if each.key != key))


def keep(document: Document, key: str) -> Document:
    """Return the document with an unsupported sentence kept: it now stands in the name of whoever kept it."""

    def kept(sentence: Sentence) -> Sentence:
        is_meant = sentence.key == key and not sentence.is_supported
        return replace(sentence, sources=(EDIT,)) if is_meant else sentence

    return _each(document, kept)


def from_markdown(text: str, known: Document) -> Document:
    """Read what a person edited. A line that the document had before keeps its sources, any other is the person's own."""
    titles = {each.title: each.key for each in known.sections}
    before: dict[tuple[str, str], list[Sentence]] = {}  # by section and words: the same words may stand there twice
    for each in known.sections:
        for sentence in each.sentences:
            before.setdefault((each.key, sentence.words), []).append(sentence)
    anywhere = {each.words: each for each in known.sentences}
    found: list[tuple[str, str, list[Sentence]]] = []
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("## "):
            title = line[3:].strip()
            found.append((titles.get(title, _slug(title)), title, []))
        elif line:
            if not found:
                found.append(("", "", []) if "" not in titles else (titles[""], "", []))
            words, shape = _read(line)
            same = before.get((found[-1][0], words))
            kept = same.pop(0) if same else anywhere.get(words)
            sentence = replace(kept, shape=shape) if kept else Sentence(_unescaped(words), (EDIT,), shape)
            found[-1][2].append(sentence)
    return Document(tuple(Section(key, title, tuple(sentences)) for key, title, sentences in found))


def merged(edited: Document, base: Sequence[str], built: Document) -> Document:
    """Return what the state makes now, with what a person changed in it: their own sentences stand, what they took out stays out.

    `base` is the sentences that the state made when they edited.
    """
    gone = set(base) - {sentence.text for sentence in edited.sentences}
    own = {each.key: [s for s in each.sentences if EDIT in s.sources] for each in edited.sections}
    sections = []
    for each in built.sections:
        kept = tuple(sentence for sentence in each.sentences if sentence.text not in gone)
        sections.append(replace(each, sentences=(*kept, *own.pop(each.key, ()))))
    extra = [replace(each, sentences=tuple(own[each.key])) for each in edited.sections if own.get(each.key)]
    return Document(tuple(each for each in (*sections, *extra) if each.sentences))


def difference(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what came and what went between two states of a document, sentence by sentence."""
    return [line for line in after if line not in before], [line for line in before if line not in after]


def lines(markdown: str) -> list[str]:
    """Return the sentences of a markdown text as it was shown, without headings and list marks."""
    stripped = (line.strip() for line in markdown.splitlines())
    return [_unescaped(_read(line)[0]) for line in stripped if line and not line.startswith("## ")]


def to_json(document: Document) -> list[dict[str, Any]]:
    """Return the document as it is kept."""
    return [
        {
            "key": each.key,
            "title": each.title,
            "sentences": [{"text": s.text, "sources": list(s.sources), "shape": s.shape} for s in each.sentences],
        }
        for each in document.sections
    ]


def from_json(data: list[dict[str, Any]]) -> Document:
    """Read a document that was kept."""
    return Document(
        tuple(
            Section(
                each["key"],
                each["title"],
                tuple(Sentence(s["text"], tuple(s["sources"]), s["shape"]) for s in each["sentences"]),
            )
            for each in data
        )
    )


def _each(document: Document, change) -> Document:
    return Document(tuple(replace(each, sentences=tuple(map(change, each.sentences))) for each in document.sections))


def _markdown(sections: Iterable[Section], *, are_unsupported_told: bool) -> str:
    parts = []
    for each in sections:
        told = [s for s in each.sentences if s.is_supported or are_unsupported_told]
        if not told:
            continue
        body = _body(told)
        parts.append(f"## {each.title}\n\n{body}" if each.title else body)
    return "\n\n".join(parts)


def _body(sentences: Sequence[Sentence]) -> str:
    """Lists stand apart from lines; every sentence has a line of its own."""
    told = ""
    step = 0
    shape = ""
    for sentence in sentences:
        step = step + 1 if sentence.shape == STEP else 0
        mark = {BULLET: "- ", STEP: f"{step}. "}.get(sentence.shape, "")
        gap = "" if not told else "\n" if sentence.shape == shape else "\n\n"
        told, shape = f"{told}{gap}{mark}{sentence.words}", sentence.shape
    return told


def _unescaped(words: str) -> str:
    if words[:1] == "\\" and _STARTS.match(words[1:]):
        return words[1:]
    number, dot, rest = words.partition("\\. ")
    return f"{number}. {rest}" if dot and number.isdecimal() else words


def _read(line: str) -> tuple[str, str]:
    """Return a line's words as they are shown, and its shape."""
    if line[:2] in {"- ", "* ", "+ "}:
        return line[2:].strip(), BULLET
    number, dot, rest = line.partition(". ")
    if dot and number.isdecimal() and rest.strip():
        return rest.strip(), STEP
    return line, LINE


def _slug(title: str) -> str:
    return "-".join(title.lower().split())[:40]
