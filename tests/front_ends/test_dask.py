"""The example of the API's page, on a real local cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap import LintSettings, lint_source

pytest.importorskip("distributed")

ROOT = Path(__file__).parents[2]


def test_the_cluster_finds_what_a_loop_finds() -> None:
    paths = sorted(map(str, (ROOT / "examples").glob("*.py")))
    run = subprocess.run(
        [sys.executable, ROOT / "examples" / "dask_shard.py", *paths],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    expected = [
        f"{path}:{found.range.start.row}: {found.code} {found.message}"
        for path in paths
        for found in lint_source(Path(path).read_text(encoding="utf-8"), path, LintSettings(flax=(0, 11)))
    ]
    assert run.stdout.splitlines() == expected
    assert expected
