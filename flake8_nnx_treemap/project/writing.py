"""Writes files whole or not at all, and replaces no other file than the one that was read.

Everything that is written comes through here: sources, reports, the baseline, the cache. Bytes go to a temporary file
beside the target. Its name says which process made it. Mode, owner and attributes are set through its open handle,
because its name may lead to another file by then. Where the system allows it, the folder is held open as well.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress

from flake8_nnx_treemap.project.errors import FileError
from flake8_nnx_treemap.project.files import NO_FOLLOW, TEMPORARY, encoded, is_inside, open_plain, read_open, reason_of
from flake8_nnx_treemap.project.signals import uninterrupted

_NAME = re.compile(r"\.nnx-fix-(?P<machine>[0-9a-f]{8})-(?P<process>[0-9]+)-[0-9a-f]+")
_FORGOTTEN = 24 * 60 * 60
"""After how many seconds a temporary file is deleted, whichever machine it was made on."""

_CREATING = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_FOLLOW | getattr(os, "O_BINARY", 0)
_HOLDS_FOLDERS = {os.open, os.stat, os.unlink, os.rename} <= os.supports_dir_fd and hasattr(os, "O_DIRECTORY")

Seen = tuple[bytes, os.stat_result]
"""What was read from a file, and its status then."""


def write(path: str, seen: Seen, text: str, encoding: str, named: Sequence[str] | None = None) -> None:
    """Put new text in a file's place, at once and whole, with the file's mode, owner and attributes.

    Args:
        path: the file; a link stays a link.
        seen: what ``files.read`` returned for it.
        text: its new content.
        encoding: how to encode it.
        named: the files and folders that may be written; a link that leads out of them is left alone.

    Raises:
        FileError: the file changed meanwhile, the text does not fit its encoding, or it cannot be written. It is then
            as it was.
    """
    data = encoded(text, encoding)
    target = os.path.realpath(path)
    if named is not None and os.path.islink(path) and not _is_named(path, target, named):
        raise FileError(f"is a symbolic link to {target}, which was not named; left as it was")
    try:
        with uninterrupted():
            _replace(target, seen, data)
    except OSError as error:
        raise FileError(f"cannot be written: {reason_of(error)}; left as it was") from None


def _is_named(path: str, target: str, named: Iterable[str]) -> bool:
    """Whether a file was named itself, by its own name or by a link's, or lies below a folder that was."""
    return path in named or any(is_inside(target, name) for name in named)


def _replace(target: str, seen: Seen, data: bytes) -> None:
    name = os.path.basename(target)
    with _Folder(os.path.dirname(target)) as folder, ExitStack() as reading:
        source = open_plain(folder.at(name), follows_links=False, folder=folder.handle)
        reading.callback(os.close, source)
        content, status = read_open(source)
        if not _is_same(status, seen[1]) or content != seen[0]:
            raise _changed()
        if not os.access(folder.at(name), os.W_OK, dir_fd=folder.handle):
            raise FileError("is read-only; left as it was")

        def check() -> None:
            reading.close()  # Windows does not replace a file that is open.
            if not _is_same(folder.status(name), seen[1]):
                raise _changed()

        _put(folder, name, data, lambda handle: _take_over(handle, status, source), check)


def _changed() -> FileError:
    return FileError("changed while it was being fixed; left as it is")


