"""The sprite: every Lucide icon that a template names, in one static file that all pages share and browsers keep."""

import re
from pathlib import Path
from xml.etree import ElementTree

import lucide
from django.conf import settings

SPRITE = "img/icons.svg"
_NAMED = re.compile(r"""\{%\s*icon\s+"([\w-]+)\"""")
_GIVEN = re.compile(r"""icon="([\w-]+)\"""")
_XML = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


def named_icons() -> list[str]:
    """Return the names of the icons that the templates use, sorted."""
    texts = [path.read_text(encoding="utf-8") for path in (settings.BASE_DIR / "templates").rglob("*.html")]
    return sorted({name for text in texts for pattern in (_NAMED, _GIVEN) for name in pattern.findall(text)} | {"copy"})


def sprite_path() -> Path:
    """Return where the sprite lies in the source tree."""
    return settings.BASE_DIR / "static" / SPRITE


def build_sprite() -> str:
    """Return the sprite's SVG for the icons in use."""
    symbols = [f'<symbol id="i-{name}" viewBox="0 0 24 24">{_inner(name)}</symbol>' for name in named_icons()]
    return '<svg xmlns="http://www.w3.org/2000/svg">' + "".join(symbols) + "</svg>\n"


def _inner(name: str) -> str:
    drawn = ElementTree.tostring(lucide._load_icon(name), encoding="unicode")  # noqa: SLF001
    found = _XML.search(drawn)
    return " ".join(found[1].split()) if found else ""
