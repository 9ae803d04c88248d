import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot.errors import Invalid
from flowpilot.scripts.checking import check
from flowpilot.scripts.parameters import check_values, read_parameters
from flowpilot.scripts.rendering import render
from flowpilot.scripts.templatizing import Proposal, accept, apply, propose, read_proposals
from flowpilot.scripts.tests.hostile import HOSTILE

PRINTER = """#Requires -RunAsAdministrator
$PrinterName = 'NW-ZEBRA-02'
$ClearQueue = $false
$PortName = "IP_10.20.4.61"
Add-PrinterPort -Name $PortName -PrinterHostAddress '10.20.4.61'
Set-Printer -Name $PrinterName -PortName $PortName
"""
SCRIPTS = {
    "powershell": "$Server = 'NW-PRINT01'\nTest-NetConnection -ComputerName $Server -Port 443\nResolve-DnsName 'intranet.contoso.example'\n",
    "bash": "#!/bin/bash\nServer='nw-print01'\nping -c 1 \"$Server\"\nnslookup 'intranet.contoso.example'\n",
    "python": "Server = 'nw-print01'\nprint(Server)\nprint('intranet.contoso.example')\n",
    "cmd": "@echo off\nset Server=NW-PRINT01\nping %Server%\nping 10.20.4.61\n",
}


def test_what_a_script_sets_on_top_is_proposed_by_its_name():
    found = {each.name: (each.value, each.kind) for each in propose(PRINTER, "powershell") if each.is_on_top}

    assert found["PrinterName"] == ("NW-ZEBRA-02", "host")
    assert found["ClearQueue"] == ("", "switch")


def test_a_value_that_a_fact_names_is_proposed():
    found = {each.value: each.why for each in propose(PRINTER, "powershell", ["Printer moved to 10.20.4.61"])}

    assert found["10.20.4.61"] == "A fact"


def test_the_template_asks_for_what_was_taken_out():
    body, parameters = apply(PRINTER, "powershell", propose(PRINTER, "powershell"))

    assert "NW-ZEBRA-02" not in body
    assert "-PrinterHostAddress $Address" in body
    assert [each["name"] for each in parameters] == ["PrinterName", "ClearQueue", "PortName", "Address"]


def test_an_unticked_value_stays_fixed():
    proposals = [
        Proposal(each.value, each.name, each.kind, is_on_top=each.is_on_top, use=False)
        for each in propose(PRINTER, "powershell")
    ]

    assert apply(PRINTER, "powershell", proposals) == (PRINTER, [])


@pytest.mark.parametrize("language", SCRIPTS)
def test_a_template_with_its_old_values_does_what_the_script_did(language):
    code = SCRIPTS[language]
    proposals = propose(code, language)
    body, parameters = apply(code, language, proposals)
    asks = read_parameters(parameters)
    values, problems = check_values(asks, {each.name: each.value for each in proposals})

    again = render(language=language, body=body, parameters=asks, values=values)

    assert problems == {}
    assert len(proposals) == 2
    assert not check(again, language).is_broken
    assert not check(body, language).is_broken


def test_a_password_set_on_top_becomes_a_secret_without_a_default():
    (found,) = propose("$AdminPassword = 'Winter2026!'\nGet-Item $AdminPassword\n", "powershell")
    body, parameters = apply("$AdminPassword = 'Winter2026!'\nGet-Item $AdminPassword\n", "powershell", [found])

    assert (found.kind, parameters[0]["default"]) == ("secret", "")
    assert "Winter2026" not in body


def test_what_is_set_twice_is_no_input():
    assert propose("$Count = 1\n$Count = 2\n", "powershell") == []


def test_what_stays_the_same_everywhere_is_left_alone():
    assert (
        propose("Restart-Service -Name 'Spooler'\nWrite-Output 'Done'\n", "powershell", ["The printer is offline"])
        == []
    )


def test_an_ai_cannot_propose_what_the_script_does_not_hold():
    data = [
        {"name": "Made", "value": "up", "kind": "text"},
        {"name": "PrinterName", "value": "NW-ZEBRA-02", "kind": "text", "label": "Printer"},
    ]

    assert [(each.name, each.label) for each in accept(PRINTER, "powershell", data)] == [("PrinterName", "Printer")]


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [1],
        [{"name": "a b", "value": "10.20.4.61"}],
        [{"name": "PATH", "value": "10.20.4.61"}],
        [{"name": "X", "value": "10.20.4.61", "kind": "choice"}],
    ],
)
def test_what_an_ai_proposes_badly_is_dropped(data):
    assert accept(PRINTER, "powershell", data) == []


def test_an_ai_cannot_make_a_secret_readable():
    code = "$ApiToken = 'abcdefgh'\nGet-Item $ApiToken\n"

    assert accept(code, "powershell", [{"name": "ApiToken", "value": "abcdefgh", "kind": "text"}])[0].kind == "secret"


def test_parameters_that_break_the_script_are_refused():
    code = "x = 'intranet.contoso.example' 'b'\nprint(x)\n"

    with pytest.raises(Invalid, match="would not parse"):
        apply(code, "python", [Proposal("intranet.contoso.example", "Host1")])


def test_proposals_come_back_as_they_were_kept():
    found = propose(PRINTER, "powershell")

    assert read_proposals([each.as_json() for each in found]) == found


@pytest.mark.parametrize("language", SCRIPTS)
def test_hostile_literals_are_read_without_harm(language):
    for value in HOSTILE[::7]:
        code = f"{SCRIPTS[language]}\n# {value}\nx = '{value}'\n"
        for each in propose(code, language, [value]):
            assert each.name


@given(st.text(max_size=200))
def test_any_text_is_read_without_harm(text):
    for language in SCRIPTS:
        propose(text, language, [text])
