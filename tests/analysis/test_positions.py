"""Our spans equal LibCST's ``PositionProvider``, node by node."""

from __future__ import annotations

import random
import sysconfig
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from flake8_nnx_treemap.analysis.positions import Spans, record_spans
from flake8_nnx_treemap.analysis.source import line_starts

FILES = 25


def test_spans_equal_position_provider_on_real_files() -> None:
    files = [
        path for path in sorted(Path(sysconfig.get_paths()["purelib"]).rglob("*.py")) if path.stat().st_size < 30_000
    ]
    random.Random(1).shuffle(files)
    compared = 0
    for path in files[:FILES]:
        try:
            module = cst.parse_module(path.read_text(encoding="utf-8"))
        except (cst.ParserSyntaxError, UnicodeDecodeError):
            continue
        starts = line_starts(module.code)
        positions = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
        whole, offset = module.code + module.default_newline, 0  # A last statement may lack its line end.
        for statement in module.body:
            spans: Spans = {}
            code = module.code_for_node(statement)
            offset = whole.index(code, offset)
            record_spans(statement, module, offset, spans)
            offset += len(code)
            nodes = [node for node in positions if id(node) in spans]
            assert len(nodes) == len(spans)
            for node in nodes:
                (start, end), found = spans[id(node)], positions[node]
                assert start == starts[found.start.line - 1] + found.start.column, (path, type(node))
                assert end == starts[found.end.line - 1] + found.end.column, (path, type(node))
                compared += 1
    assert compared > 10_000
