"""Finds who may handle an error that is raised at a place: handlers, managers, decorators, callers of lambdas."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Sequence

from flake8_nnx_treemap.analysis.calls.functions import PARTIAL, PROPERTIES
from flake8_nnx_treemap.analysis.code.managers import NEVER_SWALLOW
from flake8_nnx_treemap.analysis.code.managers import may_swallow as may_swallow_by_name
from flake8_nnx_treemap.analysis.code.nodes import dotted_name, is_name, nodes_below, own_nodes, start_of
from flake8_nnx_treemap.analysis.names.imported import definition_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import (
    FUNCTIONS,
    Binding,
    BindingKind,
    ScopeKind,
    Statement,
    class_of_method,
)
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.values.provenance import attribute_values

Errors = Sequence[type[BaseException]]

_TRIES = tuple({ast.Try, getattr(ast, "TryStar", ast.Try)})  # From Python 3.11 on.
ASKED = frozenset({"__getattr__", "__getattribute__", "__get__", "__del__", "__len__", "__length_hint__"})
"""Methods of which nobody sees an ``AttributeError``, a ``TypeError``, or no error at all."""
_MANAGERS = frozenset({"contextlib.contextmanager", "contextlib.asynccontextmanager"})

_EXITS = ("__exit__", "__aexit__")

_HANDLING_WORDS = (
    "suppress",
    "swallow",
    "ignor",
    "catch",
    "retry",
    "retries",
    "xfail",
    "expectedfailure",
    "raises",
    "attempt",
    "atexit",
    "call_at",
    "call_later",
    "call_soon",
    "done_callback",
    "executor",
    "finalize",
    "gather",
    "submit",
    "thread",
    "timer",
    "weakref",
)
"""Words in the names of functions elsewhere that call a function so that its error is handled."""


def sounds_like_handling(name: str) -> bool:
    """Tell whether a function's name says that it handles errors of what it is given."""
    return any(word in name.lower() for word in _HANDLING_WORDS)


def may_handle(source: ParsedSource, node: ast.AST, errors: Errors) -> bool:
    """Tell whether something around a node may handle an error that the node raises.

    Args:
        source: the file.
        node: what raises.
        errors: the errors.

    Returns:
        False if every handler around the node is known to be for other errors, every context manager to swallow none,
        and every decorator and caller that is written around it to handle none. Where the node is in a function within
        another one, that one may call it anywhere, and handles nothing. Who calls from elsewhere is not asked.
    """
    child, around, in_lambda, runs_later = node, source.ast_parent(node), False, False
    while around is not None:
        if not isinstance(around, ast.expr) and handles_below(source, around, child, errors):  # Most are expressions.
            return True
        if isinstance(around, FUNCTIONS) and runs_later and handles_somewhere(source, around, errors):
            return True
        runs_later = runs_later or isinstance(around, (*FUNCTIONS, ast.Lambda, ast.GeneratorExp))
        in_lambda = in_lambda or isinstance(child, ast.Lambda)
        is_given = in_lambda and isinstance(around, ast.Call) and child is not around.func
        if is_given and calls_and_handles(source, around):
            return True
        child, around = around, source.ast_parent(around)
    return False


def handles_below(source: ParsedSource, around: ast.AST, child: ast.AST, errors: Errors) -> bool:
    """Tell whether a statement may handle an error that one of its children raises."""
    if isinstance(around, _TRIES):
        is_body = child in around.body
        if is_body and any(_may_keep(source, handler, errors) for handler in around.handlers):
            return True
        return child not in around.finalbody and _leaves(around.finalbody)
    if isinstance(around, (ast.With, ast.AsyncWith)):
        return any(may_swallow(source, item.context_expr) for item in around.items)
    if isinstance(around, FUNCTIONS):
        # An ``AttributeError`` in these is what ``hasattr`` and ``getattr`` ask for. No error leaves ``__del__``.
        is_asked = around.name in ASKED or _is_property(source, around)
        if is_asked or any(calls_and_handles(source, one) for one in around.decorator_list):
            return True
        is_task = isinstance(around, ast.AsyncFunctionDef) and not _RUN_TASKS.isdisjoint(source.bindings.calls)
        return is_task or _is_replaced(source, around)
    return isinstance(around, ast.ClassDef) and (_wraps_methods(source, around) or _is_run_by_python(source, around))


