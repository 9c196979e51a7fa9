"""Replaces LibCST's compiled parser: hands texts to the parser in Python that LibCST also ships.

In the browser this file is ``libcst/native.py``. The grammar ends with Python 3.8; the engine gives LibCST single
statements and expressions only, so that is felt in little but ``match``. ``tests/docs`` runs all rules' cases with it.
"""

from __future__ import annotations

from libcst import CSTNode
from libcst._parser.detect_config import detect_config
from libcst._parser.grammar import get_grammar
from libcst._parser.python_parser import PythonCSTParser
from libcst._parser.types.config import PartialParserConfig


def parse_module(text: str, encoding: str | None = None) -> CSTNode:
    """Parse a whole file."""
    return _parse(text, "file_input", whole_file=True)


def parse_statement(text: str) -> CSTNode:
    """Parse one statement."""
    return _parse(text, "stmt_input", whole_file=True)


def parse_expression(text: str) -> CSTNode:
    """Parse one expression."""
    return _parse(text, "expression_input", whole_file=False)


def _parse(text: str, start: str, *, whole_file: bool) -> CSTNode:
    found = detect_config(
        text,
        partial=PartialParserConfig(python_version="3.8"),
        detect_trailing_newline=whole_file,
        detect_default_newline=whole_file,
    )
    parser = PythonCSTParser(
        tokens=found.tokens,
        config=found.config,
        pgen_grammar=get_grammar(found.config.version, found.config.future_imports),
        start_nonterminal=start,
    )
    tree: CSTNode = parser.parse()
    return tree
