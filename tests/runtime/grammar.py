"""Generates programs: every combination of the forms in which calls that the rules accept are written.

A call is a tree function under some import form, a predicate, a mapper, further trees and a layout; where leaves are
read instead of mapped, a flatten and what reads it. To add a rule, add a ``Grammar`` with the forms of its own.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import jax
from harness import Observation
from hypothesis import strategies as st

from flake8_nnx_treemap.names import PORTABLE, VARIABLE_STATE_IS_VARIABLE, FlaxRelease


@dataclass(frozen=True)
class FunctionForm:
    """A tree function as a file imports and calls it."""

    callee: str
    imports: str = ""
    local_imports: str = ""
    takes_path: bool = False


@dataclass(frozen=True)
class NNXForm:
    """``VariableState`` as a file imports and names it."""

    imports: str
    variable_state: str


@dataclass(frozen=True)
class PredicateForm:
    """An ``is_leaf`` argument; ``{VS}`` stands for the class. A selective one does not stop at every wrapper."""

    expression: str
    definitions: str = ""
    imports: str = ""
    is_selective: bool = False


@dataclass(frozen=True)
class Body:
    """What a mapper computes from the leaf ``{v}``; ``returns_leaf`` if that may be the leaf itself.

    ``{VS}`` stands for the class, as in a predicate. A selective one leaves some wrappers alone.
    """

    expression: str
    returns_leaf: bool = False
    is_selective: bool = False


@dataclass(frozen=True)
class MapperForm:
    """A way to hand over a mapper with the parameters ``{p}`` and the body ``{b}``, in which the leaf is ``leaf``.

    ``{VS}`` stands for the class.
    """

    expression: str
    definitions: str = ""
    local_definitions: str = ""
    leaf: str = "v"
    is_starred: bool = False


@dataclass(frozen=True)
class Layout:
    """How a call is spread over lines; ``{f}``, ``{m}``, ``{t}``, ``{l}`` are its parts."""

    template: str
    indentation: str = "    "
    for_one_tree: bool = False

    @property
    def for_more_trees(self) -> Layout:
        """The plainest layout instead, with or without ``is_leaf``."""
        return LAYOUTS[0] if "{l}" in self.template else BARE_LAYOUTS[0]


@dataclass(frozen=True)
class Context:
    """What is around a call: statements in which ``{c}`` is the call."""

    statements: str


FUNCTIONS = (
    FunctionForm("jax.tree.map"),
    FunctionForm("jax.tree_util.tree_map"),
    FunctionForm("jtu.tree_map", "import jax.tree_util as jtu"),
    FunctionForm("tree_util.tree_map", "from jax import tree_util"),
    FunctionForm("tm", "from jax.tree_util import tree_map as tm"),
    FunctionForm("trees.map", "import jax.tree as trees"),
    FunctionForm("tree_map", local_imports="from jax.tree_util import tree_map"),
    FunctionForm("tmap", "tmap = jax.tree.map"),
    FunctionForm("jax.tree_util.tree_map_with_path", takes_path=True),
    FunctionForm("with_path", "from jax.tree_util import tree_map_with_path as with_path", takes_path=True),
)


def _has(name: str) -> bool:
    module = jax.tree if name.startswith("tree.") else jax
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hasattr(module, name.rpartition(".")[2])


NEWER_AND_OLDER_FUNCTIONS = (
    *([FunctionForm("jax.tree.map_with_path", takes_path=True)] if _has("tree.map_with_path") else []),
    *([FunctionForm("jax.tree_map")] if _has("tree_map") else []),
)
"""What only some JAX releases have: ``map_with_path`` from 0.4.38, ``jax.tree_map`` until 0.6.0."""

NNX = (
    NNXForm("from flax import nnx", "nnx.VariableState"),
    NNXForm("from flax import nnx", "nnx.variablelib.VariableState"),
    NNXForm("from flax import nnx as fx", "fx.VariableState"),
    NNXForm("import flax.nnx", "flax.nnx.VariableState"),
    NNXForm("import flax.nnx as nn", "nn.VariableState"),
    NNXForm("from flax.nnx import VariableState as VS", "VS"),
    NNXForm("from flax.nnx import (\n    State,\n    VariableState,\n)", "VariableState"),
    NNXForm("from flax.nnx.variablelib import VariableState", "VariableState"),
)

PREDICATES = (
    PredicateForm("lambda x: isinstance(x, {VS})"),
    PredicateForm("lambda n: isinstance(n, ({VS},))"),
    PredicateForm("lambda x: x is None or isinstance(x, {VS})"),
    PredicateForm("lambda x: isinstance(x, {VS}) or isinstance(x, jax.ShapeDtypeStruct)"),
    PredicateForm("lambda x: isinstance(x, ({VS}, jax.ShapeDtypeStruct))"),
    PredicateForm("lambda x: True if isinstance(x, {VS}) else False"),
    PredicateForm("lambda x: bool(isinstance(x, {VS}))"),
    PredicateForm("is_wrapper", "def is_wrapper(node):\n    return isinstance(node, {VS})"),
    PredicateForm(
        "is_wrapper",
        'def is_wrapper(node):\n    """Stop."""\n    if isinstance(node, {VS}):\n        return True\n    return False',
    ),
    PredicateForm("is_wrapper", "is_wrapper = lambda x: isinstance(x, {VS})"),
    PredicateForm("lambda x: isinstance(x, WRAPPERS)", "WRAPPERS = ({VS},)"),
    PredicateForm("lambda x: isinstance(x, WRAPPER)", "WRAPPER = {VS}"),
    PredicateForm("lambda x: isinstance(x, (Param, {VS}))", imports="from flax.nnx import Param"),
    PredicateForm("lambda x: isinstance(x, {VS} | type(None))"),
    PredicateForm("lambda x: not isinstance(x, (list, dict)) and isinstance(x, {VS})"),
    PredicateForm("lambda x: isinstance(x, {VS}) and bool(x.get_metadata())", is_selective=True),
)

BODIES = (
    Body("{v}.value"),
    Body("{v}.value * 2"),
    Body("{v}.replace({v}.value)"),
    Body("{v}.replace(value=({v}.value, 1))"),
    Body("({v}.value, FLAG)"),
    Body("{v}.value if FLAG else {v}.value * 2"),
    Body("{v}.value if FLAG else 0"),
    Body("jnp.shape({v}.value)"),
    Body("lambda: {v}.value"),
    Body("sorted({v}.get_metadata())"),
    Body("({v}.set_metadata(note=1), {v})[1]", returns_leaf=True),
    Body("{v}.copy()"),
    Body("{v}", returns_leaf=True),
    Body("[{v}]", returns_leaf=True),
    Body("{v}[...]"),
    Body("jnp.zeros({v}.shape)"),
    Body("type({v}).__name__"),
    Body("FLAG and {v}.value"),
)
"""Those that read ``.value`` or metadata on every way get a safe fix, the others an unsafe one."""

MAPPERS = (
    MapperForm("lambda {p}: {b}"),
    MapperForm("lambda {p}, k=2: {b}"),
    MapperForm("mapper", "def mapper({p}):\n    return {b}"),
    MapperForm("mapper", "def mapper({p}, k=2):\n    result = {b}\n    return result"),
    MapperForm("mapper", local_definitions="def mapper({p}):\n    return {b}"),
    MapperForm("mapper", "mapper = lambda {p}: {b}"),
    MapperForm("partial(mapper, k=3)", "def mapper({p}, k=2):\n    return {b}"),
    MapperForm("bound", "def mapper({p}, k=2):\n    return {b}", "bound = partial(mapper, k=3)"),
    MapperForm("lambda {p}: mapper({p})", "def mapper({p}):\n    return {b}"),
    MapperForm("Mapper().one", "class Mapper:\n    def one(self, {p}):\n        return {b}"),
    MapperForm("Mapper.one", "class Mapper:\n    @staticmethod\n    def one({p}):\n        return {b}"),
    MapperForm("ONE[0]", "def mapper({p}):\n    return {b}\n\n\nONE = [mapper]"),
    MapperForm("lambda *xs: {b}", leaf="xs[0]", is_starred=True),
)

LAYOUTS = (
    Layout("{f}({m}, {t}, is_leaf={l})"),
    Layout("{f}({m}, {t}, is_leaf={l},)"),
    Layout("{f}(\n        {m},\n        {t},\n        is_leaf={l},\n    )"),
    Layout("{f}(  # convert\n      {m},  # each\n      {t},\n      is_leaf={l},  # stop\n  )", "  "),
    Layout("{f}(\n        {m}, {t},\n        is_leaf=(\n            {l}\n        ))"),
    Layout("{f}(({m}), {t}, is_leaf={l})"),
    Layout("{f}(is_leaf={l}, tree={t}, f={m})", for_one_tree=True),
)

CONTEXTS = (
    Context("return {c}"),
    Context("result = {c}\nreturn result"),
    Context("if FLAG: return {c}"),
    Context("return [{c} for _ in range(1)][0]"),
    Context("return (lambda: {c})()"),
    Context("def inner():\n    return {c}\nreturn inner()"),
    Context("class Holder:\n    held = staticmethod(lambda *_: {c})\nreturn Holder.held()"),
    Context("return dict(a={c}, b=1)"),
    Context("try:\n    return {c}\nexcept AttributeError:\n    return None"),
)


@dataclass(frozen=True)
class Call:
    """One program. ``trees`` counts the trees; with ``is_starred`` those after the first come as ``*others``."""

    function: FunctionForm
    nnx: NNXForm
    predicate: PredicateForm
    body: Body
    mapper: MapperForm
    trees: int
    is_starred: bool
    layout: Layout
    context: Context
    annotation: str = ""

    @property
    def maps_every_wrapper(self) -> bool:
        """Whether all wrappers are stopped at, and none comes back as it is."""
        is_selective = self.predicate.is_selective or self.body.is_selective
        return not is_selective and not self.body.returns_leaf

    @property
    def source(self) -> str:
        """The program: a module that defines ``convert``."""
        indentation = self.layout.indentation
        local = [self.function.local_imports, self._with_mapper(self.mapper.local_definitions)]
        if self.is_starred and self.trees > 1:
            local.append("others = (other,)")
        statements = [line for block in local if block for line in block.split("\n")]
        layout = self.layout if self.trees == 1 or not self.layout.for_one_tree else self.layout.for_more_trees
        call = layout.template.format(
            f=self.function.callee, m=self._with_mapper(self.mapper.expression), t=self._trees, l=self._is_leaf
        )
        parameters = f"tree{self.annotation}" if self.trees == 1 else f"tree{self.annotation}, other"
        lines = [*self._header, f"def convert({parameters}):"]
        lines += [indentation + line for line in (*statements, *self._statements(call))]
        return "\n".join(lines) + "\n"

    def _statements(self, call: str) -> list[str]:
        return self.context.statements.replace("{c}", call).split("\n")

    @property
    def _header(self) -> list[str]:
        imports = ["from functools import partial", "", "import jax", "import jax.numpy as jnp", self.nnx.imports]
        imports += [part for part in (self.predicate.imports, self.function.imports) if part]
        definitions = [self.predicate.definitions.replace("{VS}", self.nnx.variable_state)]
        definitions.append(self._with_mapper(self.mapper.definitions))
        found = [part for block in definitions if block for part in ("", "", block)]
        return [*imports, "", "FLAG = 1", *found, "", ""]

    @property
    def _is_leaf(self) -> str:
        return self.predicate.expression.replace("{VS}", self.nnx.variable_state)

    @property
    def _trees(self) -> str:
        if self.trees == 1:
            return "tree"
        return "tree, *others" if self.is_starred else "tree, other"

    def _with_mapper(self, text: str) -> str:
        others = ["o"] if self.trees > 1 else []
        paths = ["path"] if self.function.takes_path else []
        leaf = "xs[1]" if self.mapper.is_starred and paths else self.mapper.leaf
        body = self.body.expression.replace("{v}", leaf).replace("{VS}", self.nnx.variable_state)
        if others and not self.mapper.is_starred:
            body = f"[{body}, o]" if not body.startswith("lambda") else f"[({body}), o]"
        text = text.replace("{p}", ", ".join([*paths, "v", *others])).replace("{b}", body)
        return text.replace("{VS}", self.nnx.variable_state)


@dataclass(frozen=True)
class Reader:
    """Statements that read the leaves of the flatten ``{c}``, and return the list of those of the types ``{T}``."""

    statements: str


@dataclass(frozen=True)
class Flatten:
    """One program that makes a list of a tree's leaves and asks each for its type."""

    function: FunctionForm
    types: str
    value: str
    reader: Reader

    maps_every_wrapper = False

    @property
    def source(self) -> str:
        """The program: a module that defines ``convert``."""
        target = "path, v" if self.function.takes_path else "v"
        statements = self.reader.statements.replace("{c}", self.function.callee).replace("{T}", self.types)
        local = [self.function.local_imports, statements.replace("{x}", target).replace("{b}", self.value)]
        lines = ["import jax", "from flax import nnx", self.function.imports, "", "", "def convert(tree):"]
        lines += ["    " + line for block in local if block for line in block.split("\n")]
        return "\n".join(lines) + "\n"


