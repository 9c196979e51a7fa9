"""The programs that ``how-is-leaf-works.md`` teaches with, and what is measured in all."""

from __future__ import annotations

from dataclasses import dataclass

from drawing import lesson
from measurements import Batch, Job, batch_of

from flake8_nnx_treemap.reporting.traversals import TREES
from flake8_nnx_treemap.rules.catalogue import rules_about_code

PRELUDE = "import jax\nfrom flax import nnx\n\nBOTH = (nnx.Variable, nnx.variablelib.VariableState)\n"


@dataclass(frozen=True)
class Lesson:
    """One call, and the tree it is shown on."""

    name: str
    tree: str
    call: str

    @property
    def source(self) -> str:
        """The call as a program."""
        return f"{PRELUDE}\n\ndef convert(tree):\n    return {self.call}\n"


LESSONS = (
    Lesson("no-is-leaf", "state", "jax.tree.map(lambda x: x * 2, tree)"),
    Lesson(
        "stop",
        "state",
        "jax.tree.map(lambda v: v.value * 2, tree, is_leaf=lambda x: isinstance(x, BOTH))",
    ),
    Lesson(
        "no-filter",
        "mixed",
        "jax.tree.map(lambda v: v.value * 2, tree, is_leaf=lambda x: isinstance(x, nnx.VariableState))",
    ),
    Lesson(
        "dispatch-only",
        "state",
        "jax.tree.map(lambda x: x.value * 2 if isinstance(x, BOTH) else x, tree)",
    ),
    Lesson(
        "both-places",
        "mixed",
        "jax.tree.map(lambda x: x.value * 2 if isinstance(x, BOTH) else x, tree,\n"
        "                        is_leaf=lambda x: isinstance(x, BOTH))",
    ),
)


def lessons_batch() -> Batch:
    """What is measured for the lessons."""
    return Batch("lessons", tuple(Job(one.name, one.tree, one.source) for one in LESSONS))


def batches() -> list[Batch]:
    """Everything that is measured: the lessons, and the examples of all rules."""
    return [lessons_batch(), *map(batch_of, rules_about_code())]


def lesson_files() -> dict[str, str]:
    """The lessons' drawings, which the page includes, by file below ``docs/``."""
    found = lessons_batch().measured()
    return {
        f"drawings/{one.name}.html": lesson(found[one.name], f"JAX walks <code>{TREES[one.tree]}</code>") + "\n"
        for one in LESSONS
        if one.name in found
    }
