"""The grammar of ``nnx-fix``: from the words of a command line to options, or to what is wrong with them."""

from __future__ import annotations

import argparse
import os

from flake8_nnx_treemap.reporting.formats import FOR_PEOPLE, FORMATS

TYPE_CHECKING = False  # As in typing, whose import takes as long as all the rest of a run without candidates.
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

EXAMPLES = """\
examples:
  nnx-fix src/                      repair in place what can be repaired safely
  nnx-fix --check src/              report, change nothing
  nnx-fix --diff --unsafe-fixes .   show everything that could be done
  nnx-fix --target-flax 0.12 src/   write code for Flax 0.12 and later
  nnx-fix server                    start the language server, for editors
  cat file.py | nnx-fix -           repair standard input, write to standard output
  git diff --name-only --relative -z | nnx-fix --force-exclude --files-from -
  nnx-fix --check --output-format sarif --output-file nnx.sarif .

As with ruff, "nnx-fix check PATH" is --check, "nnx-fix fix PATH" is the default, and
"nnx-fix rule CODE" is --explain. A folder of such a name is written ./check.
"""
SHELLS = ("bash", "zsh", "tcsh")
COLORS = ("auto", "always", "never")
MODES = ("fix", "check", "diff", "interactive", "add_noqa", "explain", "list_rules", "show_files", "show_settings")
"""Options that say what a run does; it repairs files if there is none of them."""


class UsageError(Exception):
    """A command line that cannot be followed; the text says why, in one line."""


class _Parser(argparse.ArgumentParser):
    """Raises what ``argparse`` would print below its usage; overriding ``error`` is its documented way."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Raises:
            UsageError: always.
        """
        raise UsageError(message)


def options_of(words: Sequence[str]) -> argparse.Namespace:
    """Read a command line.

    Args:
        words: its words, less the name of the command.

    Returns:
        The options. ``paths`` holds what was named, in order, wherever it was among them.

    Raises:
        UsageError: it cannot be followed.
    """
    before, after = _split(_as_options(words))
    parser = build_parser(has_paths=False)
    options, rest = parser.parse_known_args(before)
    for word in rest:
        if word.startswith("-") and word != "-":
            raise UsageError(_unknown_option(word.partition("=")[0], parser))
    options.paths = [*rest, *after]
    if words[:1] == ["check"] and not any(getattr(options, mode) not in (False, None) for mode in MODES):
        options.check = True
    options.says_default = options.fix and words[:1] != ["check"]
    if options.stdin_filename is not None and not options.paths and options.files_from is None:
        options.paths = ["-"]
    complaint = _contradiction(options)
    if complaint is not None:
        raise UsageError(complaint)
    return options


def _as_options(words: Sequence[str]) -> list[str]:
    """Ruff's subcommands, and its way to give ``--add-noqa`` a reason, as options."""
    first, *others = words or ("",)
    if first == "rule":
        if not others:
            raise UsageError("rule needs a code: nnx-fix rule NNX101")
        return ["--explain", "ALL" if others[0] == "--all" else others[0], *others[1:]]
    if first in ("help", "version") and not others and not os.path.exists(first):
        return [f"--{first}"]
    if first == "fix" and not others and os.path.exists("fix"):
        raise UsageError("write ./fix if the file or folder is meant, and `nnx-fix fix .` to repair all of this folder")
    found = others if first in ("check", "fix") else list(words)
    before, after = _split(found)
    before = [
        part
        for word in before
        for part in (("--add-noqa", f"--reason={word[11:]}") if word.startswith("--add-noqa=") else (word,))
    ]
    return [*before, *(("--", *after) if "--" in found else ())]


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """The words before and after ``--``, which says that only paths follow."""
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def _unknown_option(option: str, parser: argparse.ArgumentParser) -> str:
    from flake8_nnx_treemap.rules.settings import did_you_mean  # Only where there is a slip.

    known = {name: name for action in parser._actions for name in action.option_strings if name.startswith("--")}
    return f"unknown option {option}{did_you_mean(option, known)}; nnx-fix --help lists them"


