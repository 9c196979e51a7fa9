"""What ``python -m`` needs before anything else: the folder that it is started in holds code to read, not to run.

Python puts that folder first on ``sys.path``. This module imports nothing, since whatever it imported would be looked
for there; neither does the package's own ``__init__``.
"""

import sys


def forget_current_folder() -> None:
    """Take the current folder off ``sys.path``, if Python has put it there for ``-m``."""
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        del sys.path[0]