class Program(Protocol):
    """What a grammar makes."""

    @property
    def source(self) -> str:
        """A module that defines ``convert``."""

    @property
    def maps_every_wrapper(self) -> bool:
        """Whether all wrappers are stopped at, and none comes back as it is."""


@dataclass(frozen=True)
class Grammar:
    """The programs that one rule is tried on."""

    code: str
    programs: st.SearchStrategy[Program]
    findings: int = 1
    """How often the rule reports each of them."""
    since: FlaxRelease = PORTABLE
    """The lowest Flax floor at which the rule repairs them."""
    until: FlaxRelease | None = None
    """The Flax floor from which on the rule has nothing to say of them."""
    asks_for_one_class: bool = False
    """Whether the author's own test of one of the two classes may stay: below Flax 0.11 it passes the other by."""
    oracle: Callable[[Observation], Sequence[str]] = lambda observation: ()
    """What is wrong with a run of a rewrite on its own, without any transformation, where it returned."""


ONLY_WRAPPERS = tuple(one for one in PREDICATES if not re.search(r"ShapeDtypeStruct|type\(None\)", one.expression))
"""Predicates that stop at nothing else than wrappers and ``None``."""
WORKING_BODIES = tuple(one for one in BODIES if one.expression != "{v}")
"""Results of mappers that do something."""


