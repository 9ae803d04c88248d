"""Markdown from people and models, as HTML that can do nothing: no raw HTML, no media, an allow-list behind the renderer.

Callers put the result inside `<div hx-ignore>`, so that even an attribute that slipped through would mean nothing to htmx.
"""

from functools import cache

import nh3
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

# Markdown renderers are not linear on hostile input; above these it is shown as plain text.
MOST_BYTES, MOST_BRACKETS, DEEPEST = 32_000, 2_000, 50
_NAMES = {
    "ps1": "PowerShell",
    "powershell": "PowerShell",
    "bash": "Bash",
    "sh": "Shell",
    "cmd": "Command prompt",
    "bat": "Batch",
    "py": "Python",
}
_TAGS = {
    "p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "h1", "h2", "h3", "h4", "h5", "h6",
    "table", "thead", "tbody", "tr", "th", "td", "div", "header", "span", "button",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "pre": {"tabindex", "role", "aria-label"},
    "button": {"type", "data-copy"},
}
_CLASSES = {
    "div": {"code"},
    "span": {"end", *"k kd kr ow s s1 s2 sb nv nt p-v m mi kc nl nb nf nc kt c c1 cm ch".split()},
    "button": {"btn", "ghost", "sm"},
}


def render(text: str) -> SafeString:
    """Return markdown as safe HTML; what is too large or too deep comes back as it was typed."""
    if not _is_tame(text):
        return format_html('<pre class="said">{}</pre>', text)
    html = nh3.clean(
        _renderer().render(text),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        generic_attribute_prefixes=set(),
    )
    return mark_safe(html)  # noqa: S308  the one place; nh3 has cleaned it


def _is_tame(text: str) -> bool:
    deepest = max((len(line) - len(line.lstrip(" \t>*-+")) for line in text.splitlines()), default=0)
    brackets = sum(map(text.count, "[]*_`"))
    return len(text.encode()) <= MOST_BYTES and brackets <= MOST_BRACKETS and deepest <= DEEPEST


@cache
def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False}).enable(
        ["table", "strikethrough"]
    )
    renderer.disable("image")
    renderer.add_render_rule("fence", _render_code)
    renderer.add_render_rule("code_block", _render_code)
    return renderer


def _render_code(_renderer, tokens, index, _options, _env) -> str:
    token = tokens[index]
    language = (token.info or "").split()[0].lower() if token.info.strip() else ""
    name = _NAMES.get(language, language or "Text")
    body = _highlighted(token.content, language)
    return (
        f'<div class="code"><header>{escape(name)}<span class="end"><button type="button" class="btn ghost sm" data-copy="code">Copy</button></span>'
        f'</header><pre tabindex="0" role="group" aria-label="{escape(name)} code">{body}</pre></div>\n'
    )


def _highlighted(code: str, language: str) -> str:
    try:
        lexer = get_lexer_by_name(language) if language else None
    except ClassNotFound:
        lexer = None
    return highlight(code, lexer, HtmlFormatter(nowrap=True)) if lexer else str(escape(code))
