"""``nnx-fix``: arguments in, reports out. ``project.runner`` does the work."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time

from flake8_nnx_treemap import __version__
from flake8_nnx_treemap.command_line import UsageError, build_parser, options_of
from flake8_nnx_treemap.project.errors import ConfigurationError, FileError
from flake8_nnx_treemap.project.scanning import Targets, find_files, read_names, scan
from flake8_nnx_treemap.reporting.formats import FOR_PEOPLE, FORMATS_WITH_EDITS, render

TYPE_CHECKING = False  # As in typing, whose import takes as long as all the rest of a run without candidates.
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence
    from typing import NoReturn, TextIO

    from flake8_nnx_treemap.project.baseline import Baseline
    from flake8_nnx_treemap.project.cache import Cache
    from flake8_nnx_treemap.project.configuration import Overrides
    from flake8_nnx_treemap.project.runner import FileReport, Task

CLEAN, FINDINGS, ERROR = 0, 1, 2
"""Exit codes, as ``ruff check`` has them."""

FULL = (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG, errno.EDQUOT)
"""What goes wrong with writing."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command line; ``sys.argv`` if ``None``.

    Returns:
        0 if nothing is left, 1 if findings are, 2 if something went wrong.
    """
    _stay_quiet()
    _open_closed_streams()
    _print_any_name()
    try:
        if sys.stdout is None:
            raise ConfigurationError("standard output is closed")
        code = _run_command(sys.argv[1:] if arguments is None else list(arguments))
        if not sys.stdout.closed:  # The language server closes it.
            sys.stdout.flush()
        return code
    except (UsageError, ConfigurationError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # Whoever read our output has gone, and knows.
        _leave_standard_output()
        return ERROR
    except OSError as error:
        _leave_standard_output()
        where = "standard output" if error.errno in FULL else "the system"
        return _fail(f"{error.filename or where}: {(error.strerror or type(error).__name__).lower()}")
    except Exception as error:  # A bug of ours; 1 would say that there are findings.
        return _fail(f"internal error: {type(error).__name__}: {error}")


def run() -> NoReturn:
    """Run the command, and end the process with its exit code.

    The process ends at once: that Python frees every object first takes a tenth of a run.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # ``main`` has said what is wrong with them.
            if stream is not None:
                stream.flush()
    os._exit(code)


def _run_command(words: Sequence[str]) -> int:
    if words[:1] == ["server"]:
        return _serve(words[1:])
    options = options_of(words)
    if options.output_format not in FOR_PEOPLE and hasattr(sys.stdout, "reconfigure"):
        # Programs read UTF-8; on Windows, Python writes another encoding into a pipe.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    if options.help:
        print(build_parser().format_help(), end="")
        return CLEAN
    if options.version:
        print(f"nnx-fix {__version__}")
        return CLEAN
    if options.print_completion is not None:
        return _print_completion(options.print_completion)
    if options.explain is not None:
        return _explain(options)
    return _list(options.output_format) if options.list_rules else _run(options)


def _serve(words: Sequence[str]) -> int:
    """Start the language server, unless a folder of that name may have been meant."""
    if any(not word.startswith("-") and before != "--tcp" for before, word in zip(("", *words), words, strict=False)):
        raise UsageError("server starts the language server and takes no paths; the folder is named ./server")
    if os.path.exists("server") and not _has_client() and not any(word.startswith("--tcp") for word in words):
        raise UsageError("server starts the language server, but no client is here; the folder is named ./server")
    if sys.stdin is None:
        raise UsageError("server needs standard input, and it is closed")
    from flake8_nnx_treemap.language_server import main as serve

    return serve(words)


