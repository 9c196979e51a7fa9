"""Our spans equal LibCST's ``PositionProvider``, node by node."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from flake8_nnx_treemap.analysis.names.source import line_starts
from flake8_nnx_treemap.analysis.positions import Spans, record_spans

FILES = 25
PUNCTUATION = (cst.AssignEqual, cst.Colon, cst.Comma, cst.Dot, cst.Semicolon)
BETWEEN_STATEMENTS = (cst.Comment, cst.EmptyLine, cst.Newline, cst.TrailingWhitespace)


def test_spans_equal_position_provider_on_real_files() -> None:
    files = [
        path for path in sorted(Path(sysconfig.get_paths()["purelib"]).rglob("*.py")) if path.stat().st_size < 30_000
    ]
    random.Random(1).shuffle(files)
    compared, left_out = 0, set[type[cst.CSTNode]]()
    for path in files[:FILES]:
        try:
            module = cst.parse_module(f"{path.read_text(encoding='utf-8')}\n")
        except (cst.ParserSyntaxError, UnicodeDecodeError):
            continue
        starts = line_starts(module.code)
        positions = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
        seen: set[int] = set()
        whole, offset = module.code, 0
        for statement in module.body:
            spans: Spans = {}
            code = module.code_for_node(statement)
            offset = whole.index(code, offset)
            record_spans(statement, module, offset, spans)
            offset += len(code)
            nodes = [node for node in positions if id(node) in spans]
            assert len(nodes) == len(spans)
            seen |= spans.keys()
            for node in nodes:
                (start, end), found = spans[id(node)], positions[node]
                assert start == starts[found.start.line - 1] + found.start.column, (path, type(node))
                assert end == starts[found.end.line - 1] + found.end.column, (path, type(node))
                compared += 1
        left_out |= {type(node) for node in positions if id(node) not in seen}
    assert compared > 10_000
    assert left_out <= {cst.Module, cst.SimpleWhitespace, *PUNCTUATION, *BETWEEN_STATEMENTS}
