"""Markdown from people and models, as HTML that can do nothing: no raw HTML, no media, an allow-list behind the renderer.

Callers put the result inside `<div hx-ignore>`, so that even an attribute that slipped through would mean nothing to htmx.
This is the only module of the product that marks a string as safe.
"""

import re
from functools import cache

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

# A renderer's work is not linear in hostile input; above these, text is shown as it was typed.
MOST_BYTES, MOST_BRACKETS, DEEPEST, MOST_FENCES, MOST_CELLS = 32_000, 2_000, 50, 200, 5_000
MOST_HIGHLIGHTED, LONGEST_LINE = 16_000, 1_000  # of one code block; beyond, it keeps its text and loses its colours
# What technicians paste and models write: the name that is shown, and Pygments' own. A lexer that is not here is never loaded.
_LANGUAGES = {
    "bash": ("Bash", "bash"), "bat": ("Batch", "bat"), "batch": ("Batch", "bat"), "cmd": ("Batch", "bat"), "console": ("Console", "console"),
    "css": ("CSS", "css"), "diff": ("Diff", "diff"), "html": ("HTML", "html"), "http": ("HTTP", "http"), "ini": ("INI", "ini"),
    "javascript": ("JavaScript", "js"), "js": ("JavaScript", "js"), "json": ("JSON", "json"), "powershell": ("PowerShell", "powershell"),
    "ps1": ("PowerShell", "powershell"), "pwsh": ("PowerShell", "powershell"), "py": ("Python", "python"), "python": ("Python", "python"),
    "reg": ("Registry", "registry"), "sh": ("Shell", "bash"), "shell": ("Shell", "bash"), "sql": ("SQL", "sql"), "toml": ("TOML", "toml"),
    "xml": ("XML", "xml"), "yaml": ("YAML", "yaml"), "yml": ("YAML", "yaml"), "zsh": ("Zsh", "bash"),
}  # fmt: skip
_TAGS = {
    "p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "h2", "h3", "h4", "h5", "h6",
    "table", "thead", "tbody", "tr", "th", "td", "div", "header", "span", "button",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "pre": {"tabindex", "role", "aria-label"},
    "button": {"type", "data-copy"},
}
_CODE_CLASSES = {
    "k", "kd", "kr", "ow", "s", "s1", "s2", "sb", "nv", "nt", "p-v", "m", "mi", "kc", "nl", "nb", "nf", "nc", "kt", "c", "c1", "cm", "ch",
}  # fmt: skip
_CLASSES = {
    "div": {"code"},
    "span": _CODE_CLASSES | {"end"},
    "button": {"btn", "ghost", "sm"},
    "th": {"r"},
    "td": {"r"},
}
_LINK = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
# Characters that reorder or hide what follows them, so that a command reads otherwise than it runs: shown by their number.
_DECEIVING = re.compile("[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_MARK = re.compile(r"^[ \t]*(?:(?:>|[-*+]|\d{1,9}[.)])[ \t]*)+")
_BULLET = re.compile(r">|[-*+](?=[ \t]|$)|\d{1,9}[.)](?=[ \t]|$)")
_RULE = frozenset(" \t>|:-")  # what the line under a table's head is made of
_FENCE = re.compile(r"^[ \t>]*(?:`{3,}|~{3,})", re.MULTILINE)


def render(text: object) -> SafeString:
    """Return markdown as safe HTML; what is too large or too deep comes back as it was typed."""
    said = _readable(str(text or ""))
    tokens = _renderer().parse(said) if _is_tame(said) else None
    if tokens is None or _is_cut(tokens):
        return format_html('<pre class="said">{}</pre>', said)
    for token in tokens:
        _fit(token)
    renderer = _renderer()
    html = nh3.clean(
        renderer.renderer.render(tokens, renderer.options, {}),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        allowed_classes=_CLASSES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        generic_attribute_prefixes=set(),
    )
    return mark_safe(html)  # noqa: S308  nh3 has cleaned it


