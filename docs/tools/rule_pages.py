"""A rule's page and the index of all rules: Markdown from rules' files and what was measured of their examples."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from drawing import figure
from measurements import BEFORE, BY_ITSELF, Measured, measured, trees_of, versions_of

from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.names import PORTABLE
from flake8_nnx_treemap.reporting.traversals import EPOCHS, TREES, Scene, Traversal, panels, releases_text
from flake8_nnx_treemap.rules.catalogue import Kind, every_rule
from flake8_nnx_treemap.rules.rule import Applicability, Example, FixAvailability, Rule
from flake8_nnx_treemap.rules.safety import Obligation

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_BARE_CODE = re.compile(r"(?<![\w`\[/#-])NNX\d{3}(?![\w`\]-])")
_PREFERRED_TREES = ("mixed", "live", "state")

TREE_WORDS = {
    "state": "`nnx.state(model)`",
    "live": "a live `Param`",
    "mixed": "a live `Param` and an array",
    BY_ITSELF: "none",
}
"""The trees of ``TREES`` in the fewest words."""

FAMILIES = (
    ("NNX1", "Tree functions over NNX state", "What `is_leaf` stops at, and what the mapper does with the leaves."),
    ("NNX2", "Names and accessors that Flax has changed", "Each fires from the Flax release that makes it true."),
    ("NNX9", "Comments", "What suppresses findings."),
)


def page_name(rule: Rule) -> str:
    """The rule's page below ``docs/``; its address is ``Rule.url``."""
    return f"rules/{rule.code}-{rule.slug}.md"


# The page


