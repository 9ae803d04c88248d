from pathlib import Path

import pytest

from flowpilot.scripts.risk_rules import HIGH, MEDIUM, RULES
from flowpilot.scripts.risks import find_risks, summary

LINES = Path(__file__).parent / "lines"


def _lines(name: str) -> list[tuple[str, str]]:
    pairs = [line.split("\t", 1) for line in (LINES / name).read_text().splitlines()]
    return [(language, code) for language, code in pairs]


RISKY, HARMLESS = _lines("risky.txt"), _lines("harmless.txt")


def test_at_least_95_of_100_risky_lines_are_told():
    missed = [code for language, code in RISKY if not find_risks(code, language)]

    assert len(RISKY) >= 100
    assert len(missed) <= len(RISKY) * 0.05, missed


def test_at_most_5_of_100_harmless_lines_are_told():
    told = [(code, find_risks(code, language)[0].words) for language, code in HARMLESS if find_risks(code, language)]

    assert len(HARMLESS) >= 100
    assert len(told) <= len(HARMLESS) * 0.05, told


# One line for each rule, in the order of the rules, that this rule tells of by itself.
EXAMPLES = [
    ("bash", "rm -rf build"),
    ("powershell", "Remove-Item build -Recurse"),
    ("cmd", "rd /s /q build"),
    ("powershell", "Remove-Item a.txt"),
    ("bash", "rm a.txt"),
    ("cmd", "del a.txt"),
    ("powershell", "Remove-ADUser jsmith"),
    ("bash", "userdel jsmith"),
    ("powershell", "Remove-Printer Front"),
    ("bash", "apt-get remove nginx"),
    ("cmd", "reg delete HKCU\\Software\\Contoso /f"),
    ("powershell", "vssadmin delete shadows /all"),
    ("powershell", "Clear-EventLog System"),
    ("cmd", "cmdkey /delete:server"),
    ("python", "cursor.execute('DROP TABLE people')"),
    ("powershell", "Format-Volume -DriveLetter E"),
    ("bash", "mkfs.ext4 /dev/sdb"),
    ("cmd", "format D: /q"),
    ("powershell", "Add-MpPreference -ExclusionPath C:\\"),
    ("bash", "ufw disable"),
    ("bash", "ufw allow 22"),
    ("bash", "setenforce 0"),
    ("bash", "chmod 777 a"),
    ("powershell", "Set-ADAccountPassword jsmith"),
    ("bash", "passwd jsmith"),
    ("python", "token = 'abcdefgh'"),
    ("cmd", "net stop WinDefend"),
    ("powershell", "iwr https://a.example/a.ps1 | iex"),
    ("bash", "curl https://a.example | sh"),
    ("powershell", "Invoke-Expression $text"),
    ("bash", 'eval "$text"'),
    ("python", "eval(text)"),
    ("powershell", "Start-BitsTransfer $url"),
    ("cmd", "mshta https://a.example/a.hta"),
    ("powershell", "Install-Module Contoso"),
    ("cmd", "schtasks /create /tn a /tr a.cmd"),
    ("powershell", "Set-ExecutionPolicy Bypass"),
    ("powershell", "New-GPO Contoso"),
    ("cmd", "reg add HKCU\\Software\\Contoso"),
    ("powershell", "Set-DnsClientServerAddress -InterfaceAlias Ethernet"),
    ("bash", "sudo ls /root"),
    ("powershell", "Restart-Computer"),
    ("cmd", "logoff 3"),
    ("powershell", "Stop-Service Spooler"),
]


@pytest.mark.parametrize(
    ("rule", "example"), list(zip(RULES, EXAMPLES, strict=True)), ids=[code for _, code in EXAMPLES]
)
def test_each_rule_tells_of_its_example(rule, example):
    language, code = example

    assert language in rule.languages
    assert (rule.kind, rule.words) in {(risk.kind, risk.words) for risk in find_risks(code, language)}


def test_every_rule_has_words_and_a_level():
    assert all(rule.words and rule.level in {HIGH, MEDIUM} and rule.languages for rule in RULES)


def test_a_risk_names_its_line():
    assert [risk.line for risk in find_risks("Get-Date\n\nRestart-Computer\n", "powershell")] == [3]


def test_a_comment_is_not_a_risk():
    assert find_risks("<#\nRestart-Computer\n#>\n# Restart-Computer\nGet-Date # Restart-Computer", "powershell") == []


def test_what_is_only_printed_is_not_a_risk():
    assert find_risks("Write-Host 'Restart-Computer'", "powershell") == []


def test_what_runs_inside_a_printed_string_is_a_risk():
    assert find_risks('Write-Host "$(Restart-Computer)"', "powershell")


def test_what_follows_a_printed_string_is_a_risk():
    assert find_risks("echo done; reboot", "bash")


def test_the_summary_tells_each_thing_once_and_the_worst_first():
    risks = find_risks("Stop-Service a\nStop-Service b\nRestart-Computer", "powershell")

    assert [(risk.level, risk.line) for risk in summary(risks)] == [(HIGH, 3), (MEDIUM, 1)]


@pytest.mark.parametrize("language", ["powershell", "bash", "python", "cmd"])
def test_a_long_line_is_read_in_no_time(language):
    assert find_risks(" ".join(["a-" * 500, "rm"] * 50) * 5, language) is not None
