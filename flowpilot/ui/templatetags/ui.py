"""The few tags that every page uses: icons, people, priorities, meters, times, markdown."""

import re
import zlib
from datetime import datetime, timedelta

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from flowpilot.ui import markdown as markdown_module
from flowpilot.ui.icons import SPRITE

register = template.Library()
register.filter("markdown", markdown_module.render)
_PRIORITY_TONES = {1: "red", 2: "amber", 3: "blue"}


@register.simple_tag
def icon(name, size=""):
    """Draw a Lucide icon; `size` is "" or "s", and may carry more classes."""
    return format_html('<svg class="i {}" aria-hidden="true"><use href="{}#i-{}"/></svg>', size, static(SPRITE), name)


@register.simple_tag
def avatar(person, size=""):
    """Draw a person's initials; the colour follows the name."""
    name = str(person or "?")
    words = re.findall(r"[^\W\d_]+", name) or ["?"]
    initials = (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()
    hue = zlib.crc32(name.encode()) % 12
    return format_html('<span class="avatar hue-{} {}" aria-hidden="true">{}</span>', hue, size, initials)


@register.simple_tag
def pri(priority):
    """Draw a priority: bars, and its number for whoever sees no colour. Takes "Priority 2 - High" or 2."""
    found = re.search(r"\d", str(priority or ""))
    if not found:
        return format_html('<span class="pri"><span class="sr">No priority</span></span>')
    number = int(found[0])
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
def meter(percent, label="", tone=""):
    """Draw how much of something is done; without a label it only repeats a number beside it."""
    spoken = (
        format_html('role="img" aria-label="{}: {}%"', label, percent) if label else format_html('aria-hidden="true"')
    )
    return format_html(
        '<svg class="bar-meter" data-tone="{}" preserveAspectRatio="none" {}><rect class="back" width="100%" height="100%"/>'
        '<rect class="front" width="{}%" height="100%"/></svg>',
        tone,
        spoken,
        percent,
    )


@register.filter
def since(moment: datetime | None, until: datetime | None = None) -> str:
    """Return how long ago something was, in one unit: 52 min, 3 h, 4 d."""
    if moment is None:
        return ""
    return span((until or timezone.now()) - moment)


def span(length: timedelta) -> str:
    """Return a length of time in its largest sensible unit."""
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


@register.filter
def short_time(moment: datetime | None) -> str:
    """Return 14:03 for today, 17 Nov for another day."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return f"{local:%H:%M}" if local.date() == timezone.localdate() else f"{local.day} {local:%b}"


@register.filter
def confidence_word(percent: int) -> str:
    """Return the word that goes with a confidence."""
    return "high" if percent >= 80 else "medium" if percent >= 50 else "low"


@register.filter
def confidence_tone(percent: int) -> str:
    return "green" if percent >= 80 else "amber" if percent >= 50 else "red"
