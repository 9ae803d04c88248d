import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sessions.splitting import split_blocks

PIECES = [
    "a",
    "\n",
    "\n\n",
    "```",
    "```py\n",
    "````\n",
    "~~~",
    "~~~\n",
    "- b\n",
    "1. c\n",
    "> d\n",
    "  ",
    "# e\n",
    " ```\n",
]
markdown = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)


@given(markdown | st.text())
def test_nothing_is_lost_or_added(text):
    finished, growing = split_blocks(text)

    assert finished + growing == text


@settings(max_examples=300)
@given(markdown)
@example("One.\n\n1. first\n")
def test_what_was_finished_stays_finished_while_the_text_grows(text):
    before = ""
    for end in range(len(text) + 1):
        finished, _ = split_blocks(text[:end])
        assert finished.startswith(before)
        before = finished


@given(st.text("ab \n", max_size=30), st.text("cd -\n", max_size=30))
def test_finished_never_ends_inside_a_code_fence(before, inside):
    opening = len(before) + 1
    finished, _ = split_blocks(f"{before}\n```\n{inside}\n")

    assert len(finished) <= opening


@pytest.mark.parametrize("fence", ["```", "~~~", "`````"])
def test_a_blank_line_in_a_fence_finishes_nothing(fence):
    assert split_blocks(f"{fence}\nfirst\n\nsecond\n") == ("", f"{fence}\nfirst\n\nsecond\n")


@pytest.mark.parametrize("inner", ["```", "~~~~", "```` py"])
def test_only_its_own_fence_closes_a_fence(inner):
    text = f"````\na\n{inner}\n\nb\n"

    assert split_blocks(text)[0] == ""


def test_a_closed_fence_is_finished_at_the_next_block():
    assert split_blocks("```\na\n\nb\n```\n\nNext") == ("```\na\n\nb\n```\n\n", "Next")


@pytest.mark.parametrize("goes_on", ["- two", "* two", "2. two", "2) two", "  two", "> two"])
def test_a_list_or_quote_may_go_on_after_a_blank_line(goes_on):
    assert split_blocks(f"- one\n\n{goes_on}")[0] == ""


def test_a_paragraph_is_finished_once_the_next_begins():
    assert split_blocks("One.\n\n")[0] == ""
    assert split_blocks("One.\n\nT")[0] == "One.\n\n"
