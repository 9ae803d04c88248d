import ast
from decimal import Decimal

import pytest

from flowpilot.errors import Invalid
from flowpilot.scripts.parameters import Parameter
from flowpilot.scripts.rendering import MASK, file_name, masked, preview, render

NAME, FORCE, DAYS = Parameter("Name"), Parameter("Force", "switch"), Parameter("Days", "number")
TOKEN = Parameter("Token", "secret")
CANARY = "canary-7Q-hunter2"


def test_values_stand_above_the_body_and_below_its_head():
    code = render(
        language="powershell",
        body="#Requires -Version 5.1\nGet-Item $Name\n",
        parameters=[NAME, FORCE, DAYS],
        values={"Name": "it's", "Force": True, "Days": Decimal(30)},
        title="Look at it, v2",
    )

    assert code == (
        "#Requires -Version 5.1\n# Look at it, v2. Prepared by FlowPilot, read it before you run it.\n"
        "$Name = 'it''s'\n$Force = $true\n$Days = 30\nGet-Item $Name\n"
    )


def test_the_first_line_of_a_bash_script_stays_first():
    code = render(language="bash", body="#!/bin/bash\necho\n", parameters=[NAME], values={"Name": "a"}, title="T")

    assert code.startswith("#!/bin/bash\n# T.")
    assert code.endswith("Name='a'\necho\n")


def test_what_must_come_first_in_python_stays_first():
    body = '#!/usr/bin/env python3\n"""What it does."""\nfrom __future__ import annotations\nprint(Name)\n'

    code = render(language="python", body=body, parameters=[NAME], values={"Name": "a"}, title="T")

    assert ast.get_docstring(ast.parse(code)) == "What it does."
    compile(code, "script", "exec")


def test_echo_is_off_before_a_batch_value_is_set():
    code = render(language="cmd", body="@echo off\necho %Name%\n", parameters=[NAME], values={"Name": "a b"}, title="T")

    assert code.splitlines()[0] == "@echo off"
    assert 'set "Name=a b"' in code.splitlines()


def test_a_script_is_not_copied_while_a_value_is_missing():
    with pytest.raises(Invalid, match="Fill in first: Name"):
        render(language="bash", body="echo\n", parameters=[NAME], values={})


def test_a_preview_names_what_is_missing():
    pieces = preview(language="bash", body="echo\n", parameters=[NAME], values={})

    assert [piece.parameter for piece in pieces if piece.is_missing] == ["Name"]


@pytest.mark.parametrize("language", ["powershell", "bash", "python", "cmd"])
def test_a_preview_masks_a_secret_and_a_copy_holds_it(language):
    asked = {"language": language, "body": "echo\n", "parameters": [TOKEN], "values": {"Token": CANARY}}

    assert CANARY in render(**asked)
    assert CANARY not in masked(preview(**asked))
    assert MASK in masked(preview(**asked))


def test_a_preview_shows_a_value_that_cannot_be_carried_as_missing():
    pieces = preview(language="cmd", body="echo\n", parameters=[NAME], values={"Name": "a&b"})

    assert [piece.is_missing for piece in pieces if piece.parameter] == [True]


@pytest.mark.parametrize(
    "title", ["a\nRestart-Computer", "a\r\nreboot", "#> reboot <#", "%PATH%", "coding: utf-7", "a\u2028b"]
)
@pytest.mark.parametrize("language", ["powershell", "bash", "python", "cmd"])
def test_a_title_cannot_leave_its_comment(title, language):
    code = render(language=language, body="exit\n", parameters=[], values={}, title=title)

    assert len(code.splitlines()) == 2
    assert not set(code.splitlines()[0]) & set("\r\n%<>:\u2028")


@pytest.mark.parametrize(
    ("title", "name"),
    [("Clear Teams cache", "Clear-Teams-cache.ps1"), ("../../etc", "etc.ps1"), ("日本", "script.ps1")],
)
def test_a_file_is_named_after_its_script(title, name):
    assert file_name(title, "powershell") == name
