"""Says what a safe fix rests on: each function is one obligation, and answers yes only where it holds for certain.

A rule names its obligations in ``Rule.rests_on``, and its page shows them. A fix for which one of them does not hold is
unsafe, or none. Every rule imports this file, so facts that few rules need are imported where they are asked for.
"""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from flake8_nnx_treemap.analysis.calls.arguments import is_public
from flake8_nnx_treemap.analysis.calls.leaf_uses import leaf_uses
from flake8_nnx_treemap.analysis.calls.mappers import Mapper
from flake8_nnx_treemap.analysis.calls.predicates import LeafTest
from flake8_nnx_treemap.analysis.calls.tree_calls import TreeCall
from flake8_nnx_treemap.analysis.code.nodes import Code, dotted_name, nodes_below, start_of, walk
from flake8_nnx_treemap.analysis.names.quoted import quoted_annotations
from flake8_nnx_treemap.analysis.names.scopes import Binding, BindingKind, Scope, ScopeKind, class_of_method
from flake8_nnx_treemap.analysis.names.source import ParsedSource, remembered
from flake8_nnx_treemap.analysis.names.spelling import Spelling
from flake8_nnx_treemap.analysis.values.callers import may_be_handled
from flake8_nnx_treemap.analysis.values.objects import ANY, attributes_of_objects, imported_classes, overrides
from flake8_nnx_treemap.analysis.values.provenance import Origin, TreeKind, origin_of
from flake8_nnx_treemap.analysis.values.replacements import imports_itself, may_rebind_imports, replaced_in
from flake8_nnx_treemap.analysis.values.variable_classes import (
    has_foreign_variable_classes,
    is_derived_from_flax,
    own_members,
)
from flake8_nnx_treemap.names import (
    TREE_FUNCTION_BASENAMES,
    VARIABLE_ONLY_ATTRIBUTES,
    VARIABLE_STATE_IS_VARIABLE,
    WRAPPERS,
    FlaxRange,
    FlaxRelease,
)
from flake8_nnx_treemap.other_projects import OTHER_PROJECTS
from flake8_nnx_treemap.rules.rule import Applicability
from flake8_nnx_treemap.rules.stopping import stops_elsewhere

if TYPE_CHECKING:
    from flake8_nnx_treemap.analysis.values.optimizers import Career
    from flake8_nnx_treemap.analysis.values.static_attributes import StaticAttribute
    from flake8_nnx_treemap.rules.renaming import ImportedName

Obligation = Callable[..., bool]
"""A question that has to be answered with yes before a fix is safe."""


_WHAT_TELLS = ("isinstance", *(name.rpartition(".")[2] for name in sorted(WRAPPERS)), *TREE_FUNCTION_BASENAMES)
"""What shows that something is a Variable: the classes of Flax, and what asks for them or hands them over."""


def safe_if(*answers: bool) -> Applicability:
    """Return how safe a fix is whose obligations got some answers: safe if all of them are yes."""
    return Applicability.SAFE if all(answers) else Applicability.UNSAFE


# The error


def nothing_sees_the_error(source: ParsedSource, node: ast.AST, *errors: type[BaseException]) -> bool:
    """Nothing around the code, or around its callers in the file, handles the error that the fix does away with.

    Each `except` around them names built-in errors that are others or raises the error again, each `with` has a manager
    that is known to let errors through, no `finally` returns, and no decorator of this file catches anything. Functions
    are followed by their names.

    Args:
        source: the file.
        node: the code that the fix changes.
        errors: what it may raise before the fix.
    """
    return not may_be_handled(source, node, errors)


@remembered
def warnings_are_not_watched(source: ParsedSource) -> bool:
    """Nothing in the file counts or reads the warning that the fix does away with, nor makes an error of it.

    There is no `pytest.warns`, no `assertWarns`, no `catch_warnings(record=True)`, no filter that is `"error"`, and
    nothing takes the place of what shows warnings.

    Args:
        source: the file.
    """
    if "warn" not in source.text and "deprecated_call" not in source.text:
        return True
    if not source.bindings.attributes.keys().isdisjoint(_WATCH_WARNINGS):
        return False
    if any(one.name == "recwarn" for _, found in source.bindings.all_bound() for one in found):
        return False
    calls = source.bindings.calls
    filters = (call for name in ("simplefilter", "filterwarnings") for call in calls.get(name, ()))
    return all(map(_lets_warnings_pass, filters)) and not any(
        keyword.arg in (None, "record", "action")
        for call in calls.get("catch_warnings", ())
        for keyword in call.keywords
    )


_WATCH_WARNINGS = frozenset(
    {"warns", "deprecated_call", "assertWarns", "assertWarnsRegex", "showwarning", "formatwarning", "captureWarnings"}
    | {"_showwarnmsg", "__warningregistry__", "redirect_stderr"}
)
"""Functions that ask for warnings, or show them; who reads the standard error stream sees them as well."""


def _lets_warnings_pass(call: ast.Call) -> bool:
    """Tell whether a filter of warnings makes no errors of them."""
    keywords = (keyword.value for keyword in call.keywords if keyword.arg in (None, "action"))
    action = next(iter((*call.args[:1], *keywords)), None)
    return (
        isinstance(action, ast.Constant)
        and isinstance(action.value, str)
        and not action.value.lstrip().startswith("error")
    )


