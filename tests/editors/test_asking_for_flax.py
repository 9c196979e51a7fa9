"""What an editor's user hears where nothing tells which Flax a project runs on, and what the button writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from client import Editor, connected, protocol_test
from lsprotocol import types

from flake8_nnx_treemap.names import NEWEST, release_text
from flake8_nnx_treemap.project.configuration import configuration_for, forget_configurations
from flake8_nnx_treemap.project.flax_range import infer_range

SOURCE = "from flax import nnx\n\n\ndef live(leaf: nnx.Variable):\n    return leaf.value\n"
LINE = f'target-flax = "{release_text(NEWEST)}"'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "root" / ".git").mkdir(parents=True)
    if not infer_range(str(tmp_path / "root" / "m.py")).is_assumed:
        pytest.skip("a Flax is installed here, and counts")
    forget_configurations()
    return tmp_path / "root"


async def opened(editor: Editor, project: Path, name: str = "m.py") -> list[types.Diagnostic]:
    return await editor.diagnostics(editor.open((project / name).as_uri(), SOURCE))


@protocol_test
async def test_the_user_is_asked_once(project: Path) -> None:
    async with connected(project) as editor:
        await opened(editor, project)
        [question] = await editor.until(lambda: editor.questions)
        assert question.message == (
            "nnx-fix: No lower bound for Flax was found, so code for 0.10.0 and later is assumed. "
            f"To say which Flax it is, set target-flax below [tool.nnx-treemap] in {project / 'pyproject.toml'}."
        )
        assert [action.title for action in question.actions or ()] == [f"Set {LINE}"]
        editor.save((project / "m.py").as_uri())
        await opened(editor, project, "other.py")
        editor.change((project / "m.py").as_uri(), (None, SOURCE + "\n"))
        await editor.diagnostics((project / "m.py").as_uri())
        assert len(editor.questions) == 1, "it was dismissed"
        assert not editor.applied
        assert not (project / "pyproject.toml").exists()


@protocol_test
async def test_each_project_on_its_own(project: Path, tmp_path: Path) -> None:
    (tmp_path / "second" / ".git").mkdir(parents=True)
    async with connected(project, tmp_path / "second") as editor:
        await opened(editor, project)
        await opened(editor, tmp_path / "second")
        await editor.until(lambda: len(editor.questions) == 2)


@pytest.mark.parametrize("watches", [True, False])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, f"[tool.nnx-treemap]\n{LINE}\n"),
        ("", f"[tool.nnx-treemap]\n{LINE}\n"),
        ("[project]\nname = '𝔘'\n", f"[project]\nname = '𝔘'\n\n[tool.nnx-treemap]\n{LINE}\n"),
        ("[project]\nname = '𝔘'", f"[project]\nname = '𝔘'\n\n[tool.nnx-treemap]\n{LINE}\n"),
        (
            "[tool.nnx-treemap] # ours\nignore = ['NNX2']\n[tool.x]\n",
            f"[tool.nnx-treemap] # ours\n{LINE}\nignore = ['NNX2']\n[tool.x]\n",
        ),
    ],
)
def test_the_button_writes_the_setting(project: Path, before: str | None, after: str, watches: bool) -> None:
    @protocol_test
    async def act() -> None:
        if before is not None:
            (project / "pyproject.toml").write_text(before, encoding="utf-8")
        async with connected(project, watches=watches) as editor:
            editor.answers_with_button = True
            await opened(editor, project)
            await editor.until(lambda: editor.applied)
            assert (project / "pyproject.toml").read_text(encoding="utf-8") == after
            uri = (project / "m.py").as_uri()
            if watches:
                change = types.FileEvent((project / "pyproject.toml").as_uri(), types.FileChangeType.Created)
                editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
            else:
                editor.save(uri)
            if "ignore" not in after:
                await editor.until(lambda: editor.published[uri][-1].diagnostics)
            assert len(editor.questions) == 1

    act()
    forget_configurations()
    assert configuration_for(str(project / "m.py")).target_flax == release_text(NEWEST)


@pytest.mark.parametrize(
    ("abilities", "text"),
    [
        ({"creates": False}, None),
        ({"versioned": False}, None),
        ({"edits": False}, "[project]\n"),
        ({}, "tool = {x = 1}\n"),
        ({}, "[tool]\nnnx-treemap = {ignore = ['NNX2']}\n"),
    ],
)
def test_no_button_promises_what_cannot_be_done(project: Path, abilities: dict[str, bool], text: str | None) -> None:
    @protocol_test
    async def act() -> None:
        if text is not None:
            (project / "pyproject.toml").write_text(text)
        async with connected(project, **abilities) as editor:
            editor.answers_with_button = True
            await opened(editor, project)
            [question] = await editor.until(lambda: editor.questions)
            assert not question.actions
            assert question.message.endswith("Set target-flax to say which it is.")

    act()
    assert not (project / "pyproject.toml").exists() if text is None else True


@pytest.mark.parametrize("options", [{"targetFlax": "portable"}, {"isolated": True}, {"enable": False}, None])
def test_who_is_not_asked(project: Path, options: dict[str, object] | None) -> None:
    @protocol_test
    async def act() -> None:
        if options is None:
            (project / "requirements.txt").write_text("flax>=0.10\n")
        async with connected(project, options=options) as editor:
            await opened(editor, project)
            uri = editor.open("untitled:new.py", SOURCE)
            await editor.diagnostics(uri)
            plain = editor.open((project / "plain.py").as_uri(), "import jax\n")
            await editor.diagnostics(plain)
            assert not editor.questions

    act()


@protocol_test
async def test_a_file_without_nnx_asks_nothing(project: Path) -> None:
    async with connected(project) as editor:
        await editor.diagnostics(editor.open((project / "plain.py").as_uri(), "import jax\n"))
        assert not editor.questions


@protocol_test
async def test_a_table_farther_up_is_completed_instead_of_hidden(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.nnx-treemap]\nextend-select = ['NNX110']\n")
    (project / "part").mkdir()
    (project / "part" / "pyproject.toml").write_text("[project]\nname = 'part'\n")
    async with connected(project) as editor:
        editor.answers_with_button = True
        await opened(editor, project, "part/m.py")
        await editor.until(lambda: editor.applied)
        assert LINE in (project / "pyproject.toml").read_text()
        assert "nnx-treemap" not in (project / "part" / "pyproject.toml").read_text()
