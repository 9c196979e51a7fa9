"""``[tool.nnx-treemap]``: what it does, what overrides it, and what it says of slips."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flake8_nnx_treemap.names import PORTABLE_RANGE, FlaxRange
from flake8_nnx_treemap.project import configuration
from flake8_nnx_treemap.project.configuration import Overrides, settings_for
from flake8_nnx_treemap.project.errors import ConfigurationError
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.rules.catalogue import DEFAULT_CODES as DEFAULT

SEED = """\
import jax
from flax import nnx

jax.tree.map(lambda x: x.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    configuration._configuration_in.cache_clear()
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "m.py").write_text(SEED)
    return tmp_path


def write(project: Path, table: str) -> str:
    configuration._configuration_in.cache_clear()
    (project / "pyproject.toml").write_text(f"[tool.nnx-treemap]\n{table}\n")
    return str(project / "pkg" / "m.py")


@pytest.mark.parametrize(
    ("table", "overrides", "codes"),
    [
        ("", Overrides(), DEFAULT),
        ("select = ['NNX101']", Overrides(), {"NNX101"}),
        ("select = ['NNX101']", Overrides(select=("NNX2",)), {code for code in CODES if code.startswith("NNX2")}),
        ("select = ['ALL']", Overrides(ignore=("NNX2",)), {code for code in CODES if not code.startswith("NNX2")}),
        ("extend-select = ['NNX112']", Overrides(), DEFAULT | {"NNX112"}),
        ("ignore = ['NNX101']", Overrides(extend_select=("NNX112",)), (DEFAULT | {"NNX112"}) - {"NNX101"}),
        ("per-file-ignores = {'pkg/*' = ['NNX1']}", Overrides(), {c for c in DEFAULT if not c.startswith("NNX1")}),
        ("per-file-ignores = {'m.py' = ['NNX101']}", Overrides(), DEFAULT - {"NNX101"}),
        ("per-file-ignores = {'other/*' = ['NNX101']}", Overrides(), DEFAULT),
        ("select = ['NNX101']", Overrides(is_isolated=True), DEFAULT),
    ],
)
def test_selection(project: Path, table: str, overrides: Overrides, codes: frozenset[str]) -> None:
    assert settings_for(write(project, table), overrides).select == codes


def test_target_and_unsafe_fixes(project: Path) -> None:
    path = write(project, "target-flax = '0.12'\nunsafe-fixes = true")
    chosen = settings_for(path, Overrides())
    assert (chosen.flax, chosen.unsafe_fixes) == (FlaxRange((0, 12, 0)), True)
    overridden = settings_for(path, Overrides(target_flax="0.11", unsafe_fixes=False))
    assert (overridden.flax, overridden.unsafe_fixes) == (FlaxRange((0, 11, 0)), False)
    assert settings_for(path, Overrides(is_isolated=True)).flax == PORTABLE_RANGE


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("colour = 'red'", "colour"),
        ("select = 'NNX101'", "select"),
        ("select = ['E501']", "E501"),
        ("ignore = [1]", "ignore"),
        ("target-flax = 'twelve'", "target-flax"),
        ("target-flax = 0.12", "target-flax"),
        ("unsafe-fixes = 'yes'", "unsafe-fixes"),
        ("exclude = 'build'", "exclude"),
        ("cache = '.nnx_treemap_cache'", "cache"),
        ("cache-dir = true", "cache-dir"),
        ("cache-dir = ''", "cache-dir"),
        ("per-file-ignores = ['NNX101']", "per-file-ignores"),
        ("per-file-ignores = {'a' = ['NNX8']}", "NNX8"),
    ],
)
def test_a_slip_names_the_file_and_the_key(project: Path, table: str, key: str) -> None:
    path = write(project, table)
    with pytest.raises(ConfigurationError) as caught:
        settings_for(path, Overrides())
    assert str(project / "pyproject.toml") in str(caught.value)
    assert key in str(caught.value)
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--check", path]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert key in line


def test_exclude(project: Path) -> None:
    write(project, "extend-exclude = ['pkg']")
    command = [sys.executable, "-m", "flake8_nnx_treemap", "--check"]
    assert subprocess.run([*command, "."], cwd=project, capture_output=True, check=False).returncode == 0
    assert subprocess.run([*command, "pkg/m.py"], cwd=project, capture_output=True, check=False).returncode == 1


# Values of every kind

SCALARS = (
    "1",
    "-1",
    "0x" + "f" * 5000,
    "1.5",
    "nan",
    "inf",
    "true",
    "'x'",
    "''",
    "'\\u0000'",
    "1979-05-27",
    "07:32:00",
)
VALUES = (
    *SCALARS,
    "{}",
    "[]",
    "[[]]",
    "[{}]",
    "{a = {b = 1}}",
    "[1]",
    "['x']",
    "['\\u0000']",
    "{a = 1}",
    "{a = ['x']}",
)
KEYS = [
    "select", "ignore", "extend-select", "per-file-ignores", "exclude", "extend-exclude", "target-flax", "unsafe-fixes",
    "extend-safe-fixes", "extend-unsafe-fixes", "respect-gitignore", "include-markdown", "cache", "cache-dir", "other",
]  # fmt: skip


def complaint(path: str) -> str | None:
    try:
        settings_for(path, Overrides())
    except ConfigurationError as error:
        return str(error)
    return None


@pytest.mark.parametrize("key", KEYS)
def test_no_value_is_more_than_a_slip(project: Path, key: str) -> None:
    refused = 0
    for value in VALUES:
        for line in (f"{key} = {value}", f"{key}.sub.sub = {value}", f"{key} = [{value}, {value}]"):
            path = write(project, line.replace("\\u0000", "\\\\u0000"))
            said = complaint(path)
            assert said is None or (str(project / "pyproject.toml") in said and "\n" not in said)
            refused += said is not None
    assert refused > len(VALUES)


def test_the_key_is_found_where_it_stands(project: Path) -> None:
    for table, row in (("\n'cache'= 1", 3), ("# cache = 1\ncache  = 1", 3), ("target-flax='0.12'\n  cache = 1", 3)):
        with pytest.raises(ConfigurationError, match=rf"pyproject\.toml:{row}: 'cache' in"):
            settings_for(write(project, table), Overrides())
    (project / "pyproject.toml").write_text("[project]\ncache = 1\n[tool]\nnnx-treemap = {cache = 1}\n")
    configuration._configuration_in.cache_clear()
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml:4: 'cache' in"):
        settings_for(str(project / "pkg" / "m.py"), Overrides())


def test_the_table_above_counts_where_the_nearest_file_has_none(project: Path) -> None:
    write(project, "select = ['NNX101']")
    (project / "pkg" / "pyproject.toml").write_text("[tool.nnx-fix]\nselect = ['NNX2']\n")
    path = str(project / "pkg" / "m.py")
    assert settings_for(path, Overrides()).select == {"NNX101"}
    (warning,) = configuration.configuration_for(path).warnings
    assert str(project / "pkg" / "pyproject.toml") in warning