def no_release_runs_the_original(flax: FlaxRange, since: FlaxRelease) -> bool:
    """The original raises on every Flax release that is to be supported.

    So there is no result that the fix could change, other than for code that handles the error.

    Args:
        flax: the Flax releases that must run the code.
        since: the first release on which the original raises, as all later ones do.
    """
    return flax.starts_from(since)


# Names


def name_is_bound_for_certain(spelling: Spelling) -> bool:
    """Each name that the fix writes is bound there, once, for certain, to what is meant.

    No `try` or `with` may have skipped its import, no other import, no `global` and no `nnx = None` rebinds it, and
    nothing hides it; or the line that is rewritten uses it already.

    Args:
        spelling: how the fix spells a member of `flax.nnx`.
    """
    return spelling.is_certain


def names_are_bound_in_the_open(source: ParsedSource) -> bool:
    """Every name of the file is bound by a statement that can be seen.

    There is no `import *` from a project of one's own, no `exec`, `globals()`, `vars()`, `sys.modules` or the like,
    through which a name may come to mean something else, and no mock puts something in the place of JAX or Flax here.

    Args:
        source: the file.
    """
    return _are_names_in_the_open(source)


def builtin_is_itself(source: ParsedSource, name: str, node: ast.AST) -> bool:
    """A built-in function that the fix calls, `isinstance` or `type`, is not hidden by a name of the file.

    Args:
        source: the file.
        name: the function.
        node: where it is called.
    """
    return not source.bindings.bindings_of(name, start_of(node)) and members_are_themselves(source, name)


def members_are_themselves(source: ParsedSource, *members: str) -> bool:
    """Nothing in the file replaces what the fix names in a module, by assignment, `setattr` or a patch.

    Args:
        source: the file.
        members: the names in the module: `Variable`, `tree_map`.
    """
    replaced = replaced_in(source)
    return not replaced.is_open and (replaced.assigned | replaced.patched).isdisjoint(members)


def function_is_called_where_it_is_named(source: ParsedSource, name: ast.expr) -> bool:
    """A function that the fix names otherwise is called there: nothing compares it, reads its name or keeps it.

    The old and the new one do the same, but need not be one object.

    Args:
        source: the file.
        name: what names the function.
    """
    around = source.ast_parent(name)
    return isinstance(around, ast.Call) and around.func is name


def imported_files_replace_nothing(source: ParsedSource, *members: str) -> bool:
    """No file of the project that runs before this one replaces what the fix names, as those do that keep old names.

    These are the files that it imports, the `__init__.py` of its package, and those which that imports.

    Args:
        source: the file.
        members: the names in the module: `with_sharding_constraint`.
    """
    found = map(replaced_in, _files_run_before(source))
    return not any(one.is_open or not (one.assigned | one.patched).isdisjoint(members) for one in found)


@remembered
def _files_run_before(source: ParsedSource) -> tuple[ParsedSource, ...]:
    package = source.modules(f".{_ANY}") if source.modules is not None else None
    of_package = () if package is None else (package[0], *_imported_files(package[0]))
    files = (*_imported_files(source), *of_package)
    return tuple(dict.fromkeys(one for one in files if one.filename != source.filename))


def _imported_files(source: ParsedSource) -> Iterator[ParsedSource]:
    """Yield the files of the project that a file imports, or takes names from."""
    if source.modules is None:
        return
    for node in (one.node for one in source.bindings.statements):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            joint = "" if module.endswith(".") else "."
            names = [module, *(f"{module}{joint}{alias.name}" for alias in node.names)]
        for name in names:
            other = source.modules(f"{name}.{_ANY}" if name.strip(".") else name + _ANY)
            if other is not None:
                yield other[0]


_ANY = "_"
"""Stands for a name in a module that is looked for."""


def variables_have_no_such_member(source: ParsedSource, *members: str) -> bool:
    """No class of Variables in the file, and no Variable, has a member of its own where the fix relies on Flax's.

    No subclass overrides it, none has a `__getattr__` or a base class in another file, nothing replaces it in Flax's
    classes, and no metadata is called so.

    Args:
        source: the file.
        members: the names that the fix reads or no longer reads: `value`, `get_value`.
    """
    replaced = replaced_in(source)
    if replaced.is_open or not replaced.patched.isdisjoint(members):
        return False
    if any(_may_be_metadata(source, name) for name in _GONE & {*members}):
        return False
    decide = {*members, "__getattr__", "__getattribute__", "__setattr__"}
    return all(
        not has_foreign_variable_classes(one) and own_members(one).isdisjoint(decide)
        for one in (source, *_files_of_imported_classes(source))
    )


@remembered
def _files_of_imported_classes(source: ParsedSource) -> tuple[ParsedSource, ...]:
    """Return the files of the project that define the classes of Variables which a file imports."""
    files = (file for file, definition in imported_classes(source) if is_derived_from_flax(file, definition))
    return tuple(dict.fromkeys(files))


_GONE = frozenset({"to_variable"})
"""Members that Flax's Variable no longer has, so that metadata is looked for. The others come before any metadata."""


