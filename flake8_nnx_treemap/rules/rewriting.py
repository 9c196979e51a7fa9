"""Builds the fixes that rules share: make a mapper dispatch with isinstance, make is_leaf stop at every wrapper."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from flake8_nnx_treemap.analysis.calls.leaf_uses import leaf_uses
from flake8_nnx_treemap.analysis.calls.mappers import Mapper
from flake8_nnx_treemap.analysis.calls.predicates import LeafTest, TypeTest
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall
from flake8_nnx_treemap.analysis.code.nodes import (
    Definition,
    access_path,
    body_of,
    dotted_name,
    is_name,
    nodes_below,
    start_of,
    walk,
)
from flake8_nnx_treemap.analysis.code.text import Range
from flake8_nnx_treemap.analysis.names.format_parts import is_format_part
from flake8_nnx_treemap.analysis.names.source import Edit, ParsedSource, Unknown, remembered
from flake8_nnx_treemap.analysis.names.spelling import spelling_of
from flake8_nnx_treemap.names import (
    BASE_CLASSES,
    VALUE_ACCESS_WARNS,
    VARIABLE_ONLY_ATTRIBUTES,
    VARIABLE_STATE_IS_VARIABLE,
    FlaxRange,
    TreeFunctionKind,
)
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.rule import Applicability, Fix, Together
from flake8_nnx_treemap.rules.shared_predicates import uses_of_predicate
from flake8_nnx_treemap.rules.steps import Append, AssignByCall, Enclose, Replace, Step
from flake8_nnx_treemap.rules.stopping import parameter_for, stop_step, stopping_at

MEMBERS = ("Variable", "VariableState")
"""The members of ``flax.nnx`` that the fixes name."""

DISPATCH_RESTS_ON = (
    safety.leaf_is_read_on_every_way,
    safety.other_objects_lack_it,
    safety.nothing_sees_the_error,
    safety.name_is_bound_for_certain,
    safety.builtin_is_itself,
    safety.predicate_stops_at_wrappers_alone,
    safety.everything_is_in_this_file,
    safety.names_are_bound_in_the_open,
    safety.members_are_themselves,
)
"""The obligations of ``dispatch_fix``."""

LEAF_NAMES = ("v", "leaf", "variable", "leaf_")
"""Names for the parameter of a new lambda, in order of preference."""

_SWALLOWS = (ast.IfExp, ast.Lambda, ast.NamedExpr, ast.Yield, ast.YieldFrom)
"""Expressions that need parentheses before ``if … else``, which would otherwise become a part of them."""


@dataclass(frozen=True, slots=True)
class WrapperTypes:
    """The NNX wrapper classes as a file spells them, and the import edits that these spellings need."""

    names: tuple[str, ...]
    edits: tuple[Edit, ...] = ()

    @property
    def text(self) -> str:
        """The second argument of ``isinstance``: a class or a tuple of classes, as source text."""
        return self.names[0] if len(self.names) == 1 else f"({', '.join(self.names)})"

    @property
    def roots(self) -> frozenset[str]:
        """The first part of each class's dotted name: ``nnx`` for ``nnx.Variable``."""
        return frozenset(name.partition(".")[0] for name in self.names)


def wrapper_types(source: ParsedSource, node: ast.expr, flax: FlaxRange) -> WrapperTypes | None:
    """Return Variable, and below 0.11 VariableState, as a file can spell them at a node; ``None`` if it cannot."""
    wanted = ["Variable"]
    if not flax.starts_from(VARIABLE_STATE_IS_VARIABLE):
        wanted.append("variablelib.VariableState")
    if not safety.builtin_is_itself(source, "isinstance", node):
        return None
    spellings = [spelling_of(source, name, start_of(node)) for name in wanted]
    found = [one for one in spellings if one is not None and safety.name_is_bound_for_certain(one)]
    if len(found) != len(wanted):
        return None
    return WrapperTypes(
        tuple(spelling.text for spelling in found), tuple(edit for spelling in found for edit in spelling.edits)
    )


def make_fix(applicability: Applicability, message: str, steps: Iterable[Step | None]) -> Fix | None:
    """Return a fix with these steps; ``None`` if there are none, or one of them is ``None``."""
    done = [*steps]
    known = tuple(step for step in done if step is not None)
    return Fix(applicability, message, steps=known) if known and len(known) == len(done) else None


