from decimal import Decimal

import pytest

from flowpilot.errors import Invalid
from flowpilot.scripts.parameters import MOST_PARAMETERS, Parameter, check_value, check_values, read_parameters

HOST, NUMBER, PATH = Parameter("Server", "host"), Parameter("Days", "number"), Parameter("Folder", "path")
CHOICE, SECRET = Parameter("Mode", "choice", choices=("fast", "safe")), Parameter("Token", "secret")


@pytest.mark.parametrize(
    "host", ["NW-PRINT01", "print.contoso.example", "10.20.4.61", "fe80::1", "fe80::1%eth0", "_sip.contoso.example"]
)
def test_a_host_is_taken(host):
    assert check_value(HOST, host) == host


@pytest.mark.parametrize(
    "host", ["a b", "-x", "a;b", "a/b", "http://a", "a..b", "$(a)", "a" * 254, "ä.example", "\\\\server"]
)
def test_what_is_no_host_is_refused(host):
    with pytest.raises(Invalid, match="host name or an address"):
        check_value(HOST, host)


@pytest.mark.parametrize(("typed", "value"), [("30", "30"), (" 2.5 ", "2.5"), ("-1", "-1"), ("007", "7")])
def test_a_number_is_taken(typed, value):
    assert check_value(NUMBER, typed) == Decimal(value)


@pytest.mark.parametrize("typed", ["1e9", "0x10", "a[$(id)]", "1;2", "٣", "NaN", "Infinity", "1" * 16])
def test_what_is_no_plain_number_is_refused(typed):
    with pytest.raises(Invalid, match="is a number"):
        check_value(NUMBER, typed)


@pytest.mark.parametrize(
    "path",
    ["C:\\Users\\Zoë\\AppData", "/var/log/app", "\\\\server\\share", "HKCU:\\Software", "%TEMP%\\x", "it's here"],
)
def test_a_path_is_taken(path):
    assert check_value(PATH, path) == path


@pytest.mark.parametrize("path", ["C:\\..\\Windows", "../etc", 'C:\\a"b', "C:\\*", "a|b", "a>b"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(Invalid):
        check_value(PATH, path)


@pytest.mark.parametrize(
    "hidden", ["a\nb", "a\rb", "a\u2028b", "a\u2029b", "a\u202eb", "a\u200bb", "a\x00b", "a\ud800b", "a\x1bb", "a\x85b"]
)
def test_a_line_takes_no_break_and_nothing_hidden(hidden):
    with pytest.raises(Invalid, match="line break or a hidden character"):
        check_value(Parameter("Name"), hidden)


def test_a_choice_is_one_of_its_options():
    with pytest.raises(Invalid, match="is one of: fast, safe"):
        check_value(CHOICE, "slow")


def test_an_absent_switch_is_off():
    assert check_values([Parameter("Force", "switch")], {}) == ({"Force": False}, {})


def test_what_is_needed_and_missing_is_named():
    assert check_values([Parameter("Name", label="User name")], {}) == ({}, {"Name": "User name is needed."})


def test_what_is_optional_and_missing_is_empty():
    assert check_values([Parameter("Name", is_required=False)], {}) == ({"Name": ""}, {})


def test_a_secret_keeps_its_spaces():
    assert check_value(SECRET, " a b ") == " a b "


def test_a_message_about_a_secret_does_not_hold_it():
    with pytest.raises(Invalid) as raised:
        check_value(SECRET, "canary\u202e")

    assert "canary" not in raised.value.message


def test_parameters_come_back_as_they_were_written():
    data = [{"name": "Mode", "kind": "choice", "choices": ["a", "b"], "default": "a", "label": "Mode", "help": "How"}]

    (found,) = read_parameters(data)

    assert read_parameters([found.as_json()]) == (found,)


@pytest.mark.parametrize(
    "name",
    ["1a", "a-b", "", "a b", "PATH", "IFS", "Args", "class", "LD_PRELOAD", "a" * 41, "$a", "ErrorLevel", "ComSpec"],
)
def test_a_name_that_would_change_the_script_is_refused(name):
    with pytest.raises(Invalid, match="cannot name a parameter"):
        read_parameters([{"name": name}])


def test_two_parameters_of_one_name_are_refused_whatever_their_case():
    with pytest.raises(Invalid, match="Two parameters"):
        read_parameters([{"name": "Name"}, {"name": "name"}])


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        "x",
        [1],
        [{"name": "A", "kind": "colour"}],
        [{"name": "A", "kind": "choice"}],
        [{"name": "A", "kind": "host", "default": "a b"}],
    ],
)
def test_what_is_no_list_of_parameters_is_refused(data):
    with pytest.raises(Invalid):
        read_parameters(data)


def test_there_is_a_most_of_parameters():
    with pytest.raises(Invalid, match="at most"):
        read_parameters([{"name": f"P{at}"} for at in range(MOST_PARAMETERS + 1)])


def test_a_secret_has_no_default():
    (found,) = read_parameters([{"name": "Token", "kind": "secret", "default": "hunter2"}])

    assert found.default == ""
