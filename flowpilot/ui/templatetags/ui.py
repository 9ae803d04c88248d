"""The few tags that every page uses: icons, people, priorities, meters, times, markdown."""

import re
import zlib
from datetime import datetime, timedelta

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from flowpilot.ui import markdown as markdown_module
from flowpilot.ui.icons import SPRITE

register = template.Library()
register.filter("markdown", markdown_module.render)
register.filter("code", markdown_module.highlight)
HUES = 12  # product.css has as many: .hue-0 to .hue-11
_PRIORITY_TONES = {1: "red", 2: "amber", 3: "blue"}
_INITIALS = re.compile(r"[A-Z]{2}(?=$|[a-z])")
_WORDS = re.compile(r"[^\W\d_]+")
_BACKTICKS = re.compile(r"`([^`\n]+)`")


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """Draw a Lucide icon; `classes` is "s" for a small one, and may carry more."""
    both = f"i {classes}".strip()
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}#i-{}"/></svg>', both, static(SPRITE), name)


@register.simple_tag
def avatar(person: object, classes: str = "") -> SafeString:
    """Draw a person's initials, from a name or as given; the colour follows the name. `classes` is "big" for a large one."""
    name = str(person or "?").strip()
    letters = "".join(_WORDS.findall(name)).lower()  # so that "J. Ortiz" and ConnectWise's "JOrtiz" are of one colour
    both = f"avatar hue-{zlib.crc32(letters.encode()) % HUES} {classes}".strip()
    return format_html('<span class="{}" aria-hidden="true">{}</span>', both, initials(name))


def initials(name: str) -> str:
    """Return the first letters of the first and the last word; of "JOrtiz", as ConnectWise names members, JO."""
    if _INITIALS.match(name):
        return name[:2].strip()
    words = _WORDS.findall(name) or ["?"]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@register.simple_tag
def pri(priority: object) -> SafeString:
    """Draw a priority: bars, and its number for whoever sees no colour. Takes 2 or "Priority 2 - High"."""
    found = re.search(r"\d", str(priority or ""))
    if not found:
        return format_html('<span class="pri"><span class="sr">{}</span></span>', "No priority")
    number = min(4, max(1, int(found[0])))
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="3" height="{}" rx="1" fill="currentColor" opacity="{}"/>',
        ((1 + i * 4.5, 9 - i * 3, 5 + i * 3, 1 if i < 4 - number or number == 1 else 0.28) for i in range(3)),
    )
    return format_html(
        '<span class="pri" data-tone="{}"><svg width="14" height="14" viewBox="0 0 15 15" aria-hidden="true">{}</svg>'
        '<span><span class="sr">Priority </span><span aria-hidden="true">P</span>{}</span></span>',
        _PRIORITY_TONES.get(number, ""),
        bars,
        number,
    )


@register.simple_tag
def meter(percent: float | None, label: str = "", tone: str = "") -> SafeString:
    """Draw how much of something is done; without a label it only repeats a number beside it."""
    whole = min(100, max(0, round(percent or 0)))
    spoken = (
        format_html('role="img" aria-label="{}: {}%"', label, whole)
        if label
        else format_html('aria-hidden="{}"', "true")
    )
    return format_html(
        '<svg class="bar-meter" data-tone="{}" preserveAspectRatio="none" {}><rect class="back" width="100%" height="100%"/>'
        '<rect class="front" width="{}%" height="100%"/></svg>',
        tone,
        spoken,
        whole,
    )


@register.filter
def inline_code(text: object) -> SafeString:
    """Return one line of text with what stands between backticks as code; everything else is as it was typed."""
    pieces = _BACKTICKS.split(str(text or ""))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", piece) if at % 2 else piece,) for at, piece in enumerate(pieces))
    )


@register.filter
def marked(text: object, words: str) -> SafeString:
    """Return text with the words that were looked for in bold."""
    looked = [re.escape(word) for word in str(words or "").split()]
    pieces = re.split(f"({'|'.join(looked)})", str(text or ""), flags=re.IGNORECASE) if looked else [str(text or "")]
    return format_html_join(
        "", "{}", ((format_html("<b>{}</b>", piece) if at % 2 else piece,) for at, piece in enumerate(pieces))
    )


@register.filter
def since(moment: datetime | None, until: datetime | None = None) -> str:
    """Return how long ago something was, as a readout: 52 min, 3 h, 4 d."""
    return span((until or timezone.now()) - moment) if moment else ""


@register.filter
def age(moment: datetime | None, until: datetime | None = None) -> str:
    """Return how long ago something was, as a table shows it: 52m, 3h, 4d."""
    return since(moment, until).replace(" min", "m").replace(" ", "")


def span(length: timedelta) -> str:
    """Return a length of time in its largest sensible unit."""
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 24 * 60 else f"{minutes // 1440} d"


@register.filter
def short_time(moment: datetime | None) -> str:
    """Return 14:03 for today, 17 Nov for another day, 17 Nov 2024 for another year."""
    if moment is None:
        return ""
    local, today = timezone.localtime(moment), timezone.localdate()
    if local.date() == today:
        return f"{local:%H:%M}"
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"


@register.filter
def dollars(micros: int | None) -> str:
    """Return millionths of a dollar as money: $204.10."""
    return f"${(micros or 0) / 1_000_000:,.2f}"


@register.filter
def confidence_word(percent: int) -> str:
    """Return the word that goes with a confidence."""
    return "high" if percent >= 80 else "medium" if percent >= 50 else "low"


@register.filter
def confidence_tone(percent: int) -> str:
    """Return the tone that goes with a confidence."""
    return "green" if percent >= 80 else "amber" if percent >= 50 else "red"
