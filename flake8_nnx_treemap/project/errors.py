"""What can go wrong with files and configuration; each text is one line for a person to read."""

from __future__ import annotations


class FileError(Exception):
    """A file that cannot be read or written; the text says why."""


class ConfigurationError(Exception):
    """A setting that is wrong; the text names the file or option, and the key."""