def name_is_seen_by_nobody_else(source: ParsedSource, imported: ImportedName) -> bool:
    """An imported name that the fix renames is used in this file alone, and only as a name.

    It is no attribute of a class, no string that may be code mentions it, and neither `__all__` nor another file of the
    project takes it from here.

    Args:
        source: the file.
        imported: the import of the name.
    """
    name = imported.bound
    return (
        not is_reexport(source, imported)
        and source.bindings.scope_at(start_of(imported.statement)).kind is not ScopeKind.CLASS
        and not source.bindings.is_shared(name)
        and not _is_type_parameter(source, name)
        and not _looks_names_up(source)
        and not _is_named_in_text(source, name)
        and not (source.modules is not None and source.modules.import_from_here(name))
    )


@remembered
def annotations_are_not_read(source: ParsedSource) -> bool:
    """Nothing in the file reads annotations as they are written, as strings or behind `from __future__ import`.

    `inspect.signature` shows them, as do `__annotations__` and the fields of dataclasses.

    Args:
        source: the file.
    """
    if source.bindings.attributes.keys().isdisjoint(_READ_ANNOTATIONS) and '"__annotations__"' not in source.text:
        return True
    imports = (one.node for one in source.bindings.statements if isinstance(one.node, ast.ImportFrom))
    is_kept = any(node.module == "__future__" and node.names[0].name == "annotations" for node in imports)
    return not is_kept and not quoted_annotations(source)


_READ_ANNOTATIONS = frozenset(
    {
        "__annotations__",
        "fields",
        "formatargspec",
        "get_annotations",
        "getfullargspec",
        "signature",
        "__dataclass_fields__",
    }
)


def definition_is_used_in_the_open(source: ParsedSource, name: str, node: ast.AST) -> bool:
    """A function whose definition is edited is used in this file alone, and only by its name.

    Where this does not hold, or some use is not fixed, the definition stays, and each call gets a predicate of its own.

    Args:
        source: the file.
        name: the name.
        node: its definition.
    """
    scope = source.bindings.scope_at(start_of(node)).kind
    exported = _exported(source)
    return (
        scope in (ScopeKind.MODULE, ScopeKind.FUNCTION)
        and exported is not None
        and name not in exported
        and posixpath.basename(source.filename.replace("\\", "/")) != "__init__.py"
        and not source.bindings.is_shared(name)
        and not _looks_names_up(source)
        and not _is_named_in_text(source, name)
        and not (scope is ScopeKind.MODULE and source.modules is not None and source.modules.import_from_here(name))
    )


# The call, its predicate and its mapper


def everything_is_in_this_file(call: TreeCall, mapper: Mapper, test: LeafTest) -> bool:
    """The call's arguments, its mapper and its predicate are all written in this file.

    `**keywords` may bring anything, and another file may have changed by the time that both run.

    Args:
        call: the call of a tree function.
        mapper: the mapper.
        test: the predicate.
    """
    return call.is_complete and mapper.function.home is None and test.function.home is None


def leaf_is_read_on_every_way(mapper: Mapper) -> bool:
    """The mapper reads something that only a Variable has, on every way to a result, while the leaf has its name.

    So the original raised as soon as a leaf was no Variable.

    Args:
        mapper: the mapper.
    """
    return bool(mapper.always_reads & VARIABLE_ONLY_ATTRIBUTES)


def predicate_stops_at_wrappers_alone(test: LeafTest, flax: FlaxRange) -> bool:
    """`is_leaf` stops at Variables and at nothing else that the mapper may be meant for.

    Below 0.11 it must also ask for nothing more than the type, as it is widened there to a second class.

    Args:
        test: the predicate.
        flax: the Flax releases that must run the code.
    """
    asks_for_more = any(found.is_conditional for found in test.tests)
    return not stops_elsewhere(test) and (not asks_for_more or flax.starts_from(VARIABLE_STATE_IS_VARIABLE))


def other_objects_lack_it(source: ParsedSource, names: Collection[str]) -> bool:
    """No object that the file may make, other than a Variable, has what is read, so that reading it from one raised.

    No class in it, nor one that it imports from the project, defines an attribute of that name or a `__getattr__`, and
    no namespace, mock or `Enum` brings it. Objects that JAX goes into, such as named tuples, are no leaves.

    Args:
        source: the file.
        names: what is read on every way to a result; one that nothing else has is enough.
    """
    others = attributes_of_objects(source) if names else frozenset()
    return not names or (ANY not in others and not others.issuperset(names))


def leaf_is_only_read(source: ParsedSource, code: Code, leaf: str) -> bool:
    """The code reads attributes of the Variable that it is given from now on, and neither changes it nor hands it on.

    From Flax 0.11 on it is the model's own.

    Args:
        source: the file.
        code: the body of a mapper or a loop.
        leaf: how the code spells the leaf.
    """
    return all(
        isinstance(use, ast.Attribute) and use.attr in _ONLY_READS and isinstance(use.ctx, ast.Load)
        for use in leaf_uses(source, code, leaf)
    )


_ONLY_READS = frozenset(
    {"value", "raw_value", "get_value", "get_raw_value", "get_metadata", "has_metadata", "replace", "copy", "type"}
    | {"shape", "dtype", "ndim", "size"}
)


# What is known of a value


def tree_is_known_to_all(source: ParsedSource, tree: ast.expr) -> bool:
    """The tree is made in this file, whoever calls the code.

    It is no parameter of a function that other files may call with another tree, and nothing in another file makes it.

    Args:
        source: the file.
        tree: the tree whose leaves the fix is about.
    """
    origin = origin_of(source, tree)
    if not isinstance(origin, Origin) or origin.is_open or _may_be_set_elsewhere(source, tree):
        return False
    return _is_made_by_itself(source, origin.made_by)


