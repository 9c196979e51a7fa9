"""What runs cost, in instructions of the processor: the same figure on every run, which wall time never is.

Cachegrind counts them. Each cost is told as a multiple of something that has nothing to do with us, counted in the
same run: starting Python, LibCST's bare parse. A report says where and why; a lint writes fixes out as well. Lines that
become too long are laid out anew, which has bounds of its own. The bounds are those of the project, or what was
measured and a sixth.
In time, analysis costs less than these figures say: a bare parse has fewer instructions, but waits for memory.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bench import WITHOUT_PLUGIN
from corpora import generated

import flake8_nnx_treemap

pytestmark = pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind counts instructions")

ANALYSIS = """\
import sys
import libcst
import flake8_nnx_treemap.fixing.suppression, flake8_nnx_treemap.codemod.writing, flake8_nnx_treemap.project.formats
from flake8_nnx_treemap.rules.catalogue import every_rule
from flake8_nnx_treemap import LintSettings, fix_source, lint_source
from flake8_nnx_treemap.rules.catalogue import CODES
from flake8_nnx_treemap.fixing.engine import lint
every_rule()
settings = LintSettings(frozenset(CODES), (0, 12, 7), line_length=320)
laid_out = LintSettings(frozenset(CODES), (0, 12, 7))
text = open(sys.argv[1]).read()
"""
"""Everything that is imported, so that the difference of two counts is the work itself."""
WITH_PLUGIN = "import sys\nfrom flake8.main.cli import main\nsys.exit(main(sys.argv[1:]))\n"
WITH_RULES = """\
import sys
from flake8_nnx_treemap.rules.catalogue import CATALOGUE, every_rule
from flake8.main.cli import main
every_rule()
for entry in CATALOGUE:
    entry.may_find(" ".join((*entry.words, *entry.beside)))
sys.exit(main(sys.argv[1:]))
"""
"""Rules are imported, and patterns compiled, when a file may need them: all of them here, as a project soon does."""
PLAIN_FUNCTION = "def double{0}(x):\n    return jax.numpy.add(x, {0})\n\n\n"
PROOF = Path(__file__).parents[1] / "runtime"
PARSE = "libcst.parse_module(text)"
REPORT = "lint(text, 'text.py', settings, edits=False)"
LINT = "lint_source(text, settings=settings)"
FIX = "fix_source(text, settings=settings)"
LINT_LAID_OUT = "lint_source(text, settings=laid_out)"
FIX_LAID_OUT = "fix_source(text, settings=laid_out)"


@functools.cache
def instructions(*command: str) -> int:
    """How many instructions Python takes for a command line."""
    counting = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
    run = subprocess.run(
        [*counting, sys.executable, *command],
        capture_output=True, text=True, check=False, timeout=600,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""},
    )  # fmt: skip
    counted = re.search(r"I\s+refs:\s+([\d,]+)", run.stderr)
    assert counted is not None, run.stderr
    return int(counted[1].replace(",", ""))


def work(statement: str, path: Path) -> int:
    """The instructions of one statement."""
    return instructions("-c", f"{ANALYSIS}{statement}", str(path)) - instructions("-c", ANALYSIS, str(path))


def module(folder: Path, findings: int, lines: int) -> Path:
    path = folder / f"findings{findings}_lines{lines}.py"
    path.write_text(generated(findings, lines))
    return path


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Compile and run everything once: what Python does when it imports it for the first time is not to be counted."""
    for package in {Path(flake8_nnx_treemap.__file__).parent, Path(__file__).parents[2] / "flake8_nnx_treemap"}:
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(package)], check=True)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    programs = [("-c", code, __file__) for code in (ANALYSIS, WITHOUT_PLUGIN, WITH_PLUGIN, WITH_RULES)]
    for line in (*programs, ("-m", "flake8_nnx_treemap", "--isolated", "--check", str(PROOF))):
        subprocess.run([sys.executable, *line], check=False, capture_output=True, env=environment)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    instructions.cache_clear()
    return tmp_path_factory.mktemp("modules")


