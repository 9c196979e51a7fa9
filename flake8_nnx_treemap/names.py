"""Data: what each Flax and JAX release calls things, and where ``is_leaf`` is in each signature.

Nothing here decides anything. Facts about Flax come from ``docs/flax-epochs.md``, which is measured; facts about
JAX signatures from the JAX releases named beside them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

FlaxRelease = tuple[int, ...]
"""A Flax release as numbers, so that releases compare as tuples do: ``(0, 11) <= (0, 12, 1)``."""

PORTABLE: FlaxRelease = (0, 10, 0)
"""The floor of code that must run on every supported release: the first with ``nnx.variablelib.VariableState``."""

STATE_FUNCTIONS_ARE_THERE: FlaxRelease = (0, 10, 4)
VARIABLE_STATE_IS_VARIABLE: FlaxRelease = (0, 11)
OPTIMIZER_NEEDS_WRT: FlaxRelease = (0, 11)
DATA_IS_DECIDED_ONCE: FlaxRelease = (0, 12)
"""From there on the first assignment to an attribute of a Module decides whether it is data or static."""

LAYERS_GIVE_SHARDINGS: FlaxRelease = (0, 12, 2)
"""From there on layers give a sharding to the functions that are handed to them."""

VALUE_ACCESS_WARNS: FlaxRelease = (0, 12, 1)
OUT_SHARDING_IS_READ: FlaxRelease = (0, 12, 4)
SHARDING_KEYWORDS_WARN: FlaxRelease = (0, 12, 6)
METADATA_NEEDS_METHOD: FlaxRelease = (0, 12, 1)
PURE_WARNS: FlaxRelease = (0, 12, 7)

KNOWN_RELEASES: tuple[FlaxRelease, ...] = tuple(
    (0, minor, patch) for minor, last in ((10, 7), (11, 2), (12, 8)) for patch in range(last + 1)
)
"""Every release of Flax on PyPI from there on, oldest first."""

NEWEST: FlaxRelease = KNOWN_RELEASES[-1]


@dataclass(frozen=True, slots=True)
class FlaxRange:
    """The Flax releases that code runs on, from ``lowest`` to ``highest``, both included.

    ``highest`` is ``None`` where nothing bounds the range from above: it goes up to the newest release. A bound such as
    ``<0.11`` is written as the last known release that it admits, 0.10.7. ``floor_is_stated`` is false where no one
    says that ``lowest`` is to be supported: it is assumed, or is the release that happens to be installed.
    """

    lowest: FlaxRelease = PORTABLE
    highest: FlaxRelease | None = None
    floor_is_stated: bool = True

    def holds(self, since: FlaxRelease = PORTABLE, until: FlaxRelease | None = None) -> bool:
        """Whether code of this range meets what is true of some releases.

        Args:
            since: the first release of which it is true.
            until: the first of which it no longer is; ``None`` if it still is true today.

        Returns:
            Whether one of these releases is in the range.
        """
        return (self.highest is None or self.highest >= since) and (until is None or self.lowest < until)

    def starts_from(self, since: FlaxRelease) -> bool:
        """Whether what came with a release is there on the whole range."""
        return self.lowest >= since

    @property
    def target(self) -> str:
        """What ``target-flax`` says for this range: a release, or a specifier."""
        if self.highest is None:
            return release_text(self.lowest)
        if self.highest == self.lowest:
            return f"=={release_text(self.lowest)}"
        return f">={release_text(self.lowest)},<={release_text(self.highest)}"

    def __str__(self) -> str:
        """As people read it: ``0.10.0 and later``, ``0.10.2 only`` or ``0.10.0 to 0.10.7``."""
        if self.highest is None:
            return f"{release_text(self.lowest)} and later"
        if self.highest == self.lowest:
            return f"{release_text(self.lowest)} only"
        return f"{release_text(self.lowest)} to {release_text(self.highest)}"


PORTABLE_RANGE = FlaxRange(floor_is_stated=False)
"""Every release that is supported: what is assumed where no one says which ones a project runs on."""

NEWEST_RANGE = FlaxRange(NEWEST)


def release_text(release: FlaxRelease) -> str:
    """A release as people write it."""
    return ".".join(map(str, release))


class TreeFunctionKind(enum.Enum):
    """What a tree function does with the leaves."""

    MAP = "map"
    MAP_WITH_PATH = "map_with_path"
    LEAVES = "leaves"
    LEAVES_WITH_PATH = "leaves_with_path"
    FLATTEN = "flatten"
    FLATTEN_WITH_PATH = "flatten_with_path"
    STRUCTURE = "structure"
    REDUCE = "reduce"
    ALL = "all"
    BROADCAST = "broadcast"
    MAP_PARAMS = "map_params"


@dataclass(frozen=True, slots=True)
class TreeFunction:
    """One tree function and its signature.

    ``parameters`` are the positional parameters in order; ``mapper`` and ``tree`` name two of them. With
    ``takes_more_trees`` every further positional argument is another tree. ``is_leaf_position`` is where
    ``is_leaf`` may be given by position, ``None`` if it is keyword-only.
    """

    name: str
    kind: TreeFunctionKind
    parameters: tuple[str, ...]
    tree: str = "tree"
    mapper: str | None = None
    takes_more_trees: bool = False
    is_leaf_position: int | None = None

    @property
    def basename(self) -> str:
        """The name in its module: ``map`` for ``jax.tree.map``."""
        return self.name.rpartition(".")[2]

    @property
    def leaf_position(self) -> int:
        """Which positional argument of the mapper receives the leaf; a key path or a running result precedes it."""
        return 1 if self.kind in (TreeFunctionKind.MAP_WITH_PATH, TreeFunctionKind.REDUCE) else 0


def _map(name: str, kind: TreeFunctionKind = TreeFunctionKind.MAP) -> TreeFunction:
    return TreeFunction(name, kind, ("f", "tree"), mapper="f", takes_more_trees=True)


def _flatten(name: str, kind: TreeFunctionKind) -> TreeFunction:
    return TreeFunction(name, kind, ("tree",), is_leaf_position=1)


def _reduce(name: str) -> TreeFunction:
    return TreeFunction(
        name,
        TreeFunctionKind.REDUCE,
        ("function", "tree", "initializer"),
        mapper="function",
        is_leaf_position=3,
    )


def _map_params(name: str) -> TreeFunction:
    return TreeFunction(
        name,
        TreeFunctionKind.MAP_PARAMS,
        ("initable", "f", "state"),
        tree="state",
        mapper="f",
        takes_more_trees=True,
    )


_KIND = TreeFunctionKind
_ALL_TREE_FUNCTIONS = (
    _map("jax.tree.map"),
    _map("jax.tree_util.tree_map"),
    _map("jax.tree.map_with_path", _KIND.MAP_WITH_PATH),
    _map("jax.tree_util.tree_map_with_path", _KIND.MAP_WITH_PATH),
    _map("jax.tree_map"),
    _flatten("jax.tree.leaves", _KIND.LEAVES),
    _flatten("jax.tree_util.tree_leaves", _KIND.LEAVES),
    _flatten("jax.tree_leaves", _KIND.LEAVES),
    _flatten("jax.tree.leaves_with_path", _KIND.LEAVES_WITH_PATH),
    _flatten("jax.tree_util.tree_leaves_with_path", _KIND.LEAVES_WITH_PATH),
    _flatten("jax.tree.flatten", _KIND.FLATTEN),
    _flatten("jax.tree_util.tree_flatten", _KIND.FLATTEN),
    _flatten("jax.tree_flatten", _KIND.FLATTEN),
    _flatten("jax.tree.flatten_with_path", _KIND.FLATTEN_WITH_PATH),
    _flatten("jax.tree_util.tree_flatten_with_path", _KIND.FLATTEN_WITH_PATH),
    _flatten("jax.tree.structure", _KIND.STRUCTURE),
    _flatten("jax.tree_util.tree_structure", _KIND.STRUCTURE),
    _flatten("jax.tree_structure", _KIND.STRUCTURE),
    _reduce("jax.tree.reduce"),
    _reduce("jax.tree_util.tree_reduce"),
    _reduce("jax.tree_reduce"),
    TreeFunction("jax.tree.reduce_associative", _KIND.REDUCE, ("operation", "tree"), mapper="operation"),
    TreeFunction("jax.tree_util.tree_reduce_associative", _KIND.REDUCE, ("operation", "tree"), mapper="operation"),
    TreeFunction("jax.tree.all", _KIND.ALL, ("tree",)),
    TreeFunction("jax.tree_util.tree_all", _KIND.ALL, ("tree",)),
    TreeFunction("jax.tree_all", _KIND.ALL, ("tree",)),
    TreeFunction(
        "jax.tree.broadcast", _KIND.BROADCAST, ("prefix_tree", "full_tree"), tree="prefix_tree", is_leaf_position=2
    ),
    TreeFunction(
        "jax.tree_util.tree_broadcast",
        _KIND.BROADCAST,
        ("prefix_tree", "full_tree"),
        tree="prefix_tree",
        is_leaf_position=2,
    ),
    _map_params("optax.tree.map_params"),
    _map_params("optax.tree_utils.tree_map_params"),
    _map_params("optax.tree_map_params"),
)

TREE_FUNCTIONS: Mapping[str, TreeFunction] = {function.name: function for function in _ALL_TREE_FUNCTIONS}
"""Every tree function with ``is_leaf``, by its qualified name."""

REMOVED_TREE_FUNCTIONS: Mapping[str, str] = {
    f"tree_{name}": name
    for name in ("all", "flatten", "leaves", "map", "reduce", "structure", "transpose", "unflatten")
}
"""Functions that were in ``jax`` itself until 0.6.0, with their names in ``jax.tree``, there since 0.4.25.

