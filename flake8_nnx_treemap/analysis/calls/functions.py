"""Finds the function that an expression refers to: a lambda, a ``def``, a method, a ``functools.partial`` of one."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from flake8_nnx_treemap.analysis.code.nodes import (
    Code,
    Definition,
    body_of,
    depth_exceeds,
    keyword_arguments,
    positional_arguments,
    start_of,
)
from flake8_nnx_treemap.analysis.names.imported import definition_elsewhere
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, Scope, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown, remembered

MAXIMUM_STEPS = 6
"""The number of aliases and partials that are followed from an expression to its function."""

MAXIMUM_DEPTH = 150
"""The deepest nesting of nodes in a function that is read: reading recurses a few frames for each level."""


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function whose definition is in the project.

    ``bound`` is the number of leading parameters that are given already (``self``, arguments of a partial), ``given``
    are parameters that a partial gives by keyword. ``overridable`` is true for methods, which a subclass may override.
    ``home`` is the other file of the project that defines it, if it is imported from there.
    """

    definition: Definition
    bound: int = 0
    given: frozenset[str] = frozenset()
    overridable: bool = False
    decorators: tuple[str, ...] = ()
    home: ParsedSource | None = None

    @property
    def body(self) -> Code:
        """The statements of the function, or the expression of the lambda."""
        return body_of(self.definition)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the positional parameters that a caller can still give."""
        names = [found.arg for found in positional_parameters(self.definition)]
        return tuple(name for name in names[self.bound :] if name not in self.given)

    @property
    def required(self) -> tuple[str, ...]:
        """The ``parameters`` that have no default."""
        names = [found.arg for found in positional_parameters(self.definition)]
        defaulted = names[len(names) - len(self.definition.args.defaults) :]
        return tuple(name for name in self.parameters if name not in defaulted)

    @property
    def starred(self) -> str | None:
        """The name of ``*args``, if the function takes any."""
        star = self.definition.args.vararg
        return None if star is None else star.arg

    def parameter_at(self, position: int) -> str | None:
        """Return how the function spells a positional argument: a parameter's name, or ``args[0]``."""
        names = self.parameters
        if position < len(names):
            return names[position]
        return f"{self.starred}[{position - len(names)}]" if self.starred else None


def positional_parameters(definition: Definition) -> list[ast.arg]:
    """Return the parameters that can be given by position."""
    return [*definition.args.posonlyargs, *definition.args.args]


SINGLE_DISPATCH = frozenset({"functools.singledispatch", "functools.singledispatchmethod"})
"""Decorators that choose the function to run by the type of the first argument."""

TRANSPARENT_DECORATORS = SINGLE_DISPATCH | {"builtins.staticmethod", "builtins.classmethod"}
"""Decorators under which a call still runs the function's body with its arguments."""


def function_of(
    source: ParsedSource, expression: ast.expr, steps: int = MAXIMUM_STEPS, *, across_files: bool = False
) -> Function | Unknown:
    """Return the function that an expression refers to.

    Args:
        source: the file.
        expression: what is called, or passed to be called.
        steps: how many aliases and partials may still be followed.
        across_files: whether to find functions imported from the same project, too; they have a ``home``.

    Returns:
        The function, or why its definition cannot be found.
    """
    if isinstance(expression, ast.Lambda):
        return _read(source, Function(expression))
    if steps == 0:
        return Unknown("defined through too many aliases")
    if isinstance(expression, ast.Call):
        return _function_of_partial(source, expression, steps)
    if across_files and isinstance(expression, (ast.Name, ast.Attribute)):
        imported = _imported_function(source, source.bindings.names_of(expression))
        if not isinstance(imported, Unknown):
            return imported
    if isinstance(expression, ast.Name):
        return _function_of_name(source, expression, steps)
    if isinstance(expression, ast.Attribute):
        return _function_of_method(source, expression)
    return Unknown("not a function that can be seen here")


def _read(source: ParsedSource, function: Function) -> Function | Unknown:
    return Unknown("nested too deeply") if is_nested_too_deeply(source, function.definition) else function


@remembered
def is_nested_too_deeply(source: ParsedSource, code: ast.stmt | ast.expr) -> bool:
    """Tell whether a piece of code is nested too deeply to be read."""
    start, end = source.offsets_of(code)
    # Each level takes at least one character, so the depth of short code need not be measured.
    return end - start > MAXIMUM_DEPTH and depth_exceeds(code, MAXIMUM_DEPTH)


def binding_of(source: ParsedSource, name: ast.Name) -> Binding | Unknown:
    """Return the only binding that reaches the use of a name."""
    bindings = source.bindings.bindings_of(name.id, start_of(name))
    if len(bindings) == 1:
        return bindings[0]
    return Unknown(f"{name.id!r} has {len(bindings) or 'no'} definitions here")


def value_of(source: ParsedSource, name: ast.Name) -> ast.expr | Unknown:
    """Return the expression assigned to a name, if exactly one assignment reaches its use."""
    binding = binding_of(source, name)
    if isinstance(binding, Unknown):
        return binding
    if binding.kind is not BindingKind.ASSIGNMENT or binding.value is None or binding.path:
        return Unknown(f"{name.id!r} is not plainly assigned")
    return binding.value


def _function_of_name(source: ParsedSource, name: ast.Name, steps: int) -> Function | Unknown:
    binding = binding_of(source, name)
    if isinstance(binding, Unknown):
        return binding
    if binding.kind is BindingKind.FUNCTION:
        return _function_of_definition(source, binding)
    value = value_of(source, name)
    return value if isinstance(value, Unknown) else function_of(source, value, steps - 1)