def test_a_count_is_the_same_every_time() -> None:
    first = instructions("-c", "pass")
    instructions.cache_clear()
    assert abs(instructions("-c", "pass") - first) < first / 1000


def test_one_file_without_a_candidate(folder: Path) -> None:
    (folder / "plain.py").write_text("import jax\n\n\ndef double(x):\n    return jax.numpy.add(x, x)\n")
    run = instructions("-m", "flake8_nnx_treemap", "--isolated", "--check", str(folder / "plain.py"))
    assert run <= 4 * instructions("-c", "pass")


def test_a_thousand_files_without_a_candidate(folder: Path) -> None:
    many = folder / "many"
    many.mkdir()
    for number in range(1000):
        (many / f"module{number}.py").write_text("import jax\n" * 100)
    one = many / "module0.py"
    every = instructions("-m", "flake8_nnx_treemap", "--isolated", "--check", str(many))
    first = instructions("-m", "flake8_nnx_treemap", "--isolated", "--check", str(one))
    assert (every - first) / 1000 <= instructions("-c", "pass") / 500


def flake8(*files: Path, command: str = WITH_PLUGIN) -> tuple[int, int]:
    """The instructions of flake8 over some files, without the plugin and with it."""
    line = ("--isolated", "--jobs", "1", *map(str, files))
    return instructions("-c", WITHOUT_PLUGIN, *line), instructions("-c", command, *line)


def test_flake8_over_files_without_a_candidate(folder: Path) -> None:
    (folder / "many.py").write_text("import jax\n\n\n" + "".join(map(PLAIN_FUNCTION.format, range(200))))
    without, with_plugin = flake8(folder / "many.py")
    assert with_plugin <= 1.01 * without


def test_flake8_over_files_that_use_nnx() -> None:
    """Those of the proof. What is imported for the first of them is not counted: a project has hundreds."""
    first, *more = sorted(path for path in PROOF.glob("*.py") if "nnx" in path.read_text(encoding="utf-8"))[:9]
    without_one, with_one = flake8(first, command=WITH_RULES)
    without_all, with_all = flake8(first, *more, command=WITH_RULES)
    assert with_all - with_one <= 1.05 * (without_all - without_one)


@pytest.mark.parametrize(
    ("findings", "lines", "report", "analysis", "fixing"),
    [(0, 500, 0.22, 0.22, 0.22), (1, 500, 0.4, 0.44, 0.81), (10, 500, 0.57, 0.76, 1.16), (100, 500, 1.05, 2.3, 3.62)],
)
def test_analysis_and_fixing_against_a_bare_parse(
    folder: Path, findings: int, lines: int, report: float, analysis: float, fixing: float
) -> None:
    """Fixing takes two passes, of which the last one finds nothing: a mapper's value is converted with its test."""
    path = module(folder, findings, lines)
    parse = work(PARSE, path)
    assert work(REPORT, path) <= report * parse
    assert work(LINT, path) <= analysis * parse
    assert work(FIX, path) <= fixing * parse


@pytest.mark.parametrize(("findings", "analysis", "fixing"), [(1, 0.5, 0.89), (10, 0.9, 1.43), (100, 4.0, 5.31)])
def test_laying_out_against_a_bare_parse(folder: Path, findings: int, analysis: float, fixing: float) -> None:
    """The fixes of this module make lines too long, all of them. What was measured, and a sixth."""
    path = module(folder, findings, 500)
    parse = work(PARSE, path)
    lint, fix = work(LINT_LAID_OUT, path), work(FIX_LAID_OUT, path)
    assert (lint <= analysis * parse, fix <= fixing * parse) == (True, True), (lint / parse, fix / parse)


def test_cost_is_linear_in_findings(folder: Path) -> None:
    few, many = module(folder, 40, 0), module(folder, 160, 0)
    assert work(LINT, many) <= 4 * 1.1 * work(LINT, few)
    assert work(FIX, many) <= 4 * 1.1 * work(FIX, few)
