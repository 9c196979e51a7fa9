"""Hooks of mkdocs: a page for each rule in the navigation, and what the theme leaves out for screen readers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Add the rules' pages behind their index."""
    pages = sorted(Path(config.docs_dir, "rules").glob("NNX*.md"))
    for section in config.nav:
        if "Rules" in section:
            section["Rules"] += [{page.stem.partition("-")[0]: f"rules/{page.name}"} for page in pages]
    return config


def on_page_content(html: str, **_: Any) -> str:
    """Make an empty corner of a table no header."""
    return re.sub(r"<th([^>]*)></th>", r"<td\1></td>", html)


def on_post_page(output: str, **_: Any) -> str:
    """Name the search dialog."""
    return output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"'
    )