def owner_is_a_variable(source: ParsedSource, owner: ast.expr) -> bool:
    """What the attribute is read from, or set on, is a Variable wherever the code runs.

    It is made by a constructor, has passed `isinstance`, or is annotated so, and nothing rebinds its name in between.
    An attribute such as `self.kernel` is not enough, since other code may set it to something else, nor what a function
    reads from the module around it. No object of the file feigns another class, as a mock with a `spec` does.

    Args:
        source: the file.
        owner: the expression before the dot.
    """
    from flake8_nnx_treemap.analysis.values.wrappers import FOLLOW_PRIVATE, is_wrapper

    is_certain = not isinstance(owner, ast.Attribute) and is_wrapper(source, owner, FOLLOW_PRIVATE)
    if (
        not is_certain
        or _feigns_classes(source)
        or _may_be_set_elsewhere(source, owner)
        or _may_be_called_by_its_text(source, owner)
    ):
        return False
    return members_are_themselves(source, *_WHAT_TELLS)


@remembered
def _feigns_classes(source: ParsedSource) -> bool:
    """Tell whether `isinstance` may be true of an object that is of another class: it has a `__class__` of its own."""
    files = (source, *(file for file, _ in imported_classes(source)))
    return any(_has_own_class(file) for file in dict.fromkeys(files))


def _has_own_class(source: ParsedSource) -> bool:
    if "create_autospec" in source.bindings.calls:
        return True
    mocks = (call for name in ("Mock", "MagicMock", "AsyncMock") for call in source.bindings.calls.get(name, ()))
    if any(keyword.arg in (None, "spec", "spec_set") for call in mocks for keyword in call.keywords):
        return True
    if "__class__" not in source.text:
        return False
    if "__class__" in source.bindings.set_attributes or any(
        name == "__class__" for name, _ in source.bindings.all_bound()
    ):
        return True
    return any(isinstance(node, ast.Constant) and node.value == "__class__" for node in source.ast_nodes())


def owner_is_a_state(source: ParsedSource, owner: ast.expr) -> bool:
    """What a method is called on is a State wherever the code runs.

    It is made by a function of NNX, has passed `isinstance`, or is annotated so. An attribute such as `self.state` is
    not enough, since other code may set it to something else, nor what only the calls in this file pass to a function.
    The state of a Variable, and an item of a state, may be a Variable, which has the methods of its value.

    Args:
        source: the file.
        owner: the expression before the dot.
    """
    from flake8_nnx_treemap.analysis.values.tested_states import is_made_state, is_tested_state

    if is_tested_state(source, owner):
        return not _feigns_classes(source)
    if is_made_state(source, owner):
        return True
    if any(_may_be_set_elsewhere(source, one) for one in nodes_below([owner], ast.Name)):
        return False
    return _comes_from_state(source, owner) and _is_named_or_made(source, owner)


def _comes_from_state(source: ParsedSource, owner: ast.expr) -> bool:
    """Tell whether the origin of an expression is for certain a State, and no single Variable."""
    from flake8_nnx_treemap.analysis.values.wrappers import is_wrapper

    origin = origin_of(source, owner)
    if not isinstance(origin, Origin) or origin.kind not in (TreeKind.STATE, TreeKind.GRADIENTS) or origin.is_open:
        return False
    if origin.is_item or not _is_made_by_itself(source, origin.made_by):
        return False
    if any(is_wrapper(source, one) for one in getattr(origin.made_by, "args", ())):
        return False
    # What is annotated as a State is one, whether it holds Variables or arrays.
    return origin.is_certain or not isinstance(origin.made_by, ast.Call)


def _is_named_or_made(source: ParsedSource, owner: ast.expr) -> bool:
    """Tell whether an expression is a name, what a function returns, or a part of one of these: no attribute."""
    whole = owner
    while isinstance(whole, (ast.Subscript, ast.Call)):
        if isinstance(whole, ast.Subscript):
            whole = whole.value
        elif isinstance(whole.func, ast.Attribute) and not source.bindings.names_of(whole.func):
            whole = whole.func.value  # Of a State's method: ``self.state.filter(nnx.Param)``.
        else:
            return True
    return isinstance(whole, ast.Name)


def imported_states_have_no_such_method(source: ParsedSource, method: str) -> bool:
    """No class of States that the file imports from its project defines a method which the fix calls as a function.

    Args:
        source: the file.
        method: the name of the method.
    """
    return not any(
        overrides(file, definition, "State", method)
        for file, definition in imported_classes(source)
        if isinstance(definition, ast.ClassDef)
    )


def evaluation_order_does_not_matter(source: ParsedSource, first: ast.expr, second: ast.expr) -> bool:
    """Two expressions whose order the fix changes have the same values in the other order.

    One of them is a name, or a lambda without defaults, which evaluating the other one does not change.

    Args:
        source: the file.
        first: what is evaluated first before the fix.
        second: what is evaluated second.
    """
    if isinstance(first, ast.Name):
        return not source.bindings.is_shared(first.id) or _only_reads(second)
    if isinstance(second, ast.Lambda):
        return _only_reads(second)
    return isinstance(second, ast.Name) and not source.bindings.is_shared(second.id)


