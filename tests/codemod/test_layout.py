"""What fixes write is what black and ruff format would make of it, and nothing but layout is different."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap import LintSettings, fix_source
from flake8_nnx_treemap.rules.catalogue import CODES

HEAD = "import jax\nimport jax.numpy as jnp\nfrom flax import nnx\nfrom flax.nnx import VariableState\n\n\n"
STATEMENTS = (
    "x = jax.tree.map({m}, state, is_leaf={p})",
    "return jax.tree.map({m}, state, is_leaf={p})",
    "jax.tree.map({m}, state, is_leaf={p})",
    "x = jax.tree.map({m}, state, is_leaf={p}).filter(nnx.Param)",
    "x = f(jax.tree.map({m}, state, is_leaf={p}))",
    "x = f(jax.tree.map({m}, state, is_leaf={p}), other, key=value)",
    "x = [jax.tree.map({m}, state, is_leaf={p}), other]",
    'x = {{"a": jax.tree.map({m}, state, is_leaf={p}), "b": other}}',
    "x = sum(jnp.sum(v**2) for v in jax.tree.leaves(jax.tree.map({m}, state, is_leaf={p})))",
    "x = [v for v in jax.tree.leaves(jax.tree.map({m}, state, is_leaf={p})) if v is not None and v > 3]",
    "for v in jax.tree.leaves(jax.tree.map({m}, state, is_leaf={p})): pass",
    "if all(jax.tree.leaves(jax.tree.map({m}, state, is_leaf={p}))): pass",
    "while jax.tree.map({m}, state, is_leaf={p}): pass",
    "a, b = jax.tree.map({m}, state, is_leaf={p})",
    "a: nnx.State = jax.tree.map({m}, state, is_leaf={p})",
    "x = jax.tree.map({m}, state, is_leaf={p}) if state else None",
    "x = jax.tree.map({m}, state, is_leaf={p})[0]",
    "x = lambda: jax.tree.map({m}, state, is_leaf={p})",
    "x = await_(jax.tree.map({m}, state, is_leaf={p}), timeout=3)  # a comment",
    "x = jax.tree.map({m}, f(state, [1, 2, 3], key=4), is_leaf={p})",
    "x = jax.tree.map({m}, state, other_state_of_that_kind, is_leaf={p})",
    "x = jax.tree.map({m}, state, is_leaf={p}); y = 3",
    "assert jax.tree.map({m}, state, is_leaf={p}), state",
    "with f(jax.tree.map({m}, state, is_leaf={p})): pass",
    "@register(jax.tree.map({m}, state, is_leaf={p}))\ndef g(): pass",
)
MAPPERS = (
    "lambda v: v.value",
    "lambda v: v.replace(jnp.zeros_like(v.value))",
    "lambda v: v.value * 2 + 1",
    "unwrapped",
    "lambda v: (v.value, [v.value])",
    "lambda v: jnp.zeros(v.value.shape) if v.value is None else v.value",
)
PREDICATES = ("lambda x: isinstance(x, nnx.VariableState)", "lambda x: isinstance(x, VariableState)")
LENGTHS = (60, 88)
FORMATTERS = {
    "black": ("--quiet", "--line-length", "{}", "{}"),
    "ruff": ("format", "--isolated", "--quiet", "--line-length", "{}", "{}"),
}


def programs() -> str:
    """One function for each way to write a call, nested differently deep."""
    found = []
    for number, statement in enumerate(STATEMENTS):
        for index, mapper in enumerate(MAPPERS):
            text = statement.format(m=mapper, p=PREDICATES[(number + index) % 2])
            depth = (number + index) % 3
            indent = "    " * (depth + 1)
            ifs = "".join(f"{'    ' * (level + 1)}if state:\n" for level in range(depth))
            found.append(f"def f{number}_{index}(state):\n{ifs}{indent}{text.replace(chr(10), chr(10) + indent)}\n\n\n")
    return HEAD + "".join(found)


def formatted(text: str, formatter: str, length: int, folder: Path) -> str:
    path = folder / "m.py"
    path.write_text(text)
    words = [word.format(length) for word in FORMATTERS[formatter][:-1]]
    subprocess.run([sys.executable, "-m", formatter, *words, str(path)], check=True, capture_output=True)
    return path.read_text()


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("flax", [(0, 10), (0, 12, 1)])
def test_formatters_have_nothing_to_do(tmp_path: Path, formatter: str, length: int, flax: tuple[int, ...]) -> None:
    pytest.importorskip(formatter)
    before = formatted(programs(), formatter, length, tmp_path)
    settings = LintSettings(frozenset(CODES) - {"NNX901"}, flax, unsafe_fixes=True, line_length=length)
    result = fix_source(before, settings=settings)
    assert len(result.fixed) > 100
    after = formatted(result.text, formatter, length, tmp_path)
    ours, theirs = result.text.split("\n\n\n"), after.split("\n\n\n")
    differing = [(one, other) for one, other in zip(ours, theirs, strict=True) if one != other]
    assert differing == []
    unlimited = fix_source(before, settings=LintSettings(settings.select, flax, unsafe_fixes=True, line_length=10_000))
    assert ast.dump(ast.parse(result.text)) == ast.dump(ast.parse(unlimited.text))


@pytest.mark.parametrize(
    ("opening", "key", "other", "closing"),
    [("[", "", "c,", "]"), ("{", '"b": ', '"c": c,', "}"), ("f(", "b=", "*c,", ")")],
)
def test_elements_of_large_brackets_are_laid_out_as_those_of_small_ones(
    opening: str, key: str, other: str, closing: str
) -> None:
    element = f"{key}jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, VariableState)),"

    def fixed(count: int) -> str:
        lines = [f"x = {opening}", *[f"    {other}"] * count, f"    {element}", *[f"    {other}"] * count, closing]
        settings = LintSettings(frozenset({"NNX101"}), (0, 11), line_length=100)
        return fix_source(HEAD + "\n".join(lines), settings=settings).text

    small = fixed(1)
    assert "\n        state,\n" in small
    assert fixed(100) == small.replace(f"    {other}\n", f"    {other}\n" * 100)


@pytest.mark.parametrize(
    ("before", "head", "after"),
    [
        ("", "try: ", "\n    except KeyError: raise"),
        ("try: pass\n    ", "except KeyError: ", ""),
        ("try: pass\n    ", "finally: ", ""),
        ("if state: pass\n    ", "else: ", ""),
        ("for x in state: pass\n    ", "else: ", ""),
        ("match state:\n      ", "case [_]: ", ""),
    ],
)
def test_a_call_on_one_line_with_the_head_of_its_statement_is_laid_out(before: str, head: str, after: str) -> None:
    call = "return jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, VariableState))"
    settings = LintSettings(frozenset({"NNX101"}), (0, 11), unsafe_fixes=True)
    fixed = fix_source(f"{HEAD}def f(state):\n    {before}{head}{call}{after}\n", settings=settings).text
    indent = "      " if head.startswith("case") else "    "
    assert f"{head}return jax.tree.map(\n{indent}    lambda v: v.value if isinstance" in fixed
    assert f"\n{indent}){after}\n" in fixed


@pytest.mark.parametrize("head", ["match {}:\n        case _: pass", "try: pass\n    except f({}): pass"])
def test_a_call_in_the_head_of_a_match_or_of_a_handler_is_laid_out(head: str) -> None:
    call = "jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, VariableState))"
    settings = LintSettings(frozenset({"NNX101"}), (0, 11), unsafe_fixes=True)
    fixed = fix_source(f"{HEAD}def f(state):\n    {head.format(call)}\n", settings=settings).text
    assert "jax.tree.map(\n        lambda v: v.value if isinstance" in fixed