def _has_client() -> bool:
    """Whether standard input is what a client of the language server would connect."""
    if sys.stdin is None:
        return False
    mode = os.fstat(sys.stdin.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _print_completion(shell: str) -> int:
    try:
        import shtab
    except ImportError:
        raise UsageError('--print-completion needs the extra "completion": pip install shtab') from None
    print(shtab.complete(build_parser(), shell))
    return CLEAN


def _run(options: argparse.Namespace) -> int:
    if options.says_default and not options.quiet:
        _complain("--fix is the default, and may be left out", "note")
    _name_paths(options)
    if options.show_files:
        return _show_files(options)
    if options.show_settings is not None:
        return _show_settings(options)
    if _complain_of_missing(options):
        return ERROR
    baseline = _baseline(options)
    reports = _reports(options, baseline)
    if options.write_baseline:
        return _write_baseline(reports, options)
    if options.prune_baseline and baseline is not None:
        return _prune_baseline(reports, options, baseline)
    if options.fix_only:
        reports = _without_what_is_left(reports)
    try:
        _print_reports(reports, options)
    except FileError as error:
        return _fail(f"{options.output_file}: {error}")
    if baseline is not None:
        _print_gone(reports, options, baseline)
    return _exit_code(reports, options)


def _name_paths(options: argparse.Namespace) -> None:
    """Add the paths that a list names, or the current folder if nothing is named."""
    if options.files_from is not None:
        from flake8_nnx_treemap.project.listing import listed_paths

        options.paths += listed_paths(_named_in(options.files_from), _targets(options))
    elif not options.paths:
        options.paths = ["."]


def _complain_of_missing(options: argparse.Namespace) -> bool:
    """Whether a path is missing in a run that would write: somebody meant something else, so nothing is written."""
    if options.check or options.diff:
        return False  # The report says it, beside what else there is.
    missing = [path for path in options.paths if path != "-" and not os.path.lexists(path)]
    for path in missing:
        _complain(f"{path}: no such file or directory; nothing was written")
    return bool(missing)


def _without_what_is_left(reports: Sequence[FileReport]) -> Sequence[FileReport]:
    from dataclasses import replace

    return [replace(report, findings=()) for report in reports if report.fixed or report.error]


def _reports(options: argparse.Namespace, baseline: Baseline | None) -> Sequence[FileReport]:
    """Do the work; without candidates that is a scan and no more."""
    if options.select or options.extend_select or options.ignore or options.target_flax is not None:
        _check_names(options)  # A slip on the command line is said once, not for every file.
    if options.reason is not None:
        _check_reason(options.reason)
    started = time.perf_counter()
    if "-" in options.paths:
        _complain_of_targets([options.stdin_filename or "-"], options)
        report = _run_on_stdin(options.stdin_filename or "-", _task(options, baseline))
        _print_verbose([report.path], [report], options, started)
        return [report]
    empty: list[str] = []
    candidates, problems = scan(options.paths, _targets(options), options.jobs or os.cpu_count() or 1, empty)
    for folder in empty:
        _complain(f"{folder}: no Python files found", "warning")
    if candidates:
        from flake8_nnx_treemap.project.configuration import checked_configurations

        for warning in checked_configurations(candidates, _overrides(options)):
            _complain(warning, "warning")
        _complain_of_targets(candidates, options)
    reports: Sequence[FileReport] = ()
    if candidates or problems:
        reports = _process(candidates, problems, options, _task(options, baseline))
    _print_verbose(candidates, reports, options, started)
    return reports


def _complain_of_targets(filenames: Sequence[str], options: argparse.Namespace) -> None:
    if options.quiet or options.silent or options.statistics:  # Statistics ask what an upgrade would take.
        return
    from flake8_nnx_treemap.project.configuration import complaints_about_targets

    for complaint in complaints_about_targets(filenames, _overrides(options)):
        _complain(complaint, "warning")


def _process(
    candidates: Sequence[str], problems: Sequence[tuple[str, str]], options: argparse.Namespace, task: Task
) -> Sequence[FileReport]:
    if options.interactive:
        from flake8_nnx_treemap.project.interactive import Dialogue, run_interactively

        dialogue = Dialogue(_read_line, _write, show_diff=_diff_painter(options))
        return run_interactively(candidates, problems, task, dialogue)
    from flake8_nnx_treemap.project.runner import run
    from flake8_nnx_treemap.reporting.progress import progress

    cache = _cache(options) if candidates else None
    with progress(len(candidates), sys.stderr) as tick:
        reports = run(candidates, problems, task, options.jobs, tick, cache)
    if options.verbose and cache is not None and cache.problem is not None:
        _complain(cache.problem, "note")
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
        sweeps=_changes(options) and not (options.diff or options.show_files),
        config=options.config,
    )


