"""``nnx-fix``: arguments in, reports out. What it does stands in ``project.runner``."""

from __future__ import annotations

import argparse
import os
import sys
import time

from flake8_nnx_treemap import __version__
from flake8_nnx_treemap.project.errors import ConfigurationError, FileError
from flake8_nnx_treemap.project.scanning import Targets, find_files, read_names, scan
from flake8_nnx_treemap.reporting.formats import FORMATS, render

TYPE_CHECKING = False  # As in typing, whose import takes as long as all the rest of a run without candidates.
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO

    from flake8_nnx_treemap.project.baseline import Baseline
    from flake8_nnx_treemap.project.cache import Cache
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
  git diff --name-only -z | nnx-fix --force-exclude --files-from -
  nnx-fix --check --output-format sarif --output-file nnx.sarif .
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line; ``sys.argv`` if ``None``.

    Returns:
        0 if nothing is left, 1 if findings are, 2 if something went wrong.
    """
    _stay_quiet()
    _print_any_name()
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["server"] and not (sys.stdin.isatty() and os.path.exists("server")):
        from flake8_nnx_treemap.language_server import main as serve

        return serve(words[1:])
    parser = build_parser()
    options = parser.parse_args(words)
    if (contradiction := _contradiction(options)) is not None:
        parser.error(contradiction)
    try:
        return (
            _explain(options.explain)
            if options.explain is not None
            else _list(options.output_format)
            if options.list_rules
            else _run(options)
        )
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR


def _contradiction(options: argparse.Namespace) -> str | None:
    """What the command line asks for that does not go together."""
    if options.statistics and options.output_format not in ("text", "concise", "json"):
        return f"--statistics has no {options.output_format} format; it has text, concise and json"
    if options.null and not options.show_files:
        return "--null is for --show-files"
    if options.write_baseline and not options.baseline:
        return "--write-baseline needs --baseline FILE"
    if options.interactive and ("-" in options.paths or options.files_from == "-"):
        return "--interactive asks on standard input, so that cannot be what is read"
    return None


def build_parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    parser = argparse.ArgumentParser(
        prog="nnx-fix",
        usage="nnx-fix [OPTIONS] [PATH ...]\n       nnx-fix server [OPTIONS]",
        description="Find and repair calls that treat is_leaf as a filter when mapping over Flax NNX state.",
        epilog=EXAMPLES,
        # argparse tries one with some arguments; if it asked how wide the terminal is, every run would import shutil.
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=80),
    )
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help='files and folders; "-" for standard input; default: this folder'
    )
    parser.add_argument("--version", action="version", version=f"nnx-fix {__version__}")
    mode = parser.add_argument_group("what to do").add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="report findings, change nothing")
    mode.add_argument("--diff", action="store_true", help="print what would be changed as a unified diff")
    mode.add_argument("--interactive", action="store_true", help="show each fix, and ask whether to make it")
    mode.add_argument("--add-noqa", action="store_true", help="suppress findings with comments instead of fixing them")
    mode.add_argument("--explain", metavar="CODES", help="explain rules, such as NNX101 or NNX1,NNX208")
    mode.add_argument("--list-rules", action="store_true", help="list all rules")
    mode.add_argument("--show-files", action="store_true", help="list the files that would be looked at")
    parser.add_argument("--null", "-0", action="store_true", help="end names of --show-files with NULs, as they are")
    mode.add_argument("--show-settings", metavar="FILE", help="show the settings of a file, and where they come from")
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
    known = parser.add_argument_group("known findings")
    known.add_argument("--baseline", metavar="FILE", help="leave alone the findings that this file lists")
    known.add_argument("--write-baseline", action="store_true", help="list all findings of this run in that file")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--output-format", choices=tuple(FORMATS), default="text", metavar="FORMAT", help=f"one of {', '.join(FORMATS)}"
    )
    output.add_argument("--output-file", metavar="FILE", help="write the report to this file, at once and whole")
    output.add_argument("--statistics", action="store_true", help="count findings by rule (text, concise or json)")
    loudness = output.add_mutually_exclusive_group()
    loudness.add_argument("--quiet", "-q", action="store_true", help="print findings, and no summary")
    loudness.add_argument(
        "--verbose", "-v", action="store_true", help="say what each file was held to, and how long it took"
    )
    output.add_argument("--exit-zero", action="store_true", help="exit with 0 even if there are findings")
    other = parser.add_argument_group("files and configuration")
    other.add_argument("--isolated", action="store_true", help="ignore all configuration files")
    other.add_argument("--include-markdown", action="store_true", help="read ```python blocks of Markdown files too")
    other.add_argument("--files-from", metavar="FILE", help='read paths from a file, or "-": one a line, or with NULs')
    other.add_argument(
        "--exclude", metavar="NAMES", type=_codes, help="folders not to enter, instead of the usual ones"
    )
    other.add_argument("--extend-exclude", metavar="NAMES", type=_codes, default=(), help="more folders not to enter")
    other.add_argument("--force-exclude", action="store_true", help="leave out excluded files even if they are named")
    other.add_argument("--no-respect-gitignore", action="store_true", help="look at files that git ignores, too")
    other.add_argument("--stdin-filename", metavar="PATH", default="-", help="the name that standard input goes by")
    other.add_argument(
        "--cache",
        action=argparse.BooleanOptionalAction,
        help="whether to pass over files in which an earlier run found nothing",
    )
    other.add_argument("--cache-dir", metavar="DIR", help="where to remember them; this asks for a cache, too")
    other.add_argument(
        "--max-file-size",
        metavar="N",
        type=_positive,
        help="characters of Python that a file may have; default: 5000000",
    )
    other.add_argument("--jobs", "-j", metavar="N", type=_positive, help="processes to use; default: as many as pay")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    return parser


def _codes(value: str) -> tuple[str, ...]:
    return tuple(code for code in (part.strip() for part in value.split(",")) if code)


def _positive(value: str) -> int:
    number = int(value) if value.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of at least 1")
    return number


def _run(options: argparse.Namespace) -> int:
    try:
        if options.files_from is not None:
            options.paths = [*(options.paths or ()), *_named_in(options.files_from)]
        elif not options.paths:
            options.paths = ["."]
        if options.show_files:
            return _show_files(options)
        if options.show_settings is not None:
            return _show_settings(options)
        baseline = _baseline(options)
        reports = _reports(options, baseline)
        if options.write_baseline:
            return _write_baseline(reports, options)
    except ConfigurationError as error:
        _complain(str(error))
        return ERROR
    try:
        _print_reports(reports, options)
    except FileError as error:
        _complain(f"{options.output_file}: {error}")
        return ERROR
    if baseline is not None:
        _print_gone(reports, options, baseline)
    return _exit_code(reports, options)


def _reports(options: argparse.Namespace, baseline: Baseline | None) -> Sequence[FileReport]:
    """Do the work; without candidates that is a scan and no more."""
    if options.select or options.extend_select or options.ignore or options.target_flax is not None:
        _check_names(options)  # A slip on the command line is said once, not for every file.
    started = time.perf_counter()
    if "-" in options.paths:
        report = _run_on_stdin(options.stdin_filename, _task(options, baseline))
        _print_verbose([report.path], [report], options, started)
        return [report]
    candidates, problems = scan(options.paths, _targets(options), options.jobs or os.cpu_count() or 1)
    reports: Sequence[FileReport] = ()
    if options.interactive and (candidates or problems):
        from flake8_nnx_treemap.project.interactive import Dialogue, run_interactively

        reports = run_interactively(candidates, problems, _task(options, baseline), Dialogue(_read_line, _write))
    elif candidates or problems:
        from flake8_nnx_treemap.project.runner import run
        from flake8_nnx_treemap.reporting.progress import progress

        cache = _cache(options) if candidates else None
        with progress(len(candidates), sys.stderr) as tick:
            reports = run(candidates, problems, _task(options, baseline), options.jobs, tick, cache)
        if options.verbose and cache is not None and cache.problem is not None:
            _complain(cache.problem, "note")
    _print_verbose(candidates, reports, options, started)
    return reports


def _cache(options: argparse.Namespace) -> Cache | None:
    from flake8_nnx_treemap.project.configuration import cache_folder

    folder = None if options.add_noqa else cache_folder(_overrides(options))
    if folder is None:
        return None
    from flake8_nnx_treemap.project.cache import open_cache

    return open_cache(folder)


def _print_verbose(
    candidates: Sequence[str], reports: Sequence[FileReport], options: argparse.Namespace, started: float
) -> None:
    if options.verbose:
        from flake8_nnx_treemap.reporting.verbose import verbose_lines

        for line in verbose_lines(candidates, reports, _overrides(options), time.perf_counter() - started):
            print(line, file=sys.stderr)


def _targets(options: argparse.Namespace) -> Targets:
    return Targets(
        is_isolated=options.isolated,
        exclude=options.exclude,
        extend_exclude=options.extend_exclude,
        respect_gitignore=not options.no_respect_gitignore,
        forces_exclude=options.force_exclude,
        include_markdown=options.include_markdown,
        sweeps=not (options.check or options.diff or options.write_baseline or options.show_files),
    )


def _named_in(path: str) -> list[str]:
    """The paths that a file, or standard input, lists."""
    if path == "-":
        return read_names(sys.stdin.buffer.read())
    from flake8_nnx_treemap.project.files import read_bytes

    try:
        return read_names(read_bytes(path))
    except FileError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _show_files(options: argparse.Namespace) -> int:
    problems: list[tuple[str, str]] = []
    names = dict.fromkeys(name for name, _ in find_files(options.paths, _targets(options), problems))
    for path, reason in problems:
        _complain(f"{path}: {reason}")
    from flake8_nnx_treemap.project.escaping import one_line

    for name in names:
        if options.null:
            sys.stdout.buffer.write(os.fsencode(name) + b"\0")
        else:
            print(one_line(name))
    return ERROR if problems else CLEAN


def _show_settings(options: argparse.Namespace) -> int:
    from flake8_nnx_treemap.reporting.settings import render_settings

    sys.stdout.write(
        render_settings(options.output_format, options.show_settings, _overrides(options), _targets(options))
    )
    return CLEAN


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
        cache=options.cache,
        cache_dir=options.cache_dir,
        max_file_size=options.max_file_size,
        is_isolated=options.isolated,
    )


def _task(options: argparse.Namespace, baseline: Baseline | None) -> Task:
    from flake8_nnx_treemap.project.runner import Task

    changes = not (options.check or options.write_baseline)
    return Task(
        _overrides(options),
        writes=changes and not options.diff,
        fixes=changes,
        wants_diff=options.diff,
        adds_noqa=options.add_noqa,
        baseline=baseline,
        named=tuple(options.paths),
    )


def _baseline(options: argparse.Namespace) -> Baseline | None:
    if options.baseline is None or options.write_baseline:
        return None
    from flake8_nnx_treemap.project.baseline import read_baseline

    return read_baseline(options.baseline)


def _write_baseline(reports: Sequence[FileReport], options: argparse.Namespace) -> int:
    from flake8_nnx_treemap.project.baseline import write_baseline
    from flake8_nnx_treemap.project.escaping import one_line

    _print_errors(reports)
    found = [(report.path, report.text or "", report.findings) for report in reports]
    count = write_baseline(options.baseline, found)
    print(one_line(f"{options.baseline}: {count} known finding{'' if count == 1 else 's'}."))
    return ERROR if any(report.error for report in reports) else CLEAN


def _print_gone(reports: Sequence[FileReport], options: argparse.Namespace, baseline: Baseline) -> None:
    paths = [options.stdin_filename] if "-" in options.paths else options.paths
    known = {report.path: len(report.known) for report in reports}
    gone = baseline.gone(paths, [report.path for report in reports if report.error], known)
    if gone:
        from flake8_nnx_treemap.project.escaping import one_line

        words = "1 finding is gone" if gone == 1 else f"{gone} findings are gone"
        print(one_line(f"{options.baseline}: {words}; --write-baseline takes note."), file=sys.stderr)


def _run_on_stdin(filename: str, task: Task) -> FileReport:
    from flake8_nnx_treemap.project.formats import format_of
    from flake8_nnx_treemap.project.runner import FileReport, process_text

    data = sys.stdin.buffer.read()
    try:
        text, encoding = format_of(filename).decode(data)
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
    _print_errors(reports)
    if options.diff:
        sys.stdout.write("".join(report.diff for report in reports))
    # Standard output is the rewritten text or the diff, where there is one; what is said about it goes beside.
    is_filter = "-" in options.paths and not options.check
    stream = sys.stderr if options.diff or is_filter else sys.stdout
    if options.output_file is None:
        stream.write(_report(reports, options, is_coloured=_wants_colour(stream)))
        return
    from flake8_nnx_treemap.project.writing import write_new

    write_new(options.output_file, _report(reports, options, is_coloured=False))


def _print_errors(reports: Iterable[FileReport]) -> None:
    for report in reports:
        if report.error:
            _complain(f"{report.path}: {report.error}")


def _report(reports: Sequence[FileReport], options: argparse.Namespace, *, is_coloured: bool) -> str:
    is_for_people = options.output_format in ("text", "concise", "grouped")
    if not reports and is_for_people:
        return "" if options.quiet or options.statistics else "All checks passed!\n"
    if not reports and options.output_format == "json":
        return "[]\n"
    from flake8_nnx_treemap.reporting.style import Style

    style = Style(bool(options.unsafe_fixes), not options.diff, is_coloured, has_summary=not options.quiet)
    if options.statistics:
        from flake8_nnx_treemap.reporting.statistics import render_statistics

        return render_statistics(options.output_format, reports, style)
    return render(options.output_format, reports, style)


def _wants_colour(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def _explain(selectors: str) -> int:
    from flake8_nnx_treemap.project.configuration import codes_named
    from flake8_nnx_treemap.reporting.explanation import explanation, print_rendered
    from flake8_nnx_treemap.rules.catalogue import rule_named

    try:
        codes = codes_named([selector.upper() for selector in _codes(selectors)] or [selectors], "--explain")
    except ConfigurationError as error:
        _complain(str(error))
        return ERROR
    rules = [rule_named(code) for code in sorted(codes)]
    if not (_wants_colour(sys.stdout) and print_rendered(rules, sys.stdout)):
        print("\n\n\n".join(map(explanation, rules)))
    return CLEAN


def _list(output_format: str) -> int:
    from flake8_nnx_treemap.reporting.explanation import rules_as_json
    from flake8_nnx_treemap.rules.catalogue import every_rule

    if output_format == "json":
        print(rules_as_json(every_rule()))
        return CLEAN
    for rule in every_rule():
        print(f"{rule.code}  {rule.slug:36} {rule.summary}{'' if rule.on_by_default else ' (opt-in)'}")
    return CLEAN


def _read_line() -> str:
    """A line of standard input; empty at its end, or if there is none."""
    return sys.stdin.readline() if sys.stdin else ""


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _complain(message: str, kind: str = "error") -> None:
    from flake8_nnx_treemap.project.escaping import one_line

    print(f"nnx-fix: {kind}: {one_line(message)}", file=sys.stderr)


def _stay_quiet() -> None:
    """Keep warnings about the code that is read, and of libraries, to ourselves, and errors out of other files."""
    import warnings

    warnings.simplefilter("ignore")
    if sys.stderr is None:  # It was closed. Whatever is opened next would get its number, and its errors.
        while (handle := os.open(os.devnull, os.O_RDWR)) < 2:
            pass
        sys.stderr = open(handle, "w")  # noqa: SIM115


def _print_any_name() -> None:
    """Let what is not text, such as some names of files, be printed and read, instead of ending the run."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
