"""Takes the current folder off ``sys.path``, before ``python -m`` imports anything from it.

Python puts that folder first on ``sys.path``, and it holds the code that is checked. This module imports no other,
since Python would look for it in that folder. Neither does the package's own ``__init__``.
"""

import sys


def forget_current_folder() -> None:
    """Take the current folder off ``sys.path``, if Python has put it there for ``-m``."""
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        del sys.path[0]
