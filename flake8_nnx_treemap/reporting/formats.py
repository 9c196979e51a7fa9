"""All output formats. A new format is a module with a function ``render``, and one line here."""

from __future__ import annotations

TYPE_CHECKING = False  # As in typing: the names are needed for the command line, before anything heavy is.
if TYPE_CHECKING:
    from collections.abc import Sequence

    from flake8_nnx_treemap.project.runner import FileReport
    from flake8_nnx_treemap.reporting.style import Style

FOR_PEOPLE = ("text", "concise", "grouped")
"""Formats that end with what there is to say about the whole run."""

FORMATS = {
    "text": "text",
    "concise": "concise",
    "grouped": "grouped",
    "json": "json_format",
    "json-lines": "json_lines",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "junit": "junit",
    "rdjson": "rdjson",
}
"""The name on the command line -> the module below ``reporting``."""

FORMATS_WITH_EDITS = frozenset({"text", "json", "json-lines", "rdjson", "sarif"})
"""Formats that say what a fix would write; to find that out for the others would be work for nothing."""


def render(name: str, reports: Sequence[FileReport], style: Style) -> str:
    """Write a run's report in one of the formats.

    Args:
        name: a key of ``FORMATS``.
        reports: the files that have something to say, if any.
        style: how to say it.

    Returns:
        The whole output, empty or with a line end at its end.
    """
    import importlib

    text: str = importlib.import_module(f"flake8_nnx_treemap.reporting.{FORMATS[name]}").render(reports, style)
    return text
