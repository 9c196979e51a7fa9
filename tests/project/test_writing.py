"""Where bytes end up: in the file that was read, and nowhere else, whoever meddles meanwhile."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flake8_nnx_treemap import LintSettings, fix_source
from flake8_nnx_treemap.project import writing
from flake8_nnx_treemap.project.configuration import Overrides
from flake8_nnx_treemap.project.runner import Task, process_file

BUG = b"""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
FIXED = fix_source(BUG.decode(), settings=LintSettings()).text.encode()
COMMAND = [sys.executable, "-m", "flake8_nnx_treemap", "--target-flax", "portable"]
WRITES = Task(Overrides(is_isolated=True, target_flax="portable"), writes=True, fixes=True)
CHANGED = "changed while it was being fixed; left as it is"


def nnx_fix(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "m0.py"
    path.write_bytes(BUG)
    return path


@pytest.fixture
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file of somebody's that nobody named."""
    path = tmp_path_factory.mktemp("elsewhere") / "victim"
    path.write_bytes(BUG)
    path.chmod(0o600)
    before = path.stat()
    yield path
    after = path.lstat()
    assert path.read_bytes() == BUG
    assert (after.st_mode, after.st_ino, after.st_mtime_ns) == (before.st_mode, before.st_ino, before.st_mtime_ns)


def meddle(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], *, at_the_end: bool = False) -> None:
    """Let something happen while a temporary file is written: before it has its mode, or when all else is done."""
    name = "_copy_attributes" if at_the_end else "_take_over"
    original = getattr(writing, name)

    def and_then(*arguments: object) -> None:
        act()
        original(*arguments)

    monkeypatch.setattr(writing, name, and_then)


def temporary_in(folder: Path) -> Path:
    (path,) = folder.glob(".nnx-fix-*")
    return path