def _contradiction(options: argparse.Namespace) -> str | None:
    """What the command line asks for that does not go together."""
    reads_stdin = "-" in options.paths
    shows = options.explain is not None or options.list_rules or options.show_settings is not None
    found = {
        f"--statistics has no {options.output_format} format; it has text, concise and json": options.statistics
        and options.output_format not in ("text", "concise", "json"),
        f"rules and settings have no {options.output_format} format; they have text and json": shows
        and options.output_format not in (*FOR_PEOPLE, "json"),
        "--write-baseline needs --baseline FILE": options.write_baseline and not options.baseline,
        "--prune-baseline needs --baseline FILE": options.prune_baseline and not options.baseline,
        "--interactive asks on standard input, so that cannot be what is read": options.interactive
        and (reads_stdin or options.files_from == "-"),
        '"-" is standard input, and cannot be named together with files': reads_stdin
        and (len(options.paths) > 1 or options.files_from is not None),
        "--stdin-filename names standard input; to read a file, leave it out": options.stdin_filename is not None
        and not reads_stdin,
        "--isolated and --config do not go together": options.isolated and options.config is not None,
        "--fix-only repairs files, so it does not go with an option that does not": options.fix_only
        and any(getattr(options, mode) not in (False, None) for mode in MODES if mode not in ("fix", "diff")),
        "--null is for --show-files": options.null and not options.show_files,
        "--reason goes with --add-noqa": options.reason is not None and not options.add_noqa,
    }
    return next((complaint for complaint, holds in found.items() if holds), None)


def build_parser(*, has_paths: bool = True) -> argparse.ArgumentParser:
    """The command line's grammar.

    Args:
        has_paths: whether paths are part of it, as help and completion need. ``argparse`` itself takes only those that
            are next to each other.
    """
    parser = _Parser(
        prog="nnx-fix",
        usage="nnx-fix [OPTIONS] [PATH ...]\n       nnx-fix server [OPTIONS]",
        description="Find and repair calls that treat is_leaf as a filter when mapping over Flax NNX state.",
        epilog=EXAMPLES,
        # argparse tries one with some arguments; if it asked how wide the terminal is, every run would import shutil.
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=28, width=90),
        allow_abbrev=False,
        add_help=False,
    )
    if has_paths:
        parser.add_argument(
            "paths", nargs="*", metavar="PATH", help='files and folders; "-" for standard input; default: this folder'
        )
    parser.add_argument("--help", "-h", action="store_true", help="show this help")
    parser.add_argument("--version", "-V", action="store_true", help="show the version")
    parser.add_argument(
        "--print-completion", metavar="SHELL", choices=SHELLS, help="print completion for bash, zsh or tcsh"
    )
    _add_modes(parser)
    _add_rules(parser)
    _add_fixes(parser)
    _add_output(parser)
    _add_files(parser)
    return parser


def _add_modes(parser: argparse.ArgumentParser) -> None:
    mode = parser.add_argument_group("what to do").add_mutually_exclusive_group()
    mode.add_argument("--fix", action="store_true", help="repair files in place: the default")
    mode.add_argument("--check", "--no-fix", action="store_true", help="report findings, change nothing")
    mode.add_argument("--diff", action="store_true", help="print what would be changed as a unified diff")
    mode.add_argument("--interactive", action="store_true", help="show each fix, and ask whether to make it")
    mode.add_argument("--add-noqa", action="store_true", help="suppress findings by comments; =REASON gives a reason")
    mode.add_argument("--explain", metavar="CODES", help="explain rules, such as NNX101 or NNX1,NNX208")
    mode.add_argument("--list-rules", action="store_true", help="list all rules")
    mode.add_argument("--show-files", action="store_true", help="list the files that would be looked at")
    mode.add_argument("--show-settings", metavar="FILE", help="show a file's settings, and where they come from")
    parser.add_argument("--null", "-0", action="store_true", help="end names of --show-files with NULs, unescaped")
    parser.add_argument("--reason", help=argparse.SUPPRESS)


def _add_rules(parser: argparse.ArgumentParser) -> None:
    rules = parser.add_argument_group("rules")
    rules.add_argument("--select", metavar="CODES", type=_codes, help="run only these rules, such as NNX101,NNX2")
    rules.add_argument("--extend-select", metavar="CODES", type=_codes, default=(), help="run these rules as well")
    rules.add_argument("--ignore", metavar="CODES", type=_codes, default=(), help="do not run these rules")
    rules.add_argument(
        "--target-flax",
        metavar="VERSION",
        help='lowest Flax release to support, such as 0.12; "portable"; or a range such as ">=0.10,<0.11"',
    )


