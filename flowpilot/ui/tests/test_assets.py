"""What is served as it lies: the sprite, the vendored scripts, and what the CSP asks of templates and styles."""

import hashlib
import re
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.contrib.staticfiles.finders import find
from django.core.management import call_command

from flowpilot.ui import icons

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
FORBIDDEN = {
    "an inline style": re.compile(r"\sstyle\s*="),
    "an inline handler": re.compile(r"\son\w+\s*=|hx-on\b", re.IGNORECASE),
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE),
    "something that needs eval": re.compile(
        r"""hx-(vals|headers)[^=]*=["'](js|javascript):|hx-trigger=["'][^"']*\w\["""
    ),
}


def test_sprite_has_every_icon_that_a_template_names():
    drawn = {
        symbol.get("id") for symbol in ElementTree.parse(icons.sprite_path()).iter("{http://www.w3.org/2000/svg}symbol")
    }

    missing = {f"i-{name}" for name in icons.named_icons()} - drawn
    assert not missing, f"run `manage.py build_icons`: {sorted(missing)}"


def test_build_sprite_leaves_colour_and_stroke_to_the_page():
    assert "stroke=" not in icons.build_sprite()


def test_build_sprite_refuses_an_unknown_name(monkeypatch):
    monkeypatch.setattr(icons, "named_icons", lambda: ["no-such-icon"])

    with pytest.raises(icons.UnknownIcon, match="no-such-icon"):
        icons.build_sprite()


def test_vendored_files_are_the_ones_written_down():
    folder = settings.BASE_DIR / "static" / "vendor"
    sums = re.findall(r"^ +([0-9a-f]{64})  (\S+)$", (folder / "README.md").read_text(), re.MULTILINE)

    assert len(sums) == 2
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == known for known, name in sums)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template_keeps_to_the_content_security_policy(path):
    text = path.read_text(encoding="utf-8")

    assert [what for what, pattern in FORBIDDEN.items() if pattern.search(text)] == []


def test_every_static_file_a_template_names_exists():
    named = {
        name
        for path in TEMPLATES
        for name in re.findall(r"{% static ['\"]([^'\"]+)['\"]", path.read_text(encoding="utf-8"))
    }

    assert [name for name in sorted(named) if find(name) is None] == []


def test_collectstatic_resolves_every_reference(tmp_path, settings):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

    call_command("collectstatic", interactive=False, verbosity=0)

    sheet = next(tmp_path.glob("css/product.*.css")).read_text()
    assert re.search(r'url\("?\.\./img/copy\.[0-9a-f]{12}\.svg', sheet)