def test_a_link_put_in_the_place_of_the_temporary_file(
    source: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.chmod(0o777)

    def swap() -> None:
        path = temporary_in(source.parent)
        path.rename(source.parent / "moved")
        path.symlink_to(victim)

    meddle(monkeypatch, swap)
    report = process_file(str(source), WRITES)
    assert report.error == "cannot be written: somebody took its temporary file away; left as it was"
    assert source.read_bytes() == BUG


def test_a_temporary_file_that_is_gone(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meddle(monkeypatch, lambda: temporary_in(source.parent).unlink())
    report = process_file(str(source), WRITES)
    assert report.error == "cannot be written: somebody took its temporary file away; left as it was"
    assert source.read_bytes() == BUG
    assert os.listdir(source.parent) == ["m0.py"]


def same_text_in_another_file(path: Path) -> None:
    path.rename(path.parent / "moved")
    path.write_bytes(BUG)


def same_text_and_time_in_another_file(path: Path) -> None:
    status = path.stat()
    same_text_in_another_file(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def touched(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def same_size(path: Path) -> None:
    path.write_bytes(BUG.replace(b"convert", b"konvert"))


@pytest.mark.parametrize("change", [same_text_in_another_file, same_text_and_time_in_another_file, touched, same_size])
def test_another_file_than_the_one_that_was_read(
    source: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]
) -> None:
    meddle(monkeypatch, lambda: change(source))
    left = []
    meddle(monkeypatch, lambda: left.append(source.read_bytes()), at_the_end=True)
    assert process_file(str(source), WRITES).error == CHANGED
    assert source.read_bytes() == left[0]


def test_a_link_put_in_the_place_of_the_source(source: Path, victim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def swap() -> None:
        source.unlink()
        source.symlink_to(victim)

    meddle(monkeypatch, swap, at_the_end=True)
    assert process_file(str(source), WRITES).error == CHANGED
    assert source.is_symlink()


def test_a_folder_put_in_the_place_of_the_sources(source: Path, victim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = source.parent / "sub"
    folder.mkdir()
    source.rename(folder / "victim")

    def swap() -> None:
        folder.rename(source.parent / "moved")
        folder.symlink_to(victim.parent)

    meddle(monkeypatch, swap, at_the_end=True)
    process_file(str(folder / "victim"), WRITES)
    assert os.listdir(victim.parent) == ["victim"]


# Links


def test_a_link_out_of_what_was_named_is_reported_and_not_rewritten(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "link.py").symlink_to(victim)
    run = nnx_fix(tmp_path, "--isolated", ".")
    assert run.returncode == 2
    assert run.stderr == (
        f"nnx-fix: error: ./link.py: is a symbolic link to {victim}, which was not named; left as it was\n"
    )
    assert "NNX101" in nnx_fix(tmp_path, "--isolated", "--check", ".").stdout


def test_links_that_were_named_or_stay_inside_are_followed(tmp_path: Path) -> None:
    inside, outside = tmp_path / "project", tmp_path / "outside.py"
    (inside / "build").mkdir(parents=True)
    (inside / "build" / "generated.py").write_bytes(BUG)
    (inside / "inside.py").symlink_to("build/generated.py")
    outside.write_bytes(BUG)
    (inside / "named.py").symlink_to(outside)
    run = nnx_fix(inside, "--isolated", ".", "named.py")
    assert (run.returncode, run.stderr) == (0, "")
    assert outside.read_bytes() == (inside / "build" / "generated.py").read_bytes() == FIXED
    assert (inside / "named.py").is_symlink()


# What a file keeps


def attribute_or_skip(path: Path, name: str, value: bytes) -> None:
    if not hasattr(os, "setxattr"):
        pytest.skip("extended attributes are Linux's")
    try:
        os.setxattr(path, name, value)
    except OSError:
        pytest.skip("this file system has none")


ACL = (
    b"\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00\xfe\xff\x00\x00"
    b"\x04\x00\x04\x00\xff\xff\xff\xff\x10\x00\x04\x00\xff\xff\xff\xff\x20\x00\x00\x00\xff\xff\xff\xff"
)
"""``user::rw-, user:65534:r--, group::r--, mask::r--, other::---`` as Linux keeps it."""


@pytest.mark.parametrize(("name", "value"), [("user.origin", b"me"), ("system.posix_acl_access", ACL)])
def test_attributes_and_acls_are_kept(source: Path, name: str, value: bytes) -> None:
    attribute_or_skip(source, name, value)
    assert process_file(str(source), WRITES).error is None
    assert source.read_bytes() == FIXED
    assert os.getxattr(source, name) == value


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has files of others")
def test_root_leaves_a_file_to_its_owner(source: Path) -> None:
    os.chown(source, 1234, 4321)
    source.chmod(0o640)
    process_file(str(source), WRITES)
    status = source.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 4321, 0o640)
    assert source.read_bytes() == FIXED


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can make such a file")
def test_a_file_that_becomes_ours_does_not_run_with_our_rights() -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    path = folder / "m0.py"
    path.write_bytes(BUG)
    path.chmod(0o6777)
    process_file(str(path), Task(WRITES.overrides))  # Imports everything, while it can be read.
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        process_file(str(path), WRITES)
        os._exit(0)
    os.waitpid(child, 0)
    status = path.stat()
    content = path.read_bytes()
    path.unlink()
    folder.rmdir()
    assert (content, status.st_uid, stat.S_IMODE(status.st_mode)) == (FIXED, 65534, 0o777)


def test_nobody_else_reads_a_private_file_meanwhile(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source.chmod(0o600)
    modes = []
    meddle(monkeypatch, lambda: modes.append(stat.S_IMODE(temporary_in(source.parent).stat().st_mode)))
    process_file(str(source), WRITES)
    assert modes == [0o600]


# Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_that_is_told_to_end(tmp_path: Path, number: signal.Signals, jobs: str) -> None:
    for index in range(600):
        (tmp_path / f"m{index}.py").write_bytes(BUG)
    run = subprocess.Popen(
        [*COMMAND, "--isolated", "--jobs", jobs, "."], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    while (tmp_path / "m0.py").read_bytes() == BUG and run.poll() is None:
        time.sleep(0.005)
    os.killpg(run.pid, number)  # As a terminal that is closed tells all of its processes.
    _, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (128 + number, b"")
    assert {path.read_bytes() for path in tmp_path.glob("*.py")} == {BUG, FIXED}
    assert not list(tmp_path.glob(".nnx-fix-*"))


def test_a_signal_while_a_file_is_put_in_place_waits(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[int] = []
    previous = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
    monkeypatch.setattr(writing, "_copy_attributes", lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        process_file(str(source), WRITES)
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert came == [signal.SIGTERM]
    assert source.read_bytes() == FIXED


def test_nohup_is_respected(tmp_path: Path) -> None:
    for index in range(200):
        (tmp_path / f"m{index}.py").write_bytes(BUG)
    code = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, *COMMAND, "--isolated", "."], cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    while (tmp_path / "m0.py").read_bytes() == BUG and run.poll() is None:
        time.sleep(0.005)
    run.send_signal(signal.SIGHUP)
    assert run.wait(timeout=60) == 0
    assert {path.read_bytes() for path in tmp_path.glob("*.py")} == {FIXED}


# What killed runs leave behind


def ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_what_killed_runs_left_is_swept(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "m0.py").write_bytes(b"x = 1\n")
    machine = writing._machine()
    dead = tmp_path / "sub" / f".nnx-fix-{machine}-{ended_process()}-0123456789abcdef"
    alive = tmp_path / "sub" / f".nnx-fix-{machine}-{os.getpid()}-0123456789abcdef"
    elsewhere = tmp_path / "sub" / ".nnx-fix-00000000-1-0123456789abcdef"
    ancient = tmp_path / "sub" / ".nnx-fix-00000001-1-0123456789abcdef"
    link = tmp_path / "sub" / f".nnx-fix-{machine}-{ended_process()}-f123456789abcdef"
    for path in (dead, alive, elsewhere, ancient):
        path.write_bytes(b"half")
    os.utime(ancient, (1, 1))
    link.symlink_to(victim)
    assert nnx_fix(tmp_path, "--isolated", "--check", ".").returncode == 0
    assert dead.exists(), "a run that only looks deletes nothing"
    assert nnx_fix(tmp_path, "--isolated", ".").returncode == 0
    assert {path.name for path in (tmp_path / "sub").iterdir()} == {alive.name, elsewhere.name, link.name, "m0.py"}


def test_it_is_swept_where_a_file_was_named(source: Path) -> None:
    dead = source.parent / f".nnx-fix-{writing._machine()}-{ended_process()}-0123456789abcdef"
    dead.write_bytes(b"half")
    assert nnx_fix(source.parent, "--isolated", "m0.py").returncode == 0
    assert os.listdir(source.parent) == ["m0.py"]


# The cache and the baseline


def project_with_cache(folder: Path, cache_dir: str = "") -> None:
    line = f"cache-dir = {cache_dir!r}\n" if cache_dir else ""
    (folder / "pyproject.toml").write_text(f"[tool.nnx-treemap]\ncache = true\n{line}")
    (folder / "clean.py").write_text("from flax import nnx\ntree = nnx.Param(1).value\n")


def test_a_repository_that_ships_a_link_for_its_cache(tmp_path: Path, victim: Path) -> None:
    project_with_cache(tmp_path)
    (tmp_path / ".nnx_treemap_cache").mkdir()
    (tmp_path / ".nnx_treemap_cache" / "nothing-found").symlink_to(victim)
    run = nnx_fix(tmp_path, "--check", "--verbose", ".")
    assert run.returncode == 0
    assert "note: the cache in ./.nnx_treemap_cache: is a symbolic link\n".replace("./", "") in run.stderr.replace(
        f"{tmp_path}/", ""
    )


def test_a_cache_is_not_read_through_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    project_with_cache(folder)
    assert nnx_fix(folder, "--check", ".").returncode == 0
    kept = folder / ".nnx_treemap_cache" / "nothing-found"
    kept.rename(tmp_path / "digests")
    kept.symlink_to(tmp_path / "digests")
    assert "is a symbolic link" in nnx_fix(folder, "--check", "--verbose", ".").stderr  # It would add what it knows.


@pytest.mark.parametrize("cache_dir", ["../elsewhere", "/tmp/elsewhere", "a/../../b", "~/x/../../.."])
def test_a_cache_that_would_leave_its_project_is_refused(tmp_path: Path, cache_dir: str) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    project_with_cache(folder, cache_dir)
    for words in ((), ("--cache-dir", "../named")):
        run = nnx_fix(folder, "--check", *words, ".")
        assert run.returncode == 2
        (line,) = run.stderr.splitlines()
        assert "'cache-dir' in [tool.nnx-treemap] must be a folder below that of the configuration" in line
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_a_cache_does_not_leave_its_project_by_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    project_with_cache(folder, "linked/elsewhere")
    (folder / "linked").symlink_to(tmp_path)
    run = nnx_fix(folder, "--check", ".")
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert "cache-dir" in line
    assert "leads out of the project" in line
    assert not (tmp_path / "elsewhere").exists()
    assert nnx_fix(folder, "--check", "--cache-dir", "../named", ".").returncode == 0
    assert (tmp_path / "named").exists()


def test_a_baseline_is_not_written_through_a_link(source: Path, victim: Path) -> None:
    (source.parent / "base.json").symlink_to(victim)
    run = nnx_fix(source.parent, "--isolated", "--baseline", "base.json", "--write-baseline", ".")
    assert (run.returncode, run.stderr) == (
        2,
        "nnx-fix: error: base.json: the baseline is a symbolic link\n",
    )


@pytest.mark.parametrize("option", [("--baseline", "pipe", "--write-baseline"), ("--cache-dir", ".")])
def test_nothing_but_a_file_is_replaced(source: Path, option: tuple[str, ...]) -> None:
    name = "pipe" if "pipe" in option else "nothing-found"
    (source.parent / "clean.py").write_text("from flax import nnx\ntree = nnx.Param(1).value\n")
    os.mkfifo(source.parent / name)
    nnx_fix(source.parent, "--isolated", *(["--check"] if name != "pipe" else []), *option, ".")
    assert stat.S_ISFIFO((source.parent / name).stat().st_mode)


def test_a_new_baseline_has_the_mode_that_the_user_wants(source: Path) -> None:
    previous = os.umask(0o027)
    try:
        nnx_fix(source.parent, "--isolated", "--baseline", "base.json", "--write-baseline", ".")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((source.parent / "base.json").stat().st_mode) == 0o640


# Encodings


@pytest.mark.parametrize(
    ("encoding", "reason"),
    [
        ("mac_arabic", "cannot be decoded safely: mac_arabic does not give the same bytes back"),
        ("mac_farsi", "cannot be decoded safely: mac_farsi does not give the same bytes back"),
        ("unicode_escape", "cannot be decoded safely: unicode_escape does not give the same bytes back"),
        ("rot13", "cannot be decoded: rot13 is no encoding for text"),
        ("hex", "cannot be decoded: hex is no encoding for text"),
        ("undefined", "cannot be decoded from undefined: "),
        ("idna", "cannot be decoded"),
        ("punycode", ""),  # Python 3.13 says which byte is none of it, others that there is something wrong.
    ],
)
def test_encodings_that_would_change_a_file(source: Path, encoding: str, reason: str) -> None:
    text = b"# coding: " + encoding.encode() + b"\n" + BUG + b'# "\\d"\n'
    source.write_bytes(text)
    run = nnx_fix(source.parent, "--isolated", "m0.py")
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"nnx-fix: error: m0.py: {reason}")
    assert source.read_bytes() == text


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "shift_jis", "utf-8", "euc_jp", "koi8-r"])
def test_encodings_that_do_not(source: Path, encoding: str) -> None:
    source.write_bytes(b"# coding: " + encoding.encode() + b"\n" + BUG)
    run = nnx_fix(source.parent, "--isolated", "m0.py")
    assert (run.returncode, run.stderr) == (0, "")
    assert source.read_bytes() == b"# coding: " + encoding.encode() + b"\n" + FIXED
