"""Rules of the house that no single test of a part would notice."""

import ast
import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from flowpilot.accounts.owned import AccountOwned
from flowpilot.admin.urls import NOT_IN_THE_ADMIN, site
from flowpilot.tests.processes import run_python

# Imports point to the left or stay at home; what is in none of these (settings, URLs, commands, the demo) may import all of them.
LAYERS = [
    {"flowpilot.errors", "flowpilot.postgres"},
    {"flowpilot.replies", "flowpilot.ui"},
    {"flowpilot.accounts"},
    {"flowpilot.providers"},
    {"flowpilot.flows", "flowpilot.scripts", "psa"},
    {"sessions"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
OUTSIDE = {"httpx", "anthropic", "google"}
SET_FOR_LONGER = re.compile(r"set_config\([^)]*,\s*false\s*\)|\bSET\s+(SESSION\s+)?app\.", re.IGNORECASE)
INLINE = re.compile(r"<style|\sstyle\s*=|\son[a-z]+\s*=|hx-on|\|\s*safe\b|javascript:|autoescape\s+off", re.IGNORECASE)


@cache
def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    ).stdout
    return [path for name in listed.split("\0") if name and (path := settings.BASE_DIR / name).exists()]


def _product() -> list[Path]:
    """Return the modules that run in production."""
    return [
        path for path in _tracked("*.py") if not {"tests", "testing"} & set(path.parts) and path.name != "conftest.py"
    ]


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def _part(module: str) -> str:
    names = module.split(".")
    return ".".join(names[:2]) if names[0] == "flowpilot" else names[0]


def _module(path: Path) -> str:
    return ".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts)


def _ours(module: str) -> bool:
    return module.split(".")[0] in {"flowpilot", "psa", "sessions"}


@pytest.mark.parametrize("part", sorted(LEVEL))
def test_imports_point_one_way(part):
    wrong = {
        f"{_module(path)} imports {module}"
        for path in _product()
        if _part(_module(path)) == part
        for module in _imports(path)
        if _ours(module) and _part(module) != part and LEVEL.get(_part(module), len(LAYERS)) >= LEVEL[part]
    }

    assert wrong == set()


def test_only_providers_know_the_outside():
    knowing = {_part(_module(path)) for path in _product() if OUTSIDE & {name.split(".")[0] for name in _imports(path)}}

    assert knowing <= {"flowpilot.providers"}


def test_only_one_module_touches_the_cache():
    touching = {_module(path) for path in _product() if any("django.core.cache" in name for name in _imports(path))}

    assert touching == {"flowpilot.accounts.caching"}


def test_starting_the_web_loads_no_ai_library():
    loading = (
        "import sys, flowpilot.asgi, flowpilot.urls;"
        "print([name for name in ('anthropic', 'google.genai') if name in sys.modules])"
    )

    done = run_python("-c", loading)

    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_no_account_is_set_for_longer_than_a_transaction():
    assert [
        path.name
        for path in _tracked("*.py", "*.sql")
        if path != Path(__file__) and SET_FOR_LONGER.search(path.read_text())
    ] == []


@pytest.mark.parametrize("path", _tracked("*.html"), ids=lambda path: path.name)
def test_a_template_holds_nothing_inline(path):
    assert INLINE.findall(path.read_text()) == []


@pytest.mark.parametrize("path", _tracked("*.html"), ids=lambda path: path.name)
def test_a_template_has_scripts_by_address_and_nonce_only(path):
    tags = re.findall(r"<script[^>]*>", path.read_text())

    assert all("src=" in tag and "nonce=" in tag for tag in tags)


def test_every_tenant_model_is_in_the_admin_or_named_with_a_reason():
    tenants = {model.__name__ for model in apps.get_models() if issubclass(model, AccountOwned)}
    registered = {model.__name__ for model in site._registry}

    assert tenants - registered == NOT_IN_THE_ADMIN.keys()


def test_every_locked_package_has_its_hash():
    entries = re.findall(r"^[a-z0-9].*(?:\n[ \t].*)*", _lock(), re.MULTILINE | re.IGNORECASE)

    assert entries
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_the_lock_names_no_index():
    assert re.findall(r"://|--(?:extra-)?index|--find-links|--trusted-host", _lock()) == []


def test_run_may_be_executed():
    assert os.access(settings.BASE_DIR / "run", os.X_OK)


def _lock() -> str:
    return (settings.BASE_DIR / "requirements.lock").read_text()
