"""The fixes as a codemod of LibCST: ``python -m libcst.tool codemod -x flake8_nnx_treemap.codemod.FixTreeMap PATH``."""

from __future__ import annotations

import argparse

import libcst as cst
from libcst.codemod import CodemodCommand, CodemodContext, SkipFile

from flake8_nnx_treemap.analysis.code.text import SourceError
from flake8_nnx_treemap.fixing.engine import fix
from flake8_nnx_treemap.gate import may_hold_findings_text
from flake8_nnx_treemap.project.configuration import Overrides, settings_for
from flake8_nnx_treemap.project.errors import ConfigurationError
from flake8_nnx_treemap.project.modules import module_finder


class FixTreeMap(CodemodCommand):
    """A LibCST command that does to one module what ``nnx-fix`` does."""

    DESCRIPTION = "Repair calls that treat is_leaf as a filter when mapping over Flax NNX state."

    def __init__(
        self,
        context: CodemodContext,
        select: str | None = None,
        target_flax: str | None = None,
        unsafe_fixes: bool = False,
    ) -> None:
        """Store the options of the command line.

        Args:
            context: LibCST's data about the file.
            select: codes of rules, separated by commas; those of the file's project if ``None``.
            target_flax: the lowest Flax release to support, or a range of them; the project's if ``None``.
            unsafe_fixes: whether fixes are made that may change what code computes.
        """
        super().__init__(context)
        codes = None if select is None else tuple(code.strip() for code in select.split(",") if code.strip())
        self._overrides = Overrides(select=codes, target_flax=target_flax, unsafe_fixes=unsafe_fixes or None)

    @staticmethod
    def add_args(arg_parser: argparse.ArgumentParser) -> None:
        """Add our options to those of ``libcst.tool codemod``."""
        arg_parser.add_argument("--select", metavar="CODES", help="run only these rules, such as NNX101,NNX2")
        arg_parser.add_argument("--target-flax", metavar="VERSION", help="lowest Flax release to support, or a range")
        arg_parser.add_argument(
            "--unsafe-fixes", action="store_true", help="make fixes that may change what code computes"
        )

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        """Return a module with all fixes made; the same object if there is nothing to fix.

        Args:
            tree: the module.

        Raises:
            SkipFile: this Python cannot parse the module, or its project's configuration is wrong.
        """
        text, filename = tree.code, self.context.filename or "<stdin>"
        if not may_hold_findings_text(text):
            return tree
        try:
            fixed = fix(text, filename, settings_for(filename, self._overrides), module_finder(filename)).text
        except SourceError as error:
            raise SkipFile(f"{error.row}:{error.column}: {error.message}") from error
        except ConfigurationError as error:
            raise SkipFile(str(error)) from error
        try:
            return tree if fixed == text else cst.parse_module(fixed, tree.config_for_parsing)
        except cst.ParserSyntaxError as error:
            raise SkipFile(f"LibCST does not parse what was repaired: {error.message}") from error
