"""Finds whether code in a file calls a function, directly or through others, where an error of it may be handled."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from flake8_nnx_treemap.analysis.calls.functions import PARTIAL
from flake8_nnx_treemap.analysis.code.nodes import nodes_below, own_nodes, start_of
from flake8_nnx_treemap.analysis.names.scopes import FUNCTIONS
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.handling import (
    ASKED,
    Errors,
    calls_and_handles,
    handles_below,
    handles_somewhere,
    may_handle,
    sounds_like_handling,
)
from flake8_nnx_treemap.names import TREE_FUNCTION_BASENAMES

_MAKE_OBJECTS = frozenset({"__init__", "__new__", "__post_init__", "setup"})
"""Methods that run when the class is called."""


def may_be_handled(source: ParsedSource, node: ast.AST, errors: Errors) -> bool:
    """Tell whether something in the file may handle an error that a node raises.

    Args:
        source: the file.
        node: what raises.
        errors: the errors.

    Returns:
        False if nothing around the node may handle them (see ``may_handle``), nor anything around the calls of the
        functions that the node is in, and so on. Methods are told by their names alone. Other files are not asked.
    """
    if may_handle(source, node, errors):
        return True
    return any(_is_called_where_handled(source, one, errors) for one in _functions_around(source, node))


_Called = tuple[str, ast.AST | None]
"""The name by which something is called, and its definition, unless the name stands for a value."""

_LAMBDA = "<lambda>"


@remembered
def _is_called_where_handled(source: ParsedSource, called: _Called, errors: Errors) -> bool:
    unhandled = _unhandled(source, errors)
    pending = [called]
    known = {called}
    for one in pending:
        if one in unhandled:
            continue
        if one[0] in ASKED or (_is_called_unseen(source, *one) and _handles_anywhere(source, errors)):
            return True
        for use in _uses_of(source, *one):
            found = _run_by(source, use, errors)
            if found is None:
                return True
            pending += [other for other in found if other not in known]
            known.update(found)
    unhandled |= known
    return False


@remembered
def _unhandled(source: ParsedSource, errors: Errors) -> set[_Called]:
    """Return what has been found to lead to no handler; it grows, so that each function is looked at once."""
    return set()


def _uses_of(source: ParsedSource, name: str, definition: ast.AST | None) -> Iterator[ast.expr]:
    """Yield each use of a name that may be the one of a definition; a lambda has one, where it is written."""
    if isinstance(definition, ast.Lambda):
        yield definition
        return
    is_method = definition is not None and isinstance(source.ast_parent(definition), ast.ClassDef)
    for use in source.bindings.attributes.get(name, ()):
        if not isinstance(getattr(use, "ctx", None), ast.Load):
            continue
        if isinstance(use, ast.Name) and definition is not None:
            bindings = source.bindings.bindings_of(name, start_of(use))
            if any(one.node is definition for one in bindings) or not bindings:
                yield use
        elif definition is None or is_method:
            yield use


def _functions_around(source: ParsedSource, node: ast.AST) -> Iterator[_Called]:
    """Yield the names by which the functions around a node are called."""
    child, around = node, source.ast_parent(node)
    while around is not None:
        if isinstance(around, FUNCTIONS) and child in around.body:
            yield _called_name(source, around)
        elif isinstance(child, ast.Lambda):
            yield _LAMBDA, child
        child, around = around, source.ast_parent(around)


def _called_name(source: ParsedSource, function: ast.FunctionDef | ast.AsyncFunctionDef) -> _Called:
    owner = source.ast_parent(function)
    if isinstance(owner, ast.ClassDef) and function.name in _MAKE_OBJECTS:
        return owner.name, owner
    return function.name, function


def _is_operator(name: str) -> bool:
    """Tell whether syntax and built-in functions call a method: ``__call__``, ``__getitem__``."""
    return name.startswith("__") and name.endswith("__")


def _is_called_unseen(source: ParsedSource, name: str, definition: ast.AST | None) -> bool:
    """Tell whether something may call a function without its name: syntax, another package, or a look at members."""
    if _is_operator(name) or name in _asked_for_by_text(source) or _goes_through_members(source):
        return True
    owner = None if definition is None else source.ast_parent(definition)
    return isinstance(owner, ast.ClassDef) and _is_for_others(source, owner, _BASES)


_BASES = 4
"""How many classes of the file are followed from one to what it inherits from."""


def _is_for_others(source: ParsedSource, definition: ast.ClassDef, steps: int) -> bool:
    """Tell whether another package calls methods of a class: ``json.JSONEncoder``, ``@register_pytree_node_class``."""
    for base in definition.bases:
        names = source.bindings.names_of(base.value if isinstance(base, ast.Subscript) else base)
        if any(name.partition(".")[0] not in _CALL_NO_METHODS and name not in _PLAIN_BASES for name in names):
            return True
        bindings = source.bindings.bindings_of(base.id, start_of(base)) if isinstance(base, ast.Name) else ()
        own = [one.node for one in bindings if isinstance(one.node, ast.ClassDef) and one.node is not definition]
        if steps and any(_is_for_others(source, one, steps - 1) for one in own):
            return True
    decorators = (one.func if isinstance(one, ast.Call) else one for one in definition.decorator_list)
    names_of_decorators = [name for one in decorators for name in source.bindings.names_of(one)]
    return any("register" in name.rpartition(".")[2] for name in names_of_decorators)


_CALL_NO_METHODS = frozenset({"abc", "dataclasses", "flax", "jax", "typing", "typing_extensions"})
_PLAIN_BASES = frozenset({"builtins.object", "builtins.Exception"})


@remembered
def _goes_through_members(source: ParsedSource) -> bool:
    """Tell whether the file calls what it finds in a class or module: ``for name in dir(Jobs)``, ``vars(Jobs)``."""
    calls, attributes = source.bindings.calls, source.bindings.attributes
    mentions = (*(call for name in ("dir", "vars") for call in calls.get(name, ())), *attributes.get("__dict__", ()))
    if any(not _is_asked_for_one(source, one) for one in mentions):
        return True
    return "__subclasses__" in attributes or "getmembers" in attributes


def _is_asked_for_one(source: ParsedSource, members: ast.expr) -> bool:
    """Tell whether one member is asked for by its name: ``vars(Jobs)["run"]``."""
    around = source.ast_parent(members)
    return isinstance(around, ast.Subscript) and around.value is members and isinstance(around.slice, ast.Constant)


@remembered
def _asked_for_by_text(source: ParsedSource) -> frozenset[str]:
    """Return the texts by which the file may get at methods: ``getattr(job, "run")``, ``methodcaller("run")``."""
    names = ("getattr", "methodcaller", "attrgetter", "vars")
    if source.bindings.calls.keys().isdisjoint(names) and "__dict__" not in source.bindings.attributes:
        return frozenset()
    texts = (node.value for node in source.ast_nodes() if isinstance(node, ast.Constant))
    return frozenset(text for text in texts if isinstance(text, str) and text.isidentifier())


@remembered
def _handles_anywhere(source: ParsedSource, errors: Errors) -> bool:
    """Tell whether any statement of the file may handle an error of what it runs, other than of its imports."""
    return any(
        handles_below(source, one.node, child, errors)
        for one in source.bindings.statements
        for child in getattr(one.node, "body", ())
        if not isinstance(one.node, (*FUNCTIONS, ast.ClassDef))
        and not isinstance(child, (ast.Import, ast.ImportFrom, ast.Pass))
    )


# What runs a function that is named somewhere


def _run_by(source: ParsedSource, use: ast.expr, errors: Errors) -> list[_Called] | None:
    """Return the names of what may run a function at, or because of, one use of its name.

    Args:
        source: the file.
        use: the name.
        errors: the errors that the function raises.

    Returns:
        The functions around a call, and whatever the function itself is assigned to; ``None`` if its errors may be
        handled there.
    """
    if may_handle(source, use, errors):
        return None
    found = [*_functions_around(source, use)]
    around = source.ast_parent(use)
    is_call = isinstance(around, ast.Call) and around.func is use
    runs_later = _runs_later(source, getattr(use, "attr", getattr(use, "id", "")))
    if is_call and not runs_later:
        return found
    if runs_later and any(handles_somewhere(source, one, errors) for one in _definitions_around(source, use)):
        return None
    child: ast.AST = use
    while around is not None and not isinstance(around, ast.stmt):
        if isinstance(around, ast.Call):
            if _may_call_and_handle(source, around, child, errors):
                return None
            is_called = child is around.func and getattr(child, "attr", "") not in _GIVE_CONTENTS
            if not runs_later and (is_called or _calls_at_once(source, around)):
                return found
        found += () if isinstance(child, ast.arg) else [(name, None) for name in _names_in_targets(around)]
        child, around = around, source.ast_parent(around)
    owner = around if around is None or isinstance(around, ast.ClassDef) else source.ast_parent(around)
    if isinstance(owner, ast.ClassDef):
        found.append((owner.name, owner))  # A factory of defaults runs when an object is made.
    if around is not None and child is not getattr(around, "annotation", None):
        found += [(name, None) for name in _names_in_targets(around)]
    return found


_GIVE_CONTENTS = frozenset({"copy", "get", "items", "pop", "popitem", "setdefault", "values"})
"""Methods of containers of functions, which return functions and run none."""


def _definitions_around(source: ParsedSource, node: ast.AST) -> Iterator[ast.AST]:
    around = source.ast_parent(node)
    while around is not None:
        if isinstance(around, FUNCTIONS):
            yield around
        around = source.ast_parent(around)


@remembered
def _runs_later(source: ParsedSource, name: str) -> bool:
    """Tell whether a call of a function may return before all that it does has run: as a generator's does."""
    functions = _definitions(source)
    return any(_is_lazy(one, functions) for one in functions.get(name, ()))