def every_update_is_seen(career: Career) -> bool:
    """Every call of the optimizer's `update` is in this file.

    It is handed to no code elsewhere, which may give `update` other arguments.

    Args:
        career: what the file does with the optimizer.
    """
    return career.is_complete


def optimizer_is_known_to_all(source: ParsedSource, owner: ast.expr) -> bool:
    """The optimizer whose `update` is called is made in this file, whoever calls the code.

    It is no parameter of a function that other files may call with another optimizer, nor an attribute, which other
    code may set.

    Args:
        source: the file.
        owner: the expression before the dot.
    """
    bindings = source.bindings.bindings_of(owner.id, start_of(owner)) if isinstance(owner, ast.Name) else ()
    return (
        bool(bindings)
        and not _may_be_set_elsewhere(source, owner)
        and all(
            not is_public(one.scope)
            if one.kind is BindingKind.PARAMETER
            else isinstance(one.value, ast.Call) and not one.path
            for one in bindings
        )
    )


def data_is_there_from_the_start(source: ParsedSource, attribute: StaticAttribute) -> bool:
    """The construction of a Module itself always puts data into the attribute, so every object of the class raises.

    What another method sets or appends may never come, nor what a branch or a loop appends; and a comprehension may be
    over nothing. Nor does the file take the constructor of a class for other objects.

    Args:
        source: the file.
        attribute: an attribute that Flax takes for static.
    """
    if not attribute.is_early or _lends_constructors(source):
        return False
    if attribute.at is not attribute.value:  # It is put into the container, or set in its place.
        return _always_follows(source, attribute.value, attribute.at)
    return not attribute.is_container or _is_never_empty(source, attribute.value)


@remembered
def _lends_constructors(source: ParsedSource) -> bool:
    """Tell whether the file names a class's ``__init__``, other than in the one of a class that inherits from it."""
    for use in source.bindings.attributes.get("__init__", ()):
        owner, call = getattr(use, "value", None), source.ast_parent(use)
        if not isinstance(owner, ast.Name) or not isinstance(getattr(use, "ctx", None), ast.Load):
            continue
        given = call.args[0] if isinstance(call, ast.Call) and call.func is use and call.args else None
        bindings = source.bindings.bindings_of(given.id, start_of(given)) if isinstance(given, ast.Name) else ()
        if class_of_method(bindings) is None:
            return True
    return False


def container_is_made_in_this_file(
    source: ParsedSource, attribute: StaticAttribute, alone: Collection[ast.expr]
) -> bool:
    """The container and the classes of what is in it are written in this file.

    It is no parameter, of which only an annotation tells what is in it, nor an attribute that other code may set.

    Args:
        source: the file.
        attribute: the attribute whose value is the container.
        alone: the values that are found to be such containers without a look at other files.
    """
    value = attribute.value
    if isinstance(value, ast.Name):
        bindings = source.bindings.bindings_of(value.id, start_of(value))
        if any(one.kind is not BindingKind.ASSIGNMENT or isinstance(one.node, ast.AnnAssign) for one in bindings):
            return False
    return value in alone and not isinstance(value, ast.Attribute)


def value_has_no_metadata_of_its_own(source: ParsedSource, call: ast.Call, metadata: ast.Dict | None = None) -> bool:
    """What a Variable is made of brings no metadata, which would clash with the keyword that the fix renames.

    It is an array for certain, and nothing is unpacked with `**`. An initializer of `nnx.with_partitioning` makes
    values that bring the names of their axes, so a layer is given no initializer.

    Args:
        source: the file.
        call: makes the Variable, or the layer that makes it.
        metadata: what the layer is given as the metadata of one of its Variables.
    """
    given = [keyword.arg for keyword in call.keywords]
    if metadata is None:
        return None not in given and bool(call.args) and _is_array(source, call.args[0])
    # One initializer may be for several parameters, as that of an attention's kernels is.
    return None not in (*given, *metadata.keys) and not any(str(name).endswith("_init") for name in given)


def order_of_metadata_is_not_read(source: ParsedSource) -> bool:
    """Nothing in the file reads all metadata of a Variable, or its text: the name that the fix writes comes elsewhere.

    Flax appends what is given by the old name behind all other metadata.

    Args:
        source: the file.
    """
    if not source.bindings.attributes.keys().isdisjoint(_SHOW_METADATA) or _shows_variables(source):
        return False
    asks = source.bindings.attributes.get("get_metadata", ())
    return all(_asks_for_one_name(source, use) for use in asks if isinstance(use, ast.Attribute))


# How values are known


@remembered
def _shows_variables(source: ParsedSource) -> bool:
    """Tell whether the file makes text of a Variable, or of what holds some, whose metadata the text lists."""
    shown: list[ast.expr] = []
    for name, calls in source.bindings.calls.items():
        if name in _ONLY_SAY or name in _MAKE_TEXT or name.endswith(("Error", "Exception")):
            shown += [one for call in calls for one in (*call.args, *(keyword.value for keyword in call.keywords))]
    for node in source.ast_nodes():
        if isinstance(node, ast.FormattedValue):
            shown.append(node.value)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            shown.append(node.right)
        elif isinstance(node, ast.Assert) and node.msg is not None:
            shown.append(node.msg)
        elif isinstance(node, ast.Raise):
            shown += getattr(node.exc, "args", ())
    if any(_may_show(source, one, _STEPS) for one in shown):
        return True
    return any(_is_handed_on(source, use) for name in ("str", "format") for use in _uses_by_name(source, name))


