"""What was found, counted: by what it does to the code, by rule, by how it is repaired, and by file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from flake8_nnx_treemap.project.runner import FileReport
from flake8_nnx_treemap.reporting.style import Style, one_line
from flake8_nnx_treemap.rules.catalogue import CODES, Kind
from flake8_nnx_treemap.rules.rule import Applicability, Finding

HEADLINES = {
    Kind.CRASH: "raises",
    Kind.SILENT: "computes something else, without a warning",
    Kind.DEPRECATION: "warns, and will be removed",
    Kind.COMMENT: "suppresses nothing",
}
"""What reported code does, worst first."""

REPAIRS = ("fixed by `nnx-fix`", "with `--unsafe-fixes`", "by hand")
"""How findings are repaired, in the order of ``_repair``."""


def render_statistics(name: str, reports: Sequence[FileReport], style: Style) -> str:
    """Count what is left.

    Args:
        name: ``json``, or a format for people.
        reports: the files that have something to say.
        style: how to say it; without a summary there are only the rules, most frequent first.

    Returns:
        The counts of rules; for people, under what such code does, with how it is repaired, and the files behind them.
    """
    pairs = [(report, finding) for report in reports for finding in report.findings]
    if name == "json":
        return json.dumps([_entry(pairs, code) for code in _by_frequency(pairs, _code)], indent=2) + "\n"
    if not pairs:
        return ""
    lines = _rows(pairs, _width(pairs)) if not style.has_summary else (*_kinds(pairs), *_files(pairs), _total(pairs))
    return "".join(f"{line}\n" for line in lines)


_Pair = tuple[FileReport, Finding]


def _code(pair: _Pair) -> str:
    return pair[1].code


def _path(pair: _Pair) -> str:
    return pair[0].path


def _kind(pair: _Pair) -> Kind:
    return CODES[pair[1].code].kind


def _repair(pair: _Pair) -> int:
    """Which of ``REPAIRS`` a finding gets."""
    report, finding = pair
    if report.is_fixable(finding):
        return 0
    return 1 if finding.fix is not None else 2


def _by_frequency(pairs: Iterable[_Pair], key: Callable[[_Pair], str]) -> dict[str, int]:
    counts = Counter(map(key, pairs))
    return dict(sorted(counts.items(), key=lambda row: (-row[1], row[0])))


def _width(pairs: Iterable[_Pair]) -> int:
    """How wide the widest count is, so that all counts of a report line up."""
    return max((len(str(count)) for key in (_code, _path) for count in Counter(map(key, pairs)).values()), default=0)


def _entry(pairs: Iterable[_Pair], code: str) -> dict[str, object]:
    own = [pair for pair in pairs if pair[1].code == code]
    fixes = [finding.fix for _, finding in own if finding.fix is not None]
    safe = sum(fix.applicability is Applicability.SAFE for fix in fixes)
    return {
        "code": code,
        "name": CODES[code].slug,
        "kind": CODES[code].kind.value,
        "count": len(own),
        "fixable": sum(report.is_fixable(finding) for report, finding in own),
        "safe": safe,
        "unsafe": len(fixes) - safe,
        "files": _by_frequency(own, _path),
    }


def _rows(pairs: Sequence[_Pair], width: int) -> Iterator[str]:
    """One line for each rule, marked as in ruff: ``[*]`` if all are fixed, ``[-]`` if some are, ``[ ]`` if none."""
    repairs: dict[str, Counter[int]] = {}
    for pair in pairs:
        repairs.setdefault(_code(pair), Counter())[_repair(pair)] += 1
    for code, count in _by_frequency(pairs, _code).items():
        fixed = repairs[code][0]
        mark = "[*]" if fixed == count else "[-]" if fixed else "[ ]"
        yield f"{count:{width}}  {code}  {mark} {CODES[code].slug}{_not_fixed(repairs[code])}"


def _not_fixed(repairs: Counter[int]) -> str:
    """How the findings of a rule are repaired that plain ``nnx-fix`` leaves, in parentheses."""
    left = [(repairs[one], word) for one, word in ((1, "unsafe"), (2, "by hand")) if repairs[one]]
    if len(left) == 1 and not repairs[0]:
        return f" ({left[0][1]})"
    return f" ({', '.join(f'{count} {word}' for count, word in left)})" if left else ""


def _kinds(pairs: Sequence[_Pair]) -> Iterator[str]:
    """The rules, below what code that they report does."""
    for kind, headline in HEADLINES.items():
        own = [pair for pair in pairs if _kind(pair) is kind]
        if own:
            yield f"{kind.value} ({headline}): {_how(own)}"
            yield from _rows(own, _width(pairs))
            yield ""


def _files(pairs: Sequence[_Pair]) -> Iterator[str]:
    """One line for each file."""
    kinds: dict[str, Counter[Kind]] = {}
    for pair in pairs:
        kinds.setdefault(_path(pair), Counter())[_kind(pair)] += 1
    width = _width(pairs)
    yield "files:"
    for path, count in _by_frequency(pairs, _path).items():
        told = ", ".join(f"{kinds[path][one]} {one.value}" for one in HEADLINES if one in kinds[path])
        yield f"{count:{width}}  {one_line(path)}: {told}"
    yield ""


def _total(pairs: Sequence[_Pair]) -> str:
    files = len({_path(pair) for pair in pairs})
    findings = f"{len(pairs)} finding{'' if len(pairs) == 1 else 's'} in {files} file{'' if files == 1 else 's'}"
    return f"{findings}: {_how(pairs)}."


def _how(pairs: Iterable[_Pair]) -> str:
    """How many are repaired in which way."""
    counts = Counter(map(_repair, pairs))
    return ", ".join(f"{counts[one]} {words}" for one, words in enumerate(REPAIRS) if counts[one])