``tree_all`` and ``tree_reduce`` are missing from 0.4.35 already.
"""


@dataclass(frozen=True, slots=True)
class Renaming:
    """A member of ``flax.nnx`` that has another name from some release on, at which the old one starts to warn."""

    old: str
    new: str
    since: FlaxRelease

    @property
    def qualified_name(self) -> str:
        """The canonical name of the old one."""
        return f"flax.nnx.{self.old}"


RENAMED_IN_NNX = (Renaming("pure", "as_pure", PURE_WARNS),)
"""What NNX207 reports."""

INSTEAD_OF_REMOVED: Mapping[str, str] = {
    "with_sharding_constraint": "jax.lax.with_sharding_constraint",
    "register_variable_name_type_pair": "nnx.register_variable_name",
    **{name: f"nnx.{name.lower()}, which takes a function" for name in ("Jit", "Pmap", "Remat", "Scan", "Vmap")},
    **dict.fromkeys(("eval_mode", "train_mode", "set_mode"), "nnx.view, which also asks for attributes that exist"),
    "set_mode_info": "nnx.view_info",
}
"""What replaces the names that Flax has removed, where something does."""

STATE_FUNCTIONS: Mapping[str, str] = {
    "filter": "filter_state",
    "flat_state": "to_flat_state",
    "from_flat_path": "from_flat_state",
    "map": "map_state",
    "merge": "merge_state",
    "replace_by_pure_dict": "replace_by_pure_dict",
    "split": "split_state",
    "to_pure_dict": "to_pure_dict",
}
"""The methods of ``nnx.State`` that warn from 0.10.4 on, each with the function of ``nnx`` that does the same since."""

TREE_FUNCTION_BASENAMES = frozenset(name.rpartition(".")[2] for name in TREE_FUNCTIONS)

NNX_MODULES = ("flax.nnx", "flax.experimental.nnx")
"""Where the NNX API is found: today's module, and the one it had until Flax 0.8.3."""

