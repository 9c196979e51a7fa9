"""Tests of what editors are told, with real clients where they are installed. ``nox -s editors`` installs them."""

from __future__ import annotations

import importlib.util

collect_ignore: list[str] = []

if importlib.util.find_spec("pygls") is None:  # The extra [lsp] is not there: the other sessions test what is.
    collect_ignore += ["test_connection.py", "test_documents.py", "test_server_parts.py"]
if importlib.util.find_spec("pytest_lsp") is None:
    collect_ignore += ["test_asking_for_flax.py", "test_protocol.py", "test_pylsp.py"]
