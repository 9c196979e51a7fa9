"""Hooks of mkdocs: a page for each rule in the navigation, and what the theme leaves out for screen readers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from flake8_nnx_treemap.rules.catalogue import CODES, Kind

GROUPS = {
    Kind.CRASH: "Code that crashes",
    Kind.SILENT: "Code that is silently wrong",
    Kind.DEPRECATION: "Code that warns",
    Kind.COMMENT: "Comments",
}

SOURCES = {
    "changelog.md": "CHANGELOG.md",
    "flax-epochs.md": "tests/runtime/epochs.py",
    "rules/index.md": "docs/tools/rule_pages.py",
    "security.md": "SECURITY.md",
}
"""The file to edit for a page that is generated from it or includes it. A rule's page comes from the rule's file."""


def on_config(config: Any) -> Any:
    """Add the rules' pages behind their index, in one group for each kind of rule."""
    pages = {path.name[:6]: path for path in sorted(Path(config.docs_dir, "rules").glob("NNX*.md"))}
    for section in config.nav:
        if "Rules" in section:
            section["Rules"][1:1] = _groups(pages)
    return config


def _groups(pages: dict[str, Path]) -> list[dict[str, Any]]:
    grouped: dict[Kind, list[dict[str, str]]] = {kind: [] for kind in GROUPS}
    for code, path in pages.items():
        # The slug is in the menu, so that nobody has to know the codes by heart.
        grouped[CODES[code].kind].append({path.stem.replace("-", " ", 1): f"rules/{path.name}"})
    return [{GROUPS[kind]: found} for kind, found in grouped.items() if found]


def on_pre_page(page: Any, config: Any, **_: Any) -> Any:
    """Make a page's edit link lead to the file that one has to edit."""
    name = page.file.src_uri
    source = SOURCES.get(name)
    if name.startswith("rules/NNX"):
        source = f"flake8_nnx_treemap/rules/{CODES[page.file.name[:6]].module}.py"
    if source:
        page.edit_url = f"{config.repo_url}/edit/main/{source}"
    return page


def on_page_content(html: str, **_: Any) -> str:
    """Make an empty corner of a table no header."""
    return re.sub(r"<th([^>]*)></th>", r"<td\1></td>", html)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Name the search dialog and the language, and keep the link to the repository from asking GitHub for its stars."""
    if page.file.src_uri.startswith("zh/"):
        output = output.replace('<html lang="en"', '<html lang="zh-CN"')
    named = output.replace(
        'data-md-component="search" role="dialog"', 'data-md-component="search" role="dialog" aria-label="Search"'
    )
    return named.replace(' data-md-component="source"', "")
