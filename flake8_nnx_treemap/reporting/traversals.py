"""What JAX did with the nodes of a tree, release by release: measured data, and its drawing in text.

``traversals.json`` beside this file holds it: ``docs/tools/measure.py`` writes it from runs on real JAX and Flax.
``--explain`` and the hover show the text, ``docs/tools`` draws the same data as SVG.
"""

from __future__ import annotations

import functools
import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

DATA = Path(__file__).with_name("traversals.json")

EPOCHS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("0.10.0", "0.10.6", ("0.10.2", "0.10.6")),
    ("0.10.7", "0.10.7", ("0.10.7",)),
    ("0.11.0", "0.12.0", ("0.11.2", "0.12.0")),
    ("0.12.1", "0.12.8", ("0.12.8",)),
)
"""First and last Flax release that behave alike, and those of them that were measured. See docs/flax-epochs.md."""

TREES = {
    "state": "nnx.state(model)",
    "live": 'nnx.State({"param1": nnx.Param(10.0)})',
    "mixed": 'nnx.State({"kernel": nnx.Param(…), "step": jnp.array(0)})',
}
"""The trees that programs ran on, as a reader would write them."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a tree: its path, how JAX met it, and what became of it."""

    depth: int
    key: str
    kind: str
    met: str
    """``entered``, ``wrapper entered``, ``stopped at``, ``refused``, ``leaf`` or ``is_leaf fails``."""
    end: str
    """``mapped``, ``as it is``, ``given``, ``not reached``, an exception's name; empty if it was entered."""

    @property
    def label(self) -> str:
        """The node as one would name it: its key and its class."""
        return f"{self.key.strip('[]')}: {self.kind}" if self.key else self.kind

    @property
    def says(self) -> str:
        """What happened to the node, in a few words."""
        if self.met in _MEETINGS:
            return _MEETINGS[self.met]
        end = _ENDS.get(self.end, f"raises {self.end}")
        return f"{end}, is_leaf or not" if self.is_mapped_against_the_predicate else end

    @property
    def is_mapped_against_the_predicate(self) -> bool:
        """Whether ``is_leaf`` said no, and the mapper ran on it all the same."""
        return self.met == "refused" and self.end == "mapped"

    @property
    def tone(self) -> str:
        """How the drawing colours it: ``good``, ``bad``, ``missed`` or ``plain``."""
        if self.met == "wrapper entered":
            return "missed"
        if self.met == "is_leaf fails" or self.end not in ("", *_ENDS):
            return "bad"
        return "good" if self.end == "mapped" else "plain"


_MEETINGS = {
    "entered": "entered",
    "wrapper entered": "entered, not mapped",
    "is_leaf fails": "is_leaf fails here",
}
_ENDS = {"mapped": "mapped", "as it is": "returned as it is", "given": "given out", "not reached": "not reached"}


@dataclass(frozen=True, slots=True)
class Traversal:
    """What one program did with one tree, on the releases on which it did the same."""

    releases: tuple[str, ...]
    nodes: tuple[Node, ...]
    end: str
    """``returned``, or the exception with its message."""
    warns: bool
    gives: str = ""
    """Which sorts of leaves the result has; empty if the call raised."""

    @property
    def flax(self) -> str:
        """The releases as a range."""
        return releases_text(self.releases)

    @property
    def maps_nothing(self) -> bool:
        """Whether the call returned, and its mapper gave every leaf back: the silent no-op."""
        ends = {node.end for node in self.nodes} - {""}
        return self.end == "returned" and ends == {"as it is"}

    @property
    def is_fine(self) -> bool:
        """Whether the call did something and did not fail."""
        return self.end == "returned" and not self.maps_nothing and not self.gives_out_no_wrapper

    @property
    def gives_out_no_wrapper(self) -> bool:
        """Whether the leaves were given out, and those in wrappers came without them."""
        is_entered = any(node.met == "wrapper entered" for node in self.nodes)
        return is_entered and {node.end for node in self.nodes} - {""} == {"given"}

    @property
    def verdict(self) -> str:
        """How the call ends, in a few words."""
        if self.maps_nothing:
            return "returns, and nothing was mapped"
        if self.gives_out_no_wrapper:
            return "returns, and no leaf was a wrapper"
        return f"returns {self.gives}".strip() if self.end == "returned" else self.end.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Scene:
    """A rule's first example on one tree: the code as it is written, and after the fix."""

    code: str
    tree: str
    floor: str
    """The Flax floor that the fix was made for; empty if the rule has none."""
    before: tuple[Traversal, ...]
    after: tuple[Traversal, ...]


