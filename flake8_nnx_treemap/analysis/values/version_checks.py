"""Finds code that supports several releases: it checks the version, or handles that a name does not exist."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.analysis.calls.class_references import class_name
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, end_of, is_name, start_of, walk, words_below
from flake8_nnx_treemap.analysis.code.regions import Region, is_within, outermost
from flake8_nnx_treemap.analysis.code.text import Position
from flake8_nnx_treemap.analysis.names.imported import definition_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import FUNCTIONS, Reads
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.names.uses import reads_by_meaning
from flake8_nnx_treemap.analysis.values.narrowing import statements_after
from flake8_nnx_treemap.analysis.values.release_flags import outwards, returned_alone, with_answers
from flake8_nnx_treemap.flax_names import NNX, names_of_some_releases
from flake8_nnx_treemap.names import BASE_CLASSES, MEMBERS_OF_SOME_RELEASES, OLD_NAMES_THAT_STAY
from flake8_nnx_treemap.other_projects import OTHER_PROJECTS

_ABSENCE = frozenset(
    {"AttributeError", "ImportError", "ModuleNotFoundError", "DeprecationWarning", "catch_warnings", "deprecated_call"}
)
"""What handles errors and warnings of old names. ``Exception`` is left out: who handles everything means no release."""

_EXPECT = ("raises", "warns", "deprecated_call", "assertRaises", "assertRaisesRegex", "assertWarns", "assertWarnsRegex")
"""Functions of tests that want an error or a warning of the function that they are given."""

_FLAGS = re.compile(
    r"(?i)compat|version|(?:flax|nnx|jax)\w*(?:\d|new|old|least|before|after|since|until)|(?:is|has|use)_?(?:new|old)"
)
"""Names that tell of releases, imported from a file of the project: ``FLAX_011``, ``flax_at_least``, ``_compat``."""

_VERSIONS = frozenset({"__version__", "__version_info__", "version_info"})
_ASKS_FOR_VERSION = frozenset({"importlib.metadata.version", "importlib_metadata.version"})
_DISTRIBUTIONS = frozenset(
    {"importlib.metadata.distribution", "importlib_metadata.distribution", "pkg_resources.get_distribution"}
)
_LIBRARIES = ("flax", "jax")


def is_guarded(source: ParsedSource, position: Position) -> bool:
    """Tell whether the code at a position is only meant for releases that have the old name there.

    Args:
        source: the file.
        position: where an old name is used.

    Returns:
        True in a ``try`` that handles ``AttributeError`` or ``ImportError``, in ``with suppress(AttributeError)`` and
        the like, and in all branches of an ``if`` or ``match`` that tests for a release: by ``hasattr(jax, "tree")``,
        by ``flax.__version__``, by ``nnx.VariableState is nnx.Variable``, or by a name assigned from one of these.
    """
    return is_within(source.place_at(position), _guarded_regions(source))


def is_chosen_by_release(source: ParsedSource, position: Position) -> bool:
    """Tell whether a test for a release decides about the code at a position; a handler of errors does not count."""
    return is_within(source.place_at(position), _chosen_regions(source))


@remembered
def _guarded_regions(source: ParsedSource) -> list[Region]:
    return outermost((*_where_absence_is_handled(source), *_chosen_regions(source)))


@remembered
def _chosen_regions(source: ParsedSource) -> list[Region]:
    found = outermost(region for question in version_questions(source) for region in _decided_by(source, question))
    return outermost((*found, *_chosen_functions(source, found))) if found else found


def _chosen_functions(source: ParsedSource, chosen: Sequence[Region]) -> Iterator[Region]:
    """Yield the extents of functions and classes of which a choice takes one: ``value = _new if IS_NEW else _old``."""
    for node in (statement.node for statement in source.bindings.statements):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            reads = [read for one in reads_by_meaning(source, node.name).get(node, ()) for _, read in one.nodes]
            if reads and all(is_within(start_of(one), chosen) and _is_alternative(source, one) for one in reads):
                yield _span(node)


def _is_alternative(source: ParsedSource, node: ast.AST) -> bool:
    """Tell whether another expression stands for this one where a choice is made otherwise."""
    around = source.ast_parent(node)
    while isinstance(around, ast.expr) and not isinstance(around, (ast.IfExp, ast.Lambda, ast.Dict)):
        around = source.ast_parent(around)
    if isinstance(around, (ast.IfExp, ast.Dict)):
        return True
    choice = source.ast_parent(around) if isinstance(around, (ast.Assign, ast.Return)) else None
    if not isinstance(choice, ast.If):
        return isinstance(around, ast.Return)  # Behind a choice: ``if IS_NEW: return _new(x)``, ``return _old(x)``.
    return isinstance(around, ast.Return) or [type(one) for one in choice.orelse] == [ast.Assign]


def _where_absence_is_handled(source: ParsedSource) -> Iterator[Region]:
    for node in (statement.node for statement in source.bindings.statements):
        if isinstance(node, (ast.With, ast.AsyncWith)):
            handled = [item.context_expr for item in node.items]
        else:
            handled = [handler.type for handler in getattr(node, "handlers", ()) if handler.type is not None]
        if any(_names_absence(one) for one in handled):
            yield _span(node)
            if isinstance(node, (ast.With, ast.AsyncWith)) and isinstance(node.body[-1], ast.Return):
                yield from _rest_of_block(source, node)  # It runs if the way of newer releases has failed.
        if any(_ignores_deprecations(one) for one in getattr(node, "decorator_list", ())):
            yield _span(node)
    for call in (call for name in _EXPECT for call in source.bindings.calls.get(name, ())):
        if _names_absence(call.func) or any(map(_names_absence, call.args[:1])):
            yield _span(call)


def _names_absence(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and not node.args and not node.keywords:
        return (dotted_name(node.func) or ("",))[-1] in ("warns", "deprecated_call", "catch_warnings")
    return not _ABSENCE.isdisjoint(words_below(node))


def _ignores_deprecations(decorator: ast.expr) -> bool:
    """Tell whether a decorator is ``pytest.mark.filterwarnings("ignore::DeprecationWarning")`` or the like."""
    if not isinstance(decorator, ast.Call) or (dotted_name(decorator.func) or ("",))[-1] != "filterwarnings":
        return False
    texts = [str(one.value) for one in decorator.args if isinstance(one, ast.Constant)]
    return any(one.startswith("ignore") and one.endswith("DeprecationWarning") for one in texts)


def _span(node: ast.AST) -> Region:
    return start_of(node), end_of(node)


# Version checks


@remembered
def version_questions(source: ParsedSource) -> tuple[ast.expr, ...]:
    """Return the expressions that depend on the release that runs, and the reads of names assigned from them.

    Names of other files of the project are among them, where a choice asks for them.
    """
    own = _questions_here(source)
    elsewhere = [node for node in _asked_in_choices(source) if _is_answered_elsewhere(source, node)]
    return own if not elsewhere else tuple(dict.fromkeys((*own, *with_answers(source, elsewhere))))


@remembered
def _questions_here(source: ParsedSource) -> tuple[ast.expr, ...]:
    """Return the expressions that depend on the release, as far as this file tells."""
    pending: list[ast.expr] = [use for name in _VERSIONS for use in source.bindings.attributes.get(name, ())]
    pending += [call for call in source.bindings.calls.get("hasattr", ()) if _asks_for_member(source, call)]
    pending += [call for call in source.bindings.calls.get("getattr", ()) if _asks_with_default(source, call)]
    pending += [use for use in source.bindings.attributes.get("version", ()) if _is_of_distribution(source, use)]
    pending += [call for call in source.bindings.calls.get("version", ()) if _asks_for_version(source, call)]
    pending += [node for reads in _reads_of_imported_versions(source) for _, node in reads.nodes]
    pending += _questions_of_identity(source)
    pending += [node for reads in _reads_of_import_flags(source) for _, node in reads.nodes]
    pending += _listings(source)
    return with_answers(source, pending)


def _asked_in_choices(source: ParsedSource) -> Iterator[ast.expr]:
    """Yield the names and functions of other files that ``if`` and other choices may ask for."""
    roots = _imported_from_elsewhere(source) if source.modules is not None else ()
    if not roots:
        return
    choices: list[ast.AST] = [one.node for one in source.bindings.statements]
    choices += source.bindings.expressions(ast.IfExp)
    for choice in choices:
        test = getattr(choice, "test", None)
        for node in walk(test) if isinstance(test, ast.expr) else ():
            inner = node
            while isinstance(inner, ast.Attribute):
                inner = inner.value
            if isinstance(inner, ast.Name) and inner.id in roots and isinstance(node, (ast.Name, ast.Attribute)):
                yield node


def _imported_from_elsewhere(source: ParsedSource) -> frozenset[str]:
    """Return the names that imports bind, but for those of packages that are no project's own."""
    return frozenset(
        name
        for name, bound in source.bindings.all_bound()
        for one in bound
        if one.qualified_name is not None and one.qualified_name.partition(".")[0] not in _NEVER_OF_PROJECTS
    )