@remembered
def handles_somewhere(source: ParsedSource, function: ast.AST, errors: Errors) -> bool:
    """Tell whether a function handles one of some errors anywhere in its body, or gives a function to what does."""
    nodes = list(own_nodes(function))
    tries = [node for node in nodes if isinstance(node, _TRIES)]
    handlers = (handler for one in tries for handler in one.handlers)
    if any(_may_keep(source, one, errors) for one in handlers) or any(_leaves(one.finalbody) for one in tries):
        return True
    items = [item for node in nodes if isinstance(node, (ast.With, ast.AsyncWith)) for item in node.items]
    if any(may_swallow(source, item.context_expr) for item in items):
        return True
    return any(_is_given_away(source, node) for node in nodes)


def _is_given_away(source: ParsedSource, node: ast.AST) -> bool:
    """Tell whether a function that stands in another one is put somewhere, or given to what may handle its errors."""
    if isinstance(node, ast.Name):
        bindings = source.bindings.bindings_of(node.id, start_of(node))
        if all(one.kind is not BindingKind.FUNCTION or one.scope.kind is ScopeKind.MODULE for one in bindings):
            return False
    elif not isinstance(node, ast.Lambda):
        return False
    around = source.ast_parent(node)
    around = source.ast_parent(around) if isinstance(around, ast.keyword) else around
    if isinstance(around, ast.Call):
        return around.func is not node and calls_and_handles(source, around)
    return isinstance(around, (ast.List, ast.Tuple, ast.Set, ast.Dict))


