"""Finds and repairs calls that treat ``is_leaf`` as a filter when mapping over Flax NNX state.

The public API is ``lint_source``, ``fix_source`` and ``findings_as_data``, and what they take, return and raise. All
are pure functions of their arguments, hold no state, and neither import nor run the code they read; all their values
can be pickled.

Nothing is imported here, not even ``__future__``: see ``startup.py``.
"""

TYPE_CHECKING = False  # As in typing, whose import would double the time that a run without candidates takes.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from flake8_nnx_treemap.analysis.code.text import Edit, Position, Range, SourceError
    from flake8_nnx_treemap.fixing.engine import FixResult, Withdrawn
    from flake8_nnx_treemap.names import FlaxRange
    from flake8_nnx_treemap.rules.rule import Applicability, Finding, Fix
    from flake8_nnx_treemap.rules.settings import LintSettings

__version__ = "0.1.0"

__all__ = [
    "Applicability",
    "Edit",
    "Finding",
    "Fix",
    "FixResult",
    "FlaxRange",
    "LintSettings",
    "Position",
    "Range",
    "SourceError",
    "Withdrawn",
    "__version__",
    "findings_as_data",
    "fix_source",
    "flax_range",
    "lint_source",
]

_HOMES = {
    "Applicability": "rules.rule",
    "Edit": "analysis.code.text",
    "Finding": "rules.rule",
    "Fix": "rules.rule",
    "FixResult": "fixing.engine",
    "FlaxRange": "names",
    "LintSettings": "rules.settings",
    "Position": "analysis.code.text",
    "Range": "analysis.code.text",
    "SourceError": "analysis.code.text",
    "Withdrawn": "fixing.engine",
}
"""Where the types live. They are imported when they are asked for, since the modules bring LibCST along."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def lint_source(text: str, filename: str = "<stdin>", settings: "LintSettings | None" = None) -> "list[Finding]":
    """Find what is wrong in one source.

    Args:
        text: the whole source, line ends as they are.
        filename: the name that messages use; the file is not opened. It says what the text is: a notebook if it ends
            with ``.ipynb``, Markdown with ``.md``, Python otherwise.
        settings: which rules, for which Flax; the defaults if ``None``.

    Returns:
        The findings, sorted by position, less those that a comment suppresses. In a notebook they refer to the sources
        of its cells, one after the other.

    Raises:
        SourceError: the text is not a notebook, or not Python that this interpreter and LibCST can parse.
    """
    from flake8_nnx_treemap.project.formats import format_of
    from flake8_nnx_treemap.rules.settings import LintSettings

    return list(format_of(filename).find(text, _linter(filename, settings or LintSettings())))


def fix_source(text: str, filename: str = "<stdin>", settings: "LintSettings | None" = None) -> "FixResult":
    """Repair what can be repaired in one source.

    Args:
        text: the whole source, line ends as they are.
        filename: the name that messages use, as for ``lint_source``; the file is not opened.
        settings: which rules, for which Flax, and whether unsafe fixes are wanted; the defaults if ``None``.

    Returns:
        The new text, the findings that were fixed, those that remain in the new text, and those of them whose fix is
        not made since the file would not be Python any more.

    Raises:
        SourceError: the text is not Python that this interpreter and LibCST can parse.
    """
    from flake8_nnx_treemap.fixing.engine import fix_with
    from flake8_nnx_treemap.project.formats import format_of, rewriter
    from flake8_nnx_treemap.rules.settings import LintSettings

    settings = settings or LintSettings()
    format_, lint = format_of(filename), _linter(filename, settings)
    rewrite = rewriter(format_, settings)
    return fix_with(text, lambda current: format_.find(current, lint), rewrite, unsafe_fixes=settings.unsafe_fixes)


def findings_as_data(findings: "Iterable[Finding]", text: str, filename: str) -> "list[dict[str, Any]]":
    """Findings as plain data, for JSON: as ``nnx-fix --output-format json`` has them, by the schema it is held to.

    Args:
        findings: what ``lint_source`` returned.
        text: the source that they were found in.
        filename: the name it went by.
    """
    from flake8_nnx_treemap.project.formats import format_of
    from flake8_nnx_treemap.project.runner import FileReport
    from flake8_nnx_treemap.reporting.json_format import entries

    shown = format_of(filename).show(text)
    return entries([FileReport(filename, tuple(findings), text=shown.text, cells=shown.cells)])


def flax_range(target: str) -> "FlaxRange":
    """Return the range of Flax releases that a target means, for ``LintSettings``.

    Args:
        target: as ``--target-flax`` takes it: ``0.12``, ``portable``, or a specifier such as ``>=0.10,<0.11``.

    Raises:
        ValueError: the target is none of these, or admits no known release.
    """
    from flake8_nnx_treemap.project.flax_range import parse_target

    return parse_target(target)


def _linter(filename: str, settings: "LintSettings") -> "Callable[[str], list[Finding]]":
    from flake8_nnx_treemap.fixing.engine import lint

    return lambda program: lint(program, filename, settings)
