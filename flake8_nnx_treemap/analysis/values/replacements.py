"""Finds what a file replaces in modules and classes: by assignment, by `setattr`, or by a patch of a test."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from flake8_nnx_treemap.analysis.calls.arguments import arguments_of
from flake8_nnx_treemap.analysis.code.nodes import start_of, words_below
from flake8_nnx_treemap.analysis.names.scopes import BindingKind, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.names import NNX_MODULES, NNX_SUBMODULES, WRAPPERS, canonical
from flake8_nnx_treemap.other_projects import OTHER_PROJECTS


@dataclass(frozen=True, slots=True)
class Replaced:
    """The names of members that a file may replace in a module or a class.

    ``assigned`` has those of attributes that are assigned to, also of plain objects, as in ``p.value = 1``. ``patched``
    has the others. ``is_open`` is true if a name is worked out, so that it may be any.
    """

    assigned: frozenset[str]
    patched: frozenset[str]
    is_open: bool


@remembered
def replaced_in(source: ParsedSource) -> Replaced:
    """Return what a file may replace in modules and classes.

    Args:
        source: the file.

    Returns:
        The names of the members. Where the file works with mocks, each word in one of its strings is one of them, since
        a mock takes the name of what it replaces in many ways.
    """
    assigned = frozenset(name for name in source.bindings.set_attributes if _is_set_on_others(source, name))
    patched: set[str] = set()
    is_open = not assigned.isdisjoint(_ANSWER_FOR_ALL) or _hands_out_members(source) or _gives_module_away(source)
    for name in _SETTERS:
        for mention in source.bindings.attributes.get(name, ()):
            found = _set_by(source, mention)
            is_open = is_open or found is None
            patched.update(found or ())
    patched.update(name for name in source.bindings.set_attributes if _is_given_descriptor(source, name))
    if _works_with_mocks(source):
        words = [word for text in _texts(source) for word in _WORD.findall(text)]
        patched.update(words, _keywords(source))
        is_open = is_open or any(map(_is_worked_out, _given_to_patches(source)))
    return Replaced(assigned, frozenset(patched), is_open)


def is_replaced(source: ParsedSource, name: str) -> bool:
    """Tell whether a file names a member that it replaces: ``jax.tree_map = ..``, ``setattr(jax, "tree_map", ..)``."""
    replaced = replaced_in(source)
    return name in replaced.assigned or name in replaced.patched


@remembered
def may_rebind_imports(source: ParsedSource) -> bool:
    """Tell whether a mock, or `setattr`, may put something else in the place of JAX or Flax in this file.

    As ``mock.patch("my.module.nnx")`` does, and ``import my.module``, where that is this file.
    """
    bound = (one for _, found in source.bindings.all_bound() for one in found)
    imported = {one.name for one in bound if (one.qualified_name or "").partition(".")[0] in ("jax", "flax")}
    texts = list(_texts(source)) if _works_with_mocks(source) else []
    mentions = (one for name in _SETTERS for one in source.bindings.attributes.get(name, ()))
    names = {text.rpartition(".")[2] for text in texts if not text.startswith(("flax.", "jax."))} | {
        name for one in mentions for name in _set_by(source, one) or ()
    }
    return not imported.isdisjoint(names) or imports_itself(source)


def imports_itself(source: ParsedSource) -> bool:
    """Tell whether a file imports a module of its own name, through which it may look up or set its own names."""
    own = posixpath.splitext(posixpath.basename(source.filename.replace("\\", "/")))[0]
    for node in (one.node for one in source.bindings.statements):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = (getattr(node, "module", None) or "") if not getattr(node, "level", 0) else "."
            for alias in node.names:
                is_ours = (module or alias.name).partition(".")[0] not in _OF_OTHERS
                if is_ours and alias.name.rpartition(".")[2] == own:
                    return True
    return False


_OF_OTHERS = OTHER_PROJECTS | sys.stdlib_module_names


_WORD = re.compile(r"[^\W\d]\w*")
_SETTERS = ("setattr", "delattr", "__setattr__", "__delattr__")
_PATCHES = ("patch", "object", "dict", "multiple", *_SETTERS)
_ANSWER_FOR_ALL = frozenset({"__getattr__", "__getattribute__", "__class__"})
"""Attributes of a module or a class that decide what all its other members are."""


def is_of_library(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether an expression names JAX or Flax, or a part of them."""
    return any(name.partition(".")[0] in ("jax", "flax") for name in source.bindings.names_of(node))


# By assignment


