"""``nnx-fix server``: starts the language server, for editors."""

if __name__ == "__main__":
    from flake8_nnx_treemap.startup import forget_current_folder

    forget_current_folder()

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence

INSTALL = 'nnx-fix server needs the extra "lsp": pip install "flake8-nnx-treemap[lsp]"'


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one client on standard input and output, or on a port of this machine.

    Args:
        arguments: what follows ``nnx-fix server``; the command line if ``None``.

    Returns:
        0 once the client has gone, 2 if what the server needs is not installed.
    """
    parser = argparse.ArgumentParser(prog="nnx-fix server", description="The language server, for editors.")
    parser.add_argument("--stdio", action="store_true", help="serve on standard input and output: the default")
    parser.add_argument("--tcp", metavar="PORT", type=int, help="serve on a port of this machine, for debugging")
    parser.add_argument("--verbose", action="store_true", help="log to standard error")
    options = parser.parse_args(arguments)
    try:
        from flake8_nnx_treemap.lsp.handlers import create_server
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol"):
            raise
        sys.stderr.write(f"{INSTALL}\n")
        return 2
    warnings.simplefilter("ignore")  # Those are about code that is read, or of libraries.
    # What goes wrong is told to the client; pygls would say it on standard error again, with every message.
    logging.basicConfig(level=logging.INFO if options.verbose else logging.CRITICAL)
    server = create_server()
    if options.tcp is not None:
        server.start_tcp("127.0.0.1", options.tcp)
    else:
        server.start_io()
    return 0


if __name__ == "__main__":
    sys.exit(main())
