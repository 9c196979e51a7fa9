"""Wrong fixes, made on purpose: what the harness must catch, and on which epochs there is something to catch."""

from __future__ import annotations

from dataclasses import dataclass

T = "(nnx.Variable, nnx.variablelib.VariableState)"
ON_VS = "lambda x: isinstance(x, nnx.VariableState)"
ON_T = f"lambda x: isinstance(x, {T})"


def program(mapper: str, is_leaf: str | None) -> str:
    """A module whose ``convert`` maps with these two."""
    argument = "" if is_leaf is None else f", is_leaf={is_leaf}"
    return (
        f"import jax\nfrom flax import nnx\n\n\ndef convert(tree):\n    return jax.tree.map({mapper}, tree{argument})\n"
    )


VALUE = program("lambda v: v.value", ON_VS)
REPLACE = program("lambda v: v.replace(v.value)", ON_VS)


@dataclass(frozen=True)
class Mutation:
    """A wrong fix of an original, the trees on which that shows, by epoch.

    ``caught`` maps an epoch to a tree on which the harness finds fault. On an epoch that is missing the rewrite is
    right, and the harness must find none on any tree.
    """

    name: str
    original: str
    wrong: str
    caught: dict[str, str]


def everywhere(tree: str) -> dict[str, str]:
    """Caught on one tree, on every epoch."""
    return dict.fromkeys(("E1", "E2", "E3", "E4"), tree)


MUTATIONS = (
    Mutation("dispatch dropped", VALUE, program("lambda v: v.value", ON_T), everywhere("mixed")),
    Mutation(
        "predicate dropped",
        VALUE,
        program(f"lambda v: v.value if isinstance(v, {T}) else v", None),
        everywhere("state"),
    ),
    Mutation(
        # From 0.11 the two classes are one; before 0.10.7 JAX stops at a live Variable whatever is_leaf says.
        "predicate not widened",
        VALUE,
        program(f"lambda v: v.value if isinstance(v, {T}) else v", ON_VS),
        {"E2": "live"},
    ),
    Mutation(
        "dispatch not widened",
        VALUE,
        program("lambda v: v.value if isinstance(v, nnx.VariableState) else v", ON_T),
        {"E1": "live", "E2": "live"},
    ),
    Mutation(
        "VariableState renamed for a floor that has both",
        VALUE,
        program("lambda v: v.value if isinstance(v, nnx.Variable) else v", "lambda x: isinstance(x, nnx.Variable)"),
        {"E1": "state", "E2": "state"},
    ),
    Mutation(
        "[...] for .value",
        VALUE,
        program(f"lambda v: v[...] if isinstance(v, {T}) else v", ON_T),
        everywhere("scalars"),
    ),
    Mutation(
        "[...] for .value, on containers",
        VALUE,
        program(f"lambda v: v[...] if isinstance(v, {T}) else v", ON_T),
        everywhere("containers"),
    ),
    Mutation(
        "identity branch",
        REPLACE,
        program(f"lambda v: v if isinstance(v, {T}) else v", ON_T),
        everywhere("state"),
    ),
    Mutation(
        "identity branch for other types",
        REPLACE,
        program(
            f"lambda v: v.replace(v.value) if isinstance(v, {T}) and 'Param' in repr(v) else v",
            ON_T,
        ),
        everywhere("normalized"),
    ),
    Mutation(
        "branches exchanged",
        VALUE,
        program(f"lambda v: v if isinstance(v, {T}) else v.value", ON_T),
        everywhere("state"),
    ),
    Mutation(
        "other leaves replaced",
        VALUE,
        program(f"lambda v: v.value if isinstance(v, {T}) else None", ON_T),
        everywhere("mixed"),
    ),
    Mutation(
        "exact type in the dispatch",
        VALUE,
        program(f"lambda v: v.value if type(v) in {T} else v", ON_T),
        {"E1": "live", "E2": "live", "E3": "state", "E4": "state"},
    ),
    Mutation(
        "a copy for the value",
        VALUE,
        program(f"lambda v: v.copy() if isinstance(v, {T}) else v", ON_T),
        everywhere("state"),
    ),
    Mutation(
        "metadata lost",
        REPLACE,
        program(
            "lambda v: type(v)(v.value) if isinstance(v, nnx.Variable) else "
            "type(v)(v.type, v.value) if isinstance(v, nnx.variablelib.VariableState) else v",
            ON_T,
        ),
        everywhere("metadata"),
    ),
)