def _is_set_on_others(source: ParsedSource, name: str) -> bool:
    """Tell whether the file sets an attribute on what may be a module of JAX or Flax, or a class of Variables."""
    owners = [store.value for store in _stores(source, name) if not _is_self(source, store.value)]
    if any(is_of_library(source, owner) or _may_be_library(owner) for owner in owners):
        return True
    return bool(owners) and _hands_on_library(source)


def _may_be_library(owner: ast.expr) -> bool:
    """Tell whether what is no name may be a module of JAX or Flax: ``helpers.nnx``, ``import_module("flax.nnx")``."""
    if isinstance(owner, ast.Attribute):
        return owner.attr in _LAST_NAMES
    return isinstance(owner, ast.Call) or "modules" in words_below(owner)


def _stores(source: ParsedSource, name: str) -> Iterator[ast.Attribute]:
    for use in source.bindings.attributes[name]:
        if isinstance(use, ast.Attribute) and not isinstance(use.ctx, ast.Load):
            yield use


def _is_self(source: ParsedSource, owner: ast.expr) -> bool:
    if not isinstance(owner, ast.Name):
        return False
    return class_of_method(source.bindings.bindings_of(owner.id, start_of(owner))) is not None


def _is_given_descriptor(source: ParsedSource, name: str) -> bool:
    """Tell whether some assignment to an attribute may put a property or a method into a class, or replaces it."""
    stores = list(_stores(source, name))
    if any(_may_be_class(source, one.value) for one in stores):
        return True
    return any(_may_be_descriptor(source, one) for one in stores if not _is_self(source, one.value))


def _may_be_class(source: ParsedSource, owner: ast.expr) -> bool:
    """Tell whether a name is that of a class: ``cls``, or a parameter that the file gives one."""
    if not isinstance(owner, ast.Name):
        return False
    bindings = source.bindings.bindings_of(owner.id, start_of(owner))
    passed = [arguments_of(source, one) for one in bindings if one.kind is BindingKind.PARAMETER]
    given = (argument.value for one in passed if one is not None for argument in one.given)
    return owner.id in ("cls", "klass") or any(_names_class(source, value) for value in given if value is not None)


def _names_class(source: ParsedSource, node: ast.expr) -> bool:
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if isinstance(node, ast.Name) else ()
    is_own = any(one.kind is BindingKind.CLASS for one in bindings)
    return is_own or any(canonical(name) in WRAPPERS for name in source.bindings.names_of(node))


def _may_be_descriptor(source: ParsedSource, store: ast.Attribute) -> bool:
    if source.bindings.names_of(store.value):
        return True  # Of what is imported, such as ``nnx.Variable.value``.
    if _is_instance(source, store.value):
        return False  # What an object holds by itself is no property of it.
    values = _stored_values(source, store)
    return values is None or any(_is_descriptor(source, one) for one in values)


def _is_instance(source: ParsedSource, owner: ast.expr) -> bool:
    """Tell whether a name is an object that a class has made, or a parameter that is annotated with one."""
    if _is_object(source, owner):
        return True
    bindings = source.bindings.bindings_of(owner.id, start_of(owner)) if isinstance(owner, ast.Name) else ()
    annotations: list[ast.expr | None] = [
        getattr(one.node, "annotation", None) for one in bindings if one.kind is BindingKind.PARAMETER
    ]
    names = [source.bindings.names_of(one) if one is not None else frozenset() for one in annotations]
    return 0 < len(bindings) == len(names) and all(any(canonical(one) in WRAPPERS for one in found) for found in names)


def _stored_values(source: ParsedSource, store: ast.Attribute) -> list[ast.expr] | None:
    """Return what a statement may store in an attribute; ``None`` if that is worked out elsewhere."""
    target: ast.expr = store
    statement = source.ast_parent(store)
    index: int | None = None
    if isinstance(statement, (ast.Tuple, ast.List)) and not any(isinstance(one, ast.Starred) for one in statement.elts):
        index, target = statement.elts.index(store), statement
        statement = source.ast_parent(statement)
    if isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        return []
    if not isinstance(statement, ast.Assign) or target not in statement.targets:
        return None
    if index is None:
        return [statement.value]
    given = statement.value
    if not isinstance(given, (ast.Tuple, ast.List)) or any(isinstance(one, ast.Starred) for one in given.elts):
        return None
    return given.elts[index : index + 1]


