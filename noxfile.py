# /// script
# dependencies = ["nox[uv]>=2025.5.1"]
# ///
"""Every check of the project; plain ``nox`` runs what CI runs. See CONTRIBUTING.md."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")


def _show_pyenv_versions() -> None:
    """Make every interpreter that pyenv holds answer to its name, not only the global one."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    if versions.is_dir() and "PYENV_VERSION" not in os.environ:
        names = sorted((path.name for path in versions.iterdir()), key=_by_release, reverse=True)
        os.environ["PYENV_VERSION"] = ":".join(name for name in names if name[:2] == "3.")


def _by_release(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".") if part.isdigit())


_show_pyenv_versions()

EPOCHS = {
    # Flax: the newest JAX that works with it (docs/flax-epochs.md).
    "0.10.2": "0.4.35",
    "0.10.6": "0.8.1",
    "0.10.7": "0.7.2",
    "0.11.2": "0.8.1",
    "0.12.0": "0.8.1",
    "0.12.8": "0.10.2",
}
DEFAULT_EPOCHS = ("0.10.6", "0.10.7", "0.11.2", "0.12.8")
DEFAULT_PYTHON = "3.11"
PYTHONS = ("3.10", "3.11", "3.12", "3.13")

nox.options.sessions = ["lint", "tests", "runtime", "performance", "docs", "editors"]


@nox.session(python=DEFAULT_PYTHON)
def lint(session: nox.Session) -> None:
    """Formatting, lint, types, the arrows between layers, and our own plugin on ourselves."""
    session.install("-e", ".[lsp,progress,test]", "ruff", "mypy", "import-linter")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("lint-imports", "--no-cache")
    session.run("flake8", "--isolated", "--select", "NNX", "flake8_nnx_treemap", "tests", "noxfile.py")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Everything that needs no JAX, on every supported Python, against the built package."""
    session.install(".[progress,test]", "pytest-xdist")
    elsewhere = ("--ignore=tests/runtime", "--ignore=tests/performance")
    session.run("pytest", "-n", "2", *elsewhere, *session.posargs)


def _prove(session: nox.Session, flax: str) -> None:
    jax = EPOCHS[flax]
    session.install(".[test]", "pytest-xdist", f"flax=={flax}", f"jax=={jax}", f"jaxlib=={jax}")
    session.run("pytest", "-n", "2", "tests/runtime", *session.posargs, env={"JAX_PLATFORMS": "cpu"})


@nox.session(python=DEFAULT_PYTHON)
@nox.parametrize("flax", DEFAULT_EPOCHS)
def runtime(session: nox.Session, flax: str) -> None:
    """Execute originals and rewrites on one epoch of Flax."""
    _prove(session, flax)


@nox.session(python=DEFAULT_PYTHON)
@nox.parametrize("flax", tuple(EPOCHS))
def full(session: nox.Session, flax: str) -> None:
    """The same on all six epochs, with many more generated programs."""
    session.env.update(NNX_PROOF="full", NNX_PROOF_EXAMPLES="400", NNX_PROOF_OUT=f"proof-{flax}.json")
    _prove(session, flax)


@nox.session(python=DEFAULT_PYTHON)
@nox.parametrize("flax", tuple(EPOCHS))
def epochs(session: nox.Session, flax: str) -> None:
    """Measure one Flax release; ``tests/runtime/epochs.py --page *.json`` makes docs/flax-epochs.md of the results."""
    session.install(".[test]", f"flax=={flax}", f"jax=={EPOCHS[flax]}", f"jaxlib=={EPOCHS[flax]}")
    with open(f"epoch-{flax}.json", "w") as file:
        session.run("python", "tests/runtime/epochs.py", "--measure", stdout=file, env={"JAX_PLATFORMS": "cpu"})


@nox.session(python=DEFAULT_PYTHON)
def newest(session: nox.Session) -> None:
    """The same on the newest Flax and JAX there are: fails loudly when an epoch's behaviour changed."""
    session.install(".[test]", "--upgrade", "flax", "jax", "jaxlib")
    session.run("pytest", "tests/runtime", *session.posargs, env={"JAX_PLATFORMS": "cpu"})


@nox.session(python=DEFAULT_PYTHON)
def performance(session: nox.Session) -> None:
    """Count the instructions that runs take, which are the same every time. Needs valgrind."""
    session.install(".[test]", "pytest-xdist")
    session.run("pytest", "-n", "2", "tests/performance", *session.posargs)


@nox.session(python=DEFAULT_PYTHON)
def fuzz(session: nox.Session) -> None:
    """Feed mutated programs, notebooks and project files to us for ten minutes, or as ``-- --minutes`` says."""
    session.install(".[test]")
    session.run("python", "tests/fuzz/fuzz.py", *session.posargs)


@nox.session(python=DEFAULT_PYTHON)
def docs(session: nox.Session) -> None:
    """Build the site, run what its pages show, look at every page in Chromium. Needs npm and chromium."""
    if not (shutil.which("npm") and shutil.which("chromium")):
        session.skip("npm and chromium are not here")
    session.install("-e", ".[test]", "-r", "docs/tools/requirements.txt", "pytest-xdist", "dask[distributed]")
    session.run("npm", "ci", "--prefix", "docs/tools", "--no-audit", "--no-fund", "--silent", external=True)
    session.run("python", "docs/tools/playground.py", "docs/tools/node_modules/pyodide")
    session.run("mkdocs", "build", "--quiet", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})
    shown = ("tests/docs", "tests/front_ends/test_dask.py")
    session.run("pytest", "-n", "2", *shown, *session.posargs, env={"NNX_SITE": "site"})
    session.run("node", "docs/tools/check_site.mjs", "site", external=True)


@nox.session(python=DEFAULT_PYTHON)
def editors(session: nox.Session) -> None:
    """The language server in real clients, and the VS Code extension. What is not installed here is skipped."""
    clients = ("pytest-lsp", "python-lsp-server", "pre-commit", "jupyterlab", "jupyterlab-lsp", "websocket-client")
    session.install(".[lsp,test]", "pytest-xdist", *clients)
    session.run("pytest", "-n", "2", "tests/editors", *session.posargs)
    if shutil.which("npm") is None:
        session.warn("npm is not here: the VS Code extension is not tested")
        return
    with session.chdir("editors/vscode"):
        session.run("npm", "ci", "--no-audit", "--no-fund", "--silent", external=True)
        session.run("npm", "run", "package", external=True)  # Type-checks and runs the unit tests first.


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
def bench(session: nox.Session) -> None:
    """Compare with ruff, grep, TorchFix, Fixit and flake8 without the plugin; takes half an hour."""
    session.install(".", "ruff", "matplotlib")
    peers = Path(session.create_tmp()) / "peers"  # TorchFix wants an old LibCST; nobody else should have to.
    session.run("python", "-m", "venv", str(peers))
    session.run(str(peers / "bin" / "pip"), "install", "--quiet", "torchfix", "fixit", external=True)
    path = os.pathsep.join([os.environ["PATH"], str(peers / "bin")])
    session.run("python", "benchmarks/bench.py", "--json", "medians.json", *session.posargs, env={"PATH": path})
    session.run("python", "benchmarks/plot.py", "medians.json", "docs/images/performance.svg")