def _named_in(path: str) -> list[str]:
    """The paths that a file, or standard input, lists."""
    if path == "-":
        return read_names(_standard_input())
    from flake8_nnx_treemap.project.files import read_bytes

    try:
        return read_names(read_bytes(path))
    except FileError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _show_files(options: argparse.Namespace) -> int:
    problems: list[tuple[str, str]] = []
    empty: list[str] = []
    names = dict.fromkeys(name for name, _ in find_files(options.paths, _targets(options), problems, empty))
    for folder in empty:
        _complain(f"{folder}: no Python files found", "warning")
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
    from flake8_nnx_treemap.project.configuration import checked_configurations
    from flake8_nnx_treemap.reporting.settings import render_settings

    path = options.show_settings
    if os.path.isdir(path):
        path = os.path.join(path, "*.py")
    for warning in checked_configurations([path], _overrides(options)):
        _complain(warning, "warning")
    sys.stdout.write(render_settings(options.output_format, path, _overrides(options), _targets(options)))
    return CLEAN


def _check_names(options: argparse.Namespace) -> None:
    from flake8_nnx_treemap.project.configuration import codes_named, flax_range_for

    codes_named((*(options.select or ()), *options.ignore, *options.extend_select), "command line")
    flax_range_for("-", _overrides(options))


def _check_reason(reason: str) -> None:
    from flake8_nnx_treemap.fixing.suppression import complaint_about_reason

    complaint = complaint_about_reason(reason)
    if complaint is not None:
        raise ConfigurationError(f"--add-noqa: {complaint}")


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
        line_length=options.line_length,
        is_isolated=options.isolated,
        config=options.config,
    )


def _task(options: argparse.Namespace, baseline: Baseline | None) -> Task:
    from flake8_nnx_treemap.project.runner import Task

    changes = _changes(options)
    return Task(
        _overrides(options),
        writes=changes and not options.diff,
        fixes=changes,
        wants_diff=options.diff,
        wants_edits=options.output_format in FORMATS_WITH_EDITS,
        adds_noqa=options.add_noqa,
        reason=options.reason,
        baseline=baseline,
        named=tuple(options.paths),
        must_parse=frozenset(options.paths),
        counts_for_newest=_has_summary(options) and not (options.write_baseline or options.add_noqa),
    )


def _changes(options: argparse.Namespace) -> bool:
    """Whether a run changes files, or shows what it would change."""
    return not (options.check or options.write_baseline or options.prune_baseline)


def _has_summary(options: argparse.Namespace) -> bool:
    return options.output_format in FOR_PEOPLE and not (options.quiet or options.statistics)


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


def _prune_baseline(reports: Sequence[FileReport], options: argparse.Namespace, baseline: Baseline) -> int:
    from flake8_nnx_treemap.project.baseline import write_counts
    from flake8_nnx_treemap.project.escaping import one_line

    _print_errors(reports)
    failed = [report.path for report in reports if report.error]
    found = [(report.path, report.text or "", report.known) for report in reports]
    left = baseline.pruned(_paths_read(options), failed, found)
    gone = sum(baseline.counts.values()) - write_counts(options.baseline, left)
    words = "1 finding is gone and was" if gone == 1 else f"{gone} findings are gone and were"
    print(one_line(f"{options.baseline}: {words} taken out, {left.total()} left."))
    return ERROR if failed else CLEAN


def _paths_read(options: argparse.Namespace) -> list[str]:
    return [options.stdin_filename or "-"] if "-" in options.paths else options.paths


def _print_gone(reports: Sequence[FileReport], options: argparse.Namespace, baseline: Baseline) -> None:
    known = {report.path: len(report.known) for report in reports}
    gone = baseline.gone(_paths_read(options), [report.path for report in reports if report.error], known)
    if gone:
        from flake8_nnx_treemap.project.escaping import one_line

        words = "1 finding is gone" if gone == 1 else f"{gone} findings are gone"
        print(one_line(f"{options.baseline}: {words}; --prune-baseline drops the entries."), file=sys.stderr)


def _run_on_stdin(filename: str, task: Task) -> FileReport:
    from flake8_nnx_treemap.project.files import encoded
    from flake8_nnx_treemap.project.formats import format_of
    from flake8_nnx_treemap.project.runner import FileReport, process_text

    data = _standard_input()
    try:
        text, encoding = format_of(filename).decode(data)
        report, new_text = process_text(text, filename, task, encoding=encoding)
        new_data = encoded(new_text, encoding)
    except FileError as error:
        return FileReport(filename, error=str(error))
    if task.writes:
        sys.stdout.flush()
        sys.stdout.buffer.write(new_data if report.error is None else data)
        sys.stdout.buffer.flush()
    return report


def _exit_code(reports: Sequence[FileReport], options: argparse.Namespace) -> int:
    if any(report.error for report in reports):
        return ERROR
    left = any(report.findings for report in reports)
    counts_fixed = options.diff or options.exit_non_zero_on_fix
    would_fix = counts_fixed and any(report.fixed for report in reports)
    return FINDINGS if (left or would_fix) and not options.exit_zero else CLEAN


