"""What each obligation of a safe fix is for: without it, the fix of a program would be safe, and change its result."""

from __future__ import annotations

import builtins
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import jax
import pytest
from broken_promises import BROKEN, HEAD, SHARED_PREDICATES, Broken
from flax import nnx
from installed import RELEASE

from flake8_nnx_treemap.fixing.engine import fix
from flake8_nnx_treemap.names import FlaxRange
from flake8_nnx_treemap.project.modules import module_finder
from flake8_nnx_treemap.rules import safety
from flake8_nnx_treemap.rules.catalogue import every_rule
from flake8_nnx_treemap.rules.settings import LintSettings

pytestmark = pytest.mark.runtime

RULES = list(every_rule())
"""Loaded before a test replaces an obligation."""


@contextmanager
def what_they_were(*owners: object) -> Iterator[None]:
    """Put the members of modules and classes back, whatever a program sets."""
    before = [dict(vars(owner)) for owner in owners]
    try:
        yield
    finally:
        for owner, members in zip(owners, before, strict=True):
            for name in vars(owner).keys() - members.keys():
                delattr(owner, name)
            for name, member in members.items():
                if vars(owner).get(name) is not member:
                    setattr(owner, name, member)


def outcome(source: str, broken: Broken) -> object:
    """Run a program: what it returns, in a form that can be compared, or the type of the error that it raises."""
    module = types.ModuleType("program")
    argument: dict[str, object] = {"Box": type("Box", (), {"value": 5})}
    with what_they_were(nnx, nnx.Variable, jax, jax.tree, jax.numpy, builtins), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if broken.helpers is not None:
            helpers = types.ModuleType("helpers")
            exec(broken.helpers[1], helpers.__dict__)
            sys.modules["helpers"] = helpers
        sys.modules["program"] = module  # Where dataclasses look for what annotations mean.
        try:
            exec(HEAD, argument)
            exec(compile(source, "program.py", "exec"), module.__dict__)
            argument |= {name: module.__dict__[name] for name in ("Box",) if name in module.__dict__}
            result = module.__dict__["convert"](eval(broken.argument, argument))
            return repr(jax.tree_util.tree_map(lambda leaf: leaf, result))
        except Exception as error:
            return type(error)
        finally:
            for name in ("program", "helpers"):
                sys.modules.pop(name, None)


@pytest.mark.parametrize("broken", BROKEN, ids=[f"{index}-{one.name}" for index, one in enumerate(BROKEN)])
def test_without_the_obligation_a_result_changes(
    broken: Broken, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = tuple(map(int, broken.floor.split(".")))
    if floor > RELEASE:
        pytest.skip("the fix is for later releases")
    if broken.until is not None and tuple(map(int, broken.until.split("."))) < RELEASE:
        pytest.skip("the fix changes results of earlier releases")
    before = outcome(broken.source, broken)
    assert not isinstance(before, type), "the program returns as it is"
    if broken.code == "NNX208" and before == outcome(
        HEAD + "def convert(tree): return jax.tree.map(str, tree)", broken
    ):
        pytest.skip("this JAX has the function still")
    path = f"{tmp_path}/program.py"
    if broken.helpers is not None:
        with open(f"{tmp_path}/helpers.py", "w", encoding="utf-8") as file:
            file.write(broken.helpers[0])
    monkeypatch.setattr(safety, broken.obligation.__name__, lambda *_: True)
    settings = LintSettings(frozenset({broken.code}), FlaxRange(floor))
    fixed = fix(broken.source, path, settings, module_finder(path)).text
    assert fixed != broken.source
    assert outcome(fixed, broken) != before


@pytest.mark.skipif(RELEASE >= (0, 11), reason="the predicate stops at the same objects, edited or not")
@pytest.mark.parametrize("shared", SHARED_PREDICATES, ids=lambda shared: shared.name)
def test_edited_definition_changes_a_result_of_who_uses_it_otherwise(
    shared: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = LintSettings(frozenset({shared.code}), FlaxRange((0, 10, 0)))
    before = outcome(shared.source, shared)
    assert outcome(fix(shared.source, "program.py", settings).text, shared) == before
    monkeypatch.setattr(safety, shared.obligation.__name__, lambda *_: True)
    assert outcome(fix(shared.source, "program.py", settings).text, shared) != before