_NNX_SUBMODULES = ("variablelib", "variables", "nnx.variables", "nnx.variablelib")

NNX_SUBMODULES = frozenset(
    {"graph", "graphlib", "module", "nn", "nnx", "object", "optimizer", "pytreelib", "rnglib", "statelib", "training"}
    | {"linear", "metrics", "normalization", "spmd", "state", "transforms", "variablelib", "variables"}
)
"""Modules on the way to a member of NNX, as in ``flax.nnx.statelib.State``."""

VARIABLE = "flax.nnx.Variable"
VARIABLE_STATE = "flax.nnx.VariableState"
STATE = "flax.nnx.State"

BASE_CLASSES = frozenset({VARIABLE, VARIABLE_STATE})
"""The two classes that are one from 0.11 on, and of which every wrapper is an instance."""

_SUBCLASSES = (
    *("Param", "BatchStat", "Cache", "Intermediate", "Perturbation", "RngState", "RngKey", "RngCount", "LoRAParam"),
    *("OptState", "OptArray", "OptVariable"),
)
VARIABLE_SUBCLASSES = frozenset(f"flax.nnx.{name}" for name in _SUBCLASSES)
"""Every class of Variable that Flax itself defines (0.10.0 to 0.12.8)."""

VARIABLE_BASES: Mapping[str, str] = {
    f"flax.nnx.{name}": f"flax.nnx.{base}"
    for name, base in {
        "LoRAParam": "Param",
        "RngKey": "RngState",
        "RngCount": "RngState",
        "OptArray": "OptState",
        "OptVariable": "OptState",
    }.items()
}
"""Subclasses of ``Variable`` that are subclasses of others of them (0.10.2 to 0.12.8)."""

