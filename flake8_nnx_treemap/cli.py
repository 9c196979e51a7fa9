"""``nnx-fix``: arguments in, reports out. What it does stands in ``project.runner``."""

from __future__ import annotations

import argparse
import os
import sys

from flake8_nnx_treemap import __version__
from flake8_nnx_treemap.project.errors import ConfigurationError
from flake8_nnx_treemap.project.scanning import scan

TYPE_CHECKING = False  # As in typing, whose import takes as long as all the rest of a run without candidates.
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from flake8_nnx_treemap.project.configuration import Overrides
    from flake8_nnx_treemap.project.runner import FileReport, Task

CLEAN, FINDINGS, ERROR = 0, 1, 2
"""Exit codes, as ``ruff check`` has them."""

EXAMPLES = """\
examples:
  nnx-fix src/                      repair in place what can be repaired safely
  nnx-fix --check src/              report, change nothing
  nnx-fix --diff --unsafe-fixes .   show everything that could be done
  nnx-fix --target-flax 0.12 src/   write code for Flax 0.12 and later
  nnx-fix server                    start the language server, for editors
  cat file.py | nnx-fix -           repair standard input, write to standard output
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line; ``sys.argv`` if ``None``.

    Returns:
        0 if nothing is left, 1 if findings are, 2 if something went wrong.
    """
    _print_any_name()
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["server"] and not (sys.stdin.isatty() and os.path.exists("server")):
        from flake8_nnx_treemap.language_server import main as serve

        return serve(words[1:])
    options = build_parser().parse_args(words)
    try:
        return _explain(options.explain) if options.explain else _list() if options.list_rules else _run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR


def build_parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    parser = argparse.ArgumentParser(
        prog="nnx-fix",
        description="Find and repair calls that treat is_leaf as a filter when mapping over Flax NNX state.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", default=["."], help='files and folders; "-" for stdin')
    parser.add_argument("--version", action="version", version=f"nnx-fix {__version__}")
    mode = parser.add_argument_group("what to do").add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="report findings, change nothing")
    mode.add_argument("--diff", action="store_true", help="print what would be changed as a unified diff")
    mode.add_argument("--explain", metavar="CODE", help="explain a rule")
    mode.add_argument("--list-rules", action="store_true", help="list all rules")
    rules = parser.add_argument_group("rules")
    rules.add_argument("--select", metavar="CODES", type=_codes, help="run only these rules, such as NNX101,NNX2")
    rules.add_argument("--extend-select", metavar="CODES", type=_codes, default=(), help="run these rules as well")
    rules.add_argument("--ignore", metavar="CODES", type=_codes, default=(), help="do not run these rules")
    rules.add_argument(
        "--target-flax", metavar="VERSION", help='lowest Flax release to support, such as 0.12, or "portable"'
    )
    fixes = parser.add_argument_group("fixes")
    fixes.add_argument(
        "--unsafe-fixes", action="store_true", default=None, help="make fixes that may change what code computes"
    )
    output = parser.add_argument_group("output")
    output.add_argument("--output-format", choices=("text", "json"), default="text", help="default: text")
    output.add_argument("--exit-zero", action="store_true", help="exit with 0 even if there are findings")
    other = parser.add_argument_group("files and configuration")
    other.add_argument("--isolated", action="store_true", help="ignore all configuration files")
    other.add_argument("--stdin-filename", metavar="PATH", default="-", help="the name that standard input goes by")
    other.add_argument("--jobs", "-j", metavar="N", type=_positive, help="processes to use; default: as many as pay")
    return parser


def _codes(value: str) -> tuple[str, ...]:
    return tuple(code for code in (part.strip() for part in value.split(",")) if code)


def _positive(value: str) -> int:
    number = int(value) if value.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of processes")
    return number


def _run(options: argparse.Namespace) -> int:
    try:
        reports = _reports(options)
    except ConfigurationError as error:
        _complain(str(error))
        return ERROR
    _print_reports(reports, options)
    return _exit_code(reports, options)


