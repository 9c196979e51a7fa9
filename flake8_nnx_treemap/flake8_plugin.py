"""The flake8 plugin: hands flake8's text and tree to the engine, and its findings back."""

from __future__ import annotations

import argparse
import ast
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from flake8.exceptions import ExecutionError

from flake8_nnx_treemap import __version__
from flake8_nnx_treemap.analysis.code.garbage import collects_later
from flake8_nnx_treemap.gate import may_hold_findings_text

if TYPE_CHECKING:
    from flake8_nnx_treemap.project.inheritance import Inheritance
    from flake8_nnx_treemap.project.modules import OtherModules
    from flake8_nnx_treemap.rules.rule import Finding
    from flake8_nnx_treemap.rules.settings import LintSettings

Report = tuple[int, int, str, type]

_log = logging.getLogger(__name__)


class NNXTreeMapPlugin:
    """What flake8 loads: one instance a file.

    What is found is what ``nnx-fix --check`` finds there, by the project's configuration. flake8 has its own options of
    what is shown of that, and its own ``# noqa``.
    """

    name = "flake8-nnx-treemap"
    version = __version__
    _target_flax: ClassVar[str | None] = None
    _named: ClassVar[tuple[str, ...]] = ()
    """What flake8's options name. Rules named by their whole codes run even if they are off by default."""
    _inheritance: ClassVar[Inheritance | None] = None
    """What this run has learnt of classes."""

    def __init__(self, tree: ast.AST, lines: list[str], filename: str = "<stdin>") -> None:
        """Take what flake8 has read and parsed, standard input included."""
        self._tree = tree
        self._lines = lines
        self._filename = filename

    @classmethod
    def add_options(cls, parser: Any) -> None:
        """Register ``--nnx-target-flax``."""
        parser.add_option(
            "--nnx-target-flax",
            default=None,
            metavar="VERSION",
            type=_flax_target,
            parse_from_config=True,
            help='Lowest Flax release to support, such as 0.11; "portable"; or a range such as ">=0.10,<0.11". '
            "By default it is read off the project: pyproject.toml, requirements, lock files, the environment.",
        )

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Remember the options; flake8 calls this in every worker process."""
        cls._target_flax = options.nnx_target_flax
        cls._inheritance = None
        cls._named = (*(options.select or ()), *(options.extend_select or ()))

    def run(self) -> Iterator[Report]:
        """Yield row, column (from 0), text and type of each finding.

        Raises:
            ExecutionError: the project's configuration is wrong; flake8 says so and ends with 1, as for its own.
        """
        text = "".join(self._lines)
        if not may_hold_findings_text(text) and not ("class" in text and self._modules().give_bases_to(text)):
            return
        try:
            findings = self._findings(text)
        except ExecutionError:
            raise
        except Exception as error:  # A crash here would end the whole flake8 run. This is one line on standard error.
            _log.warning("flake8-nnx-treemap: %s: %s: %s", self._filename, type(error).__name__, error)
            return
        for finding in findings:
            start = finding.range.start
            yield start.row, start.column - 1, f"{finding.code} {finding.message}", type(self)

    @collects_later
    def _findings(self, text: str) -> list[Finding]:
        from flake8_nnx_treemap.fixing.engine import source_with_candidates
        from flake8_nnx_treemap.project.modules import known_bindings

        if not isinstance(self._tree, ast.Module):
            return []
        settings, modules = self._settings(), self._modules()
        bindings = known_bindings(self._filename, text)
        source = source_with_candidates(text, self._filename, self._tree, settings, modules, bindings)
        if source is None:
            return []
        from flake8_nnx_treemap.fixing.suppression import without_silenced, without_suppressed
        from flake8_nnx_treemap.rules.checking import check
        from flake8_nnx_treemap.rules.overlap import without_repetition

        findings = without_silenced(source, check(source, settings))
        reported = without_repetition(findings, reported=lambda found: without_suppressed(source, found))
        source.forget()
        return reported

    def _modules(self) -> OtherModules:
        from flake8_nnx_treemap.project.inheritance import Inheritance
        from flake8_nnx_treemap.project.modules import module_finder

        if type(self)._inheritance is None:
            type(self)._inheritance = Inheritance()
        return module_finder(self._filename, inheritance=type(self)._inheritance)

    def _settings(self) -> LintSettings:
        from flake8_nnx_treemap.project.configuration import Overrides, settings_for
        from flake8_nnx_treemap.project.errors import ConfigurationError
        from flake8_nnx_treemap.rules.catalogue import CODES

        rules_named = tuple(code for code in CODES if code in self._named)
        overrides = Overrides(extend_select=rules_named, target_flax=self._target_flax)
        try:
            return settings_for(self._filename, overrides)
        except ConfigurationError as error:
            raise ExecutionError(f"flake8-nnx-treemap: {error}") from None


def _flax_target(value: str) -> str:
    """Check the option where flake8 parses it, so that a slip is one clear line.

    Raises:
        argparse.ArgumentTypeError: no release, no range of releases, and not "portable".
    """
    from flake8_nnx_treemap.project.flax_range import parse_target

    try:
        parse_target(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return value