_MAKE_TEXT = frozenset({"str", "format", "format_map", "substitute", "safe_substitute"})
_STEPS = 4
"""How many names and displays are followed from what is shown to a Variable."""


def _may_show(source: ParsedSource, shown: ast.expr, steps: int) -> bool:
    """Tell whether the text of something has that of a Variable in it, as a list's has the text of its items."""
    from flake8_nnx_treemap.analysis.values.wrappers import is_wrapper

    if is_wrapper(source, shown) or _holds_variables(source, shown):
        return True
    parts: list[ast.expr | None] = []
    if isinstance(shown, (ast.List, ast.Tuple, ast.Set)):
        parts += shown.elts
    elif isinstance(shown, ast.Dict):
        parts += shown.values
    elif isinstance(shown, ast.Starred):
        parts.append(shown.value)
    elif isinstance(shown, ast.Call):
        if not _DESCRIBE_VARIABLES.isdisjoint(name.rpartition(".")[2] for name in source.bindings.names_of(shown.func)):
            return True
        if _makes_container(source, shown.func):
            parts += (*shown.args, *(keyword.value for keyword in shown.keywords))
    elif isinstance(shown, ast.Name):
        bindings = source.bindings.bindings_of(shown.id, start_of(shown))
        if any(_takes_several(one) for one in bindings):
            return True
        parts += (one.value for one in bindings if one.value is not shown)
    return steps > 0 and any(one is not None and _may_show(source, one, steps - 1) for one in parts)


_DESCRIBE_VARIABLES = frozenset({"split", "graphdef", "flatten", "tree_flatten", "structure", "tree_structure"})
"""Functions whose results have all metadata in their texts."""


def _makes_container(source: ParsedSource, function: ast.expr) -> bool:
    """Tell whether a call makes an object whose text may have those of the arguments: of a class, or a container."""
    names = source.bindings.names_of(function)
    bindings = source.bindings.bindings_of(function.id, start_of(function)) if isinstance(function, ast.Name) else ()
    is_own = any(one.kind is BindingKind.CLASS for one in bindings)
    return is_own or (bool(names) and names <= {*_CONTAINERS, "builtins.set", "types.SimpleNamespace"})


def _takes_several(binding: Binding) -> bool:
    """Tell whether a parameter is ``*args`` or ``**kwargs``."""
    arguments = getattr(binding.scope.node, "args", None)
    if binding.kind is not BindingKind.PARAMETER or not isinstance(arguments, ast.arguments):
        return False
    return binding.node in (arguments.vararg, arguments.kwarg)


def _uses_by_name(source: ParsedSource, name: str) -> Iterator[ast.Name]:
    return (use for use in source.bindings.attributes.get(name, ()) if isinstance(use, ast.Name))


def _is_handed_on(source: ParsedSource, function: ast.expr) -> bool:
    """Tell whether a function is put or given somewhere that may call it, as in ``map(str, variables)``."""
    around = source.ast_parent(function)
    if isinstance(around, ast.keyword):
        return around.arg not in ("type", "dtype")
    if isinstance(around, ast.Call):
        return function in around.args and source.bindings.names_of(around.func).isdisjoint(_TAKE_TYPES)
    return isinstance(around, (ast.Assign, ast.List, ast.Set, ast.Dict, ast.Attribute, ast.Return))


_TAKE_TYPES = frozenset({"builtins.isinstance", "builtins.issubclass", "typing.cast"})


def _holds_variables(source: ParsedSource, node: ast.expr) -> bool:
    origin = origin_of(source, node)
    return isinstance(origin, Origin) and origin.kind is not TreeKind.PURE


_SHOW_METADATA = frozenset(
    {"_var_metadata", "_metadata", "repr", "ascii", "display", "tabulate", "pprint", "pformat", "getmembers"}
    | {"__repr__", "__str__", "__dict__", "__getstate__", "__reduce__", "__reduce_ex__"}
    | {"pickle", "cloudpickle", "dill"}
)


