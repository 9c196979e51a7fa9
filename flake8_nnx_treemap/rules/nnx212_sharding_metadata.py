"""The names of a Variable's axes are called `out_sharding` from Flax 0.12.4 on.

## What it does

Finds, in code for Flax 0.12.4 and later,

* `sharding=` and `sharding_names=` in calls of `nnx.Param` and the other classes of Variable that Flax has, of your own
  classes of Variable that leave the constructor to Flax, of `nnx.with_metadata`, also as keys of what is unpacked there (`**{"sharding": names}`, reported only), and as keys of
  `kernel_metadata={…}` and the like in calls of layers;
* reads of `.sharding_names` of what is a Variable for certain;
* `*v.sharding` of what is a Variable for certain, as in `PartitionSpec(*v.sharding)`, which means the names.

`nnx.with_partitioning(init, names)` is left alone: it never warns, and its parameter is called `sharding` on every
release. So is any other read of `.sharding`, which is the array's own sharding, and mostly meant so.

It is silent in code that is ready for several releases: in a `try` that handles `AttributeError` or `ImportError`, and
in a choice whose test asks for the release, by `flax.__version__` and the like.

## Why it is wrong

The old names warn, and code run with `-W error` stops there.

## What Flax does

| | 0.10.0–0.11.1 | 0.11.2–0.12.3 | 0.12.4, 0.12.5 | 0.12.6–0.12.8 |
| --- | --- | --- | --- | --- |
| names given as `sharding=` are kept as | `sharding` | `sharding_names` | `out_sharding` | `out_sharding`, and it warns |
| names given as `out_sharding=` | are metadata that nobody reads | the same | are the names | are the names |
| `v.sharding_names` | `AttributeError` | the names | warns | warns |
| `v.sharding` | the names | the array's own sharding | the same | the same |

Below 0.12.4, `out_sharding` shards nothing. The rule is silent while you support such a release.

## Fix safety

The fix is safe where the value is an array for certain, such as `jnp.zeros(…)`, and on reads of what is a Variable for certain.

Writing `out_sharding=` is unsafe

* for any other value: an initializer of `nnx.with_partitioning` may have given it names of its own, and the keyword decides
  which of the two names count. The same is true in `nnx.with_metadata`, in the metadata of a layer that is given an
  initializer, and beside `**metadata`;
* where the file makes text of Variables, or reads all of their metadata, whose order changes.

There is no fix where two of the keywords are given.

For `v.sharding_names` the fix writes `v.get_metadata("out_sharding", None)`, which is what `v.sharding_names` calls. It is
unsafe for `self.name.sharding_names`, since other code may set `self.name` to something else. `v.out_sharding` does the
same if there are names, and raises if there are none.

For `*v.sharding`, which raises, the fix writes `*v.out_sharding`. It is unsafe, since code runs that never ran.

## References

* <https://flax.readthedocs.io/en/latest/guides/flax_gspmd.html>
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from flake8_nnx_treemap.analysis.calls.class_references import class_names
from flake8_nnx_treemap.analysis.code.nodes import start_of
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.format_parts import is_format_part
from flake8_nnx_treemap.analysis.names.source import ParsedSource
from flake8_nnx_treemap.analysis.values.module_classes import hands_metadata_to_flax
from flake8_nnx_treemap.analysis.values.version_checks import is_guarded
from flake8_nnx_treemap.analysis.values.wrappers import wrapper_attributes
from flake8_nnx_treemap.names import MODULES, SHARDING_KEYWORDS_WARN, VARIABLE_STATE, WRAPPERS, FlaxRange
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.method_calls import name_range
from flake8_nnx_treemap.rules.renaming import unless_guarded
from flake8_nnx_treemap.rules.rewriting import make_fix
from flake8_nnx_treemap.rules.rule import Applicability, Example, Finding, Fix, FixAvailability, Rule

KEYWORD = "{}= is deprecated as metadata since Flax 0.12.6: use out_sharding="
KEY = "{!r} is deprecated as metadata since Flax 0.12.6: use 'out_sharding'"
READ = "'.sharding_names' is deprecated since Flax 0.12.4: use .get_metadata('out_sharding', None)"
UNPACKED = "'.sharding' is the array's own since Flax 0.11.2, and no names: use .out_sharding"
FIX_MESSAGE = "Use out_sharding"

_OLD = frozenset({"sharding", "sharding_names"})
_NEW = "out_sharding"
_METADATA = "_metadata"
_VARIABLES = WRAPPERS - {VARIABLE_STATE}
_WITH_METADATA = frozenset({"flax.nnx.with_metadata"})
_LAYERS = frozenset(f"flax.nnx.{name}" for name in MODULES)


@unless_guarded
def check(source: ParsedSource, flax: FlaxRange) -> Iterator[Finding]:
    """Report each use of an old name for the names of a Variable's axes."""
    if flax.holds(SHARDING_KEYWORDS_WARN):
        for call in _calls(source):
            yield from _keywords(source, call)
            yield from _unpacked_keys(source, call)
            yield from _keys(source, call)
    for node in wrapper_attributes(source, "sharding_names"):
        step = source.replace(name_range(source, node), f'get_metadata("{_NEW}", None)')
        applicability = safety.safe_if(
            safety.owner_is_a_variable(source, node.value),
            safety.variables_have_no_such_member(source, "sharding_names", "get_metadata"),
            *_means_what_it_says(source, ("sharding_names", "get_metadata")),
        )
        fix = make_fix(applicability, FIX_MESSAGE, [step])
        yield Finding("NNX212", READ, source.range(node), fix if _is_as_written(source, node) else None)
    for node in wrapper_attributes(source, "sharding"):
        if isinstance(source.ast_parent(node), ast.Starred):
            step = source.replace(name_range(source, node), _NEW)
            fix = make_fix(Applicability.UNSAFE, FIX_MESSAGE, [step])
            yield Finding("NNX212", UNPACKED, source.range(node), fix if _is_as_written(source, node) else None)


