"""The settings that a file is looked at with, and where they come from."""

from __future__ import annotations

import json

from flake8_nnx_treemap.project.configuration import (
    Overrides,
    cache_folder,
    complaints_about_targets,
    configuration_of,
    flax_range_for,
    max_file_size_for,
    settings_for,
)
from flake8_nnx_treemap.project.discovery import SUFFIXES
from flake8_nnx_treemap.project.flax_range import FlaxDecision
from flake8_nnx_treemap.project.scanning import Targets, exclusions_for
from flake8_nnx_treemap.reporting.style import in_json, one_line


def render_settings(name: str, path: str, overrides: Overrides, targets: Targets) -> str:
    """Show what holds for a file.

    Args:
        name: ``json``, or any other format for text.
        path: the file; it need not exist.
        overrides: what the command line says about rules.
        targets: what it says about which files count.

    Raises:
        ConfigurationError: the configuration or the command line is wrong.
    """
    configuration = configuration_of(path, overrides)
    settings = settings_for(path, overrides)
    excludes, respect_gitignore, suffixes = exclusions_for(path, targets)
    decision = flax_range_for(path, overrides)
    shown = {
        "file": path,
        "configuration": configuration.path,
        "rules": sorted(settings.select or ()),
        "target-flax": decision.range.target,
        "target-flax-source": decision.decided_by,
        "target-flax-warning": next(iter(complaints_about_targets([path], overrides)), None),
        "target-flax-places": [
            {"place": place.path, "said": place.said, "decides": place.path in decision.deciding}
            for place in decision.places
        ],
        "unsafe-fixes": settings.unsafe_fixes,
        "exclude": sorted(excludes),
        "respect-gitignore": respect_gitignore,
        "include-markdown": suffixes != SUFFIXES,
        "cache-dir": cache_folder(overrides),
        "max-file-size": max_file_size_for(path, overrides),
        "line-length": settings.line_length,
    }
    if name == "json":
        return in_json(json.dumps(shown, indent=2, ensure_ascii=False)) + "\n"
    del shown["target-flax-source"], shown["target-flax-places"]
    shown["target-flax"] = f"{decision.range}, from {decision.decided_by}"
    if shown["target-flax-warning"] is None:
        del shown["target-flax-warning"]
    lines = [f"{key}: {_as_text(value)}" for key, value in shown.items()]
    lines += _places_as_text(decision)
    return "".join(f"{one_line(line)}\n" for line in lines)


def _places_as_text(decision: FlaxDecision) -> list[str]:
    """Where flax was looked for, one line each."""
    if not decision.places:
        return []
    marks = dict.fromkeys(decision.deciding, " (decides)")
    return [
        "flax was looked for in:",
        *(f"  {place.path}: {place.said}{marks.get(place.path, '')}" for place in decision.places),
    ]


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