def _is_same(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two statuses are of one file that has not changed in between."""
    return (one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns) == (
        other.st_dev,
        other.st_ino,
        other.st_size,
        other.st_mtime_ns,
    )


def write_new(path: str, text: str) -> None:
    """Put a report into a file that the user named, at once and whole, whether or not the file exists.

    Args:
        path: the file; a link stays a link, and a device or a pipe is written to.
        text: its new content, in UTF-8; what is not text is escaped.

    Raises:
        FileError: it cannot be written. It is then as it was.
    """
    data = text.encode("utf-8", "backslashreplace")
    if not os.path.exists(path) or os.path.isfile(path):
        write_whole(os.path.realpath(path), data)
        return
    try:
        with open(path, "wb") as file:  # Nothing to put in the place of, such as a pipe or /dev/stderr.
            file.write(data)
    except OSError as error:
        raise FileError(f"cannot be written: {reason_of(error)}") from None


def write_whole(path: str, data: bytes) -> None:
    """Put bytes into a file, at once and whole, whether or not the file exists; never through a link.

    Raises:
        FileError: it cannot be written, or something else than a file has its name. That is then as it was.
    """
    name = os.path.basename(path)
    try:
        with uninterrupted(), _Folder(os.path.dirname(path)) as folder:
            status = folder.status_if_any(name)
            if status is not None and not stat.S_ISREG(status.st_mode):
                raise FileError(f"is a {'symbolic link' if stat.S_ISLNK(status.st_mode) else 'special file or folder'}")
            if status is None:
                _put(folder, name, data, _leave_as_new)
            else:
                _put(folder, name, data, lambda handle: _take_over(handle, status))
    except OSError as error:
        raise FileError(f"cannot be written: {reason_of(error)}") from None


class _Folder:
    """A folder that is held open, so that nobody can put another in its place meanwhile; by name where that is all."""

    def __init__(self, path: str) -> None:
        self.path = path or os.curdir
        self.handle: int | None = None
        if _HOLDS_FOLDERS:
            # O_PATH, where there is one, needs no permission to list the folder.
            self.handle = os.open(self.path, getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0))

    def __enter__(self) -> _Folder:
        sweep(self.path)
        return self

    def __exit__(self, *_: object) -> None:
        if self.handle is not None:
            os.close(self.handle)

    def at(self, name: str) -> str:
        """The name of a file for system calls that also take the folder's handle."""
        return os.path.join(self.path, name) if self.handle is None else name

    def status(self, name: str) -> os.stat_result:
        """The status of a file or link in the folder."""
        return os.stat(self.at(name), dir_fd=self.handle, follow_symlinks=False)

    def status_if_any(self, name: str) -> os.stat_result | None:
        """The same; ``None`` if there is none."""
        try:
            return self.status(name)
        except FileNotFoundError:
            return None


def _put(
    folder: _Folder,
    name: str,
    data: bytes,
    finish: Callable[[int], None],
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write a temporary file, and give it a name.

    Args:
        folder: where.
        name: the name; what has it by then is replaced.
        data: what to write.
        finish: gives the open file what else it is to have.
        check: called when all is written; raises if it is not to take the name after all.
    """
    temporary: str | None = f"{TEMPORARY}{_machine()}-{os.getpid()}-{os.urandom(8).hex()}"
    assert temporary is not None
    # What takes the place of a file is nobody else's to read before it has that file's mode.
    mode = 0o666 if finish is _leave_as_new else 0o600
    handle = os.open(folder.at(temporary), _CREATING, mode, dir_fd=folder.handle)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            finish(handle)
            os.fsync(handle)
            status = os.fstat(handle)
            check()
        now = folder.status_if_any(temporary)
        if now is None or (now.st_dev, now.st_ino) != (status.st_dev, status.st_ino):
            temporary = None
            raise FileError("cannot be written: somebody took its temporary file away; left as it was")
        os.replace(folder.at(temporary), folder.at(name), src_dir_fd=folder.handle, dst_dir_fd=folder.handle)
        temporary = None
    finally:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(folder.at(temporary), dir_fd=folder.handle)


# What a file takes over from the one whose place it takes


def _leave_as_new(handle: int) -> None:
    """Leave a file that replaces no other with the mode that the user's umask gives it."""


def _take_over(handle: int, status: os.stat_result, source: int | None = None) -> None:
    """Give a new file the owner, mode and attributes of the old one, as far as the system lets us."""
    is_ours = _give(handle, status)
    # A file that stays ours must not run with our rights, nor with those of our group, for whoever starts it.
    mode = stat.S_IMODE(status.st_mode) & (~0 if is_ours else ~(stat.S_ISUID | stat.S_ISGID))
    if os.chmod in os.supports_fd:
        os.chmod(handle, mode)
    if source is not None and hasattr(os, "listxattr"):
        _copy_attributes(source, handle)


def _give(handle: int, status: os.stat_result) -> bool:
    """Set a file's owner and group; whether it has both. Only root gives files away, and others to groups of theirs."""
    own = os.fstat(handle)
    if (own.st_uid, own.st_gid) == (status.st_uid, status.st_gid):
        return True
    if not hasattr(os, "fchown"):
        return False
    for user, group in ((status.st_uid, status.st_gid), (-1, status.st_gid)):
        with suppress(OSError):
            os.fchown(handle, user, group)
            return user != -1
    return False


if sys.platform == "linux":

    def _copy_attributes(source: int, handle: int) -> None:
        """Copy extended attributes, of which an ACL is one. What the kernel makes of the content is for it to make."""
        with suppress(OSError):
            for name in os.listxattr(source):
                if name == "security.selinux" or not name.startswith("security."):
                    with suppress(OSError):
                        os.setxattr(handle, name, os.getxattr(source, name))

else:

    def _copy_attributes(source: int, handle: int) -> None:
        """Elsewhere, Python has no way to."""


# What runs that were killed have left behind


@functools.lru_cache(maxsize=4096)
def sweep(folder: str) -> None:
    """Delete temporary files of ours in a folder whose process is gone."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(TEMPORARY) and entry.is_file(follow_symlinks=False) and _is_left_behind(entry):
                with suppress(OSError):
                    os.unlink(entry.path)


def _is_left_behind(entry: os.DirEntry[str]) -> bool:
    if time.time() - entry.stat(follow_symlinks=False).st_mtime > _FORGOTTEN:
        return True
    match = _NAME.fullmatch(entry.name)
    return match is not None and match["machine"] == _machine() and not _runs(int(match["process"]))


def _runs(process: int) -> bool:
    """Whether a process of this machine runs; yes if that cannot be told."""
    if os.name != "posix":  # To ask on Windows would be to end it.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@functools.cache
def _machine() -> str:
    """What the numbers of processes hold for: this machine, and on Linux this container."""
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    with suppress(OSError, AttributeError):
        name += os.readlink("/proc/self/ns/pid")
    return hashlib.blake2b(os.fsencode(name), digest_size=4).hexdigest()
