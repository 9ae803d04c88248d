from hypothesis import given
from hypothesis import strategies as st

from flowpilot.scripts.answers import take_apart

WHOLE = "I added both.\n\n```powershell\nGet-Date\nGet-Item C:\\\n```\n\n- Changes nothing.\n"


def test_an_answer_is_words_and_a_script():
    found = take_apart(WHOLE)

    assert (found.words, found.code, found.language) == (
        "I added both.\n\n- Changes nothing.",
        "Get-Date\nGet-Item C:\\\n",
        "powershell",
    )
    assert found.is_whole


def test_a_growing_answer_shows_what_is_there_of_the_script():
    found = take_apart(WHOLE[:40])

    assert (found.code, found.is_whole) == (WHOLE[29:40], False)


def test_the_longest_of_several_scripts_counts():
    assert take_apart("```bash\nls\n```\n```bash\nls -l /etc\n```").code == "ls -l /etc\n"


def test_a_fence_inside_a_longer_fence_is_part_of_the_script():
    assert take_apart("````bash\ncat <<'E'\n```\nE\n````\n").code == "cat <<'E'\n```\nE\n"


def test_words_alone_are_no_script():
    assert take_apart("Which printer is it?").code == ""


@given(st.text(st.sampled_from("`~ab \n"), max_size=80))
def test_any_answer_is_taken_apart(text):
    found = take_apart(text)

    assert found.code in text
