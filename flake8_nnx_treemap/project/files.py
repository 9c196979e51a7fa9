"""Reading and writing source files: bytes in, the same bytes out but for what was edited, whole or not at all."""

from __future__ import annotations

import errno
import os
import stat

from flake8_nnx_treemap.project.errors import FileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_HEAD = 4096
"""No declaration stands further into a file."""

_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def read_bytes(path: str) -> bytes:
    """Read a regular file.

    Raises:
        FileError: there is none, it may not be read, or it is a folder, pipe, socket or device.
    """
    try:
        # Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
        handle = os.open(path, os.O_RDONLY | _NONBLOCK | _BINARY)
    except OSError as error:
        raise FileError("is not a regular file" if error.errno == errno.ENXIO else _reason(error)) from None
    except ValueError:  # A null byte in the name.
        raise FileError("is not a file name") from None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise FileError("is a directory" if stat.S_ISDIR(status.st_mode) else "is not a regular file")
        data = os.read(handle, status.st_size + 1)
        while len(data) < status.st_size and (more := os.read(handle, status.st_size)):
            data += more
        return data
    except OSError as error:
        raise FileError(_reason(error)) from None
    finally:
        os.close(handle)


def decode(data: bytes) -> tuple[str, str]:
    """Decode a Python file as its byte order mark, its declaration or the default says.

    Args:
        data: the whole file.

    Returns:
        The text, line ends as they are, and the encoding (``utf-8-sig`` if there was a byte order mark).

    Raises:
        FileError: the bytes are not text in that encoding.
    """
    import io
    import re
    import tokenize

    if data.startswith(_UTF16_MARKS):
        raise FileError("is not UTF-8: it starts with a UTF-16 byte order mark")
    # Only the first two lines may declare an encoding, and a carriage return alone ends a line as well.
    head = b"\n".join(re.split(rb"\r\n|\r|\n", data[:_LONGEST_HEAD], maxsplit=2)[:2]) + b"\n"
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(head).readline)
    except SyntaxError as error:
        if "unknown encoding" in str(error.msg):
            raise FileError(f"cannot be decoded: {error.msg}") from None
        encoding = "utf-8"  # No declaration, and no UTF-8 either: decoding says where.
    return _decoded(data, encoding), encoding


def decode_text(data: bytes) -> tuple[str, str]:
    """Decode a file of a format that is always UTF-8, whatever its first lines seem to declare.

    Args:
        data: the whole file.

    Returns:
        The text, line ends as they are, and the encoding (``utf-8-sig`` if there was a byte order mark).

    Raises:
        FileError: the bytes are not UTF-8.
    """
    encoding = "utf-8-sig" if data.startswith(_UTF8_MARK) else "utf-8"
    return _decoded(data, encoding), encoding


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise FileError(f"is not {error.encoding}: byte {error.start} is 0x{data[error.start]:02x}") from None


def write(path: str, old: bytes, text: str, encoding: str) -> None:
    """Put new text in a file's place, at once and whole, with the file's mode and owner.

    Args:
        path: the file; a link stays a link.
        old: what was read from it.
        text: its new content.
        encoding: how to encode it.

    Raises:
        FileError: the file changed meanwhile, the text does not fit its encoding, or it cannot be written. It is then
            as it was.
    """
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError as error:
        raise FileError(f"the rewrite does not fit its encoding {error.encoding}; left as it was") from None
    _uninterrupted(lambda: _replace(os.path.realpath(path), old, data))


def _replace(target: str, old: bytes, data: bytes) -> None:
    import tempfile

    temporary = None
    try:
        status = os.stat(target)
        if not os.access(target, os.W_OK):
            raise FileError("is read-only; left as it was")
        handle, temporary = tempfile.mkstemp(prefix=".nnx-fix-", dir=os.path.dirname(target))
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _take_over(temporary, status)
        with open(target, "rb") as file:
            if file.read() != old:
                raise FileError("changed while it was being fixed; left as it is")
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        raise FileError(f"cannot be written: {_reason(error)}; left as it was") from None
    finally:
        if temporary is not None:
            os.unlink(temporary)


def write_new(path: str, text: str) -> None:
    """Put a report into a file, at once and whole, whether or not the file exists.

    Args:
        path: the file; a link stays a link, and a device or a pipe is written to.
        text: its new content, in UTF-8; what is not text is escaped.

    Raises:
        FileError: it cannot be written. It is then as it was.
    """
    data = text.encode("utf-8", "backslashreplace")
    if not os.path.exists(path) or os.path.isfile(path):
        write_whole(path, data)
        return
    try:
        with open(path, "wb") as file:  # Nothing to put in the place of, such as a pipe or /dev/stderr.
            file.write(data)
    except OSError as error:
        raise FileError(f"cannot be written: {_reason(error)}") from None


def write_whole(path: str, data: bytes) -> None:
    """Put bytes into a file, at once and whole, whether or not the file exists.

    Raises:
        FileError: it cannot be written. It is then as it was.
    """
    _uninterrupted(lambda: _put(path, data))


def _put(path: str, data: bytes) -> None:
    import tempfile

    target = os.path.realpath(path)
    temporary = None
    try:
        is_there = os.path.exists(target)
        umask = os.umask(0)
        os.umask(umask)
        mode = stat.S_IMODE(os.stat(target).st_mode) if is_there else 0o666 & ~umask
        handle, temporary = tempfile.mkstemp(prefix=".nnx-fix-", dir=os.path.dirname(target))
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, mode)
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        raise FileError(f"cannot be written: {_reason(error)}") from None
    finally:
        if temporary is not None:
            os.unlink(temporary)


def _uninterrupted(act: Callable[[], None]) -> None:
    """Do something that must not be left half done: Ctrl-C counts once it is over."""
    import signal
    import threading

    previous = signal.getsignal(signal.SIGINT)
    if previous is None or threading.current_thread() is not threading.main_thread():
        act()
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        act()
    finally:
        signal.signal(signal.SIGINT, previous)
        if pressed:
            signal.raise_signal(signal.SIGINT)


def _take_over(path: str, status: os.stat_result) -> None:
    os.chmod(path, stat.S_IMODE(status.st_mode))
    own = os.stat(path)
    if hasattr(os, "chown") and (own.st_uid, own.st_gid) != (status.st_uid, status.st_gid):
        import contextlib

        with contextlib.suppress(PermissionError):  # Only root gives files away; the content is what matters.
            os.chown(path, status.st_uid, status.st_gid)


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
