"""The flake8 plugin: hands flake8's text and tree to the engine, and its findings back."""

from __future__ import annotations

import argparse
import ast
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from flake8_nnx_treemap import __version__
from flake8_nnx_treemap.gate import may_hold_findings_text
from flake8_nnx_treemap.rules.catalogue import CODES, DEFAULT_CODES

if TYPE_CHECKING:
    from flake8_nnx_treemap.rules.rule import Finding
    from flake8_nnx_treemap.rules.settings import LintSettings

Report = tuple[int, int, str, type]

_log = logging.getLogger(__name__)


class NNXTreeMapPlugin:
    """What flake8 loads: one instance a file. Suppression, selection and per-file ignores are flake8's own."""

    name = "flake8-nnx-treemap"
    version = __version__
    _target_flax: ClassVar[str | None] = None
    _codes: ClassVar[frozenset[str]] = frozenset(CODES)

    def __init__(self, tree: ast.AST, lines: list[str], filename: str = "<stdin>") -> None:
        """Take what flake8 has read and parsed, standard input included."""
        self._tree = tree
        self._lines = lines
        self._filename = filename

    @classmethod
    def add_options(cls, parser: Any) -> None:
        """Register ``--nnx-target-flax``, and leave the opt-in rules off until they are selected."""
        parser.add_option(
            "--nnx-target-flax",
            default=None,
            metavar="VERSION",
            type=_flax_target,
            parse_from_config=True,
            help='Lowest Flax release to support, such as 0.11; "portable"; or a range such as ">=0.10,<0.11". '
            "By default it is read off the project: pyproject.toml, requirements, lock files, the environment.",
        )
        parser.extend_default_ignore([code for code in CODES if code not in DEFAULT_CODES])

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Remember the options; flake8 calls this in every worker process."""
        cls._target_flax = options.nnx_target_flax
        cls._codes = _codes_that_may_be_shown(options)

    def run(self) -> Iterator[Report]:
        """Yield row, column (from 0), text and type of each finding."""
        text = "".join(self._lines)
        if not may_hold_findings_text(text):
            return
        try:
            findings = self._findings(text)
        except Exception as error:  # A crash here would end the whole flake8 run. This is one line on standard error.
            _log.warning("flake8-nnx-treemap: %s: %s: %s", self._filename, type(error).__name__, error)
            return
        for finding in findings:
            start = finding.range.start
            yield start.row, start.column - 1, f"{finding.code} {finding.message}", type(self)

    def _findings(self, text: str) -> list[Finding]:
        from flake8_nnx_treemap.fixing.engine import source_with_candidates
        from flake8_nnx_treemap.project.modules import module_finder

        if not isinstance(self._tree, ast.Module):
            return []
        settings = self._settings()
        source = source_with_candidates(text, self._filename, self._tree, settings, module_finder(self._filename))
        if source is None:
            return []
        from flake8_nnx_treemap.rules.checking import check

        return check(source, settings)

    def _settings(self) -> LintSettings:
        from flake8_nnx_treemap.project.configuration import Overrides, flax_range_for
        from flake8_nnx_treemap.rules.settings import LintSettings

        decision = flax_range_for(self._filename, Overrides(target_flax=self._target_flax))
        return LintSettings(self._codes, decision.range)


def _codes_that_may_be_shown(options: argparse.Namespace) -> frozenset[str]:
    """All rules, but for the opt-in ones where flake8 is sure to drop what they find.

    What is shown is flake8's choice. Its default of what to ignore, to which we add the opt-in rules, counts unless
    ``--ignore`` replaces it or a rule is selected by (the start of) its code.
    """
    if options.ignore is not None:
        return frozenset(CODES)
    selected = (*(options.select or ()), *(options.extend_select or ()))
    return DEFAULT_CODES.union(code for code in CODES if code.startswith(selected))


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
