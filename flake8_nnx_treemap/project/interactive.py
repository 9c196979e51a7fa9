"""``--interactive``: each fix is shown with its reason, and is made only if somebody says so, as in ``git add -p``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from flake8_nnx_treemap.analysis.code.text import Edit, Position, SourceError, line_starts
from flake8_nnx_treemap.fixing.engine import FixResult, Withdrawn, fix_with
from flake8_nnx_treemap.project.escaping import one_line
from flake8_nnx_treemap.project.formats import Format, format_of
from flake8_nnx_treemap.project.patches import as_text
from flake8_nnx_treemap.project.runner import FileReport, Task, diffs_of, place_in, process_file, told
from flake8_nnx_treemap.rules.rule import Finding, Fix, is_wanted

HELP = """\
y - make this fix
n - do not make it
a - make it and all that follow in this file
q - quit: make neither this fix nor any that follows
? - print help
"""
PROMPT = "Make this fix [y,n,a,q,?]? "

Find = Callable[[str], Sequence[Finding]]
Rewrite = Callable[[str, Sequence[Edit]], str]
Key = tuple[str, str, int]
"""A finding's code, the text that it is about, and how many like it come before it: what other fixes do not change."""


@dataclass(slots=True)
class Dialogue:
    """Somebody who is asked, and whether they have had enough."""

    read_line: Callable[[], str]
    """The next line of what they say, line end included; empty at the end."""
    write: Callable[[str], None]
    has_quit: bool = False
    show_diff: Callable[[str], str] = str
    """How a diff is shown, such as in colours."""
    lost: OSError | None = None
    """Why they cannot be asked any more."""

    def ask(self, question: str, count: str) -> str:
        """Show a question until it is answered: ``y``, ``n``, ``a`` or ``q``, which it is if nobody can be asked."""
        try:
            return self._ask(question, count)
        except OSError as error:
            self.lost, self.has_quit = error, True
            return "q"

    def _ask(self, question: str, count: str) -> str:
        self.write(question)
        while True:
            self.write(f"({count}) {PROMPT}")
            line = self.read_line()
            answer = line.strip().lower()[:1] if line else "q"
            if not line:
                self.write("\n")
            if answer in ("y", "n", "a", "q"):
                self.has_quit = answer == "q"
                return answer
            self.write(HELP)


def run_interactively(
    candidates: Sequence[str], problems: Sequence[tuple[str, str]], task: Task, dialogue: Dialogue
) -> list[FileReport]:
    """Work through the files that may hold findings, one after the other, and ask about each fix.

    Args:
        candidates: the files, as ``scanning.scan`` found them.
        problems: what it found wrong with others.
        task: what to do.
        dialogue: who is asked. After they have quit, what is left is only reported.

    Returns:
        A report for each file that has something to say, in order.

    Raises:
        OSError: nobody can be asked. What was accepted before is written.
    """
    reports = [FileReport(path, error=reason) for path, reason in problems]
    for path in candidates:
        if dialogue.has_quit:
            reports.append(process_file(path, replace(task, fixes=False, writes=False)))
        else:
            reports.append(process_file(path, task, _Asking(path, format_of(path), dialogue).fix))
        if dialogue.lost is not None:
            raise dialogue.lost
    return told(reports)


@dataclass(frozen=True, slots=True)
class _Asking:
    path: str
    format: Format
    dialogue: Dialogue

    def fix(self, text: str, find: Find, rewrite: Rewrite, *, unsafe_fixes: bool) -> FixResult:
        """Repair a text as far as somebody wants it to be."""
        declined: set[Key] = set()
        fixed: list[Finding] = []
        withdrawn: list[Withdrawn] = []
        while True:
            findings = find(text)
            keyed = zip(self._keys(text, findings), findings, strict=True)
            offered = [
                one for one in keyed if one[0] not in declined and is_wanted(one[1].fix, unsafe_fixes=unsafe_fixes)
            ]
            if not offered or self.dialogue.has_quit:
                return FixResult(text, tuple(fixed), tuple(findings), tuple(withdrawn))
            key, finding = offered[0]
            assert finding.fix is not None
            try:
                new_text = rewrite(text, finding.fix.edits)
            except SourceError as error:  # What was accepted before it must not be lost for it.
                declined.add(key)
                withdrawn.append(Withdrawn(finding, error.message))
                continue
            number = len(fixed) + len(declined) + 1
            count = f"{number}/{number - 1 + len(offered)}"
            answer = self.dialogue.ask(self._question(text, new_text, finding, finding.fix), count)
            if answer == "n":
                declined.add(key)
            elif answer in ("y", "a"):
                text = new_text
                fixed.append(finding)
            if answer == "a":
                rest = fix_with(text, self._without(declined, find), rewrite, unsafe_fixes=unsafe_fixes)
                given_up = (*withdrawn, *rest.withdrawn)
                return FixResult(rest.text, (*fixed, *rest.fixed), tuple(find(rest.text)), given_up)

    def _without(self, declined: set[Key], find: Find) -> Find:
        def find_the_others(text: str) -> Sequence[Finding]:
            findings = find(text)
            return [one for key, one in zip(self._keys(text, findings), findings, strict=True) if key not in declined]

        return find_the_others

    def _keys(self, text: str, findings: Iterable[Finding]) -> list[Key]:
        shown = self.format.show(text).text
        starts = line_starts(shown)
        seen: Counter[tuple[str, str]] = Counter()
        keys = []
        for finding in findings:
            start, end = (_offset(starts, place) for place in (finding.range.start, finding.range.end))
            alike = (finding.code, shown[start:end])
            keys.append((*alike, seen[alike]))
            seen[alike] += 1
        return keys

    def _question(self, text: str, new_text: str, finding: Finding, fix: Fix) -> str:
        old, new = self.format.show(text), self.format.show(new_text)
        place = place_in(old.cells, finding.range.start)
        reason = one_line(f"{self.path}:{place}: {finding.code} {finding.message}")
        what = one_line(f"{fix.applicability.value} fix: {fix.message}")
        diff = as_text(diffs_of(old, new, self.path, "utf-8"))
        return f"\n{reason}\n{what}\n{self.dialogue.show_diff(diff)}"


def _offset(starts: Sequence[int], position: Position) -> int:
    return starts[position.row - 1] + position.column - 1
