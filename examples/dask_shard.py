"""Lint a list of files on a Dask cluster. Any engine that can pickle will do: Ray, Beam, Spark, multiprocessing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from dask.distributed import Client, LocalCluster

from flake8_nnx_treemap import Finding, LintSettings, SourceError, lint_source

SETTINGS = LintSettings(flax=(0, 11))


def lint_file(path: str) -> list[Finding]:
    """What is wrong in one file; nothing if it is no Python."""
    try:
        return lint_source(Path(path).read_text(encoding="utf-8"), path, SETTINGS)
    except (SourceError, UnicodeDecodeError):
        return []


def lint_files(client: Client, paths: Sequence[str]) -> dict[str, list[Finding]]:
    """The findings of each file, wherever it was looked at."""
    found = client.gather(client.map(lint_file, paths, pure=False))
    return {path: findings for path, findings in zip(paths, found, strict=True) if findings}


if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        for path, findings in lint_files(client, sys.argv[1:]).items():
            for finding in findings:
                print(f"{path}:{finding.range.start.row}: {finding.code} {finding.message}")
