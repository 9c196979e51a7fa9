"""Reads source files, if they are plain files, as bytes and as text in the encoding that they declare.

``writing.py`` writes them. Most runs write nothing and import this module alone.
"""

from __future__ import annotations

import errno
import os
import stat

from flake8_nnx_treemap.project.errors import FileError

LARGEST = 1 << 28
"""How many bytes of a file are read at most: a sparse file may claim to have any number."""

TEMPORARY = ".nnx-fix-"
"""How the names of the files start that ``writing.py`` makes for a moment."""

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_HEAD = 4096
"""No declaration is further into a file."""

NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
"""0 where the system has no such flag; a link is then recognised by its status alone."""

# Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


def read_bytes(path: str, most: int = LARGEST, *, follows_links: bool = True) -> bytes:
    """Read a regular file. See ``read``."""
    return read(path, most, follows_links=follows_links)[0]


def read(path: str, most: int = LARGEST, *, follows_links: bool = True) -> tuple[bytes, os.stat_result]:
    """Read a regular file.

    Args:
        path: the file.
        most: how many bytes it may have.
        follows_links: whether it may be a symbolic link.

    Returns:
        Its bytes, and its status as they were read.

    Raises:
        FileError: there is none, it may not be read, it is too large, or it is a folder, pipe, socket or device.
    """
    try:
        if not follows_links and os.path.islink(path):
            raise FileError("is a symbolic link")
        handle = open_plain(path, follows_links=follows_links)
    except OSError as error:
        raise FileError(_reason_not_to_open(error)) from None
    except ValueError:  # A null byte in the name.
        raise FileError("is not a file name") from None
    try:
        return read_open(handle, most)
    except OSError as error:
        raise FileError(reason_of(error)) from None
    finally:
        os.close(handle)


def open_plain(path: str, *, follows_links: bool = True, folder: int | None = None) -> int:
    """Open a file to read, without waiting for anybody.

    Args:
        path: the file.
        follows_links: whether it may be a symbolic link.
        folder: a handle of the folder that the path is seen from.
    """
    return os.open(path, _READING | (0 if follows_links else NO_FOLLOW), dir_fd=folder)


def read_open(handle: int, most: int = LARGEST) -> tuple[bytes, os.stat_result]:
    """Read a file that is open, from its current position to its end.

    Args:
        handle: the file's.
        most: how many bytes it may have.

    Raises:
        FileError: it is too large, or it is a folder, pipe, socket or device.
        OSError: it cannot be read.
    """
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise FileError("is a directory" if stat.S_ISDIR(status.st_mode) else "is not a regular file")
    if status.st_size > most:
        raise FileError(f"is larger than {most:,} bytes")
    data = os.read(handle, status.st_size + 1)
    while len(data) < status.st_size and (more := os.read(handle, status.st_size)):
        data += more
    return data, status


def is_inside(path: str, folder: str) -> bool:
    """Whether a path is, or lies below, a folder, wherever links lead; neither need exist."""
    path, folder = os.path.realpath(path), os.path.realpath(folder)
    return path == folder or path.startswith(os.path.join(folder, ""))


def _reason_not_to_open(error: OSError) -> str:
    if error.errno == errno.ENXIO:  # A socket, or a device without a driver.
        return "is not a regular file"
    return reason_of(error)


def reason_of(error: OSError) -> str:
    """What the system says went wrong, in the words of a sentence."""
    return (error.strerror or type(error).__name__).lower()


def decode(data: bytes) -> tuple[str, str]:
    """Decode a Python file as its byte order mark, its declaration or the default says.

    Args:
        data: the whole file.

    Returns:
        The text, line ends as they are, and the encoding (``utf-8-sig`` if there was a byte order mark).

    Raises:
        FileError: the bytes are not text in that encoding, or the encoding would not give the same bytes back.
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
    if encoding in ("utf-8", "utf-8-sig"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            raise _not_in_encoding(data, error) from None
    import warnings  # Codecs such as unicode_escape warn of what they decode.

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _decoded_from(data, encoding)


def _not_in_encoding(data: bytes, error: UnicodeDecodeError) -> FileError:
    row, line_start = data.count(b"\n", 0, error.start) + 1, data.rfind(b"\n", 0, error.start) + 1
    column = len(data[line_start : error.start].decode(error.encoding, "replace")) + 1
    name = "UTF-8" if error.encoding == "utf-8" else error.encoding
    return FileError(f"{row}:{column}: is not {name}: byte 0x{data[error.start]:02x}")


def _decoded_from(data: bytes, encoding: str) -> str:
    """Decode from an encoding that need not be one for text, nor have one way alone to write each text."""
    import codecs

    if not getattr(codecs.lookup(encoding), "_is_text_encoding", True):
        raise FileError(f"cannot be decoded: {encoding} is no encoding for text")
    try:
        text = data.decode(encoding)
        is_the_same = text.encode(encoding) == data
    except UnicodeDecodeError as error:
        raise _not_in_encoding(data, error) from None
    except UnicodeEncodeError:
        is_the_same = False
    except Exception as error:  # A codec may be anybody's, and fail in any way.
        raise FileError(f"cannot be decoded from {encoding}: {str(error) or type(error).__name__}") from None
    if not is_the_same:
        raise FileError(f"cannot be decoded safely: {encoding} does not give the same bytes back")
    return text


def encoded(text: str, encoding: str) -> bytes:
    """Encode a text that was decoded, and perhaps changed since.

    Raises:
        FileError: it does not fit the encoding.
    """
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        raise FileError(f"the rewrite does not fit its encoding {error.encoding}; left as it was") from None
