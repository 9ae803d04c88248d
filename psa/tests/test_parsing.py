from hypothesis import given
from hypothesis import strategies as st

from psa.parsing import LONGEST_SUMMARY, alike, by_rules


def test_labelled_lines_are_fields():
    found = by_rules("Company: Contoso\nContact - none\nSummary: Printer hums\nUrgency: high\nIt hums all day.")

    assert (found["company"].value, found["summary"].value, found["priority"].value) == (
        "Contoso",
        "Printer hums",
        "high",
    )
    assert "It hums all day." in found["description"].value


def test_a_mail_names_its_sender_and_perhaps_the_company():
    found = by_rules("From: Maria Adeyemi <m.adeyemi@contoso.example>\nSubject: Outlook\n\nIt asks for my password.")

    assert found["contact"].value == "Maria Adeyemi"
    assert (found["company"].value, found["company"].confidence) == ("contoso", 55)


def test_a_greeting_is_no_summary():
    assert by_rules("Hi there,\nthanks. The scanner on floor two hums loudly.")["summary"].value.startswith(
        "The scanner"
    )


def test_alike_counts_the_words_that_matter():
    assert alike("Outlook keeps asking for a password", "Outlook asking for the password again") > 0.5
    assert alike("Printer offline", "Outlook keeps asking for a password") == 0


@given(st.text(max_size=500))
def test_any_text_is_read_without_failing(text):
    for guess in by_rules(text).values():
        assert 0 <= guess.confidence <= 100
    assert len(by_rules(text)["summary"].value if "summary" in by_rules(text) else "") <= LONGEST_SUMMARY
