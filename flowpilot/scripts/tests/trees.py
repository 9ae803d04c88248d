"""The shape of a script as its grammar sees it, apart from what its values say."""

from functools import cache

import tree_sitter_bash
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

_GRAMMARS = {"bash": tree_sitter_bash.language, "powershell": tree_sitter_powershell.language}
# What one value may be made of: literals alone, nothing that is looked up or run.
_LITERAL = {
    "bash": {"raw_string", "concatenation", "string", "string_content", '"'},
    "powershell": {"verbatim_string_characters", "string_literal"},
}


@cache
def _parser(language: str) -> Parser:
    return Parser(Language(_GRAMMARS[language]()))


def parse(language: str, code: str) -> Node:
    return _parser(language).parse(code.encode()).root_node


def shape(language: str, code: str):
    """Return the tree as nested names; a value of literals counts as one leaf."""
    return _shape(parse(language, code), _LITERAL[language])


def _shape(node: Node, literal: set[str]):
    if _is_literal(node, literal):
        return "value"
    if node.is_error or node.is_missing:
        return "error"
    return (node.type, tuple(_shape(child, literal) for child in node.children))


def _is_literal(node: Node, literal: set[str]) -> bool:
    return node.type in literal and all(_is_literal(child, literal) for child in node.children)
