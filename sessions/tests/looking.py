"""Looking at a page as its readers do: in every width and both themes, without opening it anew."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

# Each width is looked at whole; the other theme differs in colours only, which the two ends of the scale have between them.
WHOLE = [(1440, "dark"), (1024, "light"), (390, "dark")]
COLOURS = [(1440, "light"), (390, "light")]
_ONLY_COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
_axe = Axe()


def settled(page: Page) -> None:
    """Wait until a page has what it asked for. Not until nothing is asked: a session's page listens as long as it is open."""
    page.wait_for_load_state("load")
    expect(page.locator(".htmx-request:visible, [aria-busy=true]:visible")).to_have_count(0)


def wrongs(page: Page, state: str) -> list[str]:
    """Return what axe-core finds in a state, and where it scrolls sideways; the page is as wide as before afterwards."""
    page.emulate_media(reduced_motion="reduce")  # colours do not fade: nothing to wait for
    before, found = page.viewport_size, []
    for width, theme in [*WHOLE, *COLOURS]:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
        where = f"{state} at {width}, {theme}"
        options = _ONLY_COLOURS if (width, theme) in COLOURS else {}
        found += [
            f"{where}: {each['id']}: {each['nodes'][0]['html'][:160]} {each['nodes'][0].get('failureSummary', '')[:200]}"
            for each in _axe.run(page, options=options).response["violations"]
        ]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{where}: scrolls sideways")
    page.set_viewport_size(before or {"width": 1440, "height": 900})
    page.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
    return found
