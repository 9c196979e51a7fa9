"""The settings that a file is looked at with, and where they come from."""

from __future__ import annotations

import json

from flake8_nnx_treemap.project.configuration import (
    Configuration,
    Overrides,
    cache_folder,
    configuration_for,
    flax_floor_for,
    max_file_size_for,
    settings_for,
)
from flake8_nnx_treemap.project.discovery import SUFFIXES
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
    configuration = Configuration() if overrides.is_isolated else configuration_for(path)
    settings = settings_for(path, overrides)
    excludes, respect_gitignore, suffixes = exclusions_for(path, targets)
    floor = flax_floor_for(path, overrides)
    shown = {
        "file": path,
        "configuration": configuration.path,
        "rules": sorted(settings.select or ()),
        "target-flax": ".".join(map(str, floor.release)),
        "target-flax-source": floor.decided_by,
        "unsafe-fixes": settings.unsafe_fixes,
        "exclude": sorted(excludes),
        "respect-gitignore": respect_gitignore,
        "include-markdown": suffixes != SUFFIXES,
        "cache-dir": cache_folder(overrides),
        "max-file-size": max_file_size_for(path, overrides),
    }
    if name == "json":
        return in_json(json.dumps(shown, indent=2, ensure_ascii=False)) + "\n"
    source = shown.pop("target-flax-source")
    shown["target-flax"] = f"{shown['target-flax']} from {source}"
    return "".join(one_line(f"{key}: {_as_text(value)}") + "\n" for key, value in shown.items())


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
