"""What we take for the program of a notebook is what IPython and Jupytext make of it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap.project.magics import BODY_IS_PYTHON, covered
from flake8_nnx_treemap.project.marimo import find_in_marimo
from flake8_nnx_treemap.project.text_notebooks import read_text_notebook

CELLS = (
    "x = 1",
    "%matplotlib inline\nx = 1",
    "!ls -l | grep 'x",
    "names = !ls",
    'd["a"] = !ls',
    "d['a=b'][0] = !ls {x}",
    "a.b.c = %timeit -o f()",
    "x, y = !ls",
    "x: list = !ls",
    "x == 1 % 2",
    "x = y = 1 % 2",
    "f(x=1 % 2)",
    "x = 5 % 3",
    "x %= 2",
    "for x in y:\n    !ls {x}\n    z = !ls",
    "if True:\n    %time f()\n",
    "x = '''\n!ls\n%no\n'''",
    "x = (1\n% 2)",
    "nnx.Variable?",
    "nnx.Variable??",
    "?nnx",
    "%time x = 1",
    "!ls \\\n  -l (",
    "print('a?')",
    "x = 1 # why?",
    "/f 1",
    "def f():\n    '''%no'''\n    return !ls",
    "s = 'x = !ls'",
    'd = {"a": 1}; x = d["a"] != 2',
)
GET = "get_ipython"


class Covering(ast.NodeTransformer):
    """Makes 0 of what IPython's transformer has written, which is what we write there."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        is_ours = any(isinstance(one, ast.Name) and one.id == GET for one in ast.walk(node.func))
        return ast.Constant(0) if is_ours else self.generic_visit(node)


def tree(text: str) -> str | None:
    try:
        return ast.dump(Covering().visit(ast.parse(text)))
    except SyntaxError:
        return None


def ipython(source: str) -> str:
    manager = pytest.importorskip("IPython.core.inputtransformer2", reason="IPython is not installed")
    return str(manager.TransformerManager().transform_cell(source))


@pytest.mark.parametrize("source", CELLS)
def test_lines_that_are_not_python_are_those_that_ipython_rewrites(source: str) -> None:
    expected = tree(ipython(source))
    program = covered(source)
    assert program is not None
    if source.startswith("/"):  # What calls by itself is rewritten later than the transformer runs.
        assert tree(program) == tree("0")
    else:
        assert tree(program) == expected


@pytest.mark.parametrize("magic", sorted(BODY_IS_PYTHON))
@pytest.mark.parametrize("source", CELLS)
def test_the_body_of_a_magic_that_runs_python_is_read_as_a_cell_is(magic: str, source: str) -> None:
    transformed = ast.parse(ipython(f"%%{magic} -o x\n{source}"))
    call = transformed.body[0].value  # type: ignore[attr-defined]
    name, _, body = (argument.value for argument in call.args)
    assert name == magic
    program = covered(f"%%{magic} -o x\n{source}")
    assert program is not None
    assert tree(program) == tree("0\n" + str(covered(body)))


NOTEBOOK = (
    ("code", "import jax\nfrom flax import nnx"),
    ("markdown", "Text with `nnx`:\n\n```python\nnot(\n```"),
    ("code", "%matplotlib inline\nx = nnx.State({})"),
    ("code", "%%time\ny = 1"),
    ("code", "%%bash\nls ("),
    ("code", "# only a comment"),
    ("code", "def f():\n\n\n    return 1\n\n\nf()"),
)


@pytest.mark.parametrize("format_", ["md:myst", "md:markdown", "qmd"])
def test_the_cells_are_those_that_jupytext_wrote(format_: str, tmp_path: Path) -> None:
    jupytext = pytest.importorskip("jupytext", reason="Jupytext is not installed")
    nbformat = pytest.importorskip("nbformat")
    if format_ == "qmd":
        pytest.importorskip("jupytext.quarto")
        if not jupytext.quarto.is_quarto_available():
            pytest.skip("quarto is not installed")
    cells = [
        {"cell_type": kind, "metadata": {}, "source": source, "id": f"c{number}"}
        | ({"outputs": [], "execution_count": None} if kind == "code" else {})
        for number, (kind, source) in enumerate(NOTEBOOK)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    book = nbformat.reads(json.dumps(content), as_version=4)
    notebook = read_text_notebook(jupytext.writes(book, fmt=format_))
    sources = [covered(source) for kind, source in NOTEBOOK if kind == "code"]
    assert tree(notebook.program) == tree("\n".join(source for source in sources if source is not None))
    assert notebook.problem is None


MARIMO = """\
import marimo

__generated_with = "0.25.2"
app = marimo.App()


@app.cell
def _(double, nnx, state):
    out = double(state)
    return (out,)


@app.cell
def _(jax):
    # Doubled.
    @jax.jit
    def double(tree):
        return jax.tree.map(lambda x: x * 2, tree)

    return (double,)


@app.cell
def _(nnx):
    text = \"\"\"
  odd
indentation
\"\"\"
    state = nnx.State({})
    return state, text


@app.cell(hide_code=True)
def _():
    import jax
    from flax import nnx

    return jax, nnx


@app.cell
def _(out):
    out
    return


if __name__ == "__main__":
    app.run()
"""
NO_CELL = ("import marimo", "__generated_with = ", "app = ", "if __name__", "__ = ")


def statements(text: str) -> list[str]:
    return [
        one for node in ast.parse(text).body if not (one := ast.unparse(node)).startswith(NO_CELL) and one != "return"
    ]


def test_the_order_of_cells_is_the_one_that_marimo_runs_them_in(tmp_path: Path) -> None:
    pytest.importorskip("marimo", reason="marimo is not installed")
    (tmp_path / "book.py").write_text(MARIMO)
    command = [sys.executable, "-m", "marimo", "export", "script", "book.py", "-o", "script.py"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    programs: list[str] = []
    find_in_marimo(MARIMO, lambda program: programs.append(program) or ())
    (program,) = programs
    exported = statements((tmp_path / "script.py").read_text())
    assert sorted(statements(program)) == sorted(exported)
    # marimo settles what comes first among cells that do not need each other; only what is needed has to come before.
    defined_at = {
        name: statements(program).index(next(one for one in statements(program) if one.startswith(name)))
        for name in ("import jax", "from flax", "@jax.jit", "state =", "out =")
    }
    assert max(defined_at["import jax"], defined_at["from flax"]) < defined_at["@jax.jit"] < defined_at["out ="]
    assert defined_at["from flax"] < defined_at["state ="] < defined_at["out ="] < statements(program).index("out")