def calls(
    predicates: tuple[PredicateForm, ...],
    bodies: tuple[Body, ...],
    *,
    mappers: tuple[MapperForm, ...] = MAPPERS,
    nnx: tuple[NNXForm, ...] = NNX,
    layouts: tuple[Layout, ...] = LAYOUTS,
    contexts: tuple[Context, ...] = CONTEXTS,
    trees: tuple[int, ...] = (1, 1, 2),
    starred: tuple[bool, ...] = (False, True),
    annotations: tuple[str, ...] = ("",),
) -> st.SearchStrategy[Program]:
    """Calls with these predicates and bodies, in every other form."""
    return st.builds(
        Call,
        st.sampled_from((*FUNCTIONS, *NEWER_AND_OLDER_FUNCTIONS)),
        st.sampled_from(nnx),
        st.sampled_from(predicates),
        st.sampled_from(bodies),
        st.sampled_from(mappers),
        st.sampled_from(trees),
        st.sampled_from(starred),
        st.sampled_from(layouts),
        st.sampled_from(contexts),
        st.sampled_from(annotations),
    )


# What the other rules accept

VARIABLE = tuple(
    NNXForm(form.imports.replace("VariableState", "Variable"), form.variable_state.replace("VariableState", "Variable"))
    for form in NNX
)
"""The same imports, of ``Variable``."""

