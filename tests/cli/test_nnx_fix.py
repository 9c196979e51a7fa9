"""``nnx-fix`` as a user meets it: a process, its output, its exit code, and what is on the disk afterwards."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SEED = """\
import jax
from flax import nnx

state = nnx.State({"param1": nnx.Param(10.0)})
jax.tree.map(lambda x: x.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
FIXED = SEED.replace("x.value", "x.value if isinstance(x, nnx.Variable) else x").replace("VariableState", "Variable")
ONE = ("--select", "NNX101", "--target-flax", "0.11", "--isolated", "--line-length", "200")


def nnx_fix(*arguments: str | bytes, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "flake8_nnx_treemap", *arguments]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, check=False, timeout=120)


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    path = tmp_path / "seed.py"
    path.write_text(SEED)
    return path


def test_fixes_in_place_once(seed: Path) -> None:
    first = nnx_fix(*ONE, "seed.py", cwd=seed.parent)
    assert (first.returncode, first.stderr) == (0, b"")
    assert first.stdout.decode().splitlines() == [
        "seed.py: fixed NNX101",
        "Found 1 finding (1 fixed, 0 remaining).",
    ]
    assert seed.read_text() == FIXED
    before = seed.stat()
    second = nnx_fix(*ONE, "seed.py", cwd=seed.parent)
    assert (second.returncode, second.stdout) == (0, b"All checks passed!\n")
    assert seed.stat().st_mtime_ns == before.st_mtime_ns


def test_check_changes_nothing(seed: Path) -> None:
    run = nnx_fix(*ONE, "--check", "--output-format", "concise", "seed.py", cwd=seed.parent)
    assert run.returncode == 1
    lines = run.stdout.decode().splitlines()
    assert lines[0].startswith("seed.py:5:48: NNX101 [*] ")
    assert lines[1:] == ["Found 1 finding.", "[*] 1 fixable with `nnx-fix`."]
    assert seed.read_text() == SEED


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed")
def test_diff_can_be_applied(seed: Path) -> None:
    run = nnx_fix(*ONE, "--diff", "seed.py", cwd=seed.parent)
    assert run.returncode == 1
    assert seed.read_text() == SEED
    subprocess.run(["patch", "-p0"], cwd=seed.parent, input=run.stdout, check=True, capture_output=True)
    assert seed.read_text() == FIXED


def test_exit_zero(seed: Path) -> None:
    assert nnx_fix(*ONE, "--check", "--exit-zero", "seed.py", cwd=seed.parent).returncode == 0
    assert nnx_fix(*ONE, "--exit-zero", "missing.py", cwd=seed.parent).returncode == 2


def test_stdin_is_a_filter(seed: Path) -> None:
    run = nnx_fix(*ONE, "-", cwd=seed.parent, stdin=SEED.replace("\n", "\r\n").encode())
    assert run.stdout == FIXED.replace("\n", "\r\n").encode()
    assert run.returncode == 0
    checked = nnx_fix(*ONE, "--check", "--stdin-filename", "a/b.py", "-", cwd=seed.parent, stdin=SEED.encode())
    assert checked.stdout.startswith(b"a/b.py:5:48: NNX101")
    broken = nnx_fix(*ONE, "-", cwd=seed.parent, stdin=b"nnx = (")
    assert (broken.returncode, broken.stdout) == (2, b"nnx = (")


def test_json_is_in_ruffs_form(seed: Path) -> None:
    run = nnx_fix(*ONE, "--check", "--output-format", "json", "seed.py", cwd=seed.parent)
    (entry,) = json.loads(run.stdout)
    assert entry["code"] == "NNX101"
    assert entry["filename"] == "seed.py"
    assert entry["location"] == {"row": 5, "column": 48}
    assert entry["end_location"] == {"row": 5, "column": 90}
    assert entry["url"].endswith("/rules/NNX101-is-leaf-is-not-a-filter/")
    assert entry["fix"]["applicability"] == "safe"
    assert apply(SEED, entry["fix"]["edits"]) == FIXED
    clean = nnx_fix(*ONE, "--check", "--output-format", "json", os.devnull, cwd=seed.parent)
    assert clean.returncode == 2  # A device is no file.