@remembered
def _definitions(source: ParsedSource) -> dict[str, list[ast.AST]]:
    """Return the functions of the file by their names."""
    found: dict[str, list[ast.AST]] = {}
    for node in (one.node for one in source.bindings.statements):
        if isinstance(node, FUNCTIONS):
            found.setdefault(node.name, []).append(node)
    return found


def _is_lazy(function: ast.AST, functions: Collection[str]) -> bool:
    lazy = (ast.Yield, ast.YieldFrom, *FUNCTIONS)
    if isinstance(function, ast.AsyncFunctionDef) or any(isinstance(node, lazy) for node in own_nodes(function)):
        return True
    returned = [node.value for node in own_nodes(function) if isinstance(node, ast.Return) and node.value is not None]
    if any(nodes_below(returned, ast.Lambda, ast.GeneratorExp)):
        return True
    return any(isinstance(node, ast.Name) and node.id in functions for node in returned)


def _may_call_and_handle(source: ParsedSource, call: ast.Call, given: ast.AST, errors: Errors) -> bool:
    """Tell whether what is given a function may call it, and handle its errors."""
    names = source.bindings.names_of(call.func)
    if given is call.func or (names == {PARTIAL} and given in call.args[:1]):
        return False
    if names and given in call.args[1:] and _calls_at_once(source, call):
        return _handles_anywhere(source, errors)  # The first argument calls it: ``reduce(lambda f, g: g(f), ..)``.
    if names:
        return calls_and_handles(source, call)
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return sounds_like_handling(name) or _handles_anywhere(source, errors)