def _is_answered_elsewhere(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether another file of the project sets a name by a version check, or defines a function that makes one."""
    names = source.bindings.names_of(node)
    found = definition_elsewhere(source, names)
    if found is None:
        return False
    home, binding = found
    value = returned_alone(binding.node) if isinstance(binding.node, ast.FunctionDef) else binding.value
    asked = frozenset(map(id, _questions_here(home))) if value is not None else ()
    return value is not None and any(id(part) in asked for part in walk(value))


_NEVER_OF_PROJECTS = sys.stdlib_module_names | {"builtins", "flax", "jax", "numpy", "optax", "packaging", "pytest"}
"""Packages that are no project's own."""


def _asks_for_member(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether ``hasattr`` tests a part of Flax or JAX, or tests for a member that wrappers have in some releases.

    A test for an old name that Flax still has is not a version check: it is always true, and warns.
    """
    if not isinstance(node, ast.Call) or len(node.args) != 2:
        return False
    owner = node.args[0]
    is_of_library = _is_of_library(source, owner)
    if not isinstance(node.args[1], ast.Constant):
        return is_of_library  # ``all(hasattr(nnx, name) for name in ("List", "data"))``
    member = node.args[1].value
    return member in MEMBERS_OF_SOME_RELEASES or (is_of_library and member not in OLD_NAMES_THAT_STAY)


def _asks_with_default(source: ParsedSource, call: ast.Call) -> bool:
    """Tell whether ``getattr(x, "to_variable", None)`` looks for a member of some releases, of a wrapper or of NNX."""
    name = call.args[1] if len(call.args) == 3 else None
    if not isinstance(name, ast.Constant):
        return False
    is_of_nnx = source.bindings.names_of(call.args[0]) == {NNX} and name.value in names_of_some_releases()
    return is_of_nnx or name.value in MEMBERS_OF_SOME_RELEASES


def _is_of_distribution(source: ParsedSource, use: ast.expr) -> bool:
    """Tell whether an attribute is the version in ``importlib.metadata.distribution("flax").version``."""
    call = use.value if isinstance(use, ast.Attribute) else None
    return isinstance(call, ast.Call) and not _DISTRIBUTIONS.isdisjoint(source.bindings.names_of(call.func))


def _asks_for_version(source: ParsedSource, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and not _ASKS_FOR_VERSION.isdisjoint(source.bindings.names_of(node.func))


def _listings(source: ParsedSource) -> Iterator[ast.expr]:
    """Yield what tells which names or parameters a release has: ``dir(nnx)``, ``inspect.signature(nnx.Optimizer)``."""
    for name in ("dir", "vars", "signature", "getfullargspec"):
        for call in source.bindings.calls.get(name, ()):
            if call.args and _is_of_library(source, call.args[0]):
                yield call
    for use in source.bindings.attributes.get("__dict__", ()):
        if isinstance(use, ast.Attribute) and _is_of_library(source, use.value):
            yield use
    for call in source.bindings.calls.get("find_spec", ()):
        if call.args and isinstance(call.args[0], ast.Constant) and str(call.args[0].value).startswith("flax."):
            yield call


def _is_of_library(source: ParsedSource, node: ast.expr) -> bool:
    return any(name.partition(".")[0] in _LIBRARIES for name in source.bindings.names_of(node))


def _questions_of_identity(source: ParsedSource) -> list[ast.expr]:
    """Return the expressions that ask whether VariableState and Variable are one class, as they are from 0.11 on."""
    if "VariableState" not in source.text:
        return []
    found: list[ast.expr] = [
        call for call in source.bindings.calls.get("issubclass", ()) if _asks_for_base(source, call)
    ]
    found += [node for node in source.bindings.expressions(ast.Compare) if _compares_classes(source, node)]
    return found


def _asks_for_base(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression is ``issubclass(nnx.VariableState, nnx.Variable)``, or the reverse."""
    if not isinstance(node, ast.Call) or len(node.args) != 2:
        return False
    return _are_both_classes(source, node.args[0], node.args[1])


def _compares_classes(source: ParsedSource, node: ast.Compare) -> bool:
    is_comparison = len(node.ops) == 1 and isinstance(node.ops[0], (ast.Is, ast.IsNot, ast.Eq, ast.NotEq))
    return is_comparison and _are_both_classes(source, node.left, node.comparators[0])


def _are_both_classes(source: ParsedSource, one: ast.expr, other: ast.expr) -> bool:
    return {class_name(source, one), class_name(source, other)} == BASE_CLASSES


def _reads_of_imported_versions(source: ParsedSource) -> Iterator[Reads]:
    """Yield the reads of ``flax_version`` after ``from flax import __version__ as flax_version``."""
    for name, bound in source.bindings.all_bound():
        for binding in bound:
            if binding.qualified_name is not None and _names_release(binding.qualified_name):
                yield from reads_by_meaning(source, name).get(binding.node, ())


def _names_release(name: str) -> bool:
    package = name.partition(".")[0]
    is_of_others = package not in OTHER_PROJECTS and package not in sys.stdlib_module_names and package != "packaging"
    return name.rpartition(".")[2] in _VERSIONS or (is_of_others and _FLAGS.search(name) is not None)


def _reads_of_import_flags(source: ParsedSource) -> Iterator[Reads]:
    """Yield the reads of what is set to a constant where the use of a name of some releases works, or fails."""
    for node in (statement.node for statement in source.bindings.statements):
        if not isinstance(node, ast.Try) or not any(one.type and _names_absence(one.type) for one in node.handlers):
            continue
        if not any(_needs_name_of_some_releases(source, one) for one in node.body):
            continue
        for statement in (*node.body, *node.orelse, *(one for handler in node.handlers for one in handler.body)):
            if isinstance(statement, (ast.Assign, ast.AnnAssign)) and isinstance(statement.value, ast.Constant):
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                for name in (target.id for target in targets if isinstance(target, ast.Name)):
                    yield from reads_by_meaning(source, name).get(statement, ())


def _needs_name_of_some_releases(source: ParsedSource, statement: ast.stmt) -> bool:
    """Tell whether a statement imports a name that some releases lack, or uses it as an attribute of ``nnx``."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == NNX and any(alias.name in names_of_some_releases() for alias in statement.names)
    used = (node for node in walk(statement) if isinstance(node, ast.Attribute)) if _is_simple(statement) else ()
    return any(
        node.attr in names_of_some_releases() and source.bindings.names_of(node) == {f"{NNX}.{node.attr}"}
        for node in used
    )


def _is_simple(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Expr, ast.Assign, ast.AnnAssign))


# Branches


def _decided_by(source: ParsedSource, question: ast.expr) -> Iterator[Region]:
    """Yield the regions of the conditionals that a version check decides: all branches, as each is for some release."""
    yield from _defaults_of_getattr(question)
    for part, around in outwards(source, question):
        if isinstance(around, ast.BoolOp) or (isinstance(around, ast.IfExp) and part is around.test):
            yield _span(around)
        elif isinstance(around, ast.Subscript) and part is around.slice:
            yield from _looked_up(source, around.value)
        elif isinstance(around, ast.comprehension) and part in around.ifs:
            whole = source.ast_parent(around)
            if whole is not None:
                yield _span(whole)
        elif isinstance(around, ast.Match):
            yield _span(around)
        elif isinstance(around, ast.match_case):
            whole = source.ast_parent(around)
            if whole is not None:
                yield _span(whole)
        elif isinstance(around, (ast.If, ast.While)):
            yield _span(around)
            yield from _alternative(source, around)


def _defaults_of_getattr(question: ast.expr) -> Iterator[Region]:
    """Yield the extent of what stands for a name that is not there: ``getattr(v, "get_value", lambda: v.value)``."""
    if isinstance(question, ast.Call) and is_name(question.func, "getattr") and len(question.args) == 3:
        yield _span(question.args[2])


def _looked_up(source: ParsedSource, table: ast.expr) -> Iterator[Region]:
    """Yield the extent of a display from which a version check takes an item: ``{True: new, False: old}[IS_NEW]``."""
    bindings = source.bindings.bindings_of(table.id, start_of(table)) if isinstance(table, ast.Name) else ()
    for one in (table, *(binding.value for binding in bindings)):
        if isinstance(one, (ast.Dict, ast.Tuple, ast.List)):
            yield _span(one)


def _alternative(source: ParsedSource, choice: ast.If | ast.While) -> Iterator[Region]:
    """Yield the region after an ``if`` if a branch returns. A branch that raises refuses a release instead."""
    ends = [branch[-1] for branch in (choice.body, choice.orelse) if branch]
    if any(isinstance(end, (ast.Return, ast.Continue, ast.Break)) for end in ends):
        yield from _rest_of_block(source, choice)


def _rest_of_block(source: ParsedSource, statement: ast.stmt) -> Iterator[Region]:
    following = statements_after(source, statement)
    if following:
        yield start_of(following[0]), end_of(following[-1])
