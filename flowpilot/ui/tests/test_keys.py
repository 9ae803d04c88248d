"""The list of keys says what the pages have, and nothing else."""

import re

from django.conf import settings

_BOUND = re.compile(r"""(?:aria-keyshortcuts|data-key|data-go)="([^"]+)\"""")
_NAMED = re.compile(r'data-names="([^"]+)"')
_OF_THE_SCRIPT = {"g", "j", "k", "?"}  # keys.js knows them without an element


def test_the_list_of_keys_is_that_of_the_pages():
    folder = settings.BASE_DIR / "templates"
    texts = [path.read_text() for path in folder.rglob("*.html")]
    bound = {key for text in texts for keys in _BOUND.findall(text) for key in keys.split()}
    bound = {key for key in bound if not {"{", "}"} & set(key) and key != "forloop.counter"} | _OF_THE_SCRIPT

    named = {key for keys in _NAMED.findall((folder / "_shortcuts.html").read_text()) for key in keys.split()}
    assert named - set("3456789") == bound