def apply(text: str, edits: list[dict[str, object]]) -> str:
    lines = text.splitlines(keepends=True)
    starts = [sum(map(len, lines[:row])) for row in range(len(lines) + 1)]

    def offset(location: dict[str, int]) -> int:
        return starts[location["row"] - 1] + location["column"] - 1

    for edit in reversed(edits):
        start, end = offset(edit["location"]), offset(edit["end_location"])  # type: ignore[arg-type]
        text = text[:start] + str(edit["content"]) + text[end:]
    return text


def test_unsafe_fixes_wait_to_be_asked_for(seed: Path) -> None:
    seed.write_text(SEED.replace("x.value", "abs(x)"))
    run = nnx_fix(*ONE, "seed.py", cwd=seed.parent)
    assert run.returncode == 1
    assert b"1 more fix with `--unsafe-fixes`." in run.stdout
    assert nnx_fix(*ONE, "--unsafe-fixes", "seed.py", cwd=seed.parent).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--target-flax", "twelve"), "twelve"),
        (("--target-flax", ""), "''"),
        (("--target-flax", ">=0.11,<0.11"), "admits no release of Flax that is known, 0.10.0 to 0.12.8"),
        (("--select", "NNX999"), "NNX999"),
        (("--ignore", "E501"), "E501"),
        (("--output-format", "xml"), "xml"),
        (("--jobs", "0"), "'0'"),
        (("--explain", "NNX999"), "NNX999"),
        (("missing.py",), "missing.py"),
        (("missing/",), "missing/"),
    ],
)
def test_a_slip_is_one_clear_line(seed: Path, arguments: tuple[str, ...], named: str) -> None:
    run = nnx_fix(*arguments, *([] if "missing" in arguments[0] else ["seed.py"]), cwd=seed.parent)
    assert run.returncode == 2
    last = run.stderr.decode().splitlines()[-1]
    assert last.startswith("nnx-fix: error: ")
    assert named in last
    assert seed.read_text() == SEED


def test_a_run_in_which_nothing_could_be_checked_does_not_pass(seed: Path) -> None:
    (seed.parent / "broken.py").write_text("from flax import nnx  # jax.tree.map\ndef f(:\n")
    run = nnx_fix("--check", "broken.py", "missing.py", cwd=seed.parent)
    assert (run.returncode, run.stdout) == (2, b"No findings, but 2 files could not be checked.\n")