def _is_replaced(source: ParsedSource, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether the file puts another function in a function's place: ``step = quiet(step)``, ``A.step = ..``."""
    if function.name in source.bindings.set_attributes:
        return True
    bindings = source.bindings.names_in(source.bindings.scope_at(start_of(function))).get(function.name, [])
    assigned = (one.value for one in bindings if one.kind is BindingKind.ASSIGNMENT)
    return any(isinstance(value, ast.Call) and calls_and_handles(source, value) for value in assigned)


_RUN_TASKS = frozenset({"create_task", "ensure_future", "gather", "run_coroutine_threadsafe"})
"""Functions that run a coroutine, and keep its error for whoever asks."""


def _wraps_methods(source: ParsedSource, definition: ast.ClassDef) -> bool:
    """Tell whether a decorator, a metaclass or a base of a class that the file defines may wrap its methods."""
    if any(calls_and_handles(source, one) for one in definition.decorator_list):
        return True
    metaclasses = (keyword.value for keyword in definition.keywords if keyword.arg == "metaclass")
    if any(not source.bindings.names_of(one) for one in metaclasses):
        return True
    return any(_may_wrap_methods(source, base) for base in definition.bases)


def _is_run_by_python(source: ParsedSource, definition: ast.ClassDef) -> bool:
    """Tell whether a module of Python runs methods of a class and keeps their errors, or some method makes text.

    So do threads and servers with what they run, and `logging` with a formatter and with each object that it shows.
    """
    names = (name for base in definition.bases for name in source.bindings.names_of(base))
    if any(name.partition(".")[0] in _KEEP_ERRORS for name in names):
        return True
    makes_text = any(getattr(one, "name", "") in ("__str__", "__repr__", "__format__") for one in definition.body)
    return makes_text and "logging" in source.text


_KEEP_ERRORS = frozenset({"asyncio", "http", "logging", "multiprocessing", "socketserver", "threading", "xmlrpc"})


def _may_wrap_methods(source: ParsedSource, base: ast.expr) -> bool:
    """Tell whether a base class of this project, or of its file, is told of its subclasses, or has a metaclass."""
    names = source.bindings.names_of(base)
    elsewhere = definition_elsewhere(source, names) if names else None
    if elsewhere is not None:
        return any(word in elsewhere[0].text for word in ("__init_subclass__", "metaclass"))
    return not names and "__init_subclass__" in source.text


def _is_property(source: ParsedSource, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    names = (source.bindings.names_of(one) for one in function.decorator_list)
    if any(found & PROPERTIES for found in names):
        return True
    calls = (call for name in ("property", "cached_property") for call in source.bindings.calls.get(name, ()))
    given = (one for call in calls for one in (*call.args, *(keyword.value for keyword in call.keywords)))
    return any(is_name(one, function.name) for one in given)


def _may_keep(source: ParsedSource, handler: ast.ExceptHandler, errors: Errors) -> bool:
    """Tell whether a handler may be for one of some errors, and does not surely raise it again."""
    is_raised = isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None
    return _is_for(source, handler.type, errors) and not (is_raised and not _leaves(handler.body))


def _is_for(source: ParsedSource, caught: ast.expr | None, errors: Errors) -> bool:
    """Tell whether a handler may be for one of some errors: true unless it names other built-in errors."""
    if isinstance(caught, ast.Tuple):
        return any(_is_for(source, one, errors) for one in caught.elts)
    if isinstance(caught, ast.Name) and hasattr(builtins, caught.id) and _is_bound(source, caught):
        return True  # Some way may lead past what binds the name, which then is the built-in error.
    names = frozenset() if caught is None else source.bindings.names_of(caught)
    classes = [getattr(builtins, name.removeprefix("builtins."), None) for name in names]
    raised = (*errors, RuntimeError) if _turns_errors(source) else errors
    return not classes or any(
        not isinstance(one, type) or any(issubclass(one, error) or issubclass(error, one) for error in raised)
        for one in classes
    )


@remembered
def _turns_errors(source: ParsedSource) -> bool:
    """Tell whether an error may become a ``RuntimeError``: that of a callback of JAX, or of a ``__set_name__``."""
    return not source.bindings.attributes.keys().isdisjoint(_CALLBACKS) or "__set_name__" in source.text


_CALLBACKS = frozenset({"callback", "io_callback", "pure_callback"})


def _leaves(statements: Sequence[ast.stmt]) -> bool:
    """Tell whether a ``finally`` or a handler may return, or leave a loop, and so drop the error."""
    return any(isinstance(node, (ast.Return, ast.Break, ast.Continue)) for node in _nodes_of(statements))


def _nodes_of(statements: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Yield statements and the nodes below them, but not those inside functions and classes."""
    for statement in statements:
        yield statement
        yield from own_nodes(statement)


def _is_bound(source: ParsedSource, name: ast.Name) -> bool:
    return bool(source.bindings.bindings_of(name.id, start_of(name)))


# Context managers


def may_swallow(source: ParsedSource, manager: ast.expr, steps: int = 3) -> bool:
    """Tell whether a manager may swallow an error: true unless it is known not to; what the file defines is read.

    Args:
        source: the file.
        manager: the expression after ``with``.
        steps: how many names may still be followed.
    """
    called = manager.func if isinstance(manager, ast.Call) else manager
    if isinstance(called, ast.Attribute):
        return may_swallow_by_name(manager) or _attribute_may_swallow(source, called, called is manager, steps)
    if not isinstance(called, ast.Name) or not steps:
        return True
    bindings = source.bindings.bindings_of(called.id, start_of(called))
    if not bindings:
        return may_swallow_by_name(manager)
    return any(_binding_may_swallow(source, one, manager, called is manager, steps) for one in bindings)


def _attribute_may_swallow(source: ParsedSource, called: ast.Attribute, is_itself: bool, steps: int) -> bool:
    """Tell whether what an attribute holds, or a call of it returns, may swallow though its name sounds otherwise."""
    names = source.bindings.names_of(called)
    if names:
        is_known = all(name.rpartition(".")[2] in NEVER_SWALLOW for name in names)
        elsewhere = definition_elsewhere(source, names) if is_known else None
        return not is_known or (elsewhere is not None and _binding_may_swallow(*elsewhere, called, is_itself, steps))
    root = (dotted_name(called) or ("",))[0]
    bindings = source.bindings.bindings_of(root, start_of(called))
    if not is_itself or len(bindings) != 1 or bindings[0].kind is not BindingKind.PARAMETER:
        return True  # A method, or an attribute of something that the file makes.
    if class_of_method(bindings) is None or _hands_on_swallower(source):
        return _hands_on_swallower(source)
    values = attribute_values(source, called)
    return not values or any(may_swallow(source, value, steps - 1) for value in values)


def _binding_may_swallow(
    source: ParsedSource, binding: Binding, manager: ast.expr, is_itself: bool, steps: int
) -> bool:
    """Tell whether a name, bound in one way, or what a call of it returns, is a manager that may swallow."""
    if binding.qualified_name is not None:
        if binding.qualified_name.rpartition(".")[2] not in NEVER_SWALLOW:
            return True
        elsewhere = definition_elsewhere(source, frozenset({binding.qualified_name}))
        return elsewhere is not None and _binding_may_swallow(*elsewhere, manager, is_itself, steps)
    if binding.kind is BindingKind.PARAMETER:
        return may_swallow_by_name(manager) or _hands_on_swallower(source)
    if binding.kind is BindingKind.FUNCTION:
        return not _lets_errors_through(source, binding.node)
    if isinstance(binding.node, ast.ClassDef):
        return not _never_returns_true(source, binding.node)
    is_plain = binding.kind is BindingKind.ASSIGNMENT and not binding.path and binding.value is not None
    return not (is_plain and is_itself) or may_swallow(source, binding.value or manager, steps - 1)


@remembered
def _lets_errors_through(source: ParsedSource, definition: ast.AST) -> bool:
    """Tell whether a function is a ``contextlib.contextmanager`` that handles nothing."""
    if not isinstance(definition, FUNCTIONS) or len(definition.decorator_list) != 1:
        return False
    names = source.bindings.names_of(definition.decorator_list[0])
    return bool(names) and names <= _MANAGERS and not _handles(source, definition)


def _handles(source: ParsedSource, definition: ast.AST) -> bool:
    """Tell whether a function of the file may handle errors of what it yields to."""
    tries = list(nodes_below([definition], *_TRIES))
    if any(one.handlers or _leaves(one.finalbody) for one in tries) or any(nodes_below([definition], ast.YieldFrom)):
        return True
    return any(may_swallow(source, item.context_expr, 1) for item in nodes_below([definition], ast.withitem))


def _never_returns_true(source: ParsedSource, definition: ast.ClassDef) -> bool:
    """Tell whether a class has no bases, and its ``__exit__`` returns nothing, ``None`` or ``False``."""
    if any(name in source.bindings.attributes for name in _EXITS) or "setattr" in source.bindings.calls:
        return False  # Something may put another method in its place.
    exits = [one for one in definition.body if isinstance(one, FUNCTIONS) and one.name in _EXITS]
    if definition.bases or definition.keywords or definition.decorator_list or not exits:
        return False
    returned = [node.value for one in exits for node in _nodes_of(one.body) if isinstance(node, ast.Return)]
    return not any(one.decorator_list for one in exits) and all(
        value is None or (isinstance(value, ast.Constant) and not value.value) for value in returned
    )


@remembered
def _hands_on_swallower(source: ParsedSource) -> bool:
    """Tell whether the file makes a manager that swallows errors elsewhere than in a ``with``: ``run(suppress(..))``.

    Then a parameter or an attribute that is called ``mesh`` may be that.
    """
    names = {
        "suppress",
        *(getattr(one.node, "name", "") for one in source.bindings.statements if _swallows(source, one)),
    }
    calls = (call for name in names for call in source.bindings.calls.get(name, ()))
    return any(not _is_entered(source, call) for call in calls)


def _swallows(source: ParsedSource, statement: Statement) -> bool:
    """Tell whether a statement defines a manager that may swallow errors."""
    definition = statement.node
    if isinstance(definition, FUNCTIONS):
        names = (source.bindings.names_of(one) for one in definition.decorator_list)
        return any(one & _MANAGERS for one in names) and not _lets_errors_through(source, definition)
    if not isinstance(definition, ast.ClassDef) or not any(
        getattr(one, "name", "") in _EXITS for one in definition.body
    ):
        return False
    return not _never_returns_true(source, definition)


def _is_entered(source: ParsedSource, call: ast.Call) -> bool:
    around = source.ast_parent(call)
    if isinstance(around, ast.Call) and isinstance(around.func, ast.Attribute):
        return around.func.attr.startswith("enter_")
    return isinstance(around, ast.withitem)


# Decorators, and functions that are given a lambda


def calls_and_handles(source: ParsedSource, called: ast.AST) -> bool:
    """Tell whether a decorator, or what is given a lambda, may handle the errors of the function that it is given.

    What is imported does not, unless its name says so, or it is of this project and in a file that handles errors; what
    the file itself defines may.
    """
    function = called.func if isinstance(called, ast.Call) else called
    names = source.bindings.names_of(function)
    if not names or names & PROPERTIES:
        return bool(names) or not _is_method_of_imported(source, function)
    if names == {PARTIAL} and isinstance(called, ast.Call) and called.args:
        return calls_and_handles(source, called.args[0])
    if any(map(sounds_like_handling, names)):
        return True
    elsewhere = definition_elsewhere(source, names)
    return elsewhere is not None and any(word in elsewhere[0].text for word in ("except", "suppress", "__exit__"))


def _is_method_of_imported(source: ParsedSource, function: ast.AST) -> bool:
    """Tell whether a method is one of what another package has made: ``app = typer.Typer()``, ``@app.command()``."""
    parts = dotted_name(function) or ()
    bindings = source.bindings.bindings_of(parts[0], start_of(function)) if len(parts) > 1 else ()
    if not bindings or any(map(sounds_like_handling, parts)):
        return False
    made_by = [_made_by(one) for one in bindings]
    names = [frozenset() if one is None else source.bindings.names_of(one) for one in made_by]
    return all(found and definition_elsewhere(source, found) is None for found in names)


def _made_by(binding: Binding) -> ast.AST | None:
    """Return the function that makes what a name stands for: the one that is called, or the only decorator."""
    made = binding.value if binding.kind is BindingKind.ASSIGNMENT else None
    if isinstance(binding.node, FUNCTIONS) and len(binding.node.decorator_list) == 1:
        made = binding.node.decorator_list[0]
    return made.func if isinstance(made, ast.Call) else made
