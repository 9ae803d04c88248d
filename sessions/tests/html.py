"""Comparing what a reply brings with what a page shows."""

import re


def squeeze(html):
    """What two renderings have in common: neither the keys of forms nor needless space."""
    html = re.sub(r'name="(client_key|csrfmiddlewaretoken)"([^>]*)value="[^"]*"', r'name="\1"\2', html)
    return " ".join(html.split())


def element(html, element_id):
    """The element with this id, as it stands in a page or a reply. It holds none of its own kind."""
    tag = re.search(rf'<(\w+)[^>]* id="{element_id}"', html)
    assert tag, f"no #{element_id}"
    found = re.search(rf'<{tag[1]}[^>]* id="{element_id}".*?</{tag[1]}>', html, re.DOTALL)
    return squeeze(found[0])


def swapped(html, target):
    """What a reply puts into or in place of an element."""
    found = re.search(rf'<hx-partial hx-target="#{target}"[^>]*>(.*?)</hx-partial>', html, re.DOTALL)
    assert found, f"nothing for #{target}"
    return squeeze(found[1])