BARE_LAYOUTS = (
    Layout("{f}({m}, {t})"),
    Layout("{f}({m}, {t},)"),
    Layout("{f}(\n        {m},\n        {t},\n    )"),
    Layout("{f}(  # convert\n      {m},  # each\n      {t},  # all\n  )", "  "),
    Layout("{f}(tree={t}, f={m})", for_one_tree=True),
)

SEEN_MAPPERS = tuple(form for form in MAPPERS if form.expression not in ("Mapper().one", "Mapper.one", "ONE[0]"))
"""Those whose body can be seen."""

PLAIN_MAPPERS = tuple(
    form
    for form in SEEN_MAPPERS
    if not form.is_starred and "result" not in form.definitions and form.expression != "lambda {p}: mapper({p})"
)
"""Those that return their body themselves."""

DISPATCHING_BODIES = (
    Body("{v}.value if isinstance({v}, {VS}) else {v}"),
    Body("{v} if not isinstance({v}, {VS}) else {v}.replace({v}.value)"),
    Body("({v}.value, FLAG) if isinstance({v}, ({VS},)) else {v}"),
    Body("[{v}] if isinstance({v}, {VS}) else {v}", returns_leaf=True),  # Reported, not rewritten.
    Body("{v}.copy() if isinstance({v}, {VS}) and FLAG else {v}"),
)