def _reports(options: argparse.Namespace) -> Sequence[FileReport]:
    """Do the work; without candidates that is a scan and no more."""
    if options.select or options.extend_select or options.ignore or options.target_flax is not None:
        _check_names(options)  # A slip on the command line is said once, not for every file.
    if "-" in options.paths:
        return [_run_on_stdin(options.stdin_filename, _task(options))]
    candidates, problems = scan(options.paths, is_isolated=options.isolated)
    if not candidates and not problems:
        return ()
    from flake8_nnx_treemap.project.runner import run

    return run(candidates, problems, _task(options), options.jobs)


def _check_names(options: argparse.Namespace) -> None:
    from flake8_nnx_treemap.project.configuration import codes_named, flax_floor_for

    codes_named((*(options.select or ()), *options.ignore, *options.extend_select), "command line")
    flax_floor_for("-", _overrides(options))


def _overrides(options: argparse.Namespace) -> Overrides:
    from flake8_nnx_treemap.project.configuration import Overrides

    return Overrides(
        select=options.select,
        ignore=options.ignore,
        extend_select=options.extend_select,
        target_flax=options.target_flax,
        unsafe_fixes=options.unsafe_fixes,
        is_isolated=options.isolated,
    )


def _task(options: argparse.Namespace) -> Task:
    from flake8_nnx_treemap.project.runner import Task

    changes = not options.check
    return Task(_overrides(options), writes=changes and not options.diff, fixes=changes, wants_diff=options.diff)


def _run_on_stdin(filename: str, task: Task) -> FileReport:
    from flake8_nnx_treemap.project.errors import FileError
    from flake8_nnx_treemap.project.files import decode
    from flake8_nnx_treemap.project.runner import FileReport, process_text

    data = sys.stdin.buffer.read()
    try:
        text, encoding = decode(data)
    except FileError as error:
        return FileReport(filename, error=str(error))
    report, new_text = process_text(text, filename, task)
    if task.writes:
        sys.stdout.flush()
        sys.stdout.buffer.write(new_text.encode(encoding) if report.error is None else data)
        sys.stdout.buffer.flush()
    return report


def _exit_code(reports: Sequence[FileReport], options: argparse.Namespace) -> int:
    if any(report.error for report in reports):
        return ERROR
    left = any(report.findings for report in reports)
    would_fix = options.diff and any(report.fixed for report in reports)
    return FINDINGS if (left or would_fix) and not options.exit_zero else CLEAN


def _print_reports(reports: Sequence[FileReport], options: argparse.Namespace) -> None:
    for report in reports:
        if report.error:
            _complain(f"{report.path}: {report.error}")
    if options.diff:
        sys.stdout.write("".join(report.diff for report in reports))
    # Standard output is the rewritten text or the diff, where there is one; what is said about it goes beside.
    is_filter = "-" in options.paths and not options.check
    stream = sys.stderr if options.diff or is_filter else sys.stdout
    for line in _lines(reports, options):
        print(line, file=stream)


def _lines(reports: Sequence[FileReport], options: argparse.Namespace) -> Iterable[str]:
    if not reports:
        return ["[]" if options.output_format == "json" else "All checks passed!"]
    if options.output_format == "json":
        from flake8_nnx_treemap.reporting.json_format import as_json

        return [as_json(reports)]
    from flake8_nnx_treemap.reporting.text import report_lines

    return report_lines(reports, unsafe_fixes=bool(options.unsafe_fixes), fixes=not options.diff)


def _explain(code: str) -> int:
    from flake8_nnx_treemap.reporting.traversals import text_drawing
    from flake8_nnx_treemap.rules.registry import RULES

    for rule in RULES:
        if rule.code == code.upper():
            parts = [f"{rule.code} {rule.slug}", rule.documentation.strip(), text_drawing(rule.code), rule.url]
            print("\n\n".join(part for part in parts if part))
            return CLEAN
    _complain(f"{code!r} is no rule; nnx-fix --list-rules lists them")
    return ERROR


def _list() -> int:
    from flake8_nnx_treemap.rules.registry import RULES

    for rule in RULES:
        print(f"{rule.code}  {rule.slug:36} {rule.summary}{'' if rule.on_by_default else ' (opt-in)'}")
    return CLEAN


def _complain(message: str) -> None:
    one_line = message.replace("\r", "\\r").replace("\n", "\\n")
    print(f"nnx-fix: error: {one_line}", file=sys.stderr)


def _print_any_name() -> None:
    """Let names of files that are not text be printed, instead of ending the run."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