def _may_be_set_elsewhere(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether a function reads a variable of the module around it, which other files may set: ``train.p = 3``."""
    if not isinstance(node, ast.Name):
        return False
    bindings = source.bindings.bindings_of(node.id, start_of(node))
    if any(one.value is not node and _may_be_set_elsewhere(source, one.value) for one in bindings if one.value):
        return True
    is_of_module = any(one.scope is source.bindings.module and one.kind is BindingKind.ASSIGNMENT for one in bindings)
    return is_of_module and not _runs_with_module(source, node)


def _runs_with_module(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether code runs when the module is imported, and not when a function is called."""
    scope: Scope | None = source.bindings.scope_at(start_of(node))
    while scope is not None and scope.kind not in (ScopeKind.FUNCTION, ScopeKind.LAMBDA):
        scope = scope.parent
    return scope is None


def _may_be_called_by_its_text(source: ParsedSource, node: ast.expr) -> bool:
    """Tell whether a name is a parameter, and the file may find functions by their names: ``locals()["read"](3)``."""
    bindings = source.bindings.bindings_of(node.id, start_of(node)) if isinstance(node, ast.Name) else ()
    is_plain = (one.kind is BindingKind.PARAMETER and not getattr(one.node, "annotation", None) for one in bindings)
    shown = not source.bindings.attributes.keys().isdisjoint(_SHOW_FUNCTIONS)
    return any(is_plain) and (shown or any(name in source.bindings.calls for name in ("eval", "locals", "dir")))


_SHOW_FUNCTIONS = frozenset({"f_locals", "__closure__", "cell_contents"})


def _is_never_empty(source: ParsedSource, value: ast.expr) -> bool:
    """Tell whether a container has an element whatever runs: a display with one, or a comprehension over some."""
    if isinstance(value, (ast.List, ast.Tuple)):
        return any(not isinstance(one, ast.Starred) for one in value.elts)
    if isinstance(value, ast.Dict):
        return any(key is not None for key in value.keys)
    if isinstance(value, (ast.ListComp, ast.DictComp, ast.GeneratorExp)):
        return all(not one.ifs and _counts_up(source, one.iter) for one in value.generators)
    if isinstance(value, ast.Call) and len(value.args) == 1 and source.bindings.names_of(value.func) <= _CONTAINERS:
        return _is_never_empty(source, value.args[0])
    if isinstance(value, ast.BinOp):
        is_repeated = isinstance(value.op, ast.Mult) and _is_count(value.right)
        is_joined = isinstance(value.op, (ast.Add, ast.BitOr))
        if is_joined and _is_never_empty(source, value.right):
            return True
        return _is_never_empty(source, value.left) and (is_repeated or is_joined)
    if isinstance(value, ast.Name):
        bindings = source.bindings.bindings_of(value.id, start_of(value))
        made = [one.value for one in bindings if one.kind is BindingKind.ASSIGNMENT and not one.path]
        return len(made) == len(bindings) == 1 and made[0] is not None and _is_never_empty(source, made[0])
    return False


_CONTAINERS = frozenset({"builtins.list", "builtins.tuple", "builtins.dict"})


def _is_count(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value > 0


def _counts_up(source: ParsedSource, iterated: ast.expr) -> bool:
    """Tell whether a loop over an expression runs at least once: ``range(3)``, ``(1, 2)``, ``"ab"``, ``zip(x, y)``."""
    if isinstance(iterated, ast.Name):
        from flake8_nnx_treemap.analysis.values.static_attributes import is_emptied

        return _is_never_empty(source, iterated) and not is_emptied(source, iterated)
    if isinstance(iterated, ast.Call):
        if iterated.args and source.bindings.names_of(iterated.func) == {"builtins.zip"}:
            return all(_counts_up(source, one) for one in iterated.args)
        is_range = source.bindings.names_of(iterated.func) == {"builtins.range"} and len(iterated.args) == 1
        return is_range and _is_count(iterated.args[0])
    if isinstance(iterated, ast.Constant):
        return isinstance(iterated.value, (str, bytes)) and bool(iterated.value)
    return isinstance(iterated, (ast.List, ast.Tuple, ast.Set)) and _is_never_empty(source, ast.List(iterated.elts))


def _always_follows(source: ParsedSource, first: ast.expr, second: ast.expr) -> bool:
    """Tell whether code runs whenever other code has: behind it in its block, perhaps in a loop that surely runs.

    Nothing in between may leave the block.
    """
    one, other = (_statement_of(source, node) for node in (first, second))
    around = source.ast_parent(other) if other is not None else None
    while isinstance(around, ast.For) and other in around.body and _counts_up(source, around.iter):
        if any(map(_may_leave, around.body[: around.body.index(other)])):
            return False
        other, around = around, source.ast_parent(around)
    block = getattr(around, "body", [])
    if one not in block or other not in block:
        return False
    return not any(map(_may_leave, block[block.index(one) + 1 : block.index(other)]))


def _may_leave(statement: ast.stmt) -> bool:
    """Tell whether a statement may lead out of its block, or past an error."""
    leaving = (ast.Return, ast.Raise, ast.Continue, ast.Break, ast.Try, ast.With, ast.Assert)
    return any(isinstance(node, leaving) for node in walk(statement))


def _statement_of(source: ParsedSource, node: ast.AST | None) -> ast.stmt | None:
    while node is not None and not isinstance(node, ast.stmt):
        node = source.ast_parent(node)
    return node


def _only_reads(node: ast.expr) -> bool:
    """Tell whether evaluating an expression runs no other code: a name, or a lambda without defaults."""
    if isinstance(node, ast.Lambda):
        return not (node.args.defaults or any(node.args.kw_defaults))
    return isinstance(node, ast.Name)


_INITIALIZERS = ("flax.nnx.initializers.", "jax.nn.initializers.")


def _asks_for_one_name(source: ParsedSource, use: ast.Attribute) -> bool:
    call = source.ast_parent(use)
    return isinstance(call, ast.Call) and call.func is use and any(isinstance(one, ast.Constant) for one in call.args)


def _is_made_by_itself(source: ParsedSource, made_by: ast.expr) -> bool:
    """Tell whether nothing replaces what makes an array or a tree, such as ``jnp.zeros`` and ``nnx.state``."""
    function = made_by.func if isinstance(made_by, ast.Call) else made_by
    return members_are_themselves(source, *(dotted_name(function) or ()))


def _is_array(source: ParsedSource, value: ast.expr) -> bool:
    """Tell whether a value is an array for certain, and not what an initializer makes that adds metadata."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Call):
        names = source.bindings.names_of(value.func.func)
        is_known = bool(names) and all(name.startswith(_INITIALIZERS) for name in names)
        return is_known and _is_made_by_itself(source, value.func)
    origin = origin_of(source, value)
    if isinstance(origin, Origin) and not _is_made_by_itself(source, origin.made_by):
        return False
    is_array = isinstance(origin, Origin) and origin.kind is TreeKind.PURE
    return is_array and isinstance(origin, Origin) and origin.is_certain and not origin.is_open


# How names may be bound or seen


@remembered
def _may_be_metadata(source: ParsedSource, name: str) -> bool:
    """Tell whether a keyword or a string of the file may give a Variable metadata of a name."""
    return name in source.text and any(
        node.arg == name if isinstance(node, ast.keyword) else isinstance(node, ast.Constant) and node.value == name
        for node in source.ast_nodes()
    )


@remembered
def _are_names_in_the_open(source: ParsedSource) -> bool:
    if _reaches_for_namespaces(source) or may_rebind_imports(source):
        return False
    imports = (one.node for one in source.bindings.statements if isinstance(one.node, ast.ImportFrom))
    return all(
        node.level == 0 and (node.module or "").partition(".")[0] in _BIND_NO_NAMES_OF_OURS
        for node in imports
        if node.names[0].name == "*"
    )


_BIND_NO_NAMES_OF_OURS = OTHER_PROJECTS | sys.stdlib_module_names
"""Packages whose ``import *`` brings neither Flax and JAX, nor ``isinstance`` and ``type``."""


def _reaches_for_namespaces(source: ParsedSource) -> bool:
    """Tell whether the file gets at the names of a module or a function as a dictionary, or as an object."""
    calls, attributes = source.bindings.calls, source.bindings.attributes
    if any(name in calls for name in ("exec", "globals")) or any(name in attributes for name in _NAMESPACES):
        return True
    if any(not call.args for call in calls.get("vars", ())):
        return True
    imports = (call for name in ("import_module", "__import__") for call in calls.get(name, ()))
    if any(not (call.args and isinstance(call.args[0], ast.Constant)) for call in imports):
        return True
    return any(source.bindings.names_of(use) == {"sys.modules"} for use in attributes.get("modules", ()))


_NAMESPACES = ("__globals__", "f_globals", "__main__")


# Who else may see a name


def is_reexport(source: ParsedSource, imported: ImportedName) -> bool:
    """Tell whether other files may import the name from here: ``__init__.py``, ``__all__``, ``import X as X``."""
    if posixpath.basename(source.filename.replace("\\", "/")) == "__init__.py":
        return True
    if imported.alias.asname == imported.alias.name:
        return True
    exported = _exported(source)
    return exported is None or imported.bound in exported


@remembered
def _exported(source: ParsedSource) -> frozenset[object] | None:
    """Return the names listed in ``__all__``; ``None`` if some of them are worked out."""
    values: set[object] = set()
    for statement in source.bindings.statements:
        node = statement.node
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            listed = getattr(node, "value", None)
            if not isinstance(listed, (ast.List, ast.Tuple, ast.Set)):
                return None
            if not all(isinstance(element, ast.Constant) for element in listed.elts):
                return None
            values |= {element.value for element in listed.elts if isinstance(element, ast.Constant)}
    changes = (source.ast_parent(use) for use in source.bindings.attributes.get("__all__", ()))
    return None if any(isinstance(change, ast.Attribute) for change in changes) else frozenset(values)


def _looks_names_up(source: ParsedSource) -> bool:
    """Tell whether the file looks names up by their text: ``eval``, ``locals()`` and the like."""
    looks_up = any(name in source.bindings.calls for name in ("eval", "locals", "dir"))
    if looks_up or "f_locals" in source.bindings.attributes or _reaches_for_namespaces(source):
        return True
    return imports_itself(source)


def _is_type_parameter(source: ParsedSource, name: str) -> bool:
    found = (one for bound, bindings in source.bindings.all_bound() if bound == name for one in bindings)
    return any(not isinstance(one.node, (ast.stmt, ast.expr)) and hasattr(one.node, "bound") for one in found)


@remembered
def _is_named_in_text(source: ParsedSource, name: str) -> bool:
    """Tell whether a string that may be code holds a name, other than the annotations that a fix renames."""
    word = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
    annotations = {source.ast_parent(root) for root in quoted_annotations(source)}
    return any(
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and word.search(node.value) is not None
        and node not in annotations
        and not _is_only_text(source, node)
        for node in source.ast_nodes()
    )


_ONLY_SAY = frozenset(
    {"print", "warn", "debug", "info", "warning", "error", "exception", "critical", "log", "fail", "skip"}
)
"""Functions that show a string to a person: ``print``, ``warnings.warn``, those of ``logging`` and of ``pytest``."""


def _is_only_text(source: ParsedSource, node: ast.Constant) -> bool:
    """Tell whether a string is only read by people: a docstring without examples, a message, a part of an f-string."""
    parent = source.ast_parent(node)
    if isinstance(parent, ast.Expr):
        return isinstance(node.value, str) and ">>>" not in node.value
    if isinstance(parent, (ast.JoinedStr, ast.Assert)):
        return True
    if not isinstance(parent, ast.Call) or node not in parent.args:
        return False
    name = dotted_name(parent.func)
    return isinstance(source.ast_parent(parent), ast.Raise) or (name is not None and name[-1] in _ONLY_SAY)
