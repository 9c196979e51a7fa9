"""The runtime proof needs JAX and Flax. Without them nothing here is collected, and the run says so.

While it runs, programs and executions are counted; the summary shows them, and ``NNX_PROOF_OUT=file.json`` keeps them
for ``proof_table.py``.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

HAS_FLAX = importlib.util.find_spec("flax") is not None and importlib.util.find_spec("jax") is not None

collect_ignore_glob = [] if HAS_FLAX else ["test_*.py"]

os.environ.setdefault("JAX_PLATFORMS", "cpu")


def pytest_configure(config: pytest.Config) -> None:
    # The trees hold Variables with hooks on purpose: users have them.
    config.addinivalue_line("filterwarnings", "ignore:Variable hooks are deprecated:UserWarning")


def pytest_report_header() -> str:
    if not HAS_FLAX:
        return "runtime proof: left out, Flax is not installed"
    from installed import EPOCH, VERSION

    return f"runtime proof: Flax {VERSION} ({EPOCH.name})"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not HAS_FLAX:
        return
    from tally import TALLY

    if TALLY.rows:
        terminalreporter.section("runtime proof")
        for line in TALLY.lines():
            terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not HAS_FLAX:
        return
    from tally import TALLY

    handed_over = getattr(session.config, "workeroutput", None)
    if handed_over is not None:  # A process of pytest-xdist, which tells the one that started it.
        handed_over["tally"] = TALLY.plain()
    elif "NNX_PROOF_OUT" in os.environ:
        Path(os.environ["NNX_PROOF_OUT"]).write_text(TALLY.to_json(), encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if HAS_FLAX:
        from tally import TALLY

        TALLY.merge(getattr(node, "workeroutput", {}).get("tally", ()))