EXACT_BODIES = (
    Body("{v}.value if type({v}) is {VS} else {v}"),
    Body("{v} if type({v}) != {VS} else {v}.replace({v}.value)"),
    Body("({v}.value, 1) if type({v}) in ({VS},) else {v}"),
    Body("{v}.copy() if {v}.__class__ is {VS} else {v}"),
    Body("[{v}.value] if type({v}).__name__ == 'VariableState' else {v}"),
)

OTHER_CLASS_BODIES = (
    Body("{v}.value if isinstance({v}, nnx.Variable) else {v}"),
    Body("{v} if not isinstance({v}, (nnx.Variable,)) else {v}.replace({v}.value)"),
    Body("[{v}.value, 1] if isinstance({v}, nnx.Variable) else {v}"),
)

RETURNING_BODIES = (
    Body("{v} if isinstance({v}, {VS}) else ({v}, 1)", returns_leaf=True),
    Body("({v}, 1) if not isinstance({v}, {VS}) else {v}", returns_leaf=True),
    Body("{v} if isinstance({v}, {VS}) and FLAG else 0", returns_leaf=True),
)

COLLAPSING_BODIES = (
    Body("{v}.value if isinstance({v}, {VS}) else {v}.value if isinstance({v}, nnx.Variable) else {v}"),
    Body("({v}.value, 1) if isinstance({v}, nnx.Variable) else ({v}.value, 1) if isinstance({v}, {VS}) else {v}"),
    Body("[{v}.copy()] if isinstance({v}, {VS}) else [{v}.copy()] if isinstance({v}, (nnx.Variable,)) else 0"),
    Body("{v}.value if isinstance({v}, {VS}) else [{v}.value] if isinstance({v}, nnx.Variable) else {v}"),
)
"""The last is reported, not rewritten."""

COLLAPSING_MAPPERS = (
    MapperForm(
        "mapper",
        "def mapper({p}):\n    if isinstance(v, {VS}):\n        return {b}\n"
        "    elif isinstance(v, nnx.Variable):\n        return {b}\n    return v",
    ),
    MapperForm(
        "mapper",
        "def mapper({p}):\n    if isinstance(v, nnx.Variable):  # live\n        return {b}\n"
        "    elif isinstance(v, {VS}):\n        # of state\n        return {b}\n    else:\n        return v",
    ),
    MapperForm(
        "mapper",
        local_definitions="def mapper({p}):\n    if isinstance(v, nnx.Variable):\n        return {b}\n\n"
        "    if isinstance(v, {VS}):\n        return {b}\n\n    return v",
    ),
    MapperForm(
        "mapper",
        "def mapper({p}):\n    result = v\n    if isinstance(v, {VS}): result = {b}\n"
        "    elif isinstance(v, nnx.Variable): result = {b}\n    return result",
    ),
)

MARKS = (
    Body("True"),
    Body("{v}.ndim > 1"),
    Body("'decayed' if {v}.ndim else 'kept'"),
    Body("False if FLAG else {v}.size > 2"),
)

WITH_OPTAX = (NNXForm("import optax\nfrom flax import nnx\nOptimizer = nnx.Optimizer", "nnx.VariableState"),)

MASK_CONTEXTS = (
    Context("mask = {c}\nchosen = optax.masked(optax.identity(), mask)\nreturn [chosen is None]"),
    Context("return [optax.adamw(1e-3, mask={c}) is None]"),
    Context("return [optax.multi_transform({'decayed': optax.sgd(0.1)}, {c}) is None]"),
    Context(
        "def mask_of(tree: nnx.State):\n    return {c}\nreturn [optax.masked(optax.sgd(0.1), mask_of(tree)) is None]"
    ),
)

FLATTENS = (
    FunctionForm("jax.tree.leaves(tree)"),
    FunctionForm("jax.tree_util.tree_leaves(tree)"),
    FunctionForm("leaves(tree)", "from jax.tree import leaves"),
    FunctionForm("jax.tree.flatten(tree)[0]"),
    FunctionForm("jtu.tree_flatten(\n        tree  # all\n    )[0]", local_imports="import jax.tree_util as jtu"),
    FunctionForm("jax.tree_util.tree_flatten_with_path(tree)[0]", takes_path=True),
    FunctionForm("jax.tree_util.tree_leaves_with_path(tree)", takes_path=True),
)

