"""``nnx-fix server``: starts the language server, for editors."""

if __name__ == "__main__":
    from flake8_nnx_treemap.startup import forget_current_folder

    forget_current_folder()

import argparse
import logging
import socket
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from flake8_nnx_treemap.lsp.server import NNXLanguageServer

LONGEST_HEADER = 4096
LARGEST_MESSAGE = 2**28
"""In bytes: far more than any file that somebody has open."""

INSTALL = 'server needs the extra "lsp": pip install "flake8-nnx-treemap[lsp]"'


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one client on standard input and output, or on a port of this machine.

    Args:
        arguments: what follows ``nnx-fix server``; the command line if ``None``.

    Returns:
        0 once the client has gone, 1 if it went without ``shutdown`` or said what cannot be read, 2 if an option is
        wrong or what the server needs is not installed.
    """
    try:
        options, unknown = _parser().parse_known_args(arguments)
    except argparse.ArgumentError as error:
        return _refuse(str(error))
    if unknown:
        return _refuse(f"unknown option {unknown[0]}; nnx-fix server --help lists them")
    try:
        from flake8_nnx_treemap.lsp.handlers import create_server
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol"):
            raise
        return _refuse(INSTALL)
    warnings.simplefilter("ignore")  # Those are about code that is read, or of libraries.
    # What goes wrong is told to the client; pygls would say it on standard error again, with every message.
    logging.basicConfig(level=logging.INFO if options.verbose else logging.CRITICAL)
    if options.tcp is None:
        return _serve(create_server(), sys.stdin.buffer, sys.stdout.buffer)
    with socket.create_server(("127.0.0.1", options.tcp)) as listening:
        connection, _ = listening.accept()
    with connection, connection.makefile("rb") as incoming, connection.makefile("wb") as outgoing:
        return _serve(create_server(), incoming, outgoing)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nnx-fix server",
        description="The language server, for editors.",
        allow_abbrev=False,
        exit_on_error=False,  # It would print its usage as well.
    )
    parser.add_argument("--stdio", action="store_true", help="serve on standard input and output: the default")
    parser.add_argument("--tcp", metavar="PORT", type=_port, help="serve on a port of this machine, for debugging")
    parser.add_argument("--verbose", action="store_true", help="log to standard error")
    return parser


def _port(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 6 and int(value) < 2**16):
        raise argparse.ArgumentTypeError(f"{value!r} is not a port")
    return int(value)


def _refuse(why: str) -> int:
    sys.stderr.write(f"nnx-fix: error: {why}\n")
    return 2


def _serve(server: "NNXLanguageServer", incoming: BinaryIO, outgoing: BinaryIO) -> int:
    messages = _Incoming(incoming)
    try:
        server.start_io(cast("BinaryIO", messages), outgoing)
    except ConnectionError:
        return 1  # The client went in the middle of a message.
    if messages.problem is not None:
        sys.stderr.write(f"nnx-fix server: {messages.problem}\n")
        return 1
    return server.exit_code


class _Incoming:
    """What the client says; it ends before a message that no client can mean, which pygls would make room for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.problem: str | None = None

    def readline(self) -> bytes:
        line = self._stream.readline(LONGEST_HEADER)
        return self._end("a header without an end") if len(line) == LONGEST_HEADER else line

    def read(self, size: int) -> bytes:
        return self._stream.read(size) if size <= LARGEST_MESSAGE else self._end(f"a message of {size} bytes")

    def _end(self, problem: str) -> bytes:
        self.problem = problem
        return b""


if __name__ == "__main__":
    sys.exit(main())