def highlight(code: object, lexer: str) -> SafeString:
    """Return code as HTML with the colours of its language; what hides or reorders text is shown by its number."""
    return mark_safe(_highlighted(_readable(str(code)), lexer))  # noqa: S308  every piece is escaped


def _readable(text: str) -> str:
    """Return text without half characters, which nothing downstream can encode, and with nothing hidden in it."""
    whole = text.encode("utf-8", "replace").decode()
    return _DECEIVING.sub(lambda found: f"[U+{ord(found[0]):04X}]", whole)


def _is_tame(text: str) -> bool:
    """Tell whether rendering costs little. Checks only what is cheap to count."""
    if len(text.encode()) > MOST_BYTES or text.count("[") + text.count("]") > MOST_BRACKETS:
        return False
    if len(_FENCE.findall(text)) > MOST_FENCES:
        return False
    lines = text.splitlines()
    return all(_depth(line) <= DEEPEST for line in lines) and _columns(lines) * len(lines) <= MOST_CELLS


def _columns(lines: list[str]) -> int:
    """Return the width of the widest table: short rows are filled up to it, so few characters can ask for many cells."""
    return max((line.count("|") + 1 for line in lines if _RULE.issuperset(line)), default=0)


def _depth(line: str) -> int:
    mark = _MARK.match(line)
    return len(_BULLET.findall(mark[0])) if mark else 0


def _is_cut(tokens: list[Token]) -> bool:
    """Tell whether the parser met its limit, behind which it drops text."""
    return any(
        token.level >= DEEPEST - 1 or any(t.level >= DEEPEST - 1 for t in token.children or ()) for token in tokens
    )


def _fit(token: Token) -> None:
    """Make a token fit a page: the page has the only h1, and numbers align by class because a style would be refused."""
    if token.tag == "h1":
        token.tag = "h2"
    if token.type in {"th_open", "td_open"} and str(token.attrs.pop("style", "")).endswith("right"):
        token.attrs["class"] = "r"


def _leaves(url: str) -> bool:
    """Tell whether a link leaves this site: one into it could ask for something in the reader's name."""
    return bool(_LINK.match(url))


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    return None if tag == "a" and name == "href" and not _leaves(value) else value


@cache
def _renderer() -> MarkdownIt:
    options = {"html": False, "breaks": True, "linkify": False, "maxNesting": DEEPEST}
    renderer = MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable("image")
    renderer.validateLink = _leaves  # type: ignore[method-assign]
    renderer.add_render_rule("fence", _render_code)
    renderer.add_render_rule("code_block", _render_code)
    return renderer


def _render_code(_renderer, tokens, index, _options, _env) -> str:
    token = tokens[index]
    name, lexer = _LANGUAGES.get(next(iter(token.info.split()), "").lower(), ("Text", ""))
    body = _highlighted(token.content, lexer)
    return (
        f'<div class="code"><header>{name}<span class="end">'
        '<button type="button" class="btn ghost sm" data-copy="code">Copy</button></span></header>'
        f'<pre tabindex="0" role="group" aria-label="{name} code">{body}</pre></div>\n'
    )


def _highlighted(code: str, lexer: str) -> str:
    """Return code as HTML, with a span for each piece that the styles colour."""
    if not lexer or len(code) > MOST_HIGHLIGHTED or max(map(len, code.splitlines()), default=0) > LONGEST_LINE:
        return str(escape(code))
    pieces = ((STANDARD_TYPES.get(kind, ""), escape(words)) for kind, words in _lexer(lexer).get_tokens(code))
    return "".join(f'<span class="{name}">{words}</span>' if name in _CODE_CLASSES else words for name, words in pieces)


@cache
def _lexer(name: str) -> Lexer:
    return get_lexer_by_name(name, stripnl=False, ensurenl=False)