def _is_descriptor(source: ParsedSource, value: ast.expr) -> bool:
    """Tell whether a value may be a property, a function, or an object of a class of this file."""
    called = value.func if isinstance(value, ast.Call) else value
    if isinstance(called, ast.Lambda) or (called is not value and source.bindings.names_of(called) & _DESCRIPTORS):
        return True
    bindings = source.bindings.bindings_of(called.id, start_of(called)) if isinstance(called, ast.Name) else ()
    kinds = (BindingKind.CLASS,) if called is not value else (BindingKind.CLASS, BindingKind.FUNCTION)
    return any(one.kind in kinds for one in bindings)


_DESCRIPTORS = frozenset(
    {"builtins.property", "builtins.classmethod", "builtins.staticmethod", "functools.cached_property"}
)


# By ``setattr``


def _set_by(source: ParsedSource, mention: ast.Name | ast.Attribute) -> tuple[str, ...] | None:
    """Return the names that a mention of ``setattr`` may set; ``None`` if these may be any of a module or a class."""
    call = source.ast_parent(mention)
    if not isinstance(call, ast.Call) or call.func is not mention:
        is_stored = not isinstance(mention.ctx, ast.Load)
        return () if is_stored else None
    given = [*call.args[:2], *(keyword.value for keyword in call.keywords)]
    texts = [text for one in given for text in _texts_of(source, one)]
    if texts:
        return tuple(word for text in texts for word in _WORD.findall(text))
    owner = call.args[0] if call.args else None
    if isinstance(mention, ast.Attribute) and _is_super(mention.value):
        return ()
    if owner is None or is_of_library(source, owner):
        return None
    return () if _is_object(source, owner) or not _hands_on_library(source) else None


def _texts_of(source: ParsedSource, node: ast.expr) -> Iterator[str]:
    """Yield the texts that an expression is: its own, or that of a name which is assigned only once."""
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if isinstance(node, ast.Name) else ()
    value = bindings[0].value if len(bindings) == 1 and not bindings[0].path else node
    is_assigned = not bindings or bindings[0].kind is BindingKind.ASSIGNMENT
    if is_assigned and isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _is_object(source: ParsedSource, owner: ast.expr) -> bool:
    """Tell whether an expression is an object that is no module and no class: ``self``, or what a call has made."""
    if _is_self(source, owner):
        return True
    if isinstance(owner, ast.Attribute):
        return not is_of_library(source, owner) and _is_self(source, owner.value)
    bindings = source.bindings.bindings_of(owner.id, start_of(owner)) if isinstance(owner, ast.Name) else ()
    made = [one.value for one in bindings if one.kind is BindingKind.ASSIGNMENT and not one.path]
    return bool(bindings) and len(made) == len(bindings) and all(_makes_object(source, one) for one in made)


def _makes_object(source: ParsedSource, value: ast.expr | None) -> bool:
    """Tell whether a call makes an object of a class, by its name in capitals: ``Config()``, ``nnx.Linear(..)``."""
    function = value.func if isinstance(value, ast.Call) else None
    name = getattr(function, "attr", getattr(function, "id", ""))
    return name[:1].isupper()


@remembered
def _hands_on_library(source: ParsedSource) -> bool:
    """Tell whether the file gives a module of JAX or Flax, or a class of Variables, to code that may set members of it.

    A module that is only ever named before a dot is set by nothing that does not name it.
    """
    return any(_is_handed_on(source, use) for use in _uses_of_library(source))


@remembered
def _uses_of_library(source: ParsedSource) -> tuple[ast.Name | ast.Attribute, ...]:
    """Return the names and attributes that may be JAX, Flax or a part of them, as a whole: not before a dot."""
    bound = (one for _, found in source.bindings.all_bound() for one in found)
    names = {one.name for one in bound if (one.qualified_name or "").partition(".")[0] in ("jax", "flax")}
    passed_over = _only_read(source)
    found = (use for name in {*names, *_LAST_NAMES} for use in source.bindings.attributes.get(name, ()))
    return tuple(use for use in found if use not in passed_over)


def _only_read(source: ParsedSource) -> set[ast.expr]:
    """Return what is before a dot, called, or asked for by ``isinstance``: nearly all, and told without parents."""
    uses = (use for found in source.bindings.attributes.values() for use in found)
    only_read = {use.value for use in uses if isinstance(use, ast.Attribute)}
    only_read.update(call.func for calls in source.bindings.calls.values() for call in calls)
    if not any(name == "isinstance" for name, _ in source.bindings.all_bound()):
        only_read.update(one for call in source.bindings.calls.get("isinstance", ()) for one in call.args)
    return only_read


