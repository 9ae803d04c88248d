"""ConnectWise's conditions language: read and applied as the real one does it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flowpilot.providers.connectwise.sandbox.replies import Problem, bad_condition, coded
from flowpilot.providers.connectwise.sandbox.schema import Schema
from flowpilot.providers.connectwise.sandbox.switches import Switches

Record = dict[str, Any]
Test = Callable[[Record], bool]

_NOT_A_BOOLEAN = coded(500, "ConnectWiseApi", "String was not recognized as a valid Boolean.")
_LEVELS = ("Low", "Medium", "High")
_CHARGED_TO = ("Company", "ServiceTicket", "ProjectTicket", "ChargeCode", "Activity")
_ENUMS = {
    "recordType": ("ServiceTicket", "ProjectTicket", "ProjectIssue"),
    "severity": _LEVELS,
    "impact": _LEVELS,
    "chargeToType": _CHARGED_TO,
}
_SYMBOLS = re.compile(r"\s*(<=|>=|!=|[=<>(),])")
_NAME = re.compile(r"\s*([A-Za-z_][\w/]*)")
_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)")
_DATE = re.compile(r"\s*\[([^\[\]]*)\]")
_PLAIN_STRING = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)')""", re.S)
_ESCAPED_STRING = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""", re.S)


@dataclass(frozen=True)
class Token:
    kind: str  # string, date, number, symbol, name, word, end
    value: Any


_WORDS = frozenset({"and", "or", "not", "contains", "like", "in", "null", "true", "false"})


def tokenize(text: str, switches: Switches) -> list[Token]:
    """Split a condition string. Raises Problem where it cannot be read."""
    string = _ESCAPED_STRING if switches.backslash_escapes_in_conditions else _PLAIN_STRING
    kinds = (("string", string), ("date", _DATE), ("number", _NUMBER), ("symbol", _SYMBOLS), ("name", _NAME))
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        kind, found = next(((kind, found) for kind, pattern in kinds if (found := pattern.match(text, at))), ("", None))
        if found is None:
            raise Problem(bad_condition(f"Syntax error at position {at}."))
        at = found.end()
        value: Any = next(group for group in found.groups() if group is not None)
        if kind == "string" and switches.backslash_escapes_in_conditions:
            value = re.sub(r"\\(.)", r"\1", value, flags=re.S)
        elif kind == "number":
            value = float(value) if "." in value else int(value)
        elif kind == "name" and value.lower() in _WORDS:
            kind, value = "word", value.lower()
        tokens.append(Token(kind, value))
    return tokens


def compile_conditions(text: str, schema: Schema, switches: Switches) -> Test:
    """Return a test for records. Raises Problem as ConnectWise answers."""
    parser = _Parser(tokenize(text, switches), schema, switches)
    test = parser.either()
    parser.expect("end")
    return test


def value_at(record: Record, path: str) -> Any:
    """Return what stands at a path such as company/name, or None."""
    if path in ("lastUpdated", "dateEntered"):
        path = f"_info/{path}"
    value: Any = record
    for part in path.split("/"):
        value = value.get(part) if isinstance(value, dict) else None
    return value


class _Parser:
    def __init__(self, tokens: list[Token], schema: Schema, switches: Switches) -> None:
        self.tokens, self.at, self.schema, self.switches = tokens, 0, schema, switches
        self.attached = 0

    def peek(self) -> Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else Token("end", "")

    def take(self, kind: str, *values: Any) -> Token | None:
        token = self.peek()
        if token.kind != kind or (values and token.value not in values):
            return None
        self.at += 1
        return token

    def expect(self, kind: str, *values: Any) -> Token:
        token = self.take(kind, *values)
        if token is None:
            raise Problem(bad_condition(f"Syntax error near '{self.peek().value}'."))
        return token

    def either(self) -> Test:
        tests = [self.both()]
        while self.take("word", "or"):
            tests.append(self.both())
        return (lambda record: any(test(record) for test in tests)) if len(tests) > 1 else tests[0]

    def both(self) -> Test:
        tests = [self.term()]
        while self.take("word", "and"):
            tests.append(self.term())
        return (lambda record: all(test(record) for test in tests)) if len(tests) > 1 else tests[0]

    def term(self) -> Test:
        if self.take("symbol", "("):
            test = self.either()
            self.expect("symbol", ")")
            return test
        name = self.expect("name").value
        kind = self.schema.get(name)
        if kind is None or kind in ("ref", "info", "list"):
            raise Problem(bad_condition(f"{name} is not a recognized name."))
        if kind == "attached":
            return self._attached(name)
        is_not = self.take("word", "not") is not None
        if word := self.take("word", "contains", "like"):
            test = self._pattern(name, word.value, self.expect("string").value)
        elif self.take("word", "in"):
            test = self._among(name, kind)
        elif is_not:
            raise Problem(bad_condition("Syntax error near 'not'."))
        else:
            return self._comparison(name, kind)
        return (lambda record: not test(record)) if is_not else test

    def _attached(self, name: str) -> Test:
        self.attached += 1
        if self.attached > 1:
            raise Problem(bad_condition(f"{name} is not a recognized name."))
        self.expect("symbol", "=")
        wanted = self.expect("number").value
        return lambda record: wanted in record.get("_configurations", ())

    def _among(self, name: str, kind: str) -> Test:
        self.expect("symbol", "(")
        values = [self._value(name, kind)]
        while self.take("symbol", ","):
            values.append(self._value(name, kind))
        self.expect("symbol", ")")
        return lambda record: _comparable(value_at(record, name), kind) in values

    def _pattern(self, name: str, word: str, text: str) -> Test:
        if word == "contains":
            return lambda record: text.lower() in str(value_at(record, name) or "").lower()
        wanted = like_pattern(text)
        return lambda record: wanted.fullmatch(str(value_at(record, name) or "")) is not None

    def _comparison(self, name: str, kind: str) -> Test:
        operator = self.expect("symbol", "=", "!=", "<", "<=", ">", ">=").value
        is_day = self.peek().kind == "date" and len(self.peek().value) == 10
        wanted = self._value(name, kind)
        if is_day and operator == ">=" and self.switches.date_only_is_empty:
            return lambda record: False
        return lambda record: _compare(_comparable(value_at(record, name), kind), operator, wanted)

    def _value(self, name: str, kind: str) -> Any:
        token = self.peek()
        self.at += 1
        if token.kind == "word" and token.value == "null":
            return None
        if kind == "bool":
            if token.kind == "word" and token.value in ("true", "false"):
                return token.value == "true"
            raise Problem(_NOT_A_BOOLEAN)
        if kind == "enum":
            enum = {value.lower() for value in _ENUMS[name]}
            if token.kind != "string" or token.value.lower() not in enum:
                raise Problem(bad_condition("Enum value supplied was invalid"))
        expected = {"int": "number", "float": "number", "date": "date"}.get(kind, "string")
        if token.kind != expected:
            raise Problem(bad_condition(f"Syntax error near '{token.value}'."))
        if kind == "date":
            return _date(token.value)
        return token.value.lower() if isinstance(token.value, str) else token.value


def like_pattern(text: str) -> re.Pattern[str]:
    """Turn an SQL pattern (% or * for any run, _ for one character, [..] for a set) into a regular expression."""
    parts, at = [], 0
    while at < len(text):
        char = text[at]
        end = text.find("]", at + 1)
        if char == "[" and end > at:
            inside = text[at + 1 : end]
            negation = "^" if inside.startswith("^") else ""
            parts.append(f"[{negation}{re.escape(inside.removeprefix('^')) or '['}]")
            at = end
        else:
            parts.append({"%": ".*", "*": ".*", "_": "."}.get(char, re.escape(char)))
        at += 1
    return re.compile("".join(parts), re.I | re.S)


def _date(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Problem(bad_condition(f"'{text}' is not a valid date.")) from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _comparable(value: Any, kind: str) -> Any:
    if kind == "bool":
        return bool(value)
    return value.lower() if isinstance(value, str) and kind != "date" else value


def _compare(value: Any, operator: str, wanted: Any) -> bool:
    if operator == "=":
        return bool(value == wanted)
    if operator == "!=":
        return bool(value != wanted)
    if value is None or wanted is None:
        return False
    return bool({"<": value < wanted, "<=": value <= wanted, ">": value > wanted, ">=": value >= wanted}[operator])