def _print_reports(reports: Sequence[FileReport], options: argparse.Namespace) -> None:
    _print_errors(reports)
    if options.diff and not options.silent:
        _print_diffs(reports, options)
    # Standard output is the rewritten text or the diff, where there is one; what is said about it goes beside.
    is_filter = "-" in options.paths and not options.check
    stream = sys.stderr if options.diff or is_filter else sys.stdout
    if options.output_file is not None:
        from flake8_nnx_treemap.project.writing import write_new

        write_new(options.output_file, _report(reports, options, is_coloured=False))
    elif not options.silent:
        stream.write(_report(reports, options, is_coloured=_wants_colour(stream, options)))


def _print_diffs(reports: Sequence[FileReport], options: argparse.Namespace) -> None:
    """Print the diffs: to people as they can be shown, to programs as a patch, byte for byte."""
    diffs = [diff for report in reports for diff in report.diffs]
    if not diffs:
        return
    from flake8_nnx_treemap.project.patches import as_patch, as_text

    if sys.stdout.isatty() or options.color == "always":
        sys.stdout.write(_diff_painter(options)(as_text(diffs)))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(as_patch(diffs))
    sys.stdout.buffer.flush()


def _diff_painter(options: argparse.Namespace) -> Callable[[str], str]:
    """What shows a diff on standard output."""
    if not _wants_colour(sys.stdout, options):
        return str
    from flake8_nnx_treemap.reporting.diff import painted_diff

    return painted_diff


def _print_errors(reports: Iterable[FileReport]) -> None:
    for report in reports:
        if report.error:
            _complain(f"{report.path}: {report.error}")
        for note in report.notes:
            _complain(f"{report.path}: {note}", "note")


def _report(reports: Sequence[FileReport], options: argparse.Namespace, *, is_coloured: bool) -> str:
    is_for_people = options.output_format in FOR_PEOPLE
    if not reports and is_for_people:
        return "" if options.quiet or options.statistics or options.fix_only else "All checks passed!\n"
    if not reports and options.output_format == "json":
        return "[]\n"
    from flake8_nnx_treemap.reporting.style import Style

    style = Style(not options.diff, is_coloured, has_summary=not options.quiet, lists_fixes=options.show_fixes)
    if options.statistics:
        from flake8_nnx_treemap.reporting.statistics import render_statistics

        return render_statistics(options.output_format, reports, style)
    return render(options.output_format, reports, style)


def _wants_colour(stream: TextIO, options: argparse.Namespace) -> bool:
    if options.color != "auto" or os.environ.get("NO_COLOR"):
        return bool(options.color == "always")
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def _explain(options: argparse.Namespace) -> int:
    from flake8_nnx_treemap.project.configuration import codes_named
    from flake8_nnx_treemap.reporting.explanation import explanation, explanations_as_json, print_rendered
    from flake8_nnx_treemap.rules.catalogue import rule_named

    selectors = [part.strip() for part in options.explain.split(",") if part.strip()]
    rules = [rule_named(code) for code in sorted(codes_named(selectors or [options.explain], "--explain"))]
    if options.output_format == "json":
        print(explanations_as_json(rules))
    elif not (_wants_colour(sys.stdout, options) and print_rendered(rules, sys.stdout)):
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


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise ConfigurationError("standard input is closed")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise ConfigurationError(f"standard input: {(error.strerror or type(error).__name__).lower()}") from None


def _fail(message: str) -> int:
    _complain(message)
    return ERROR


def _complain(message: str, kind: str = "error") -> None:
    from flake8_nnx_treemap.project.escaping import one_line

    with contextlib.suppress(OSError):  # There is nowhere else to say it, and the exit code tells.
        print(f"nnx-fix: {kind}: {one_line(message)}", file=sys.stderr, flush=True)


def _stay_quiet() -> None:
    """Keep warnings about the code that is read, and of libraries, to ourselves."""
    import warnings

    warnings.simplefilter("ignore")


def _open_closed_streams() -> None:
    """Keep the handles of closed standard streams from being given to files, and errors from going to the output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives


def _leave_standard_output() -> None:
    """Keep Python from complaining at exit of what cannot be written."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_any_name() -> None:
    """Let what is not text, such as some names of files, be printed and read, instead of ending the run."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