WRAPPERS = VARIABLE_SUBCLASSES | {VARIABLE, VARIABLE_STATE}
"""Classes whose instances wrap a value as a leaf of NNX state."""

METADATA_READ_BY_FLAX = frozenset(
    {"sharding", "sharding_names", "sharding_rules", "out_sharding", "mesh", "eager_sharding", "trace_state"}
    | {"hijax", "ref", "use_ref", "has_ref", "mutable", "value", "type"}
    | {"on_get_value", "on_set_value", "on_create_value", "on_add_axis", "on_remove_axis"}
)
"""Keywords with which some release makes a Variable otherwise than if they were set as attributes afterwards."""

MEMBERS_OF_SOME_RELEASES = frozenset(
    {
        *("get_value", "set_value", "get_raw_value", "set_raw_value", "set_metadata"),
        *("as_pure", "to_variable", "to_state"),
    }
)
"""What some wrapper, or ``flax.nnx``, lacks in some release from 0.10.0 on: to ask for it tells which one runs."""

OLD_NAMES_THAT_STAY = frozenset({"VariableState", "value", "raw_value", "type", "pure"})
"""Names that warn, and are there in every release since they came: to ask for one tells nothing of its end."""

MODULES = frozenset(
    {"BatchNorm", "Bidirectional", "Conv", "ConvTranspose", "Dict", "Dropout", "EMA", "Einsum", "Embed"}
    | {"GRUCell", "GroupNorm", "InstanceNorm", "LSTMCell", "LayerNorm", "Linear", "LinearGeneral", "List"}
    | {"LoRA", "LoRALinear", "Metric", "Module", "MultiHeadAttention", "MultiMetric", "Object"}
    | {"OptimizedLSTMCell", "PReLU", "Pytree", "RMSNorm", "RNN", "RNNCellBase", "RngStream", "Rngs"}
    | {"Sequential", "SimpleCell", "SpectralNorm", "WeightNorm"}
)
"""Members of ``flax.nnx`` whose instances are graph nodes that hold Variables (0.10.2 to 0.12.8), optimizers apart."""

