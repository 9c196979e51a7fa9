"""What each kind of project says about the Flax releases it runs on."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_nnx_treemap.names import KNOWN_RELEASES, NEWEST, NEWEST_RANGE, PORTABLE, PORTABLE_RANGE, FlaxRange
from flake8_nnx_treemap.project.flax_range import FlaxDecision, forget_projects, infer_range, parse_target
from flake8_nnx_treemap.project.requirements.plain_files import Place


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    forget_projects()
    yield
    forget_projects()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / ".git").mkdir(parents=True)
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


CONSTRAINED = '[tool.uv]\nconstraint-dependencies = ["{}"]\n'


def needs(*requirements: str) -> str:
    """A ``pyproject.toml`` with dependencies."""
    return f"[project]\ndependencies = {list(requirements)}\n"


def decision_of(folder: Path, name: str = "src/module.py") -> FlaxDecision:
    forget_projects()
    return infer_range(str(folder / name))


def is_undecided(decision: FlaxDecision) -> bool:
    return decision.decided_by in ("default: portable", "the installed flax")


def files_of(decision: FlaxDecision) -> list[Place]:
    """The files that were looked at."""
    return [place for place in decision.places if os.path.isabs(place.path)]


# The range itself


def test_a_range_in_words() -> None:
    assert str(PORTABLE_RANGE) == "0.10.0 and later"
    assert str(FlaxRange((0, 10, 2), (0, 10, 2))) == "0.10.2 only"
    assert str(FlaxRange((0, 10, 0), (0, 10, 7))) == "0.10.0 to 0.10.7"


@pytest.mark.parametrize(
    ("requirement", "is_stated"),
    [("flax>=0.10", True), ("flax>=0.8", True), ("flax==0.12.*", True), ("flax<0.12", False), ("flax", False)],
)
def test_a_floor_is_stated_only_where_somebody_says_it(tmp_path: Path, requirement: str, is_stated: bool) -> None:
    (tmp_path / "pyproject.toml").write_text(needs(requirement))
    assert decision_of(tmp_path).range.floor_is_stated is is_stated


def test_a_target_states_its_floor() -> None:
    assert all(parse_target(text).floor_is_stated for text in ("portable", "0.10.0", "0.12", ">=0.11", ">=0.10,<0.11"))
    assert not parse_target("<0.11").floor_is_stated
    assert parse_target("portable") != PORTABLE_RANGE


@given(st.sampled_from(KNOWN_RELEASES), st.sampled_from((*KNOWN_RELEASES[:-1], None)))
def test_a_target_says_the_range_again(lowest: tuple[int, ...], highest: tuple[int, ...] | None) -> None:
    if highest is None or lowest <= highest:
        assert parse_target(FlaxRange(lowest, highest).target) == FlaxRange(lowest, highest)


@given(
    st.sampled_from(KNOWN_RELEASES), st.sampled_from((*KNOWN_RELEASES[:-1], None)),
    st.sampled_from(KNOWN_RELEASES), st.sampled_from((*KNOWN_RELEASES, None)),
)  # fmt: skip
def test_a_range_holds_what_one_of_its_releases_meets(
    lowest: tuple[int, ...], highest: tuple[int, ...] | None, since: tuple[int, ...], until: tuple[int, ...] | None
) -> None:
    releases = [one for one in KNOWN_RELEASES if lowest <= one <= (highest or NEWEST)]
    true_of = [one for one in releases if since <= one and (until is None or one < until)]
    if releases and (until is None or since < until):
        assert FlaxRange(lowest, highest).holds(since, until) == bool(true_of)
        assert FlaxRange(lowest, highest).starts_from(since) == all(one >= since for one in releases)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.12", "0.12.0 and later"),
        ("0.12.1", "0.12.1 and later"),
        ("portable", "0.10.0 and later"),
        ("0.8", "0.10.0 and later"),
        ("1.0", "1.0.0 and later"),
        (">=0.10,<0.11", "0.10.0 to 0.10.7"),
        (">= 0.10, < 0.11", "0.10.0 to 0.10.7"),
        ("<0.11", "0.10.0 to 0.10.7"),
        ("~=0.10.6", "0.10.6 to 0.10.7"),
        ("==0.11.*", "0.11.0 to 0.11.2"),
        ("==0.10.2", "0.10.2 only"),
        (">=0.10.6,!=0.10.6", "0.10.7 and later"),
        ("!=0.12.3", "0.10.0 and later"),
        (">0.10.7", "0.11.0 and later"),
        (">=0.13", "0.13.0 and later"),
        ("==0.12.9", "0.12.9 and later"),
        ("<1", "0.10.0 and later"),
    ],
)
def test_target(value: str, text: str) -> None:
    assert str(parse_target(value)) == text


@pytest.mark.parametrize(
    "value", ["", "12", "0.12.", "latest", "0.12.1.1", "-0.1", "0.12rc1", "٠.١٢", ">=what", "=0.10"]
)
def test_no_target(value: str) -> None:
    with pytest.raises(ValueError, match=r"write 0\.12, 0\.12\.1, portable or a specifier"):
        parse_target(value)


@pytest.mark.parametrize("value", ["<0.10", "==0.8.5", ">=0.11,<0.10", "==0.11.0rc1", "==0.10.8", ">=0.12.9,<0.11"])
def test_a_target_that_admits_nothing(value: str) -> None:
    with pytest.raises(ValueError, match=r"admits no release of Flax that is known, 0\.10\.0 to 0\.12\.8$"):
        parse_target(value)


# What single files say


@pytest.mark.parametrize(
    ("name", "text", "range_"),
    [
        ("pyproject.toml", needs("jax", "flax>=0.11.1,<1"), "0.11.1 and later"),
        (
            "pyproject.toml",
            "[project]\ndependencies = ['Flax[all] ~= 0.12.1; python_version > \"3.8\"']\n",
            "0.12.1 and later",
        ),
        ("pyproject.toml", needs("flax==0.10.2"), "0.10.2 only"),
        ("pyproject.toml", needs("flax<0.11"), "0.10.0 to 0.10.7"),
        ("pyproject.toml", "[project.optional-dependencies]\nnnx = ['flax>0.12.0']\n", "0.12.1 and later"),
        (
            "pyproject.toml",
            needs("flax>=0.12") + "[dependency-groups]\nold = ['flax==0.11.*', {include-group = 'x'}]\n",
            "0.11.0 and later",
        ),
        ("pyproject.toml", needs("flax>=0.6"), "0.10.0 and later"),
        ("pyproject.toml", needs("flax==0.8.5"), "0.10.0 only"),
        (
            "pyproject.toml",
            "[project]\ndependencies = ['flax', 'flax-extras>=0.12']\noptional-dependencies.a = ['flax>=0.11']\n",
            "0.11.0 and later",
        ),
        ("pyproject.toml", "[tool.poetry.dependencies]\nflax = '^0.12'\n", "0.12.0 and later"),
        ("pyproject.toml", "[tool.poetry.dependencies]\nflax = '^0.10.4'\n", "0.10.4 to 0.10.7"),
        ("pyproject.toml", "[tool.poetry.dependencies]\nflax = '~0.11'\n", "0.11.0 to 0.11.2"),
        ("pyproject.toml", "[tool.poetry.dependencies]\nflax = '>=0.10 <0.11 || 0.12.1'\n", "0.10.0 to 0.12.1"),
        (
            "pyproject.toml",
            "[tool.poetry.group.ml.dependencies]\nflax = {version = '0.11.2', optional = true}\n",
            "0.11.2 only",
        ),
        (
            "pyproject.toml",
            "[[tool.poetry.dependencies.flax]]\nversion = '0.10.6'\npython = '<3.11'\n"
            "[[tool.poetry.dependencies.flax]]\nversion = '^0.12'\npython = '>=3.11'\n",
            "0.10.6 and later",
        ),
        (
            "pyproject.toml",
            "[tool.pdm.dev-dependencies]\ntest = ['-e file:///x', 'flax~=0.11.0']\n",
            "0.11.0 to 0.11.2",
        ),
        (
            "pyproject.toml",
            "[tool.pdm.resolution.overrides]\nflax = '0.11.1'\n[project]\ndependencies = ['flax>=0.10']\n",
            "0.11.1 only",
        ),
        ("pyproject.toml", "[tool.hatch.envs.test]\nextra-dependencies = ['flax==0.10.7']\n", "0.10.7 only"),
        ("hatch.toml", "[envs.test]\ndependencies = ['flax==0.10.7']\n", "0.10.7 only"),
        ("pyproject.toml", "[tool.uv]\ndev-dependencies = ['flax>=0.12.3']\n", "0.12.3 and later"),
        ("pyproject.toml", "[tool.uv]\nconstraint-dependencies = ['flax<0.11']\n", "0.10.0 to 0.10.7"),
        ("pyproject.toml", needs("flax>=0.10.2") + CONSTRAINED.format("flax<0.11"), "0.10.2 to 0.10.7"),
        ("pyproject.toml", needs("flax") + CONSTRAINED.format("flax<0.11"), "0.10.0 to 0.10.7"),
        ("pyproject.toml", needs("flax>=0.12") + CONSTRAINED.format("flax<0.11"), "0.12.0 and later"),
        ("pyproject.toml", needs("flax>=0.11") + CONSTRAINED.format("flax<0.12; os_name == 'nt'"), "0.11.0 and later"),
        (
            "pyproject.toml",
            "[tool.uv]\noverride-dependencies = ['flax==0.11.0']\n[project]\ndependencies = ['flax>=0.12']\n",
            "0.11.0 only",
        ),
        ("pyproject.toml", needs("flax @ git+https://github.com/google/flax.git"), "0.12.8 and later"),
        ("pyproject.toml", needs("flax @ git+https://github.com/google/flax@v0.10.2"), "0.10.2 only"),
        ("pyproject.toml", needs("flax @ https://h/flax-0.11.1-py3-none-any.whl"), "0.11.1 only"),
        (
            "pyproject.toml",
            needs("flax>=0.10") + "[tool.uv.sources]\nflax = {git = 'https://github.com/google/flax'}\n",
            "0.12.8 and later",
        ),
        (
            "pyproject.toml",
            needs("flax>=0.10") + "[tool.uv.sources]\nflax = {git = 'ssh://h/flax', tag = 'v0.11.0'}\n",
            "0.11.0 only",
        ),
        (
            "pyproject.toml",
            "[project]\ndependencies = ['flax>=0.11']\n[tool.uv.sources]\nflax = {index = 'x'}\n",
            "0.11.0 and later",
        ),
        (
            "pyproject.toml",
            needs("flax>=0.11") + "[[tool.uv.sources.flax]]\ngit = 'https://h/flax'\nmarker = 'os_name == \"nt\"'\n",
            "0.11.0 and later",
        ),
        ("pyproject.toml", "[tool.pixi.pypi-dependencies]\nflax = '==0.11.2'\n", "0.11.2 only"),
        ("setup.cfg", "[options]\ninstall_requires =\n  jax\n  flax>=0.12\n", "0.12.0 and later"),
        ("setup.cfg", "[options.extras_require]\nnnx = flax>=0.11\n", "0.11.0 and later"),
        (
            "setup.py",
            "import setuptools\nsetuptools.setup(install_requires=['jax', 'flax>=0.11'])\n",
            "0.11.0 and later",
        ),
        (
            "setup.py",
            "BASE = ['flax==0.11.*']\nEXTRAS = {'gpu': BASE + ['jax']}\nsetup(extras_require=EXTRAS)\n",
            "0.11.0 to 0.11.2",
        ),
        ("requirements.txt", "-r other.txt\nflax==0.12.7  # pinned\n", "0.12.7 only"),
        (
            "requirements.txt",
            "# flax==0.10.0\nflax==0.11.2 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n",
            "0.11.2 only",
        ),
        ("requirements-dev.in", "\N{BOM}flax>=0.11\n".replace("\N{BOM}", "\ufeff"), "0.11.0 and later"),
        ("dev_requirements.txt", "flax >= 0.11 --config-settings x=y\n", "0.11.0 and later"),
        ("requirements/train.txt", "flax>=0.11\n", "0.11.0 and later"),
        ("constraints.txt", "flax<0.12\n", "0.10.0 to 0.11.2"),
        ("requirements.txt", "-e git+https://github.com/google/flax.git@main#egg=flax\n", "0.12.8 and later"),
        ("requirements.txt", "git+https://github.com/google/flax@v0.11.1\n", "0.11.1 only"),
        ("pixi.toml", "[dependencies]\nflax = '>=0.10.2,<0.11'\n", "0.10.2 to 0.10.7"),
        (
            "pixi.toml",
            "[feature.cuda.target.linux-64.pypi-dependencies]\nflax = {version = '0.11.*'}\n",
            "0.11.0 to 0.11.2",
        ),
        ("pixi.toml", "[pypi-dependencies]\nflax = {git = 'https://github.com/google/flax'}\n", "0.12.8 and later"),
        ("environment.yml", "name: x\ndependencies:\n  - python=3.11\n  - flax=0.10  # fuzzy\n", "0.10.0 to 0.10.7"),
        ("environment.yml", "dependencies:\n- 'conda-forge::flax >=0.11,<0.12'\n", "0.11.0 to 0.11.2"),
        ("environment.yml", "dependencies:\n- flax=0.10.2=pyhd8ed1ab_0\n", "0.10.2 only"),
        ("environment.yml", "dependencies:\n- flax 0.10.2 pyhd8ed1ab_0\n", "0.10.2 only"),
        ("environment.yml", "dependencies:\n- flax >=0.11, <0.12\n", "0.11.0 to 0.11.2"),
        ("environment.yml", "dependencies:\n- pip:\n  - flax[all]>=0.11; python_version > '3'\n", "0.11.0 and later"),
        (
            "environment.yml",
            "dependencies:\n- pip:\n  - flax @ git+https://github.com/google/flax\n",
            "0.12.8 and later",
        ),
        ("environment.yml", "dependencies:\n- flax >=0.10.*,<0.12\n", "0.10.0 to 0.11.2"),
        ("environment.yml", "dependencies:\n- flax[version='>=0.11,<0.12']\n", "0.11.0 to 0.11.2"),
        ("environment-gpu.yaml", "dependencies:\n- pip:\n    - flax==0.11.1\n    {% if x %}\n", "0.11.1 only"),
        ("conda.yaml", "dependencies:\n- pip:\n    - -r deps/list.txt\n", "0.12.4 and later"),
    ],
)
def test_a_file(repository: Path, name: str, text: str, range_: str) -> None:
    write(repository, {name: text, "src/module.py": ""})
    if name == "conda.yaml":
        write(repository, {"deps/list.txt": "flax>=0.12.4\n"})
    decision = decision_of(repository)
    assert str(decision.range) == range_
    where = repository / ("deps/list.txt" if name == "conda.yaml" else name)
    assert decision.decided_by == f"flax in {where}"
    assert decision.deciding == (str(where),)


LOCKED = (
    "[[package]]\nname = 'jax'\nversion = '0.4.0'\n\n"
    "[[package]]\nname = 'flax'\nversion = '0.11.2'\n{}\n[[package]]\nname = 'x'\n"
)


@pytest.mark.parametrize(
    ("name", "text", "range_"),
    [
        ("uv.lock", LOCKED.format("dependencies = [\n    {name = 'jax'},\n]\n"), "0.11.2 only"),
        (
            "uv.lock",
            LOCKED.format("source = { git = 'https://github.com/google/flax?rev=main#0123456' }\n"),
            "0.12.8 and later",
        ),
        (
            "uv.lock",
            LOCKED.format("source = { git = 'https://github.com/google/flax?tag=v0.11.1#0123456' }\n"),
            "0.11.1 only",
        ),
        ("uv.lock", LOCKED.format("[[package]]\nname = 'flax'\nversion = '0.10.6'\n"), "0.10.6 to 0.11.2"),
        ("pdm.lock", LOCKED.format("[package.x]\n"), "0.11.2 only"),
        ("pdm.lock", LOCKED.format("git = 'https://github.com/google/flax.git'\nref = 'main'\n"), "0.12.8 and later"),
        ("poetry.lock", LOCKED.format("[package.dependencies]\njax = '>=0.4'\n"), "0.11.2 only"),
        (
            "poetry.lock",
            LOCKED.format("[package.source]\ntype = 'git'\nurl = 'https://h/flax'\nreference = 'v0.10.7'\n"),
            "0.10.7 only",
        ),
        ("pylock.toml", LOCKED.replace("[[package]]", "[[packages]]").format(""), "0.11.2 only"),
        (
            "pylock.gpu.toml",
            LOCKED.replace("[[package]]", "[[packages]]").format("[packages.vcs]\nurl = 'https://h/x'\n"),
            "0.12.8 and later",
        ),
        (
            "conda-lock.yml",
            "package:\n- name: jax\n  version: 0.4.0\n- name: flax\n  version: 0.10.2\n  platform: linux-64\n"
            "- name: flax\n  version: 0.10.4\n  platform: osx-arm64\n",
            "0.10.2 to 0.10.4",
        ),
    ],
)
def test_a_lock_file(repository: Path, name: str, text: str, range_: str) -> None:
    write(repository, {name: text, "pyproject.toml": needs("flax")})
    decision = decision_of(repository)
    assert (str(decision.range), decision.decided_by) == (range_, f"flax in {repository / name}")


@pytest.mark.parametrize(
    ("marker", "counts"),
    [
        ("python_version < '3.9'", False),
        ("python_version < '3.12'", False),
        ("python_full_version >= '3.12.4'", True),
        ("python_version >= '3.12' and sys_platform == 'win32'", True),
        ("sys_platform == 'linux' and sys_platform == 'darwin'", False),
        ("platform_machine == 'aarch64'", True),
        ("platform_release >= '5'", True),
        ("extra == 'gpu'", True),
        ("implementation_name == 'pypy'", False),
    ],
)
def test_a_marker_counts_where_it_may_hold(repository: Path, marker: str, counts: bool) -> None:
    text = f"[project]\nrequires-python = '>=3.12'\ndependencies = ['flax>=0.12', \"flax==0.10.6; {marker}\"]\n"
    write(repository, {"pyproject.toml": text})
    assert decision_of(repository).range.lowest == ((0, 10, 6) if counts else (0, 12, 0))


# Files that others name


@pytest.mark.parametrize(
    "table",
    [
        "[tool.hatch.metadata.hooks.requirements_txt]\nfiles = ['needs/base.txt']\n",
        "[tool.hatch.metadata.hooks.requirements_txt.optional-dependencies]\ntpu = ['needs/base.txt']\n",
        "[tool.setuptools.dynamic]\ndependencies = {file = ['needs/base.txt']}\n",
        "[tool.setuptools.dynamic]\ndependencies = {file = 'needs/base.txt'}\n",
        "[tool.setuptools.dynamic.optional-dependencies]\ngpu = {file = ['needs/base.txt']}\n",
    ],
)
def test_dynamic_dependencies(repository: Path, table: str) -> None:
    write(
        repository,
        {
            "pyproject.toml": f"[project]\nname = 'x'\ndynamic = ['dependencies']\n{table}",
            "needs/base.txt": "jax\nflax>=0.12.6\n",
            "requirements.txt": "flax==0.10.0\n",
        },
    )
    decision = decision_of(repository)
    assert (str(decision.range), decision.deciding) == ("0.12.6 and later", (str(repository / "needs/base.txt"),))


def test_setup_cfg_names_a_file(repository: Path) -> None:
    write(
        repository, {"setup.cfg": "[options]\ninstall_requires = file: a.txt, needs.txt\n", "needs.txt": "flax~=0.11.0"}
    )
    assert decision_of(repository).deciding == (str(repository / "needs.txt"),)


def test_requirements_lead_to_others_and_do_not_go_round(repository: Path) -> None:
    write(
        repository,
        {
            "requirements.txt": "-r requirements/a.txt\n-c 'limits/c.txt'\n--requirement=requirements.txt\n",
            "requirements/a.txt": "-r ../requirements.txt\n-r b.lst\n",
            "requirements/b.lst": "-ra.txt\nflax>=0.11\n",
            "limits/c.txt": "flax<0.12\n",
        },
    )
    decision = decision_of(repository)
    assert str(decision.range) == "0.11.0 and later"
    assert [os.path.relpath(place.path, repository) for place in decision.places] == [
        "requirements.txt", "requirements/a.txt", "requirements/b.lst", "limits/c.txt",
    ]  # fmt: skip


# Which place counts


def test_the_order(repository: Path) -> None:
    files = {
        "pyproject.toml": needs("flax>=0.12.7"),
        "setup.py": "setup(install_requires=['flax>=0.12.6'])\n",
        "requirements.txt": "flax>=0.12.5\n",
        "environment.yml": "dependencies:\n- flax>=0.12.4\n",
        "uv.lock": LOCKED.format("").replace("0.11.2", "0.12.3"),
        "poetry.lock": LOCKED.format("").replace("0.11.2", "0.12.2"),
    }
    write(repository, files)
    for name, patch in zip(files, (7, 6, 5, 4, 3, 2), strict=True):
        assert decision_of(repository).range.lowest == (0, 12, patch)
        (repository / name).write_text("")
    assert is_undecided(decision_of(repository))


def test_the_nearest_project_counts(repository: Path) -> None:
    write(
        repository,
        {
            "pyproject.toml": needs("flax>=0.12"),
            "old/pyproject.toml": needs("flax>=0.11"),
            "docs/requirements.txt": "sphinx\nflax\n",
            "tools/pyproject.toml": "[tool.ruff]\n",
        },
    )
    assert str(decision_of(repository, "old/m.py").range) == "0.11.0 and later"
    for name in ("new.py", "docs/conf.py", "tools/deep/er/m.py"):
        assert str(decision_of(repository, name).range) == "0.12.0 and later"


def test_nothing_outside_the_repository_counts(repository: Path) -> None:
    outside = repository.parent
    write(outside, {"pyproject.toml": needs("flax>=0.12"), "r.txt": "flax>=0.12\n"})
    write(repository, {"requirements.txt": "-r ../r.txt\n-r https://example.org/r.txt\n"})
    write(outside, {"c.txt": "flax>=0.12\n"})
    (repository / "constraints.txt").symlink_to(outside / "c.txt")
    decision = decision_of(repository)
    assert is_undecided(decision)
    assert [(os.path.basename(place.path), place.said) for place in files_of(decision)] == [
        ("constraints.txt", "lies outside the repository; not read"),
        ("requirements.txt", "nothing of flax"),
        ("r.txt", "lies outside the repository; not read"),
    ]


def test_outside_of_repositories_the_project_is_the_bound(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "requirements.txt": "flax>=0.12\n",
            "project/pyproject.toml": "[project]\nname = 'x'\n",
            "project/docs/requirements.txt": "sphinx\n",
            "plain/src/m.py": "",
        },
    )
    assert is_undecided(decision_of(tmp_path, "project/docs/m.py"))
    assert str(decision_of(tmp_path, "plain/src/m.py").range) == "0.12.0 and later"


def test_an_upper_bound_alone_that_bounds_nothing_known_leaves_it_to_the_lock(repository: Path) -> None:
    lock = LOCKED.format("")
    write(repository, {"pyproject.toml": needs("flax<1"), "uv.lock": lock})
    assert str(decision_of(repository).range) == "0.11.2 only"
    write(repository, {"pyproject.toml": needs("flax<0.11")})
    assert str(decision_of(repository).range) == "0.10.0 to 0.10.7"


# Files that are broken, or want to be trouble


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pyproject.toml", b"[project\n"),
        ("pyproject.toml", b"project = 1\ntool = []\ndependency-groups = 'x'\n"),
        (
            "pyproject.toml",
            b"[tool]\nuv = 1\nhatch = []\nsetuptools = {dynamic = {dependencies = 3}}\npoetry = {group = {x = 1}}\n",
        ),
        ("pyproject.toml", b"x = " + b"[" * 100_000),
        (
            "pyproject.toml",
            b"[project]\nrequires-python = 'what'\ndependencies = [1, 'flax>=what', 'flax==0.11.0rc1']\n",
        ),
        (
            "pyproject.toml",
            b"[tool.poetry.dependencies]\nflax = ['^x', {version = 3}, {}, 4, {git = ''}]\npython = 7\n"[:48] + b"]\n",
        ),
        ("hatch.toml", b"\0"),
        ("setup.cfg", b"\xff"),
        ("setup.cfg", b"[options\n"),
        ("setup.py", b"setup(install_requires=["),
        ("setup.py", b"x = " + b"(" * 100_000),
        ("setup.py", b"a = b\nb = a\nsetup(install_requires=a)\n"),
        ("requirements.txt", b"flax>=what\nflax-extras>=0.12\nflax[\n-r\n-r \0\n-r .\n"),
        ("requirements.txt", b"flax==" + b"9" * 5000 + b"\nflax" + b"~" * 3000),
        ("pixi.toml", b"dependencies = 'flax'\nfeature = {x = 1}\n"),
        ("environment.yml", b"- \n- flax =\n- flax[\n- {flax: 1}\n"),
        ("uv.lock", b"[[package]]\nname = 'flax'\nversion = [\n[[package]]\nname = 'flax'\nversion = 3\n"),
        ("conda-lock.yml", b"- name: flax\n- version:\n  name: flax\n  version: what\n"),
    ],
)
def test_broken_files_say_nothing(repository: Path, name: str, content: bytes) -> None:
    (repository / name).write_bytes(content)
    decision = decision_of(repository)
    assert is_undecided(decision)
    assert [place.path for place in decision.places][:1] == [str(repository / name)]
    assert all("\n" not in place.said for place in decision.places)


@pytest.mark.parametrize(
    "name", ["pyproject.toml", "setup.py", "requirements.txt", "environment.yml", "pixi.toml", "uv.lock"]
)
@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "loop", "large"])
def test_only_plain_files_are_read(tmp_path: Path, name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "r"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    if kind == "pipe":
        os.mkfifo(name)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(name)
    elif kind == "folder":
        Path(name).mkdir()
    elif kind == "loop":
        Path(name).symlink_to(name)
    else:
        with open(name, "wb") as file:
            file.truncate(9 * 1024**2)
    started = time.monotonic()
    (place,) = files_of(decision_of(folder))
    assert time.monotonic() - started < 5
    assert place.problem is not None
    assert not place.entries


MARKERS = "".join(f"flax==0.10.6; python_version < '3.{9 - n % 9}' and os_name == 'x{n}'\n" for n in range(50_000))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", MARKERS),
        ("requirements.txt", "flax; " + "(" * 900 + "\n" + "flax>=0.1; " + "extra == 'a' or " * 100_000),
        ("requirements.txt", "flax==" + "1." * 400 + "1\n-r" + " " * 100_000 + "x" * 5000),
        ("environment.yml", "- flax[" + "version='>=0.10' " * 100_000 + "\n"),
        ("pixi.toml", "[dependencies]\nflax = '" + "0.1 || " * 100_000 + "'\n"),
        (
            "pyproject.toml",
            "[tool.poetry.dependencies]\nflax = [" + "{version = '<1', python = '>=3.99'}, " * 20_000 + "]\n",
        ),
        (
            "pyproject.toml",
            "[tool.hatch.metadata.hooks.requirements_txt]\nfiles = ['a', \"b\\u0000\", '/dev/zero', '..', '']\n",
        ),
        ("pyproject.toml", "[project]\nrequires-python = '" + ">=3.10," * 100_000 + "'\n"),
        ("uv.lock", "[[package]]\nname = 'flax'\nversion = '0.11.0'\nx = " + "[1, " * 100_000 + "\n"),
        ("uv.lock", "[[package]]\nname = 'flax'\n" * 100_000),
        ("conda-lock.yml", "- name: flax\n  version: " + "1" * 100_000 + "\n"),
    ],
    ids=range(11),
)
def test_no_text_keeps_us_busy(repository: Path, name: str, text: str) -> None:
    write(repository, {name: text})
    started = time.monotonic()
    decision = decision_of(repository)
    assert time.monotonic() - started < 10
    assert is_undecided(decision)
    assert max(len(place.said) for place in decision.places) < 20_000


def test_a_thousand_files_do_not_keep_us_busy(repository: Path) -> None:
    write(repository, {f"requirements{number}.txt": f"-r requirements{number + 1}.txt\n" for number in range(1000)})
    assert len(files_of(decision_of(repository))) == 200


def test_what_powershell_writes(repository: Path) -> None:
    (repository / "requirements.txt").write_bytes("flax==0.11.1\r\n".encode("utf-16"))
    assert str(decision_of(repository).range) == "0.11.1 only"


def test_a_git_source_means_the_newest(repository: Path) -> None:
    write(repository, {"requirements.txt": "flax @ git+https://github.com/google/flax\n"})
    assert decision_of(repository).range == NEWEST_RANGE
    write(repository, {"requirements.txt": "flax @ file:///home/me/flax\n"})
    assert is_undecided(decision_of(repository))
    assert decision_of(repository).range.lowest >= PORTABLE
