"""``python -m flake8_nnx_treemap`` is ``nnx-fix``."""

from __future__ import annotations

import sys

from flake8_nnx_treemap.cli import main

if __name__ == "__main__":
    sys.exit(main())