MODULES_OF_PARAMS = frozenset(
    {"Conv", "ConvTranspose", "Einsum", "Embed", "GroupNorm", "InstanceNorm", "LayerNorm", "Linear", "LinearGeneral"}
    | {"PReLU", "RMSNorm"}
)
"""Those of them that hold Params and no other Variables, however they are made (0.10.6 to 0.12.8)."""

VARIABLE_ONLY_ATTRIBUTES = frozenset(
    {"value", "raw_value", "get_value", "set_value", "get_raw_value", "set_raw_value", "get_metadata"}
    | {"set_metadata", "has_metadata", "copy_from", "copy_from_state", "update_from_state", "to_variable"}
    | {"to_state", "replace"}
)
"""What a Variable has and no array, number or PRNG key does: reading one of these from a raw leaf raises.

``type`` is missing because ``numpy.dtype`` has it, ``copy`` because arrays have it.
"""

STATE_MEMBERS = frozenset(
    {"clear", "filter", "flat_state", "from_flat_path", "get", "items", "keys", "map", "merge", "pop", "popitem"}
    | {"raw_mapping", "replace_by_pure_dict", "setdefault", "split", "to_pure_dict", "update", "values"}
)
"""The public members of a State (0.12.8); other attributes are its items."""

VARIABLE_SLOTS = frozenset({"_raw_value", "_trace_state", "_var_metadata"})
"""The attributes of its own that a Variable has room for (0.12.1 to 0.12.8)."""

NEW_VARIABLE_METHODS = (
    *("get_value", "set_value", "get_raw_value", "set_raw_value"),
    *("set_metadata", "del_metadata", "has_metadata"),
)
"""Methods of a Variable that came after 0.10.0."""

VARIABLE_CHANGING_METHODS = frozenset(
    {"set_value", "set_raw_value", "set_metadata", "del_metadata", "copy_from", "copy_from_state", "update_from_state"}
    | {"add_axis", "remove_axis"}
)
"""Methods of a Variable that change it in place."""

OPTIMIZERS = frozenset({"Optimizer", "ModelAndOptimizer"})
"""Members of ``flax.nnx`` that take a transformation of optax, and give it plain arrays from Flax 0.11 on."""

OPTAX_MASK_KEYWORDS = frozenset({"mask", "weight_decay_mask", "trust_ratio_mask", "freeze_mask", "param_labels"})
"""Arguments of functions of optax that take a mask, or labels, in the form of the parameters (optax 0.2.8)."""

OPTAX_MASK_ARGUMENTS: Mapping[str, int] = {
    "optax.add_decayed_weights": 1,
    "optax.freeze": 0,
    "optax.masked": 1,
    "optax.multi_transform": 1,
    "optax.partition": 1,
    "optax.selective_transform": 1,
    "optax.transforms.freeze": 0,
    "optax.transforms.masked": 1,
    "optax.transforms.partition": 1,
}
"""The position of such an argument, in functions that are called with positional arguments."""


_LIKE_TYPING = ("typing_extensions.", "beartype.typing.")
"""Modules that have what ``typing`` has, under the same names."""


def canonical(qualified_name: str) -> str:
    """Give the one name that is used for an object of JAX, Flax, optax or ``typing``, whatever path led to it.

    Args:
        qualified_name: a dotted name such as ``flax.nnx.variablelib.VariableState``.

    Returns:
        ``flax.nnx.VariableState`` for it; names that have no other spelling come back as they are.
    """
    for module in NNX_MODULES:
        if qualified_name.startswith(module + "."):
            rest = qualified_name[len(module) + 1 :]
            for submodule in _NNX_SUBMODULES:
                if rest.startswith(submodule + "."):
                    rest = rest[len(submodule) + 1 :]
                    break
            return f"flax.nnx.{rest}"
    for module in _LIKE_TYPING:
        if qualified_name.startswith(module):
            return "typing." + qualified_name[len(module) :]
    return qualified_name
