from types import SimpleNamespace

import pytest

from flowpilot.scripts.parameters import Parameter
from sessions.prefilling import DEFAULT, YOUR_CALL, prefill


def _facts(*texts, source="ticket"):
    return [SimpleNamespace(text=text, source_type=source) for text in texts]


def _filled(parameter, *texts, source="ticket"):
    found = prefill([parameter], _facts(*texts, source=source))
    return found.values[parameter.name], found.sources[parameter.name]


@pytest.mark.parametrize(
    ("parameter", "fact", "value"),
    [
        (Parameter("Upn"), "Contact: Maria Gomez <m.gomez@contoso.example>", "m.gomez@contoso.example"),
        (Parameter("NewAddress", "host"), "Printer moved to 10.20.4.61 on Friday", "10.20.4.61"),
        (Parameter("PrinterName"), "Printer is NW-ZEBRA-02 on NW-PRINT01", "NW-ZEBRA-02"),
        (Parameter("Server", "host"), "The spooler of NW-PRINT01 stopped", "NW-PRINT01"),
        (Parameter("HostName", "host"), "intranet.contoso.example does not resolve", "intranet.contoso.example"),
        (Parameter("ServiceName"), "The Spooler service stopped", "Spooler"),
        (Parameter("Version", "choice", choices=("15.0", "16.0")), "Office 16.0 on the laptop", "16.0"),
        (Parameter("Mailbox", fill="mailbox"), "Shared mailbox is info@contoso.example", "info@contoso.example"),
        (Parameter("Who", fill="company"), "Client: Contoso Dental Group", "Contoso Dental Group"),
    ],
)
def test_a_fact_fills_a_field(parameter, fact, value):
    assert _filled(parameter, fact)[0] == value


def test_the_newest_fact_counts():
    assert _filled(Parameter("Address", "host"), "It was 10.0.0.1", "Now it is 10.0.0.2")[0] == "10.0.0.2"


@pytest.mark.parametrize(
    ("source", "label"),
    [("ticket", "Ticket"), ("question", "Answer"), ("check", "Check"), ("turn", "Chat"), ("hand", "By hand")],
)
def test_a_filled_field_says_where_it_came_from(source, label):
    assert _filled(Parameter("Address", "host"), "It is 10.0.0.1", source=source)[1].label == label


def test_what_nobody_knows_is_the_persons_call():
    assert _filled(Parameter("Upn"), "Nothing of use") == ("", YOUR_CALL)


def test_a_default_says_that_it_is_one():
    assert _filled(Parameter("Days", "number", default="30"), "30 jobs wait") == ("30", DEFAULT)


def test_a_secret_is_never_filled():
    assert _filled(Parameter("Password", "secret", fill="mail"), "The password is a@b.example")[0] == ""


def test_a_value_that_does_not_fit_is_not_filled():
    assert _filled(Parameter("Address", "host", fill="contact"), "Contact: Maria Gomez")[0] == ""


def test_what_was_filled_is_counted():
    found = prefill(
        [Parameter("Upn"), Parameter("Days", "number", default="3"), Parameter("Other")], _facts("a@b.example")
    )

    assert found.count == 1
