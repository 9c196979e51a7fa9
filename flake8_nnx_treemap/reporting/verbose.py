"""What ``--verbose`` adds: the settings that each file was held to, notes on findings, and the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.project.configuration import Overrides, flax_range_for, settings_for
from flake8_nnx_treemap.project.errors import ConfigurationError
from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.style import one_line


def verbose_lines(
    candidates: Sequence[str], reports: Sequence[FileReport], overrides: Overrides, seconds: float
) -> Iterator[str]:
    """Say how a run went.

    Args:
        candidates: the files that were looked at closely.
        reports: those that had something to say.
        overrides: what the command line says about rules.
        seconds: how long it all took.
    """
    for path in candidates:
        try:
            codes, decision = settings_for(path, overrides).select or (), flax_range_for(path, overrides)
        except ConfigurationError:
            continue  # The file's own report says it.
        held_to = f"{', '.join(sorted(codes)) or 'no rules'}; Flax {decision.range} ({decision.decided_by})"
        yield one_line(f"{path}: {held_to}")
    for report in reports:
        for finding in report.findings:
            for note in finding.notes:
                yield one_line(f"{report.path}:{report.place(finding.range.start)}: note: {note}")
    yield f"Looked closely at {len(candidates)} file{'' if len(candidates) == 1 else 's'} in {seconds:.2f} s."