def _means_what_it_says(source: ParsedSource, names: Collection[str]) -> tuple[bool, bool, bool]:
    """Return the answers to what every fix of this rule rests on; the names may be full ones, ``flax.nnx.Param``."""
    members = (name.rpartition(".")[2] for name in names)
    return (
        safety.names_are_bound_in_the_open(source),
        safety.members_are_themselves(source, *members),
        safety.warnings_are_not_watched(source),
    )


def _is_as_written(source: ParsedSource, node: ast.Attribute) -> bool:
    """Tell whether the name of an attribute is written as the ``ast`` has it, without ligatures."""
    return source.text_in(name_range(source, node)) == node.attr


def _calls(source: ParsedSource) -> Iterator[ast.Call]:
    """Yield the calls that may hand names of axes to Variables."""
    for calls in source.bindings.calls.values():
        for call in calls:
            names = [keyword.arg or "" for keyword in call.keywords]
            may_hold = any(name in _OLD or name.endswith(_METADATA) or not name for name in names)
            if may_hold and not is_format_part(source, call):
                yield call


def _called(source: ParsedSource, call: ast.Call) -> frozenset[str]:
    return class_names(source, call.func, 0) or frozenset()


# Keywords


def _keywords(source: ParsedSource, call: ast.Call) -> Iterator[Finding]:
    old = [keyword for keyword in call.keywords if keyword.arg in _OLD]
    called = _called(source, call) if old else frozenset()
    if old and hands_metadata_to_flax(source, call.func):
        yield from (_of_own_class(source, call, keyword) for keyword in old)
        return
    if not called or not (called <= _VARIABLES or called == _WITH_METADATA):
        return
    for keyword in old:
        place = _name_of(source, keyword)
        yield Finding("NNX212", KEYWORD.format(keyword.arg), place, _renamed(source, call, keyword, called, place))


def _of_own_class(source: ParsedSource, call: ast.Call, keyword: ast.keyword) -> Finding:
    """Return the finding for a class of the project, which another file may change; so its fix is unsafe."""
    place = _name_of(source, keyword)
    fix = _renamed(source, call, keyword, frozenset(), place)
    unsafe = None if fix is None else replace(fix, applicability=Applicability.UNSAFE)
    return Finding("NNX212", KEYWORD.format(keyword.arg), place, unsafe)


def _name_of(source: ParsedSource, keyword: ast.keyword) -> Range:
    start = source.range(keyword).start
    return Range(start, source.position(source.offset(start) + len(keyword.arg or "")))


def _renamed(
    source: ParsedSource, call: ast.Call, keyword: ast.keyword, called: frozenset[str], place: Range
) -> Fix | None:
    given = [one.arg for one in call.keywords]
    if len({*_OLD, _NEW}.intersection(given)) > 1 or source.text_in(place) != keyword.arg:
        return None
    applicability = safety.safe_if(
        called <= _VARIABLES,
        safety.value_has_no_metadata_of_its_own(source, call),
        safety.order_of_metadata_is_not_read(source),
        *_means_what_it_says(source, called),
    )
    return make_fix(applicability, FIX_MESSAGE, [source.replace(place, _NEW)])


def _unpacked_keys(source: ParsedSource, call: ast.Call) -> Iterator[Finding]:
    """Report each key of ``**{"sharding": names}``, whether it is written there or is the value of a name."""
    for keyword in call.keywords:
        if keyword.arg is not None or not isinstance(keyword.value, ast.Dict):
            continue
        for key in keyword.value.keys:
            old = [name for name in _texts_of(source, key) if name in _OLD]
            called = _called(source, call) if old and key is not None else frozenset()
            if key is not None and called and (called <= _VARIABLES or called == _WITH_METADATA):
                yield Finding("NNX212", KEY.format(old[0]), source.range(key))


