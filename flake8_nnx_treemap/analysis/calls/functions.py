"""What runs when an expression is called: a lambda, a ``def`` in reach, a method, a ``functools.partial`` of one."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

import libcst as cst

from flake8_nnx_treemap.analysis.names.bindings import Binding, BindingKind, Scope, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource, Unknown
from flake8_nnx_treemap.analysis.syntax import dotted_parts, keyword_arguments, positional_arguments

MAXIMUM_STEPS = 6
"""How many aliases and partials are followed from a call to the function that runs."""


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function whose definition can be seen.

    ``bound`` is how many leading parameters are given already (``self``, arguments of a partial), ``given`` are
    parameters given by keyword. ``overridable`` holds for methods: a subclass may run something else.
    """

    definition: cst.Lambda | cst.FunctionDef
    bound: int = 0
    given: frozenset[str] = frozenset()
    overridable: bool = False
    decorators: tuple[str, ...] = ()
    home: ParsedSource | None = None
    """The other file of the project that defines it, if it is imported from there."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the positional parameters that a caller still has to give."""
        params = self.definition.params
        names = [parameter.name.value for parameter in (*params.posonly_params, *params.params)]
        return tuple(name for name in names[self.bound :] if name not in self.given)

    @property
    def required(self) -> tuple[str, ...]:
        """Those of ``parameters`` that have no default."""
        params = self.definition.params
        defaulted = {found.name.value for found in (*params.posonly_params, *params.params) if found.default}
        return tuple(name for name in self.parameters if name not in defaulted)

    @property
    def starred(self) -> str | None:
        """The name of ``*args``, if the function takes any."""
        star = self.definition.params.star_arg
        return star.name.value if isinstance(star, cst.Param) else None

    def parameter_at(self, position: int) -> str | None:
        """The source text by which the function knows a positional argument: a name, or ``args[0]``."""
        names = self.parameters
        if position < len(names):
            return names[position]
        return f"{self.starred}[{position - len(names)}]" if self.starred else None


SINGLE_DISPATCH = frozenset({"functools.singledispatch", "functools.singledispatchmethod"})
"""Decorators under which the type of the first argument chooses what runs."""

TRANSPARENT_DECORATORS = SINGLE_DISPATCH | {"builtins.staticmethod", "builtins.classmethod"}
"""Decorators under which the body still runs with the arguments of the call."""


def function_of(
    source: ParsedSource, expression: cst.BaseExpression, steps: int = MAXIMUM_STEPS, *, across_files: bool = False
) -> Function | Unknown:
    """Find the function that an expression stands for.

    Args:
        source: the file.
        expression: what is called, or given to be called.
        steps: how many aliases and partials may still be followed.
        across_files: whether a function that is imported from the same project will do; it has a ``home``.

    Returns:
        The function, or why it cannot be seen from here.
    """
    if isinstance(expression, cst.Lambda):
        return Function(expression)
    if steps == 0:
        return Unknown("defined through too many aliases")
    if isinstance(expression, cst.Call):
        return _function_of_partial(source, expression, steps)
    if across_files and isinstance(expression, (cst.Name, cst.Attribute)):
        imported = _imported_function(source, source.qualified_names(expression), steps)
        if not isinstance(imported, Unknown):
            return imported
    if isinstance(expression, cst.Name):
        return _function_of_name(source, expression, steps)
    if isinstance(expression, cst.Attribute):
        return _function_of_method(source, expression)
    return Unknown("not a function that can be seen here")


def binding_of(source: ParsedSource, name: cst.Name) -> Binding | Unknown:
    """The one binding that a name has where it is used."""
    bindings = source.bindings_of(name)
    if len(bindings) == 1:
        return bindings[0]
    return Unknown(f"{name.value!r} has {len(bindings) or 'no'} definitions here")


def value_of(source: ParsedSource, name: cst.Name) -> cst.BaseExpression | Unknown:
    """The expression last assigned to a name, where exactly one assignment reaches it."""
    binding = binding_of(source, name)
    if isinstance(binding, Unknown):
        return binding
    if binding.kind is not BindingKind.ASSIGNMENT or binding.value is None or binding.path:
        return Unknown(f"{name.value!r} is not plainly assigned")
    value = source.cst_of(binding.value)
    return value if isinstance(value, (cst.BaseExpression, Unknown)) else Unknown("not an expression")


