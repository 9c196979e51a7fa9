"""Reports our findings in ``fixit lint``: enable the rule ``flake8_nnx_treemap.codemod.fixit_rule``."""

from __future__ import annotations

import libcst as cst
import libcst.matchers as m
from fixit import LintRule
from libcst.metadata import CodePosition, CodeRange, PositionProvider

from flake8_nnx_treemap.analysis.code.text import Position, SourceError
from flake8_nnx_treemap.fixing.engine import lint
from flake8_nnx_treemap.project.configuration import Overrides, settings_for
from flake8_nnx_treemap.rules.rule import Finding

_STATEMENT = m.SimpleStatementLine() | m.FunctionDef() | m.ClassDef() | m.If() | m.For() | m.While() | m.With()


class NNXTreeMap(LintRule):
    """A Fixit rule that reports what ``nnx-fix --check`` reports, with the settings of the current folder's project."""

    def visit_Module(self, node: cst.Module) -> None:  # noqa: N802  # LibCST looks for this name.
        """Report the findings of a module, each at the statement that holds it, so that ``# lint-ignore`` counts."""
        try:
            findings = lint(node.code, "<stdin>", settings_for("<stdin>", Overrides()), edits=False)
        except SourceError as error:
            self.report(node, f"nnx-fix: {error.message}", position=CodePosition(error.row or 1, 0))
            return
        statements = [*m.findall(node, _STATEMENT)] if findings else []
        for found in findings:
            position = CodeRange(_place(found.range.start), _place(found.range.end))
            self.report(self._statement_of(found, statements, node), f"{found.code} {found.message}", position=position)

    def _statement_of(self, found: Finding, statements: list[cst.CSTNode], module: cst.Module) -> cst.CSTNode:
        """Return the innermost statement that holds a finding."""
        around, start = [], found.range.start
        for statement in statements:
            place = self.get_metadata(PositionProvider, statement)
            if place.start.line <= start.row <= place.end.line:
                around.append((place.start.line, statement))
        return max(around, key=lambda one: one[0], default=(0, module))[1]


def _place(position: Position) -> CodePosition:
    return CodePosition(position.row, position.column - 1)
