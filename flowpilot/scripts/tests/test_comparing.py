from hypothesis import given
from hypothesis import strategies as st

from flowpilot.scripts.comparing import compare

some_lines = st.lists(st.text("ab ", max_size=3), max_size=20).map("\n".join)


def test_what_went_and_came_is_shown_with_its_surroundings():
    before = "\n".join("abcdefghijklmnop")

    found = compare(before, before.replace("h", "H"))

    assert [(line.kind, line.text) for line in found.lines if line.kind] == [
        ("gap", "4 unchanged lines"),
        ("del", "h"),
        ("ins", "H"),
        ("gap", "5 unchanged lines"),
    ]


def test_equal_scripts_have_no_difference():
    assert not compare("a\nb", "a\nb")


@given(some_lines, some_lines)
def test_the_counts_are_those_of_the_lines(before, after):
    found = compare(before, after)

    assert found.added == sum(line.kind == "ins" for line in found.lines)
    assert len(before.splitlines()) - found.removed == len(after.splitlines()) - found.added
