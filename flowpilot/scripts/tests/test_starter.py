import ast
import subprocess
import sys
from pathlib import Path

import pytest

from flowpilot.accounts.scope import account_scope
from flowpilot.scripts.checking import check, check_body
from flowpilot.scripts.languages import LANGUAGES
from flowpilot.scripts.models import ScriptTemplate, ScriptVersion
from flowpilot.scripts.parameters import check_values, read_parameters
from flowpilot.scripts.queries import get_template, library
from flowpilot.scripts.rendering import render
from flowpilot.scripts.risks import find_risks
from flowpilot.scripts.services import use
from flowpilot.scripts.starter import find_starter, load_starter
from flowpilot.scripts.tests.trees import shape

STARTERS = load_starter()
every_starter = pytest.mark.parametrize("key", sorted(STARTERS))
GIVEN = {
    "text": 'it\'s "here" $(id)',
    "path": "/srv/it's here",
    "host": "nw-print01",
    "number": "7",
    "secret": "s3cret",
}
NEEDS_ELEVATION = {
    "clear-print-queue",
    "restart-service-and-wait",
    "rebuild-search-index",
    "move-printer-to-new-address",
    "free-system-drive",
}


def _values(key, **given):
    asks = read_parameters(STARTERS[key]["parameters"])
    return asks, {ask.name: given.get(ask.kind) or ask.default or (ask.choices or ("",))[0] for ask in asks}


def _rendered(key, **given) -> str:
    fields = STARTERS[key]
    asks, raw = _values(key, **given)
    values, problems = check_values(asks, raw)
    assert problems == {}
    return render(
        language=fields["language"], body=fields["body"], parameters=asks, values=values, title=fields["name"]
    )


def test_there_are_twenty():
    assert len(STARTERS) == 20


def test_most_are_powershell_and_each_language_is_there():
    languages = [fields["language"] for fields in STARTERS.values()]

    assert set(languages) == set(LANGUAGES)
    assert languages.count("powershell") > 10


@every_starter
def test_a_starter_says_what_it_does_and_asks_properly(key):
    fields = STARTERS[key]

    assert all(fields[name] for name in ("name", "summary", "tags", "body"))
    assert all(parameter.label for parameter in read_parameters(fields["parameters"]))
    assert check_body(fields["body"], fields["language"], ["Any"]) == fields["body"]


@every_starter
def test_a_starter_parses_and_its_linter_is_silent(key):
    given = GIVEN if STARTERS[key]["language"] != "cmd" else {"text": "Wi-Fi", "host": "nw-print01"}

    report = check(_rendered(key, **given), STARTERS[key]["language"])

    assert report.problems == ()


@pytest.mark.parametrize(
    "key", [key for key in sorted(STARTERS) if STARTERS[key]["language"] in ("powershell", "bash")]
)
def test_a_starter_keeps_its_tree_whatever_it_is_given(key):
    language = STARTERS[key]["language"]

    plain = shape(language, _rendered(key, text="plain", path="/plain", host="plain", number="1", secret="plain"))

    assert shape(language, _rendered(key, **GIVEN)) == plain


@pytest.mark.parametrize("key", [key for key in sorted(STARTERS) if STARTERS[key]["language"] == "bash"])
def test_a_bash_starter_passes_bash_and_the_whole_of_shellcheck(key, tmp_path):
    script = tmp_path / "script.sh"
    script.write_text(_rendered(key, text="nginx", path="/var", host="nw-print01", number="7"))

    syntax = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
    lint = subprocess.run(
        [Path(sys.executable).parent / "shellcheck", script], capture_output=True, text=True, check=False
    )

    assert (syntax.returncode, syntax.stderr) == (0, "")
    assert (lint.returncode, lint.stdout) == (0, "")


@pytest.mark.parametrize("key", [key for key in sorted(STARTERS) if STARTERS[key]["language"] == "python"])
def test_a_python_starter_compiles_and_uses_only_what_it_asks_for(key):
    code = _rendered(key, **GIVEN)

    compile(code, key, "exec")
    assigned = {
        node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert {ask.name for ask in read_parameters(STARTERS[key]["parameters"])} <= assigned


def test_find_large_files_finds_a_file(tmp_path):
    (tmp_path / "old.bin").write_bytes(b"x" * 2048)
    fields = STARTERS["find-large-files"]
    asks = read_parameters(fields["parameters"])
    values, _ = check_values(asks, {"Folder": str(tmp_path), "Days": "0", "Top": "5"})
    code = render(language="python", body=fields["body"], parameters=asks, values=values)

    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)

    assert "old.bin" in done.stdout


def test_check_tcp_ports_tells_open_from_closed(served):
    port = int(served[1].split(":")[2].split("/")[0])
    fields = STARTERS["check-tcp-ports"]
    asks = read_parameters(fields["parameters"])
    values, _ = check_values(asks, {"Server": "127.0.0.1", "Ports": f"{port}, 1", "WaitSeconds": "2"})
    code = render(language="python", body=fields["body"], parameters=asks, values=values)

    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)

    assert [line.split()[1] for line in done.stdout.splitlines()[1:]] == ["open", "closed"]


@every_starter
def test_a_starter_uses_every_parameter(key):
    body = STARTERS[key]["body"].lower()

    assert all(ask.name.lower() in body for ask in read_parameters(STARTERS[key]["parameters"]))


@every_starter
def test_a_starter_that_says_it_changes_nothing_has_no_risk(key):
    fields = STARTERS[key]
    risks = {risk.kind for risk in find_risks(fields["body"], fields["language"])}

    if "Changes nothing" in fields["summary"]:
        assert risks == set()
    assert ("elevation" in risks) == (key in NEEDS_ELEVATION)


def test_an_account_sees_the_starters_without_a_row(scope):
    assert library().published == 20
    assert not ScriptTemplate.objects.exists()


def test_the_first_use_gives_a_starter_its_row_and_its_version(scope):
    starter = library().templates[0]

    template = use.require_row(starter.id)

    assert (template.id, template.is_kept) == (starter.id, True)
    assert list(ScriptVersion.objects.values_list("number", flat=True)) == [1]
    assert library().published == 20


def test_two_first_uses_give_one_row(scope):
    starter = library().templates[0]

    use.require_row(starter.id)
    use.require_row(starter.id)

    assert ScriptTemplate.objects.count() == 1


def test_a_starter_of_one_account_is_not_found_by_another(account, other_account):
    with account_scope(account.id):
        ours = library().templates[0].id

    with account_scope(other_account.id):
        assert find_starter(ours) is None


def test_a_starter_has_the_same_address_each_time(scope):
    assert get_template(library().templates[0].id) == library().templates[0]