def _function_of_name(source: ParsedSource, name: cst.Name, steps: int) -> Function | Unknown:
    binding = binding_of(source, name)
    if isinstance(binding, Unknown):
        return binding
    if binding.kind is BindingKind.FUNCTION:
        return _function_of_definition(source, binding)
    value = value_of(source, name)
    return value if isinstance(value, Unknown) else function_of(source, value, steps - 1)


def _imported_function(source: ParsedSource, names: frozenset[str], steps: int) -> Function | Unknown:
    """The function of another file of this project that a name leads to, through whatever imports."""
    found = source.modules(next(iter(names))) if source.modules is not None and len(names) == 1 else None
    if found is None or not steps:
        return Unknown("imported from elsewhere")
    home, name = found
    bindings = home.bindings.names_in(home.bindings.module).get(name, [])
    if len(bindings) != 1:
        return Unknown(f"{name!r} has {len(bindings) or 'no'} definitions there")
    binding = bindings[0]
    if binding.qualified_name is not None:
        return _imported_function(home, frozenset({binding.qualified_name}), steps - 1)
    if binding.kind is BindingKind.FUNCTION:
        function = _function_of_definition(home, binding)
    elif binding.kind is BindingKind.ASSIGNMENT and isinstance(binding.value, ast.Lambda) and not binding.path:
        definition = home.cst_of(binding.value)
        function = Function(definition) if isinstance(definition, cst.Lambda) else Unknown("not parsed")
    else:
        return Unknown("no function")
    return function if isinstance(function, Unknown) else replace(function, home=home)


def _function_of_definition(source: ParsedSource, binding: Binding) -> Function | Unknown:
    assert isinstance(binding.node, (ast.FunctionDef, ast.AsyncFunctionDef))
    definition = source.cst_of(binding.node)
    if isinstance(definition, Unknown):
        return definition
    assert isinstance(definition, cst.FunctionDef)
    decorators = tuple(_decorator_name(source, decorator.decorator) for decorator in definition.decorators)
    unknown = [name for name in decorators if name not in TRANSPARENT_DECORATORS]
    if unknown:
        return Unknown(f"{binding.name!r} is decorated with {unknown[0] or 'something unknown'}")
    if definition.asynchronous is not None:
        return Unknown(f"{binding.name!r} is asynchronous")
    return Function(definition, decorators=decorators)


def _decorator_name(source: ParsedSource, decorator: cst.BaseExpression) -> str:
    called = decorator.func if isinstance(decorator, cst.Call) else decorator
    return next(iter(sorted(source.qualified_names(called))), "")


def _function_of_partial(source: ParsedSource, call: cst.Call, steps: int) -> Function | Unknown:
    if source.qualified_names(call.func) != {"functools.partial"}:
        return Unknown("made by a call")
    given = positional_arguments(call)
    if not given or any(argument.star for argument in call.args):
        return Unknown("a partial with starred arguments")
    function = function_of(source, given[0], steps - 1)
    if isinstance(function, Unknown):
        return function
    return replace(
        function,
        bound=function.bound + len(given) - 1,
        given=function.given | frozenset(keyword_arguments(call)),
    )


def _function_of_method(source: ParsedSource, expression: cst.Attribute) -> Function | Unknown:
    owner = dotted_parts(expression.value)
    if owner is None or len(owner) != 1:
        return Unknown("an attribute of something unknown")
    class_scope = class_of_self(source, expression.value)
    if class_scope is None:
        return Unknown("an attribute of something unknown")
    found = source.bindings.names_in(class_scope).get(expression.attr.value, [])
    if len(found) != 1 or found[0].kind is not BindingKind.FUNCTION:
        return Unknown(f"{expression.attr.value!r} is not one method of this class")
    function = _function_of_definition(source, found[0])
    if isinstance(function, Unknown):
        return function
    is_static = "builtins.staticmethod" in function.decorators
    return replace(function, bound=0 if is_static else 1, overridable=True)


def class_of_self(source: ParsedSource, owner: cst.BaseExpression) -> Scope | None:
    """The class whose method's first parameter ``owner`` is: the class of ``self``."""
    return class_of_method(source.bindings_of(owner)) if isinstance(owner, cst.Name) else None