def _add_fixes(parser: argparse.ArgumentParser) -> None:
    fixes = parser.add_argument_group("fixes")
    fixes.add_argument(
        "--unsafe-fixes",
        action=argparse.BooleanOptionalAction,
        help="whether to make fixes that may change what code computes",
    )
    fixes.add_argument("--fix-only", action="store_true", help="repair, and do not report what is left")
    fixes.add_argument("--show-fixes", action="store_true", help="list what was fixed, file by file")
    known = parser.add_argument_group("known findings")
    known.add_argument("--baseline", metavar="FILE", help="do not report findings that this file lists")
    listing = known.add_mutually_exclusive_group()
    listing.add_argument("--write-baseline", action="store_true", help="list all findings of this run in that file")
    listing.add_argument("--prune-baseline", action="store_true", help="remove what is gone from that file")


def _add_output(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument(
        "--output-format", choices=tuple(FORMATS), default="text", metavar="FORMAT", help=f"one of {', '.join(FORMATS)}"
    )
    output.add_argument("--output-file", "-o", metavar="FILE", help="write the report to this file")
    output.add_argument(
        "--statistics", action="store_true", help="count findings by kind, rule and file (text, concise or json)"
    )
    output.add_argument("--color", metavar="WHEN", choices=COLORS, default=COLORS[0], help="auto, always or never")
    loudness = output.add_mutually_exclusive_group()
    loudness.add_argument("--quiet", "-q", action="store_true", help="print findings without a summary")
    loudness.add_argument("--silent", "-s", action="store_true", help="print errors only")
    loudness.add_argument(
        "--verbose", "-v", action="store_true", help="name the rules and Flax of each file, and the time"
    )
    output.add_argument("--exit-zero", "-e", action="store_true", help="exit with 0 even if there are findings")
    output.add_argument("--exit-non-zero-on-fix", action="store_true", help="exit with 1 if anything was fixed")


def _add_files(parser: argparse.ArgumentParser) -> None:
    other = parser.add_argument_group("files and configuration")
    other.add_argument("--config", metavar="FILE", help="read [tool.nnx-treemap] of this file alone")
    other.add_argument("--isolated", action="store_true", help="ignore all configuration files")
    other.add_argument("--include-markdown", action="store_true", help="read ```python blocks of Markdown, too")
    other.add_argument(
        "--files-from", metavar="FILE", help='read paths, one per line or with NULs; "-": standard input'
    )
    other.add_argument("--exclude", metavar="NAMES", type=_names, help="folders to skip, instead of the usual ones")
    other.add_argument("--extend-exclude", metavar="NAMES", type=_names, default=(), help="more folders to skip")
    other.add_argument("--force-exclude", action="store_true", help="leave out excluded files even if named")
    other.add_argument("--no-respect-gitignore", action="store_true", help="look at files that git ignores, too")
    other.add_argument("--stdin-filename", metavar="PATH", help="read standard input under this name")
    other.add_argument("--cache", action="store_true", default=None, help="skip files known to have no finding")
    other.add_argument("--no-cache", "-n", dest="cache", action="store_false", help="analyse every file")
    other.add_argument("--cache-dir", metavar="DIR", help="folder of the cache; implies --cache")
    other.add_argument(
        "--max-file-size", metavar="N", type=_positive, help="characters of Python in a file; default: 5000000"
    )
    other.add_argument(
        "--line-length",
        metavar="N",
        type=_positive,
        help="longest line that a fix writes; default: as the project says",
    )
    other.add_argument("--jobs", "-j", metavar="N", type=_positive, help="processes to use; default: one per core")


def _names(value: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in value.split(",")) if name)


def _codes(value: str) -> tuple[str, ...]:
    codes = _names(value.upper())
    if not codes:  # A run without rules would pass whatever it looked at.
        raise argparse.ArgumentTypeError(f"{value!r} names no rule")
    return codes


def _positive(value: str) -> int:
    number = int(value) if value.isdecimal() and len(value) < 10 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of at least 1")
    return number
