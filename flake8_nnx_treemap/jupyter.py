"""Tells JupyterLab, by way of jupyter-lsp, how to start the language server. Imported by the Jupyter server alone."""

from __future__ import annotations

import sys
from typing import Any

NAME = "nnx-fix"

START = (
    "import sys; sys.path = [folder for folder in sys.path if folder]; "
    "from flake8_nnx_treemap.language_server import main; sys.exit(main())"
)
"""For ``python -c``. With ``-m``, files of the current folder, which may be anybody's, would hide modules;
``-P`` is not known to Python 3.10, and ``-I`` does not find what was installed for one user."""


def language_servers(manager: object) -> dict[str, dict[str, Any]]:
    """What the entry point ``jupyter_lsp_spec_v1`` yields.

    Args:
        manager: jupyter-lsp's manager; nothing of it is needed.

    Returns:
        The server's description by its name.
    """
    return {
        NAME: {
            "version": 2,
            "argv": [sys.executable, "-c", START],
            "languages": ["python"],
            "mime_types": ["text/x-python", "text/x-ipython", "text/python"],
            "display_name": "nnx-fix",
            "urls": {"home": "https://flake8-nnx-treemap.readthedocs.io"},
            "install": {"pip": 'pip install "flake8-nnx-treemap[lsp]"'},
            "requires_documents_on_disk": False,
        }
    }
