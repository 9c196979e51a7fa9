"""Findings as JSON, one object a line, for tools that read while others write."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.json_format import entries
from flake8_nnx_treemap.reporting.style import Style, in_json


def render(reports: Sequence[FileReport], style: Style) -> str:
    """The entries of the JSON format, each on its line; nothing if there are none."""
    return "".join(in_json(json.dumps(entry, ensure_ascii=False)) + "\n" for entry in entries(reports))
