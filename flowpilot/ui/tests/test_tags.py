from datetime import timedelta

import pytest
from django.template import engines
from django.utils import timezone

from flowpilot.ui.templatetags import ui


def render(source, **context):
    return engines["django"].from_string(source).render(context)


def test_icon_points_into_the_sprite():
    assert render('{% icon "ticket" "s" %}') == (
        '<svg class="i s" aria-hidden="true"><use href="/static/img/icons.svg#i-ticket"/></svg>'
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("J. Ortiz", "JO"),
        ("Rosa Maria Halvorsen", "RH"),
        ("JO", "JO"),
        ("JOrtiz", "JO"),
        ("Cher", "C"),
        ("Émile Zola", "ÉZ"),
        ("", "?"),
        (None, "?"),
    ],
)
def test_avatar_shows_initials(name, shown):
    assert f'aria-hidden="true">{shown}</span>' in render("{% avatar name %}", name=name)


def test_avatar_keeps_a_persons_colour_under_either_name():
    assert render('{% avatar "J. Ortiz" %}') == render('{% avatar "JOrtiz" %}')


def test_avatar_escapes_its_class():
    assert '"><b>' not in render("{% avatar 'J' evil %}", evil='"><b>')


@pytest.mark.parametrize(
    ("priority", "number", "tone"),
    [
        ("Priority 1 - Critical", 1, "red"),
        ("Priority 2 - High", 2, "amber"),
        (3, 3, "blue"),
        ("4", 4, ""),
        ("Priority 7", 4, ""),
    ],
)
def test_pri_reads_the_number(priority, number, tone):
    drawn = render("{% pri p %}", p=priority)

    assert f'data-tone="{tone}"' in drawn
    assert f"</span>{number}</span>" in drawn


@pytest.mark.parametrize("priority", ["Do not respond", "", None])
def test_pri_without_a_number_says_so(priority):
    assert "No priority" in render("{% pri p %}", p=priority)


@pytest.mark.parametrize(("percent", "width"), [(57, "57%"), (0, "0%"), (None, "0%"), (140, "100%"), (33.4, "33%")])
def test_meter_stays_inside_its_bar(percent, width):
    assert f'class="front" width="{width}"' in render("{% meter p %}", p=percent)


def test_meter_with_a_label_is_spoken():
    assert 'role="img" aria-label="Confidence: 86%"' in render('{% meter 86 "Confidence" "green" %}')


def test_meter_without_a_label_is_silent():
    assert 'aria-hidden="true"' in render("{% meter 86 %}")


def test_nothing_carries_an_inline_style():
    drawn = render('{% icon "ticket" %}{% avatar "J. Ortiz" "big" %}{% pri 2 %}{% meter 86 %}')

    assert "style=" not in drawn


@pytest.mark.parametrize(
    ("minutes", "readout", "in_table"),
    [(0, "0 min", "0m"), (52, "52 min", "52m"), (180, "3 h", "3h"), (1500, "1 d", "1d"), (-5, "0 min", "0m")],
)
def test_since_and_age_use_one_unit(minutes, readout, in_table):
    now = timezone.now()

    assert ui.since(now - timedelta(minutes=minutes), now) == readout
    assert ui.age(now - timedelta(minutes=minutes), now) == in_table


def test_times_that_are_not_known_show_nothing():
    assert (ui.since(None), ui.age(None), ui.short_time(None)) == ("", "", "")


def test_short_time_is_a_clock_today_and_a_day_otherwise():
    now = timezone.localtime()

    assert ui.short_time(now) == f"{now:%H:%M}"
    assert ui.short_time(now.replace(year=2024, month=11, day=17)) == "17 Nov 2024"


@pytest.mark.parametrize(
    ("percent", "word", "tone"), [(80, "high", "green"), (50, "medium", "amber"), (49, "low", "red")]
)
def test_confidence_is_a_word_and_a_tone(percent, word, tone):
    assert (ui.confidence_word(percent), ui.confidence_tone(percent)) == (word, tone)


def test_what_stands_between_backticks_is_code_and_nothing_else_is_html():
    assert render("{{ text|inline_code }}", text="Expect `EnableADAL <0>`, <b>not</b> 1`") == (
        "Expect <code>EnableADAL &lt;0&gt;</code>, &lt;b&gt;not&lt;/b&gt; 1`"
    )


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("outlook", "<b>Outlook</b> &amp; (more)"),
        ("more (", "Outlook &amp; <b>(</b><b>more</b>)"),
        ("", "Outlook &amp; (more)"),
        (None, "Outlook &amp; (more)"),
    ],
)
def test_words_that_were_looked_for_are_bold(words, shown):
    assert render("{{ text|marked:words }}", text="Outlook & (more)", words=words) == shown.replace(
        "</b><b>more", "</b><b>more"
    )