READERS = (
    Reader("return [{b} for {x} in {c} if isinstance(v, {T})]"),
    Reader("found = []\nfor {x} in {c}:\n    if isinstance(v, {T}):\n        found.append({b})\nreturn found"),
    Reader(
        "found = []\nfor {x} in {c}:\n    if not isinstance(v, {T}):\n        continue\n"
        "    found.append({b})\nreturn found"
    ),
    Reader("leaves_of_tree = {c}\nreturn [{b} for {x} in leaves_of_tree if isinstance(v, {T})]"),
    Reader("return list({b} for {x} in {c} if isinstance(v, {T}))"),
)


METADATA = ("len(v.get_metadata())", "(isinstance(v, nnx.Param), 1)", "{name: 1 for name in v.get_metadata()}")
"""What can be read of every wrapper: a value may be a string, which JAX does not return, or have a failing hook."""


def lists_every_wrapper(observation: Observation) -> Sequence[str]:
    """What is wrong with a list that should have something in it for each wrapper of the tree."""
    kind, found = observation.result["$"]
    assert kind == "builtins.list"
    assert isinstance(found, tuple)
    return [] if len(found) == observation.wrappers else [f"lists {len(found)} of {observation.wrappers} wrappers"]


CLASS_PREDICATES = (
    PredicateForm("{VS}"),
    PredicateForm("lambda x: bool({VS}(x))"),
)

NO_HANDLER = tuple(form for form in CONTEXTS if not form.statements.startswith("try"))

_UNSTARRED = (False,)
"""Rules that must see all trees are silent about starred ones."""

GRAMMARS = (
    Grammar("NNX101", calls(PREDICATES, BODIES)),
    Grammar(
        "NNX102",
        calls(PREDICATES, DISPATCHING_BODIES, mappers=SEEN_MAPPERS, layouts=BARE_LAYOUTS, starred=_UNSTARRED),
        asks_for_one_class=True,
    ),
    Grammar(
        "NNX103",
        st.builds(
            Flatten,
            st.sampled_from(FLATTENS),
            st.sampled_from(("nnx.Variable", "nnx.VariableState", "(nnx.Variable, nnx.VariableState)")),
            st.sampled_from(METADATA),
            st.sampled_from(READERS),
        ),
        oracle=lists_every_wrapper,
    ),
    Grammar(
        "NNX104",
        calls(
            PREDICATES,
            BODIES[:5],
            mappers=SEEN_MAPPERS,
            layouts=BARE_LAYOUTS,
            starred=_UNSTARRED,
            annotations=(": nnx.State", ': "nnx.State"'),
            nnx=NNX[:2],
        ),
    ),
    Grammar("NNX105", calls(PREDICATES[:2], EXACT_BODIES, mappers=SEEN_MAPPERS[:-1]), asks_for_one_class=True),
    Grammar(
        "NNX106",
        calls(CLASS_PREDICATES, DISPATCHING_BODIES[:3], mappers=SEEN_MAPPERS, trees=(1,)),
        asks_for_one_class=True,
    ),
    Grammar(
        "NNX107",
        calls(PREDICATES[:2], OTHER_CLASS_BODIES, mappers=SEEN_MAPPERS, nnx=NNX[:2], starred=_UNSTARRED),
        until=VARIABLE_STATE_IS_VARIABLE,
        asks_for_one_class=True,
    ),
    Grammar(
        "NNX108",
        calls(
            PREDICATES[:1],
            MARKS,
            mappers=PLAIN_MAPPERS,
            nnx=WITH_OPTAX,
            layouts=BARE_LAYOUTS,
            contexts=MASK_CONTEXTS,
            trees=(1,),
            annotations=(": nnx.State",),
        ),
    ),
    Grammar(
        "NNX109",
        st.one_of(
            calls(PREDICATES, COLLAPSING_BODIES, mappers=SEEN_MAPPERS[:-1], nnx=NNX[:2]),
            calls(PREDICATES, BODIES[:5], mappers=COLLAPSING_MAPPERS, nnx=NNX[:2]),
        ),
        since=VARIABLE_STATE_IS_VARIABLE,
    ),
    Grammar(
        "NNX110",
        calls(PREDICATES[:2], RETURNING_BODIES, mappers=PLAIN_MAPPERS, trees=(1,), nnx=VARIABLE[:2]),
        asks_for_one_class=True,
    ),
    Grammar("NNX112", calls(ONLY_WRAPPERS, WORKING_BODIES, mappers=SEEN_MAPPERS, nnx=VARIABLE)),
)