def rule_page(rule: Rule) -> str:
    """Write the page of one rule."""
    sections = sections_of(rule)
    found = measured(rule)
    parts = [
        f"# {rule.code}: {rule.slug}",
        "<!-- Generated from the rule's file by docs/tools/generate.py. -->",
        f"**{_sentence(rule.summary)}**",
        _at_a_glance(rule),
        *_titled(sections, "What it does", "Why it is wrong"),
        *_what_to_write(rule, found),
        *_shown(rule),
        *_titled(sections, "What Flax does"),
        _fix_safety(rule),
        *_more_examples(rule, found),
        *_titled(sections, *(title for title in sections if title not in _PLACED), "References"),
        _closing(rule),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


_PLACED = ("What it does", "Why it is wrong", "What Flax does", "Fix safety", "References")


def sections_of(rule: Rule) -> dict[str, str]:
    """The sections of a rule's docstring by title, less the first line."""
    pieces = _SECTION.split(rule.documentation)
    return {title: text.strip() for title, text in zip(pieces[1::2], pieces[2::2], strict=True)}


def _titled(sections: dict[str, str], *titles: str) -> Iterator[str]:
    for title in titles:
        if title in sections:
            yield f"## {title}\n\n{_linked(sections[title])}"


def lead_of(rule: Rule) -> str:
    """The sentence that says why a rule's fix is safe, or what it changes: the first paragraph of "Fix safety"."""
    return " ".join(sections_of(rule)["Fix safety"].partition("\n\n")[0].split())


def _fix_safety(rule: Rule) -> str:
    """The sentence, the obligations that the fix rests on, and the rest folded."""
    parts = ["## Fix safety", _linked(lead_of(rule))]
    if rule.rests_on:
        parts.append("Where one of these does not hold for certain, the fix is unsafe, or there is none:")
        parts.append("\n".join(map(_obligation_row, rule.rests_on)))
    rest = sections_of(rule)["Fix safety"].partition("\n\n")[2]
    if rest:
        indented = "\n".join(f"    {line}".rstrip() for line in _linked(rest).splitlines())
        parts.append(f'??? note "What it writes, and when there is none"\n\n{indented}')
    return "\n\n".join(parts)


def _obligation_row(obligation: Obligation) -> str:
    """An obligation's name in words, and what it guarantees."""
    name = obligation.__name__.replace("_", " ").capitalize()
    guarantee = " ".join((inspect.getdoc(obligation) or "").partition("Args:")[0].split())
    return f"* **{name}.** {guarantee}"


def _linked(text: str) -> str:
    """Turn the codes of other rules into links, where they are outside code."""
    pages = {rule.code: page_name(rule).removeprefix("rules/") for rule in every_rule()}
    return _BARE_CODE.sub(lambda found: f"[{found[0]}]({pages[found[0]]})" if found[0] in pages else found[0], text)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _at_a_glance(rule: Rule) -> str:
    rows = [
        ("Fix", f"{_fix_words(rule)}. {_linked(lead_of(rule))}"),
        ("On by default", "yes" if rule.on_by_default else f"no: `--extend-select {rule.code}` turns it on"),
        ("Fires", _since(rule)),
        ("Silence one line", f"`# noqa: {rule.code}`"),
    ]
    return "\n".join(f"* **{name}:** {value}" for name, value in rows)


def _since(rule: Rule) -> str:
    if rule.since <= PORTABLE:
        return "whatever Flax you support"
    if rule.entry.kind is Kind.DEPRECATION:
        return f"if the lowest Flax you support is {_dotted(rule.since)} or later"
    return f"if you support Flax {_dotted(rule.since)} or later, whatever else you support"


def _dotted(release: Iterable[int]) -> str:
    return ".".join(map(str, release))


def _fix_words(rule: Rule) -> str:
    if rule.fix is FixAvailability.NEVER:
        return "none: only the author can decide"
    kinds = {example.applicability for example in rule.examples if example.fixed}
    often = "always there" if rule.fix is FixAvailability.ALWAYS else "most of the time"
    if kinds == {Applicability.SAFE}:
        return f"{often}, safe"
    if kinds == {Applicability.UNSAFE}:
        return f"{often}, unsafe: needs `--unsafe-fixes`"
    return f"{often}; safe where results are equal for certain, otherwise `--unsafe-fixes`"


# What was measured


def scene_of(rule: Rule) -> Scene | None:
    """The first example on the tree that teaches most: the one on which releases differ most."""
    found = measured(rule)
    example = rule.examples[0]
    floor = _floor_of(example)
    best: Scene | None = None
    if not example.trees:
        return None
    for tree in sorted(trees_of(example), key=_PREFERRED_TREES.index):
        before = found.of(0, BEFORE, tree)
        if not any(traversal.nodes for traversal in before):
            continue
        after = found.of(0, floor, tree) if floor else ()
        scene = Scene(rule.code, tree, floor, before, _from_floor(after, floor))
        if best is None or _interest(scene) > _interest(best):
            best = scene
    return best


def _interest(scene: Scene) -> tuple[int, int]:
    wrong = sum(not traversal.is_fine for traversal in scene.before)
    return (len(panels(scene.before)), wrong)


def _floor_of(example: Example) -> str:
    """The lowest floor for which a fix is shown."""
    return min(example.fixed, key=_floor_order, default="")


def _floor_order(floor: str) -> tuple[int, ...]:
    return PORTABLE if floor == "portable" else tuple(map(int, floor.split(".")))


def _from_floor(traversals: Sequence[Traversal], floor: str) -> tuple[Traversal, ...]:
    """Leave out releases that a fix was not made for."""
    lowest = _floor_order(floor) if floor else PORTABLE
    kept = []
    for one in traversals:
        releases = tuple(release for release in one.releases if _floor_order(release) >= lowest)
        if releases:
            kept.append(replace(one, releases=releases))
    return tuple(kept)


def _shown(rule: Rule) -> Iterator[str]:
    scene = scene_of(rule)
    if scene is None:
        return
    yield (
        "## What JAX does with the tree\n\n"
        "The code above, run on each Flax with an `is_leaf` and a mapper that record what they are given. "
        "[How to read the drawings](../how-is-leaf-works.md#how-to-read-the-drawings).\n\n"
        + figure(scene.before, scene.after, TREES[scene.tree], _after_words(scene.floor))
    )


def _after_words(floor: str) -> str:
    return "after the fix" if floor == "portable" else f"after the fix for Flax {floor}"


# Examples


def _what_to_write(rule: Rule, found: Measured) -> Iterator[str]:
    """The first example, in full view."""
    example = rule.examples[0]
    yield f"## What to write\n\n{_sentence(example.title)} As written:"
    yield _code(example.source, _marked_rows(example))
    if example.fixed:
        yield "What `nnx-fix` makes of it:"
        yield _fixed_tabs(example)
    else:
        yield "`nnx-fix` reports it, and leaves the rewrite to you."
    yield from _outcomes(example, 0, found)


def _more_examples(rule: Rule, found: Measured) -> Iterator[str]:
    if len(rule.examples) > 1:
        yield "## More examples"
    for index, example in enumerate(rule.examples[1:], 1):
        yield f"### {example.title}"
        yield _tab("As written", example.source, _marked_rows(example))
        yield _fixed_tabs(example) or '=== "After nnx-fix"\n\n    No fix: reported, and left to you.'
        yield from _outcomes(example, index, found)


def _fixed_tabs(example: Example) -> str:
    # Most projects are past 0.10, and look at one tab: theirs is the first.
    floors = sorted(example.fixed, key=lambda floor: (floor == "portable", _floor_order(floor)))
    return "\n\n".join(_tab(_fixed_title(example, floor), example.fixed[floor], []) for floor in floors)


def _fixed_title(example: Example, floor: str) -> str:
    which = "for every Flax" if floor == "portable" else f"for Flax ≥ {floor}"
    unsafe = ", --unsafe-fixes" if example.applicability is Applicability.UNSAFE else ""
    return f"Fixed {which}{unsafe}"


def _tab(title: str, source: str, rows: Sequence[int]) -> str:
    indented = "\n".join(f"    {line}".rstrip() for line in _code(source, rows).splitlines())
    return f'=== "{title}"\n\n{indented}'


def _code(source: str, rows: Sequence[int]) -> str:
    highlight = f' hl_lines="{" ".join(map(str, rows))}"' if rows else ""
    return f"```python{highlight}\n{source.rstrip()}\n```"


def _marked_rows(example: Example) -> list[int]:
    """The rows on which findings start."""
    source = ParsedSource(example.source)
    rows: list[int] = []
    offset = 0
    for text in example.marked:
        found = example.source.find(text, offset)
        if found < 0:
            found = example.source.find(text)
        rows.append(source.position(found).row)
        offset = found + len(text)
    return sorted(set(rows))


def _outcomes(example: Example, index: int, found: Measured) -> Iterator[str]:
    """One folded table: what each version does on each tree, release by release."""
    rows = []
    for tree in trees_of(example):
        for version in versions_of(example):
            traversals = found.of(index, version, tree)
            if traversals:
                lowest = PORTABLE if version == BEFORE else _floor_order(version)
                name = "as written" if version == BEFORE else _version_words(version)
                cells = " | ".join(_cell(traversals, releases, lowest) for _, _, releases in EPOCHS)
                rows.append(f"| {TREE_WORDS[tree]} | {name} | {cells} |")
    if rows:
        heading = " | ".join(releases_text(releases) for _, _, releases in EPOCHS)
        table = [f"| tree | code | {heading} |", f"| --- | --- |{' --- |' * len(EPOCHS)}", *rows]
        title = "Measured: what comes back on each Flax, before and after"
        legend = "The leaves of the result. **Bold**: the call failed, or mapped no wrapper."
        yield f'??? info "{title}"\n\n    {legend}\n\n' + "\n".join(f"    {line}" for line in table)


def _cell(traversals: Iterable[Traversal], releases: Sequence[str], lowest: tuple[int, ...]) -> str:
    """What happens on the releases of one epoch."""
    if all(_floor_order(release) < lowest for release in releases):
        return "–"
    words = [_end_words(one) for one in traversals if set(one.releases) & set(releases)]
    return " / ".join(dict.fromkeys(words))


def _version_words(floor: str) -> str:
    return "fixed" if floor == "portable" else f"fixed, ≥ {floor}"


def _end_words(traversal: Traversal) -> str:
    warns = ", warns" if traversal.warns else ""
    if traversal.maps_nothing:
        return f"**maps nothing**{warns}"
    if traversal.end != "returned":
        return f"**{traversal.end.partition(':')[0]}**"
    gives = traversal.gives or "returns"
    return f"**{gives}**: no leaf was a wrapper{warns}" if traversal.gives_out_no_wrapper else f"{gives}{warns}"


def _closing(rule: Rule) -> str:
    cases = f"https://github.com/flake8-nnx-treemap/flake8-nnx-treemap/blob/main/tests/rules/{rule.code}.md"
    return (
        "## More\n\n"
        f"* Every case that is tested: [`tests/rules/{rule.code}.md`]({cases})\n"
        f"* In the terminal: `nnx-fix --explain {rule.code}`\n"
        "* [What the words mean](../glossary.md), [what a safe fix promises](../fix-safety.md), "
        "[what Flax does](../flax-epochs.md)"
    )


# The index


def index_page() -> str:
    """Write the table of all rules."""
    parts = [
        "# Rules",
        "<!-- Generated from the rules' files by docs/tools/generate.py. -->",
        "Every finding links to its page. A **safe** fix gives equal results wherever the original returned; an "
        "**unsafe** one waits for `--unsafe-fixes`. See [fix safety](../fix-safety.md).",
    ]
    for prefix, title, says in FAMILIES:
        rules = [rule for rule in every_rule() if rule.code.startswith(prefix)]
        if rules:
            rows = "\n".join(map(_index_row, rules))
            parts.append(f"## {title}\n\n{says}\n\n| rule | finds | fix | on |\n| --- | --- | --- | --- |\n{rows}")
    return "\n\n".join(parts) + "\n"


def _index_row(rule: Rule) -> str:
    name = page_name(rule).removeprefix("rules/")
    since = f"from Flax {_dotted(rule.since)}" if rule.since > PORTABLE else "yes"
    on = since if rule.on_by_default else "opt-in"
    return f"| [{rule.code}]({name})<br>{rule.slug} | {rule.summary} | {_fix_word(rule)} | {on} |"


def _fix_word(rule: Rule) -> str:
    if rule.fix is FixAvailability.NEVER:
        return "none"
    kinds = sorted({example.applicability.value for example in rule.examples if example.applicability})
    return " or ".join(kinds)