def may_be_the_leaf(result: ast.expr) -> bool:
    """Tell whether a result may be the leaf itself or contain it, as names, ``a if b else c`` and ``[a]`` may."""
    if isinstance(result, _MAY_HOLD_LEAF):
        return True
    if isinstance(result, (ast.Tuple, ast.List, ast.Set)):
        return any(map(may_be_the_leaf, result.elts))
    if isinstance(result, ast.Dict):
        return any(map(may_be_the_leaf, result.values))
    return isinstance(result, ast.Starred) and may_be_the_leaf(result.value)


_MAY_HOLD_LEAF = (
    *(ast.Name, ast.IfExp, ast.BoolOp, ast.Subscript, ast.NamedExpr, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


def hands_on_leaf(source: ParsedSource, mapper: Mapper) -> bool:
    """Tell whether a mapper may return, pass or store its leaf itself, and not only read attributes and items of it."""
    return _hands_on(mapper.function.home or source, mapper.function.definition, mapper.leaf)


@remembered
def _hands_on(source: ParsedSource, definition: Definition, leaf: str) -> bool:
    return None in leaf_uses(source, body_of(definition), leaf)


def assignment_as_call(source: ParsedSource, target: ast.Attribute, method: str) -> AssignByCall | None:
    """Return the step that writes ``owner.method(value)`` for ``owner.attribute = value``.

    Args:
        source: the file.
        target: ``owner.attribute``.
        method: the call up to its argument, such as ``set_value(``.

    Returns:
        The step; ``None`` for an assignment of several targets, an augmented one, one whose target is in parentheses
        or not spelled as the ``ast`` has it, as with the ligature in "ﬁle", or one whose value may rebind the owner's
        name: a call evaluates its owner first, an assignment last.
    """
    statement = source.ast_parent(target)
    if not isinstance(statement, ast.Assign) or statement.targets != [target]:
        return None
    if start_of(statement) != start_of(target) or not source.text_of(target).endswith(target.attr):
        return None
    return None if _may_rebind_owner(source, target, statement.value) else AssignByCall(target, statement.value, method)


def _may_rebind_owner(source: ParsedSource, target: ast.Attribute, value: ast.expr) -> bool:
    owner = (dotted_name(target) or ("",))[0]
    calls = any(isinstance(node, ast.Call) for node in walk(value))
    return (calls and source.bindings.is_shared(owner)) or any(isinstance(node, ast.NamedExpr) for node in walk(value))


# Mappers


def dispatching_mapper(
    source: ParsedSource, call: TreeCall, mapper: Mapper | Unknown, types: WrapperTypes, flax: FlaxRange
) -> list[Step] | None:
    """Return the steps that make a call's mapper return each leaf unchanged that is not a wrapper.

    Where every release has ``get_value()``, a lambda of the call reads values by it.

    Args:
        source: the file.
        call: the call.
        mapper: the call's mapper, as far as it is known.
        types: the wrapper classes, as the file spells them.
        flax: the Flax releases that must run the code.

    Returns:
        The steps; ``None`` if the mapper is an expression that cannot be evaluated once for each leaf.
    """
    if isinstance(mapper, Mapper) and isinstance(mapper.function.definition, ast.Lambda) and mapper.is_inline:
        guard = _guarded_lambda(mapper.function.definition, mapper.leaf, types)
        reads_by_method = guard is not None and flax.starts_from(VALUE_ACCESS_WARNS)
        return [*_values_by_method(source, mapper), *(guard or ())] if reads_by_method else guard
    names = () if isinstance(mapper, Unknown) else mapper.function.parameters
    return None if call.mapper is None else _guarded_call(source, call, call.mapper, types, names)


def _values_by_method(source: ParsedSource, mapper: Mapper) -> Iterator[Step]:
    """Yield the steps that write ``v.get_value()`` for ``v.value`` of the leaves that a lambda is given.

    A leaf of another tree that has a ``value`` is a Variable as well, unless the file makes objects that have one.
    """
    definition = mapper.function.definition
    roots = {mapper.leaf.partition("[")[0], *mapper.others}
    for node in nodes_below(mapper.function.body, ast.Attribute):
        path = access_path(node.value) if node.attr in VALUE_MEMBERS and isinstance(node.ctx, ast.Load) else None
        root = (path or "").partition("[")[0]
        bindings = source.bindings.bindings_of(root, start_of(node)) if root in roots else ()
        if not bindings or any(one.scope.node is not definition for one in bindings):
            continue
        is_variable = path == mapper.leaf or safety.other_objects_lack_it(source, (node.attr,))
        step = value_by_method(source, node)
        if step is not None and is_variable and values_are_read_by_flax(source, node.attr):
            yield step


VALUE_MEMBERS = ("value", "raw_value")
"""The attributes of a Variable for which there are methods."""


@remembered
def value_by_method(source: ParsedSource, node: ast.Attribute) -> Step | None:
    """Return the step that writes ``owner.get_value()`` for ``owner.value``; ``None`` where it cannot be written."""
    if is_format_part(source, node):
        return None
    end = source.range(node).end
    name = Range(source.position(source.offset(end) - len(node.attr)), end)
    # A ligature, as in "ﬁle", is several letters in the ``ast``.
    return source.replace(name, f"get_{node.attr}()") if source.text_in(name) == node.attr else None


def values_are_read_by_flax(source: ParsedSource, name: str) -> bool:
    """Tell whether no class of Variables has a member of its own where ``.value`` and its methods are Flax's."""
    return safety.variables_have_no_such_member(source, name, f"get_{name}", f"set_{name}")


def _guarded_lambda(definition: ast.Lambda, leaf: str, types: WrapperTypes) -> list[Step] | None:
    body = definition.body
    bound = {found.arg for found in nodes_below([definition.args], ast.arg)}
    if bound & types.roots or any(nodes_below([body], ast.NamedExpr, ast.Yield, ast.YieldFrom)):
        return None
    test = f" if isinstance({leaf}, {types.text}) else {leaf}"
    return [Append(body, test, is_swallowed=isinstance(body, _SWALLOWS))]


def _guarded_call(
    source: ParsedSource, call: TreeCall, mapper: ast.expr, types: WrapperTypes, names: Sequence[str]
) -> list[Step] | None:
    if not _is_pure(source, mapper) or _names_class_scope(source, mapper):
        return None
    taken = {node.id for node in nodes_below([mapper], ast.Name)} | types.roots
    if any(is_name(walrus.target, name) for walrus in nodes_below([call.node], ast.NamedExpr) for name in taken):
        return None
    before = call.function.leaf_position
    parameters = _own_parameters(call, names, taken) or _new_parameters(call, taken)
    if parameters is None or taken & {name.lstrip("*") for name in parameters}:
        return None
    given, leaf = ", ".join(parameters), parameters[before]
    return [Enclose(mapper, f"lambda {given}: ", f"({given}) if isinstance({leaf}, {types.text}) else {leaf}")]


def _own_parameters(call: TreeCall, names: Sequence[str], taken: Collection[str]) -> list[str] | None:
    """Return the names that a mapper of several trees has for what it is given, for a lambda that calls it.

    Returns:
        The names; ``None`` for a mapper of one tree, and where the lambda would need one of them for something else.
    """
    parameters = [*names[: call.function.leaf_position + len(call.trees)]]
    is_whole = len(parameters) == call.function.leaf_position + len(call.trees)
    hidden = {*taken, "isinstance"}
    if len(call.trees) < 2 or call.more_trees or not is_whole or any(name in hidden for name in parameters):
        return None
    return None if any(name.startswith("_") for name in parameters) else parameters


def _new_parameters(call: TreeCall, taken: Collection[str]) -> list[str] | None:
    leaf = next((name for name in LEAF_NAMES if name not in taken), None)
    if leaf is None:
        return None
    more = len(call.trees) - 1
    others = ["other"] if more == 1 else [f"other{index + 1}" for index in range(more)]
    return [*(["path"] if call.function.leaf_position else []), leaf, *others, *(["*rest"] if call.more_trees else [])]


def _is_pure(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether evaluating an expression for each leaf gives what evaluating it once does: a name, a partial."""
    if dotted_name(node) is not None:
        return True
    if not isinstance(node, ast.Call) or (dotted_name(node.func) or ("",))[-1] != "partial" or not node.args:
        return False
    given = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
    is_whole = not any(isinstance(one, ast.Starred) for one in node.args) and all(one.arg for one in node.keywords)
    return is_whole and dotted_name(node.args[0]) is not None and all(_stays_the_same(source, one) for one in given)


def _stays_the_same(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression has the same value for each leaf: a constant, an import, a name bound only once."""
    if isinstance(node, ast.Constant) or source.bindings.names_of(node):
        return True
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if isinstance(node, ast.Name) else ()
    return len(bindings) == 1 and source.bindings.is_bound_once(bindings[0])


def _names_class_scope(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression uses a name bound in a class body, which a lambda in that body cannot see."""
    return any(
        binding.scope.kind.value == "class"
        for found in nodes_below([node], ast.Name)
        for binding in source.bindings.bindings_of(found.id, start_of(found))
    )


# Predicates


def widened_predicate(source: ParsedSource, test: LeafTest, types: WrapperTypes, flax: FlaxRange) -> list[Step] | None:
    """Return the steps that make a predicate that stops at VariableState stop at every wrapper; its other tests stay.

    Returns:
        The steps, empty if nothing has to change; ``None`` if the predicate cannot be rewritten at the call.
    """
    if test.is_inline:
        if test.parameter in types.roots:
            return None
        if _asks_for_old_state(test) and not flax.starts_from(VARIABLE_STATE_IS_VARIABLE):
            return []
        widened = [_widened_types(found, types, flax) for found in test.tests]
        return None if None in widened else [step for steps in widened for step in steps or ()]
    if flax.starts_from(VARIABLE_STATE_IS_VARIABLE):
        return []  # From 0.11 on the two classes are one: the predicate stops at every wrapper already.
    name = parameter_for(types.text, test.parameter)
    widened_test = stopping_at(types.text, test.parameter, takes_path=test.takes_path)
    if test.is_only_tests and all(found.name in BASE_CLASSES for one in test.tests for found in one.types):
        return [Replace(test.expression, widened_test)]
    parts = dotted_name(test.expression)
    if parts is None or name in parts or test.takes_path:
        return None
    return [Replace(test.expression, f"{widened_test} or {source.text_of(test.expression)}({name})")]


def _asks_for_old_state(test: LeafTest) -> bool:
    """Tell whether a predicate reads from a node what a live Variable lacks below 0.11, such as its ``type``."""
    reads = nodes_below(test.others, ast.Attribute)
    return any(is_name(read.value, test.parameter) and read.attr != "value" for read in reads)


def _widened_types(test: TypeTest, types: WrapperTypes, flax: FlaxRange) -> list[Step] | None:
    if test.names.isdisjoint(BASE_CLASSES):
        return []
    if all(found.name in BASE_CLASSES for found in test.types):
        return [Replace(test.container, types.text, with_parentheses=True)]
    if test.names >= BASE_CLASSES:
        return []
    named = next(found for found in test.types if found.name in BASE_CLASSES)
    if not named.is_local:
        # From 0.11 on a constant ``TYPES = (VariableState, …)`` means Variable; below, other code may use it as well.
        return [] if flax.starts_from(VARIABLE_STATE_IS_VARIABLE) else None
    separator = " | " if isinstance(test.container, ast.BinOp) else ", "
    return [Replace(named.node, separator.join(types.names))]


# The whole fix


def dispatch_fix(
    source: ParsedSource, call: TreeCall, test: LeafTest, mapper: Mapper | Unknown, flax: FlaxRange
) -> Fix | None:
    """Return the fix that makes a call's mapper dispatch on the wrapper classes and its predicate stop at all of them.

    Args:
        source: the file.
        call: a call whose predicate stops at a wrapper class and whose mapper takes every leaf.
        test: the call's predicate.
        mapper: the call's mapper, as far as it is known.
        flax: the Flax releases that must run the code.

    Returns:
        The fix; ``None`` if other calls use the same predicate, or the call cannot be rewritten.
    """
    if call.partial is not None or call.function.kind is TreeFunctionKind.REDUCE:
        # Other calls use the arguments of a partial, too; a reduction returns an accumulator, never a leaf.
        return None
    types = wrapper_types(source, call.node, flax)
    if types is None:
        return None
    mapping = dispatching_mapper(source, call, mapper, types, flax)
    stopping = widened_predicate(source, test, types, flax)
    if mapping is None or stopping is None:
        return None
    applicability = Applicability.SAFE if _is_safe(source, call, test, mapper, flax) else Applicability.UNSAFE
    message = "Dispatch on the leaf's type in the mapper"
    fix = make_fix(applicability, message, [*mapping, *stopping, *types.edits])
    if fix is None or not stopping or test.is_inline:
        return fix
    return replace(fix, together=together_of(source, call, test, flax, [*mapping, *types.edits]))


def together_of(
    source: ParsedSource, call: TreeCall, test: LeafTest, flax: FlaxRange, others: Sequence[Step]
) -> Together | None:
    """Return what widens the definition of a predicate with a name, for the case that all its uses are fixed.

    Args:
        source: the file.
        call: one of the calls that use the predicate.
        test: the predicate.
        flax: the Flax releases that must run the code.
        others: the other steps of the call's fix.

    Returns:
        The steps; ``None`` if the predicate may be used in other ways, or its definition cannot be widened.
    """
    uses = uses_of_predicate(source, call, test)
    if uses is None or _asks_for_old_state(test):
        return None
    types = [wrapper_types(source, one.container, flax) for one in test.tests]
    wanted = wrapper_types(source, call.node, flax)
    if wanted is None or test.parameter in wanted.roots or any(one != wanted for one in types):
        return None
    widened = [_widened_types(one, wanted, flax) for one in test.tests]
    if not any(widened) or None in widened:
        return None
    steps = [step for found in widened for step in found or ()]
    definition = test.function.definition
    place = definition if isinstance(definition, ast.Lambda) else test.tests[0].node
    return Together(source.range(place), uses, (*others, *steps))


def _is_safe(source: ParsedSource, call: TreeCall, test: LeafTest, mapper: Mapper | Unknown, flax: FlaxRange) -> bool:
    return (
        isinstance(mapper, Mapper)
        and safety.leaf_is_read_on_every_way(mapper)
        and safety.other_objects_lack_it(source, mapper.always_reads & VARIABLE_ONLY_ATTRIBUTES)
        and safety.everything_is_in_this_file(call, mapper, test)
        and safety.predicate_stops_at_wrappers_alone(test, flax)
        and safety.nothing_sees_the_error(source, call.node, Exception)
        and safety.names_are_bound_in_the_open(source)
        and safety.members_are_themselves(source, *MEMBERS, call.function.basename)
    )


def stop_fix(
    source: ParsedSource, call: TreeCall, test: TypeTest | None, flax: FlaxRange, *, is_inline: bool, message: str
) -> Fix | None:
    """Return the fix that adds an ``is_leaf`` for the types that code tests a leaf for, and widens that test.

    Args:
        source: the file.
        call: a call without ``is_leaf``.
        test: the code's type test; ``None`` if it tests for an attribute that every wrapper has.
        flax: the Flax releases that must run the code.
        is_inline: whether the test is written in the call itself, and may be changed.
        message: what the fix does.

    Returns:
        An unsafe fix: code runs that never ran before. ``None`` below 0.11 for a subclass such as ``nnx.Param``, which
        state does not hold there, and for a name that may mean something else at the call.
    """
    steps: list[Step | None] = []
    is_of_base = test is not None and all(found.name in BASE_CLASSES for found in test.types)
    if test is None or (is_of_base and not test.is_exact):
        types = wrapper_types(source, call.node, flax)
        if types is None:
            return None
        text = types.text
        steps += types.edits
        if is_inline and test is not None and all(found.is_local for found in test.types):
            if wrapper_types(source, test.container, flax) != types:
                return None  # In the test, a parameter hides a name in the types.
            steps.append(Replace(test.container, text, with_parentheses=True))
    elif is_inline and flax.starts_from(VARIABLE_STATE_IS_VARIABLE) and not test.is_exact:
        text = source.text_of(test.container)
    else:
        return None
    steps.append(stop_step(call, text))
    return make_fix(Applicability.UNSAFE, message, steps)