GRAMMAR = f"Python {sys.version_info.major}.{sys.version_info.minor}"
BAD = {
    "syntax.py": (b"def f(:\n", f"1:7: syntax error: invalid syntax ({GRAMMAR})"),
    "syntax_nnx.py": (b"from flax import nnx  # tree_map\ndef f(:\n", f"2:7: syntax error: invalid syntax ({GRAMMAR})"),
    "latin.py": (b"x = '\xe9'  # nnx\n", "1:6: is not UTF-8: byte 0xe9"),
    "latin_plain.py": (b"x = '\xe9'\n", "1:6: is not UTF-8: byte 0xe9"),
    "binary.py": (bytes(range(256)) * 4, ""),
    "null.py": (b"from flax import nnx\0\n", "null"),
    "utf16.py": ("from flax import nnx\n".encode("utf-16"), "UTF-16"),
    "cookie.py": (b"# -*- coding: klingon -*-\nx = 1\n", "klingon"),
    "deep.py": (b"from flax import nnx\nx = " + b"(" * 10_000, "nested"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line_and_the_others_go_on(seed: Path, name: str) -> None:
    content, reason = BAD[name]
    (seed.parent / name).write_bytes(content)
    run = nnx_fix(*ONE, name, "seed.py", cwd=seed.parent)
    assert run.returncode == 2
    (line,) = run.stderr.decode().splitlines()
    assert line.startswith(f"nnx-fix: error: {name}: ")
    assert reason in line
    assert (seed.parent / name).read_bytes() == content
    assert seed.read_text() == FIXED


def test_a_chain_of_operators_without_end(seed: Path) -> None:
    (seed.parent / "long.py").write_bytes(b"from flax import nnx\nx = " + b"+".join([b"nnx"] * 30_000))
    run = nnx_fix(*ONE, "long.py", cwd=seed.parent)
    # Python 3.10 parses it, later ones do not.
    assert (run.returncode, run.stderr) in [
        (0, b""),
        (2, b"nnx-fix: error: long.py: cannot be parsed: nested too deeply\n"),
    ]


@pytest.mark.parametrize("content", [b"", b"\n", b"\xef\xbb\xbf", b"\x0c\n", b"# nnx", b"x = 1"])
def test_an_empty_file_is_fine(seed: Path, content: bytes) -> None:
    (seed.parent / "empty.py").write_bytes(content)
    run = nnx_fix("empty.py", cwd=seed.parent)
    assert (run.returncode, run.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("encoding", "head"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("latin-1", "# -*- coding: latin-1 -*-\n"),
        ("cp1252", "#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n"),
        ("shift_jis", "# coding: shift_jis\n"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encoding_and_line_ends_are_kept(seed: Path, encoding: str, head: str, newline: str) -> None:
    letter = "語" if encoding == "shift_jis" else "é"
    body = f"{head}name = '{letter}'\n"
    seed.write_bytes((body + SEED).replace("\n", newline).encode(encoding))
    assert nnx_fix(*ONE, "seed.py", cwd=seed.parent).returncode == 0
    assert seed.read_bytes() == (body + FIXED).replace("\n", newline).encode(encoding)


def test_mixed_line_ends_and_no_line_end_at_the_end(seed: Path) -> None:
    seed.write_bytes(b"a = 1\r\nb = '''\n\r'''\x0c\n" + SEED.rstrip("\n").encode())
    assert nnx_fix(*ONE, "seed.py", cwd=seed.parent).returncode == 0
    assert seed.read_bytes() == b"a = 1\r\nb = '''\n\r'''\x0c\n" + FIXED.rstrip("\n").encode()


def test_mode_and_links_are_kept(seed: Path) -> None:
    seed.chmod(0o751)
    link = seed.parent / "link.py"
    link.symlink_to("seed.py")
    assert nnx_fix(*ONE, "link.py", cwd=seed.parent).returncode == 0
    assert stat.S_IMODE(seed.stat().st_mode) == 0o751
    assert link.is_symlink()
    assert seed.read_text() == FIXED


def test_folders(seed: Path) -> None:
    root = seed.parent
    for folder in ("pkg/deep", "pkg/.venv", "pkg/node_modules", "pkg/ignored"):
        (root / folder).mkdir(parents=True)
        (root / folder / "m.py").write_text(SEED)
    (root / "pkg" / "loop").symlink_to("..", target_is_directory=True)
    (root / "pkg" / "round.py").symlink_to("round.py")
    (root / "pkg" / ".gitignore").write_text("ignored/\n")
    (root / "pkg" / "notes.txt").write_text(SEED)
    os.mkfifo(root / "pkg" / "fifo.py")
    run = nnx_fix(*ONE, "--check", "--output-format", "concise", "pkg", cwd=root)
    assert (run.returncode, run.stderr) == (1, b"")
    assert [line.split(b":")[0] for line in run.stdout.splitlines()[:-2]] == [b"pkg/deep/m.py"]
    named = nnx_fix(
        *ONE, "--check", "--output-format", "concise", "pkg/ignored/m.py", "pkg/ignored", "pkg/.venv", cwd=root
    )
    assert [line.split(b":")[0] for line in named.stdout.splitlines()[:-2]] == [b"pkg/ignored/m.py", b"pkg/.venv/m.py"]


@pytest.fixture
def listening(seed: Path) -> Iterator[Path]:
    path = seed.parent / "socket.py"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        yield path


def test_pipes_and_sockets_are_no_files(seed: Path, listening: Path) -> None:
    os.mkfifo(seed.parent / "fifo.py")
    run = nnx_fix("fifo.py", listening.name, cwd=seed.parent)
    assert run.returncode == 2
    assert run.stderr.decode().splitlines() == [
        "nnx-fix: error: fifo.py: is not a regular file",
        "nnx-fix: error: socket.py: is not a regular file",
    ]


def test_names_that_are_not_text(seed: Path) -> None:
    for name in (b"new\nline.py", b"\xff\xfe.py", "é𝄞.py".encode()):
        with open(os.path.join(os.fsencode(seed.parent), name), "w") as file:
            file.write(SEED)
    run = nnx_fix(*ONE, ".", cwd=seed.parent)
    assert (run.returncode, run.stderr) == (0, b"")
    assert b"(4 fixed, 0 remaining)" in run.stdout


def test_every_number_of_jobs_says_the_same(seed: Path) -> None:
    for index in range(70):
        (seed.parent / f"m{index:02}.py").write_text(
            SEED if index % 3 else "from flax import nnx  # tree_map\ndef f(:\n"
        )
    runs = [nnx_fix(*ONE, "--check", "--jobs", jobs, ".", cwd=seed.parent) for jobs in ("1", "2", "4")]
    assert len({(run.returncode, run.stdout, run.stderr) for run in runs}) == 1
    assert runs[0].stdout.count(b": NNX101 ") == 47


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ("import jax\n\njax.tree.map(abs, [1])\n", []),
        # Past the first gate: a wrapper's class, and no call of a tree function.
        ("from flax import nnx\n\ntree = nnx.Param(1).value\n", []),
    ],
)
def test_a_file_without_a_candidate_does_not_load_libcst(seed: Path, text: str, imports: list[str]) -> None:
    seed.write_text(text)
    code = """\
import sys
from flake8_nnx_treemap.cli import main
main(["--isolated", "seed.py"])
heavy = {"libcst", "packaging", "tomllib", "tomli", "pathspec", "multiprocessing", "flax", "jax", "rich", "json"}
print(sorted(heavy & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=seed.parent, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["All checks passed!", str(imports)]


@pytest.mark.parametrize("output_format", ["concise", "grouped", "github", "gitlab", "junit"])
def test_a_report_does_not_load_libcst(seed: Path, output_format: str) -> None:
    code = """\
import sys
from flake8_nnx_treemap.cli import main
status = main(["--isolated", "--check", "--output-format", sys.argv[1], "seed.py"])
print(status, "libcst" in sys.modules)
"""
    command = [sys.executable, "-c", code, output_format]
    run = subprocess.run(command, cwd=seed.parent, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "1 False"
    assert "NNX101" in run.stdout


def test_the_plugin_does_not_load_libcst(seed: Path) -> None:
    code = """\
import sys
from flake8.main.cli import main
status = main(["--isolated", "--jobs", "1", "--select", "NNX", "seed.py"])
print(status, "libcst" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=seed.parent, capture_output=True, text=True, check=True)
    assert "NNX101" in run.stdout
    assert run.stdout.splitlines()[-1] == "1 False"


def test_version_imports_next_to_nothing(seed: Path) -> None:
    seed.write_text("import jax\n")
    code = """\
import sys
before = set(sys.modules)
from flake8_nnx_treemap.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(sorted(name for name in set(sys.modules) - before if name.startswith("flake8_nnx_treemap")))
print(sorted(set(sys.argv.pop().split()) & set(sys.modules)))
"""
    for arguments in (("--version",), ("--isolated", "seed.py")):
        run = subprocess.run(
            [sys.executable, "-S", "-c", code.replace("argv[1:]", "argv[1:-1]"), *arguments, SLOW_TO_IMPORT],
            cwd=seed.parent, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        ours, slow = run.stdout.splitlines()[-2:]
        assert ours == str(sorted(f"flake8_nnx_treemap{name}" for name in OURS)), arguments
        assert slow == "[]", arguments


ROOT = Path(__file__).parents[2]
SLOW_TO_IMPORT = (
    "ast asyncio concurrent dataclasses difflib email importlib.metadata inspect json libcst logging multiprocessing "
    "packaging pathlib pathspec random rich subprocess tempfile tokenize tomli tomllib typing urllib"
)
OURS = (
    "", ".cli", ".command_line", ".gate", ".project", ".project.discovery", ".project.errors", ".project.files",
    ".project.scanning", ".reporting", ".reporting.formats",
)  # fmt: skip


@settings(max_examples=15)
@given(st.binary(max_size=60), st.integers(0, 200))
def test_no_bytes_crash_it(tmp_path_factory: pytest.TempPathFactory, junk: bytes, offset: int) -> None:
    folder = tmp_path_factory.mktemp("junk")
    data = SEED.encode()
    (folder / "junk.py").write_bytes(data[:offset] + junk + data[offset:])
    run = nnx_fix("--isolated", "junk.py", cwd=folder)
    assert run.returncode in (0, 1, 2)
    assert b"Traceback" not in run.stderr
    assert b"internal error" not in run.stderr