def _imported_function(source: ParsedSource, names: frozenset[str]) -> Function | Unknown:
    """Return the function in another file of this project that a qualified name means, also through re-exports."""
    found = definition_elsewhere(source, names)
    if found is None:
        return Unknown("imported from elsewhere")
    home, binding = found
    if binding.kind is BindingKind.FUNCTION:
        function = _function_of_definition(home, binding)
    elif binding.kind is BindingKind.ASSIGNMENT and isinstance(binding.value, ast.Lambda) and not binding.path:
        function = _read(home, Function(binding.value))
    else:
        return Unknown("no function")
    return function if isinstance(function, Unknown) else replace(function, home=home)


def _function_of_definition(source: ParsedSource, binding: Binding) -> Function | Unknown:
    definition = binding.node
    if not isinstance(definition, ast.FunctionDef):
        return Unknown(f"{binding.name!r} is asynchronous")
    decorators = tuple(_decorator_name(source, decorator) for decorator in definition.decorator_list)
    unknown = [name for name in decorators if name not in TRANSPARENT_DECORATORS]
    if unknown:
        return Unknown(f"{binding.name!r} is decorated with {unknown[0] or 'something unknown'}")
    return _read(source, Function(definition, decorators=decorators))


def _decorator_name(source: ParsedSource, decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return min(source.bindings.names_of(called), default="")


def _function_of_partial(source: ParsedSource, call: ast.Call, steps: int) -> Function | Unknown:
    if source.bindings.names_of(call.func) != {PARTIAL}:
        return Unknown("made by a call")
    given = positional_arguments(call)
    if not given:
        return Unknown("a partial with starred arguments")
    function = function_of(source, given[0], steps - 1)
    if isinstance(function, Unknown):
        return function
    return replace(
        function,
        bound=function.bound + len(given) - 1,
        given=function.given | frozenset(keyword_arguments(call)),
    )


PARTIAL = "functools.partial"
PROPERTIES = frozenset({"builtins.property", "functools.cached_property"})
"""Decorators that make a method an attribute."""


def called_by_partial(source: ParsedSource, node: ast.expr | None) -> ast.expr | None:
    """Return what ``partial(f, ..)`` calls; ``None`` for any other expression."""
    is_partial = isinstance(node, ast.Call) and bool(node.args) and source.bindings.names_of(node.func) == {PARTIAL}
    return node.args[0] if is_partial and isinstance(node, ast.Call) else None


def _function_of_method(source: ParsedSource, expression: ast.Attribute) -> Function | Unknown:
    class_scope = class_of_self(source, expression.value)
    named = None if class_scope is not None else _class_named(source, expression.value)
    class_scope = class_scope or named
    if class_scope is None:
        return Unknown("an attribute of something unknown")
    found = _member_of(source, class_scope, expression.attr)
    static = None if found is None else _argument_of_staticmethod(source, found)
    if static is not None:
        function = function_of(source, static, 1)
        return function if isinstance(function, Unknown) else replace(function, overridable=True)
    if found is None or found.kind is not BindingKind.FUNCTION:
        return Unknown(f"{expression.attr!r} is not one method of this class")
    function = _function_of_definition(source, found)
    if isinstance(function, Unknown):
        return function
    is_of_class = "builtins.classmethod" in function.decorators
    is_of_instance = named is None and "builtins.staticmethod" not in function.decorators
    return replace(function, bound=1 if is_of_class or is_of_instance else 0, overridable=True)


def _member_of(source: ParsedSource, scope: Scope, name: str) -> Binding | None:
    """Return the only binding of a name in a class, or in the first class of this file that it inherits from."""
    for _ in range(MAXIMUM_STEPS):
        found = source.bindings.names_in(scope).get(name, [])
        if found:
            return found[0] if len(found) == 1 else None
        bases = scope.node.bases if isinstance(scope.node, ast.ClassDef) else []
        further = _class_named(source, bases[0]) if len(bases) == 1 else None
        if further is None:
            return None
        scope = further
    return None


def _argument_of_staticmethod(source: ParsedSource, binding: Binding) -> ast.expr | None:
    """Return the function in ``name = staticmethod(function)``."""
    call = binding.value if binding.kind is BindingKind.ASSIGNMENT and not binding.path else None
    if not isinstance(call, ast.Call) or len(call.args) != 1:
        return None
    return call.args[0] if source.bindings.names_of(call.func) == {"builtins.staticmethod"} else None


def _class_named(source: ParsedSource, owner: ast.expr) -> Scope | None:
    """Return the class of this file that a name means: ``Model.unwrap`` is the function, without an instance."""
    bindings = source.bindings.bindings_of(owner.id, start_of(owner)) if isinstance(owner, ast.Name) else ()
    definition = bindings[0].node if len(bindings) == 1 and bindings[0].kind is BindingKind.CLASS else None
    return source.bindings.scope_at(start_of(definition.body[0])) if isinstance(definition, ast.ClassDef) else None


def class_of_self(source: ParsedSource, owner: ast.expr) -> Scope | None:
    """Return the class that an expression such as ``self`` is an instance of: a method's first parameter."""
    if not isinstance(owner, ast.Name):
        return None
    return class_of_method(source.bindings.bindings_of(owner.id, start_of(owner)))
