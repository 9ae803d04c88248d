"""The sprite: every Lucide icon that a template names, in one static file.

One file that all pages share weighs less than a sprite in each of them: a browser fetches it once and keeps it for good, because its
name carries the hash of its content. Pages refer to it with `<use href="…/icons.svg#i-name">`, which the CSP allows from our own origin.
`manage.py build_icons` writes it; a test fails when a template names an icon that the file lacks.
"""

import re
from functools import cache
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

from django.conf import settings

SPRITE = "img/icons.svg"
_SVG = "{http://www.w3.org/2000/svg}"
_NAMED = re.compile(r"""\{%\s*icon\s+["']([\w-]+)["']""")
_GIVEN = re.compile(r"""\bicon=["']([\w-]+)["']""")


class UnknownIcon(LookupError):
    """A template names an icon that Lucide does not have."""


def named_icons() -> list[str]:
    """Return the names of the icons that the templates use, sorted."""
    texts = [path.read_text(encoding="utf-8") for path in (settings.BASE_DIR / "templates").rglob("*.html")]
    return sorted({name for text in texts for pattern in (_NAMED, _GIVEN) for name in pattern.findall(text)})


def sprite_path() -> Path:
    """Return where the sprite lies in the source tree."""
    return settings.BASE_DIR / "static" / SPRITE


def build_sprite() -> str:
    """Return the sprite for the icons in use. Raises UnknownIcon."""
    symbols = [f'<symbol id="i-{name}" viewBox="0 0 24 24">{_shapes(name)}</symbol>' for name in named_icons()]
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', *symbols, "</svg>", ""])


def _shapes(name: str) -> str:
    """Return an icon's shapes without the frame around them: colour and stroke come from the page."""
    try:
        root = ElementTree.fromstring(_lucide().read(f"{name}.svg"))  # noqa: S314  our own pinned package
    except KeyError as error:
        raise UnknownIcon(f"Lucide has no icon called {name!r}.") from error
    for shape in root.iter():
        shape.tag = str(shape.tag).removeprefix(_SVG)
        shape.tail = None
    return "".join(ElementTree.tostring(shape, encoding="unicode") for shape in root)


@cache
def _lucide() -> ZipFile:
    return ZipFile((resources.files("lucide") / "lucide.zip").open("rb"))