def _texts_of(source: ParsedSource, key: ast.expr | None) -> Iterator[str]:
    """Yield the texts that a key may be: its own, or those that a name is assigned once."""
    bindings = source.bindings.bindings_of(key.id, start_of(key)) if isinstance(key, ast.Name) else ()
    value = bindings[0].value if len(bindings) == 1 and not bindings[0].path else key
    if value is None or is_guarded(source, source.position_of_place(start_of(value))):
        return  # It is chosen by release.
    for one in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value


# Keys of a layer's metadata


def _keys(source: ParsedSource, call: ast.Call) -> Iterator[Finding]:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    for name, value in given.items():
        if name is None or not name.endswith(_METADATA) or not isinstance(value, ast.Dict):
            continue
        keys: dict[object, ast.Constant] = {key.value: key for key in value.keys if isinstance(key, ast.Constant)}
        old = [key for name_, key in keys.items() if name_ in _OLD]
        if not old or not _LAYERS.issuperset(_called(source, call) or ("",)):
            continue
        applicability = safety.safe_if(
            safety.value_has_no_metadata_of_its_own(source, call, value),
            safety.order_of_metadata_is_not_read(source),
            *_means_what_it_says(source, _called(source, call)),
        )
        for key in old:
            fix = _respelled(source, key, value, keys, applicability)
            yield Finding("NNX212", KEY.format(key.value), source.range(key), fix)


def _respelled(
    source: ParsedSource,
    key: ast.Constant,
    display: ast.Dict,
    keys: Mapping[object, ast.Constant],
    applicability: Applicability,
) -> Fix | None:
    text = source.text_of(key)
    is_given_again = sum(isinstance(one, ast.Constant) and one.value == key.value for one in display.keys) > 1
    if is_given_again or len({*_OLD, _NEW}.intersection(map(str, keys))) > 1 or text[1:-1] != key.value:
        return None
    return make_fix(applicability, FIX_MESSAGE, [source.replace(source.range(key), f"{text[0]}{_NEW}{text[-1]}")])


EXAMPLES = (
    Example(
        title="Names of axes, given and read",
        source="""\
import jax.numpy as jnp
from flax import nnx


def result():
    zeros = jnp.zeros((4, 2))
    kernel = nnx.Param(zeros, sharding=("data", None), eager_sharding=False)
    bias = nnx.Param(jnp.zeros(2), eager_sharding=False)
    named = kernel.sharding_names
    return named, bias.sharding_names
""",
        marked=("sharding", "kernel.sharding_names", "bias.sharding_names"),
        fixed={
            "0.12.4": """\
import jax.numpy as jnp
from flax import nnx


def result():
    zeros = jnp.zeros((4, 2))
    kernel = nnx.Param(zeros, out_sharding=("data", None), eager_sharding=False)
    bias = nnx.Param(jnp.zeros(2), eager_sharding=False)
    named = kernel.get_metadata("out_sharding", None)
    return named, bias.get_metadata("out_sharding", None)
""",
        },
        applicability=Applicability.SAFE,
        floor="0.12.4",
        trees=(),
        result=(("data", None), None),
    ),
    Example(
        title="The metadata of a layer",
        source="""\
from flax import nnx


def result():
    layer = nnx.Linear(
        2,
        3,
        rngs=nnx.Rngs(0),
        kernel_metadata={"sharding": ("in", "out"), "eager_sharding": False},
    )
    return layer.kernel.get_metadata("out_sharding")
""",
        marked=('"sharding"',),
        fixed={
            "0.12.4": """\
from flax import nnx


def result():
    layer = nnx.Linear(
        2,
        3,
        rngs=nnx.Rngs(0),
        kernel_metadata={"out_sharding": ("in", "out"), "eager_sharding": False},
    )
    return layer.kernel.get_metadata("out_sharding")
""",
        },
        applicability=Applicability.SAFE,
        floor="0.12.4",
        trees=(),
        result=("in", "out"),
    ),
)

RULE = Rule(
    CODES["NNX212"],
    "What names the axes of a Variable is called `out_sharding` now",
    check,
    __doc__,
    EXAMPLES,
    FixAvailability.SOMETIMES,
    rests_on=(
        safety.value_has_no_metadata_of_its_own,
        safety.order_of_metadata_is_not_read,
        safety.owner_is_a_variable,
        safety.variables_have_no_such_member,
        safety.names_are_bound_in_the_open,
        safety.warnings_are_not_watched,
        safety.members_are_themselves,
    ),
)
