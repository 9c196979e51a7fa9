"""Writes what the documentation takes from the code and from measurements: rule pages, drawings, real projects.

python docs/tools/generate.py           write
python docs/tools/generate.py --check   say what is out of date; exit code 1 if anything is
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import real_projects
from lessons import batches, lesson_files
from measurements import DOCS
from rule_pages import index_page, page_name, rule_page, scene_of

from flake8_nnx_treemap.reporting.traversals import DATA as SCENES
from flake8_nnx_treemap.reporting.traversals import Scene, Traversal
from flake8_nnx_treemap.rules.catalogue import every_rule, rules_about_code


def generated() -> dict[Path, str]:
    """Every generated file with its text."""
    pages = {page_name(rule): rule_page(rule) for rule in every_rule()}
    files = {**pages, "rules/index.md": index_page(), **lesson_files()}
    files[real_projects.PAGE] = real_projects.page()
    written = {DOCS / name: text for name, text in files.items()}
    return {**written, SCENES: _scenes_text(), real_projects.README: real_projects.readme()}


def _scenes_text() -> str:
    scenes = [scene for scene in map(scene_of, rules_about_code()) if scene is not None]
    lines = ",\n".join(
        f'"{scene.code}": {json.dumps(_stored(scene), ensure_ascii=False, separators=(",", ":"))}' for scene in scenes
    )
    return "{\n" + lines + "\n}\n"


def _stored(scene: Scene) -> dict[str, object]:
    return {
        "tree": scene.tree,
        "floor": scene.floor,
        "before": [_stored_traversal(one) for one in scene.before],
        "after": [_stored_traversal(one) for one in scene.after],
    }


def _stored_traversal(one: Traversal) -> dict[str, object]:
    nodes = [[node.depth, node.key, node.kind, node.met, node.end] for node in one.nodes]
    return {"releases": one.releases, "nodes": nodes, "end": one.end, "gives": one.gives, "warns": one.warns}


def orphans() -> list[Path]:
    """Generated files that belong to no rule or lesson any more."""
    wanted = set(generated())
    return [path for folder in ("rules", "drawings") for path in (DOCS / folder).glob("*.*") if path not in wanted]


def out_of_date() -> list[str]:
    """What ``--check`` objects to."""
    changed = [
        f"{path.name} is out of date: run docs/tools/generate.py"
        for path, text in generated().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    stale = [
        f"{batch.name} was measured with other programs: run docs/tools/measure.py"
        for batch in batches()
        if not batch.is_fresh
    ]
    return [*stale, *changed, *(f"{path.name} belongs to nothing: remove it" for path in orphans())]


def write() -> None:
    """Write what has changed, remove what belongs to nothing."""
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in orphans():
        path.unlink()


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Write the generated part of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing, say what is out of date")
    if not parser.parse_args().check:
        write()
        return 0
    problems = out_of_date()
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