def releases_text(releases: Iterable[str]) -> str:
    """Say which Flax releases are meant: neighbouring releases that behave alike as ranges, others by themselves."""
    given = set(releases)
    texts: list[str] = []
    start = end = ""
    for first, last, measured in (*EPOCHS, ("", "", ())):
        if measured and given.issuperset(measured):
            start, end = start or first, last
            continue
        if start:
            texts.append(start if start == end else f"{start} – {end}")
        texts += [one for one in measured if one in given]
        start = end = ""
    return ", ".join(texts)


@functools.cache
def scenes() -> dict[str, Scene]:
    """All measured scenes by rule code; a rule whose example calls no tree function has none."""
    if not DATA.exists():
        return {}
    stored = json.loads(DATA.read_text(encoding="utf-8"))
    return {
        code: Scene(code, one["tree"], one["floor"], traversals_of(one["before"]), traversals_of(one["after"]))
        for code, one in stored.items()
    }


def traversals_of(stored: Sequence[dict[str, object]]) -> tuple[Traversal, ...]:
    """Read traversals as ``measure.py`` stores them."""
    return tuple(_traversal(**one) for one in stored)  # type: ignore[arg-type]


def _traversal(
    releases: list[str], nodes: list[tuple[int, str, str, str, str]], end: str, gives: str, warns: bool
) -> Traversal:
    return Traversal(tuple(releases), tuple(Node(*node) for node in nodes), end, warns, gives)


# In text


def draw(traversal: Traversal) -> str:
    """Draw one traversal as a tree, one node a line."""
    lines = [(f"{branch}{node.label}", node.says) for branch, node in branches(traversal.nodes)]
    width = max((len(left) for left, _ in lines), default=0)
    return "\n".join(f"{left.ljust(width)}  {right}" for left, right in lines)


def branches(nodes: Sequence[Node]) -> list[tuple[str, Node]]:
    """Put the branches of a tree in front of its nodes, which come in depth-first order."""
    drawn = []
    for index, node in enumerate(nodes):
        bars = ["│  " if _goes_on(nodes, index, depth) else "   " for depth in range(1, node.depth)]
        own = ("├─ " if _goes_on(nodes, index, node.depth) else "└─ ") if node.depth else ""
        drawn.append(("".join(bars) + own, node))
    return drawn


def _goes_on(nodes: Sequence[Node], index: int, depth: int) -> bool:
    for later in nodes[index + 1 :]:
        if later.depth <= depth:
            return later.depth == depth
    return False


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing, and the releases it holds for: those that differ in their warnings alone share it."""

    traversal: Traversal
    warns_on: tuple[str, ...]

    @property
    def title(self) -> str:
        """For which Flax the drawing holds, and where the call warns."""
        flax = f"Flax {releases_text(self.traversal.releases)}"
        if not self.warns_on:
            return flax
        everywhere = self.warns_on == self.traversal.releases
        return f"{flax}, warns" if everywhere else f"{flax}, warns on {releases_text(self.warns_on)}"


def panels(traversals: Iterable[Traversal]) -> list[Panel]:
    """Lay traversals out as drawings, those that look alike as one."""
    found: list[Panel] = []
    for one in traversals:
        warns_on = one.releases if one.warns else ()
        if found and _looks(found[-1].traversal) == _looks(one):
            last = found.pop()
            one = replace(one, releases=last.traversal.releases + one.releases)
            warns_on = last.warns_on + warns_on
        found.append(Panel(one, warns_on))
    return found


def _looks(traversal: Traversal) -> tuple[object, ...]:
    """What can be seen of a traversal in its drawing."""
    return traversal.nodes, traversal.verdict, traversal.gives


def draw_scene(scene: Scene) -> str:
    """Draw what a rule's example did before and after the fix, on every release."""
    parts = [f"JAX walks {TREES.get(scene.tree, scene.tree)}"]
    for title, traversals in (("As written", scene.before), (_after(scene), scene.after)):
        for panel in panels(traversals):
            heading = textwrap.fill(f"{title}, {panel.title}: {panel.traversal.verdict}", 100, subsequent_indent="  ")
            parts.append(f"{heading}\n\n{_indented(draw(panel.traversal))}")
    return "\n\n".join(parts) + "\n"


def _after(scene: Scene) -> str:
    return "Fixed" if scene.floor == "portable" else f"Fixed for {scene.floor}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def text_drawing(code: str) -> str | None:
    """Give the drawing of a rule for ``--explain`` and the hover, or ``None`` if it has none."""
    scene = scenes().get(code)
    return draw_scene(scene) if scene else None
