import ast
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpilot.errors import Invalid
from flowpilot.scripts.parameters import Parameter
from flowpilot.scripts.quoting import literal, quote_cmd, quote_powershell
from flowpilot.scripts.rendering import render, to_file
from flowpilot.scripts.tests.hostile import HOSTILE
from flowpilot.scripts.tests.trees import shape

PLAIN = "plain"
NAME = Parameter("Name")
BODIES = {
    "powershell": 'if ($Name) { Write-Output "[$Name]" }\n',
    "bash": '#!/usr/bin/env bash\nset -eu\nif [ -n "$Name" ]; then printf \'%s\' "$Name"; fi\n',
    "python": "#!/usr/bin/env python3\nimport sys\n\nsys.stdout.write(Name)\n",
    "cmd": "@echo off\necho %Name%\n",
}
any_text = st.text(st.characters(codec=None, categories=None, exclude_characters="")) | st.text(
    st.sampled_from("'\"\\`$(){}[]|&;<>%!^#@\n\r\x00\u2018\u2019\u201a\u201b\u201c a")
)


def _script(language: str, value: str) -> str:
    return render(language=language, body=BODIES[language], parameters=[NAME], values={"Name": value}, title="A test")


def _carried(language: str) -> list[str]:
    return [value for value in HOSTILE if _carries(language, value)]


def _carries(language: str, value: str) -> bool:
    try:
        literal(language, value)
    except Invalid:
        return False
    return True


def test_there_are_hostile_values_enough():
    assert len(HOSTILE) >= 617


@pytest.mark.parametrize("language", ["powershell", "bash"])
def test_each_hostile_value_leaves_the_tree_of_the_template(language):
    plain = shape(language, _script(language, PLAIN))

    changed = [value for value in _carried(language) if shape(language, _script(language, value)) != plain]

    assert "error" not in str(plain)
    assert changed == []


def test_each_hostile_value_leaves_the_syntax_tree_of_a_python_template():
    plain = _python_shape(PLAIN)

    assert [value for value in HOSTILE if _python_shape(value) != plain] == []


@pytest.mark.parametrize("language", ["powershell", "bash"])
def test_only_nul_and_half_characters_are_refused(language):
    refused = [value for value in HOSTILE if not _carries(language, value)]

    assert all("\x00" in value for value in refused)
    assert len(refused) == 2


@given(any_text)
def test_any_value_leaves_the_tree_of_a_powershell_template(value):
    if _carries("powershell", value):
        assert shape("powershell", _script("powershell", value)) == shape("powershell", _script("powershell", PLAIN))


@given(any_text)
def test_any_value_leaves_the_tree_of_a_bash_template(value):
    if _carries("bash", value):
        assert shape("bash", _script("bash", value)) == shape("bash", _script("bash", PLAIN))


@given(any_text)
def test_any_value_comes_back_from_python(value):
    assert ast.literal_eval(literal("python", value)) == value
    assert _python_shape(value) == _python_shape(PLAIN)


@given(any_text)
def test_a_batch_value_holds_nothing_that_the_command_processor_reads(value):
    if _carries("cmd", value):
        assert not set(quote_cmd(value)) & set("&|<>^%!\"'()`*?\r\n\0")
        assert value.isascii()


@pytest.mark.parametrize("value", [value for value in HOSTILE if set(value) & set('&|<>^%!"\r\n')])
def test_a_batch_value_that_could_be_read_is_refused_with_a_reason(value):
    with pytest.raises(Invalid, match="batch file cannot carry"):
        quote_cmd(value)


@pytest.mark.parametrize("quote", "'\u2018\u2019\u201a\u201b")
def test_powershell_doubles_each_kind_of_single_quote(quote):
    assert quote_powershell(f"a{quote}b") == f"'a{quote}{quote}b'"


@given(any_text)
def test_a_powershell_value_ends_where_its_string_ends(value):
    """A reader of single-quoted strings by PowerShell's own rule: a quote ends it unless another follows, whichever kind they are."""
    if not _carries("powershell", value):
        return
    text, at, read = quote_powershell(value), 1, []
    while at < len(text):
        if text[at] in "'\u2018\u2019\u201a\u201b":
            if at + 1 >= len(text) or text[at + 1] not in "'\u2018\u2019\u201a\u201b":
                break
            at += 1
        read.append(text[at])
        at += 1
    assert at == len(text) - 1
    assert "".join(read) == value


def test_bash_accepts_each_script(tmp_path):
    script = tmp_path / "all.sh"
    script.write_bytes(b"\n".join(to_file(_script("bash", value), "bash") for value in _carried("bash")))

    done = subprocess.run(["bash", "-n", str(script)], capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")


def test_each_value_comes_back_byte_for_byte_from_a_run_of_bash(tmp_path):
    assert _run_bash(_carried("bash"), tmp_path) == _carried("bash")


def test_each_value_comes_back_byte_for_byte_from_a_run_of_python(tmp_path):
    script = tmp_path / "all.py"
    lines = [f"values.append({literal('python', value)})" for value in HOSTILE]
    script.write_bytes(
        to_file(
            "\n".join(["import sys", "values = []", *lines, "sys.stdout.buffer.write(repr(values).encode())"]), "python"
        )
    )

    done = subprocess.run([sys.executable, "-I", str(script)], capture_output=True, check=True)

    assert ast.literal_eval(done.stdout.decode()) == HOSTILE


@settings(max_examples=8, deadline=None)
@given(values=st.lists(any_text, min_size=40, max_size=60))
def test_any_value_comes_back_from_a_run_of_bash(values, tmp_path_factory):
    carried = [value for value in values if _carries("bash", value)]

    assert _run_bash(carried, tmp_path_factory.mktemp("run")) == carried


def test_windows_powershell_is_told_that_a_file_is_unicode():
    assert to_file("'ƒ'", "powershell").startswith(b"\xef\xbb\xbf")


def test_batch_lines_end_as_windows_wants_them():
    assert to_file("@echo off\necho 1\n", "cmd") == b"@echo off\r\necho 1\r\n"


def _run_bash(values: list[str], folder) -> list[str]:
    """Run one script a value, each as a function's body, and return what they printed."""
    script = folder / "all.sh"
    script.write_bytes(
        b"".join(f"Name={literal('bash', value)}\nprintf '%s\\0' \"$Name\"\n".encode() for value in values)
    )
    done = subprocess.run(["bash", str(script)], capture_output=True, check=True, env={}, cwd=folder)
    assert not done.stderr
    return [each.decode() for each in done.stdout.split(b"\0")[:-1]]


def _python_shape(value: str) -> str:
    tree = ast.parse(_script("python", value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value == value:
            node.value = PLAIN
    return ast.dump(tree)