def _calls_at_once(source: ParsedSource, call: ast.Call) -> bool:
    """Tell whether what is given a function calls it and returns results, as ``jax.tree.map`` and ``sorted`` do."""
    names = source.bindings.names_of(call.func)
    return bool(names) and all(name.rpartition(".")[2] in _CALL_AT_ONCE and name != "builtins.map" for name in names)


_CALL_AT_ONCE = TREE_FUNCTION_BASENAMES | {"eval_shape", "reduce", "scan", "fori_loop", "sorted", "while_loop"}


def _names_in_targets(node: ast.AST) -> Iterator[str]:
    """Yield the names that stand for a value from now on: assigned, iterated over, or the defaults of parameters."""
    if isinstance(node, ast.arguments):
        yield from (one.arg for one in (*node.posonlyargs, *node.args, *node.kwonlyargs))
        return
    if isinstance(node, ast.keyword):
        yield from () if node.arg is None else (node.arg,)
        return
    pending = [*(getattr(node, "targets", None) or [getattr(node, "target", None)])]
    for one in pending:
        if isinstance(one, (ast.Name, ast.Attribute)):
            yield one.id if isinstance(one, ast.Name) else one.attr
        elif isinstance(one, (ast.Tuple, ast.List)):
            pending += one.elts
        elif isinstance(one, (ast.Subscript, ast.Starred)):
            pending.append(one.value)
