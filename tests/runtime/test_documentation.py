"""What the documentation shows, on the installed Flax: its Python runs, and its drawings are what happens."""

from __future__ import annotations

import builtins
import json
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from harness import names_of_variables_kept
from installed import RELEASE, VERSION, release_named

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "docs"), str(ROOT / "docs" / "tools")]

from lessons import batches  # noqa: E402
from measurements import Batch  # noqa: E402
from snippets import Snippet, halves_of, snippets  # noqa: E402
from traversal_recorder import run  # noqa: E402

PRELUDE = """\
import jax
import jax.numpy as jnp
from flax import nnx

model = nnx.Linear(2, 3, rngs=nnx.Rngs(0))
state = nnx.state(model)
"""

PAGES = sorted({snippet.page for snippet in snippets("python")})


@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_page_runs(page: str) -> None:
    """The blocks of a page are one session, in order."""
    namespace: dict[str, Any] = {"__name__": "page"}
    exec(PRELUDE, namespace)
    for snippet in snippets("python"):
        if snippet.page == page:
            _run(snippet, namespace)


def _run(snippet: Snippet, namespace: dict[str, Any]) -> None:
    how, _, what = snippet.says.partition(" ")
    if how == "since" and release_named(what) > RELEASE:
        return
    halves = halves_of(snippet)
    code = compile(halves.after if halves else snippet.text, snippet.name, "exec")
    expected = pytest.raises(getattr(builtins, what)) if how == "raises" else nullcontext()
    with warnings.catch_warnings(), expected:
        warnings.simplefilter("ignore")
        exec(code, namespace)


@pytest.mark.parametrize("batch", batches(), ids=lambda batch: batch.name)
def test_drawings_are_what_happens(batch: Batch) -> None:
    stored = {one["name"]: one["traversals"] for one in json.loads(batch.path.read_text(encoding="utf-8"))["runs"]}
    for job in batch.jobs:
        expected = [one for one in stored[job.name] if VERSION in one["releases"]]
        if not expected:
            pytest.skip(f"the drawings do not show Flax {VERSION}")
        with names_of_variables_kept():
            found = run(job.source, job.tree)
        assert _without_message(found) == _without_message({key: expected[0][key] for key in found})


def _without_message(recorded: dict[str, Any]) -> dict[str, Any]:
    """Error texts are JAX's own, and change with its releases."""
    return {**recorded, "end": recorded["end"].partition(":")[0]}
