import pytest

from flowpilot.errors import Invalid
from flowpilot.scripts.checking import check, check_body

GOOD = {
    "powershell": "Get-Service -Name $Name | Where-Object { $_.Status -eq 'Running' }\n",
    "bash": '#!/usr/bin/env bash\nset -eu\nfor each in a b; do printf "%s\\n" "$each"; done\n',
    "python": "import sys\n\nprint(sys.platform)\n",
}
BROKEN = {"bash": "if true; then echo\n", "python": "def f(:\n    pass\n"}


@pytest.mark.parametrize("language", GOOD)
def test_a_good_script_parses(language):
    report = check(GOOD[language], language)

    assert (report.is_broken, report.words) == (False, "Parses, no warnings")


@pytest.mark.parametrize("language", BROKEN)
def test_a_broken_script_says_where(language):
    report = check(BROKEN[language], language)

    assert report.is_broken
    assert report.problems[0].line >= 1


def test_shellcheck_warns_of_what_bash_takes():
    report = check("#!/bin/bash\ncd /somewhere\nx=$(ls)\n", "bash")

    assert not report.is_broken
    assert any("cd" in problem.words for problem in report.problems)


def test_a_batch_file_is_not_said_to_parse():
    assert check("@echo off\n", "cmd").words.startswith("Not parsed")


def test_a_parameter_that_the_template_sets_is_no_warning():
    assert not check('printf "%s" "$Name"\n', "bash").problems


def test_a_body_with_its_own_param_block_is_refused():
    with pytest.raises(Invalid, match="param"):
        check_body("param([string]$Name)\nGet-Item $Name\n", "powershell", ["Name"])


def test_a_body_is_kept_with_the_line_ends_of_unix():
    assert check_body("a\r\nb\rc", "bash", []) == "a\nb\nc\n"


@pytest.mark.parametrize("body", ["", " \n\n", "x" * 60_001])
def test_a_body_that_is_empty_or_too_long_is_refused(body):
    with pytest.raises(Invalid):
        check_body(body, "bash", [])


def test_what_the_powershell_grammar_cannot_read_is_a_guess():
    report = check("if ($a { Get-Item }\n", "powershell")

    assert (report.is_broken, report.words) == (False, "May not parse, look at line 1")


def test_powershell_may_write_units_in_capitals():
    assert check("$free = $volume.Size / 1GB\n", "powershell").problems == ()


def test_powershell_may_list_bare_words():
    assert (
        check(
            "Get-Printer $PrinterName | Select-Object Name, PortName\nGet-X -A 'a','b' -C d,e\n", "powershell"
        ).problems
        == ()
    )