_MODULES = frozenset({"jax", "jax.tree", "jax.tree_util", "jax.numpy", "jax.lax", "flax", *NNX_MODULES}) | {
    f"{module}.{name}" for module in NNX_MODULES for name in NNX_SUBMODULES
}
_LAST_NAMES = frozenset(name.rpartition(".")[2] for name in _MODULES | WRAPPERS)


def _is_handed_on(source: ParsedSource, use: ast.Name | ast.Attribute) -> bool:
    if not isinstance(use.ctx, ast.Load):
        return False
    names = source.bindings.names_of(use)
    if names & _MODULES:
        return True
    if not any(canonical(name) in WRAPPERS for name in names):
        return False
    around = source.ast_parent(use)
    if isinstance(around, ast.Call):
        return isinstance(around.func, ast.Name) and not source.bindings.names_of(around.func)
    listed = source.ast_parent(around) if isinstance(around, (ast.Tuple, ast.List)) else None
    return isinstance(listed, (ast.For, ast.comprehension))


def _gives_module_away(source: ParsedSource) -> bool:
    """Tell whether a function of another package, or of this file, is given a module of JAX or Flax."""
    for use in _uses_of_library(source):
        around = source.ast_parent(use) if source.bindings.names_of(use) & _MODULES else None
        if isinstance(around, ast.Call) and use in around.args:
            names = source.bindings.names_of(around.func)
            if not names or not all(name.startswith(_LEAVE_MODULES_ALONE) for name in names):
                return True
    return False


_LEAVE_MODULES_ALONE = ("builtins.", "jax.", "flax.", "inspect.", "importlib.reload")

# By the dictionary of members


def _hands_out_members(source: ParsedSource) -> bool:
    """Tell whether the file gets at the members of JAX or Flax as a dictionary: ``vars(nnx)``, ``nnx.__dict__``."""
    uses = source.bindings.attributes.get("__dict__", ())
    owners = [use.value for use in uses if isinstance(use, ast.Attribute)]
    owners += [call.args[0] for call in source.bindings.calls.get("vars", ()) if call.args]
    return any(is_of_library(source, owner) for owner in owners)


# By mocks


def _works_with_mocks(source: ParsedSource) -> bool:
    """Tell whether the file patches anything with ``unittest.mock``, or with the fixtures of pytest."""
    if any(name in source.bindings.attributes for name in ("monkeypatch", "mocker", "MonkeyPatch")):
        return True
    if any(_may_be_patch(source, use) for use in source.bindings.attributes.get("patch", ())):
        return True
    modules = ((getattr(one.node, "module", None) or "", one.node) for one in source.bindings.statements)
    return any(
        "mock" in name.split(".")
        for module, node in modules
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (module, *(alias.name for alias in node.names))
    )


def _may_be_patch(source: ParsedSource, use: ast.Name | ast.Attribute) -> bool:
    """Tell whether a name is a function that patches, and not, say, a part of a picture."""
    if isinstance(use, ast.Attribute):
        return not _is_self(source, use.value)
    return all(one.kind is BindingKind.IMPORT for one in source.bindings.bindings_of(use.id, start_of(use)))


def _texts(source: ParsedSource) -> Iterator[str]:
    for node in source.ast_nodes():
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and not isinstance(source.ast_parent(node), ast.Expr):
            yield text


def _keywords(source: ParsedSource) -> Iterator[str]:
    """Yield the names of the keywords of calls that patch, as in ``patch.multiple("flax.nnx", Variable=..)``."""
    for name in _PATCHES:
        for call in source.bindings.calls.get(name, ()):
            yield from (keyword.arg for keyword in call.keywords if keyword.arg is not None)


def _given_to_patches(source: ParsedSource) -> Iterator[ast.expr]:
    """Yield what calls that may patch are given as the name of what they replace."""
    for name, calls in source.bindings.calls.items():
        for call in calls:
            if name in _PATCHES or any(is_of_library(source, one) for one in call.args[:1]):
                yield from call.args[:2]
                yield from (keyword.value for keyword in call.keywords if keyword.arg in _TARGETS)


_TARGETS = frozenset({"target", "attribute", "name"})


def _is_worked_out(node: ast.expr) -> bool:
    """Tell whether a text is put together: ``"flax.nnx." + name``, ``f"jax.{name}"``, ``"{}.{}".format(..)``."""
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.BinOp):
        return any(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in (node.left, node.right))
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in ("format", "join")
