"""These tests want Python 3.11, mkdocs and the installed package: ``nox -s docs`` has them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "docs" / "tools"
sys.path.insert(0, str(TOOLS))

IS_EQUIPPED = sys.version_info >= (3, 11) and importlib.util.find_spec("mkdocs") is not None

collect_ignore_glob = [] if IS_EQUIPPED else ["test_*.py"]

if IS_EQUIPPED:
    from sandbox import Sandbox, new_sandbox

    @pytest.fixture
    def sandbox(tmp_path: Path) -> Sandbox:
        return new_sandbox(tmp_path)
