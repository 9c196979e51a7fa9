"""The language server as a client sees it: real processes and messages, held to the protocol by pytest-lsp."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from client import Editor, connected, protocol_test
from lsprotocol import types

BUG = """\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(lambda v: v.value, state, is_leaf=lambda x: isinstance(x, nnx.VariableState))
"""
BODY = BUG[BUG.index("def") :]
PREDICATE = "lambda x: isinstance(x, nnx.VariableState)"
T = "(nnx.Variable, nnx.variablelib.VariableState)"
# What has no file counts as one of the current folder, in which ruff is told 120 characters.
FIXED = f"""\
import jax
from flax import nnx


def convert(state):
    return jax.tree.map(
        lambda v: v.value if isinstance(v, {T}) else v,
        state,
        is_leaf=lambda x: isinstance(x, {T}),
    )
"""
CLEAN = "import jax\n\nprint(jax.tree.map(abs, [1]))\n"
URI = "untitled:module.py"


def only(actions: dict[str, types.CodeAction], start: str) -> types.CodeAction:
    found = [action for title, action in actions.items() if title.startswith(start)]
    assert len(found) == 1, list(actions)
    return found[0]


# Diagnostics


@protocol_test
async def test_a_finding_says_what_where_and_why() -> None:
    async with connected() as editor:
        [found] = await editor.diagnostics(editor.open(URI, BUG))
        assert editor.text_in(URI, found.range) == PREDICATE
        assert (found.code, found.source) == ("NNX101", "nnx-treemap")
        assert found.severity is types.DiagnosticSeverity.Error
        assert found.code_description is not None
        assert found.code_description.href.endswith("/rules/NNX101-is-leaf-is-not-a-filter/")
        assert found.data["fix"]["applicability"] == "safe"


@protocol_test
async def test_files_without_findings_are_told_to_be_so() -> None:
    async with connected() as editor:
        assert await editor.diagnostics(editor.open(URI, CLEAN)) == []


@protocol_test
async def test_typing() -> None:
    async with connected() as editor:
        editor.open(URI, BUG)
        editor.change(URI, (editor.range(URI, ".VariableState"), ".Variable"))
        assert await editor.diagnostics(URI) == []
        editor.change(
            URI, (editor.range(URI, "nnx.Variable"), "nnx.Var"), (types.Range(*[editor.position(URI, "))")] * 2), "")
        )
        editor.change(URI, (None, "# é𝔘\n" + BUG))
        [found] = await editor.diagnostics(URI)
        assert editor.text_in(URI, found.range) == PREDICATE


@protocol_test
async def test_a_text_that_is_no_python_keeps_its_diagnostics() -> None:
    async with connected() as editor:
        assert len(await editor.diagnostics(editor.open(URI, BUG))) == 1
        editor.change(URI, (None, BUG + "def (:\n"))
        editor.change(URI, (None, BUG + "\n"))
        assert len(await editor.diagnostics(URI)) == 1
        assert [one.version for one in editor.published[URI]] == [0, 2]


@protocol_test
async def test_stale_work_is_dropped() -> None:
    async with connected() as editor:
        editor.open(URI, BUG + "x = 0\n" * 3000)
        for number in range(30):
            editor.change(URI, (types.Range(types.Position(9, 0), types.Position(10, 0)), f"x = {number}\n"))
        assert len(await editor.diagnostics(URI)) == 1
        assert len(editor.published[URI]) < 25


@protocol_test
async def test_a_closed_file_has_no_findings() -> None:
    async with connected() as editor:
        await editor.diagnostics(editor.open(URI, BUG))
        editor.close(URI)
        await editor.until(lambda: not editor.published[URI][-1].diagnostics)


@protocol_test
async def test_pulled_diagnostics_come_once() -> None:
    async with connected(pulls=True) as editor:
        first = await editor.pull(editor.open(URI, BUG))
        assert [one.code for one in first.items] == ["NNX101"]
        again = await editor.pull(URI, first.result_id)
        assert again.kind == "unchanged"
        editor.change(URI, (None, BUG + "def (:\n"))
        assert (await editor.pull(URI, first.result_id)).kind == "unchanged"
        editor.change(URI, (None, CLEAN))
        assert (await editor.pull(URI, first.result_id)).items == ()
        assert URI not in editor.published


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_every_position_encoding(encoding: str) -> None:
    text = BUG.replace("lambda v:", 'lambda v, _="é𝔘\\N{BULLET}漢":').replace("\n\n\n", "\n\n\nS = '\x0c\u2028'\n")

    @protocol_test
    async def test() -> None:
        async with connected(encodings=[encoding]) as editor:
            assert editor.encoding == encoding
            editor.open(URI, text)
            editor.change(URI, (types.Range(types.Position(0, 0), types.Position(0, 0)), "'𝔘'\n"))
            [found] = await editor.diagnostics(URI)
            assert editor.text_in(URI, found.range) == PREDICATE
            editor.apply(only(await editor.actions(URI, [found]), "Fix NNX101").edit)
            assert f"is_leaf=lambda x: isinstance(x, {T}))" in editor.texts[URI]

    test()


# Code actions


@protocol_test
async def test_fix_this() -> None:
    async with connected() as editor:
        [found] = await editor.diagnostics(editor.open(URI, BUG))
        action = only(await editor.actions(URI, [found]), "Fix NNX101: ")
        assert action.is_preferred
        assert action.kind == types.CodeActionKind.QuickFix
        editor.apply(action.edit)
        assert editor.texts[URI] == FIXED


@protocol_test
async def test_clients_that_drop_data_or_know_no_versions() -> None:
    async with connected(versioned=False) as editor:
        [found] = await editor.diagnostics(editor.open(URI, BUG))
        found.data = None
        action = only(await editor.actions(URI, [found]), "Fix NNX101: ")
        assert action.edit is not None
        assert action.edit.document_changes is None
        editor.apply(action.edit)
        assert editor.texts[URI] == FIXED


@protocol_test
async def test_clients_that_name_no_diagnostics() -> None:
    async with connected() as editor:
        await editor.diagnostics(editor.open(URI, BUG))
        assert await editor.actions(URI, [], "quickfix", at=editor.range(URI, "import jax")) == {}
        actions = await editor.actions(URI, [], at=editor.range(URI, PREDICATE))
        only(actions, "Fix NNX101: ")


@protocol_test
async def test_other_tools_findings_are_not_ours() -> None:
    async with connected() as editor:
        await editor.diagnostics(editor.open(URI, BUG))
        theirs = types.Diagnostic(editor.range(URI, "import jax"), "unused", code="NNX101", source="flake8")
        assert not [
            title for title in await editor.actions(URI, [theirs], at=theirs.range) if title.startswith("Fix NNX")
        ]


@protocol_test
async def test_a_fix_of_an_older_text_is_not_offered() -> None:
    async with connected() as editor:
        [found] = await editor.diagnostics(editor.open(URI, BUG))
        editor.change(URI, (types.Range(types.Position(4, 0), types.Position(4, 0)), "# more\n"))
        actions = await editor.actions(URI, [found])
        assert not [title for title in actions if title.startswith("Fix NNX101")]
        editor.apply(only(actions, "Fix all of NNX101").edit)
        assert editor.texts[URI] == FIXED.replace("def ", "# more\ndef ")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Fix NNX101: ", FIXED),
        ("Fix all of NNX101", FIXED),
        ("Fix all NNX", FIXED),
        ("Disable NNX101", BUG.replace("VariableState))\n", "VariableState))  # noqa: NNX101\n")),
    ],
)
def test_edits_are_worked_out_once_an_action_is_chosen(title: str, expected: str) -> None:
    @protocol_test
    async def test() -> None:
        async with connected(resolves=True) as editor:
            [found] = await editor.diagnostics(editor.open(URI, BUG))
            action = only(await editor.actions(URI, [found]), title)
            assert (action.edit is None) == (title != "Fix NNX101: ")
            if action.edit is None:
                action = await editor.resolved(action)
            editor.apply(action.edit)
            assert editor.texts[URI] == expected

    test()


@protocol_test
async def test_an_action_for_an_older_text_edits_nothing() -> None:
    async with connected(resolves=True) as editor:
        [found] = await editor.diagnostics(editor.open(URI, BUG))
        offered = await editor.actions(URI, [found])
        editor.change(URI, (types.Range(types.Position(0, 0), types.Position(0, 0)), "# more\n"))
        for action in (only(offered, "Disable NNX101"), only(offered, "Fix all NNX")):
            assert (await editor.resolved(action)).edit is None
        for data in (None, 1, {}, {"uri": URI}, {"uri": URI, "digest": "0", "code": [], "row": None}):
            strange = types.CodeAction("Something else", data=data)
            assert (await editor.resolved(strange)).edit is None


@protocol_test
async def test_a_line_without_a_place_for_a_comment_offers_none() -> None:
    text = BUG.replace("isinstance(x, nnx.VariableState))", 'isinstance(x, nnx.VariableState), *"# noqa: E501")')
    async with connected(resolves=True) as editor:
        [found] = await editor.diagnostics(editor.open(URI, text))
        assert not [title for title in await editor.actions(URI, [found]) if title.startswith("Disable")]


@protocol_test
async def test_disable_for_this_line() -> None:
    async with connected() as editor:
        [found] = await editor.diagnostics(editor.open(URI, BUG))
        editor.apply(only(await editor.actions(URI, [found]), "Disable NNX101").edit)
        assert editor.texts[URI] == BUG.replace("VariableState))\n", "VariableState))  # noqa: NNX101\n")
        editor.change(URI, (None, editor.texts[URI]))
        assert await editor.diagnostics(URI) == []


@protocol_test
async def test_fix_all() -> None:
    nested = BUG.replace("state, is_leaf", f"jax.tree.map(lambda v: v.value, state, is_leaf={PREDICATE}), is_leaf")
    async with connected() as editor:
        found = await editor.diagnostics(editor.open(URI, nested))
        assert len(found) == 2
        action = only(await editor.actions(URI, [], "source.fixAll"), "Fix all NNX")
        assert action.kind == "source.fixAll.nnx"
        editor.apply(action.edit)
        editor.change(URI, (None, editor.texts[URI]))
        assert await editor.diagnostics(URI) == []
        assert editor.texts[URI].count(f"isinstance(x, {T})") == 2


@protocol_test
async def test_only_the_kinds_that_are_wanted() -> None:
    async with connected() as editor:
        [found] = await editor.diagnostics(editor.open(URI, BUG))
        assert await editor.actions(URI, [found], "refactor") == {}
        assert {action.kind for action in (await editor.actions(URI, [found], "quickfix")).values()} == {"quickfix"}
        assert len(await editor.actions(URI, [found])) == 5


@protocol_test
async def test_unsafe_fixes_say_so() -> None:
    unsafe = BUG.replace("v.value", "v.value if v else v").replace("lambda v: v.value if v else v", "double")
    async with connected() as editor:
        [found] = await editor.diagnostics(editor.open(URI, "from m import double\n" + unsafe))
        actions = await editor.actions(URI, [found])
        action = only(actions, "Fix NNX101: ")
        assert action.title.endswith("(unsafe)")
        assert not action.is_preferred
        assert only(actions, "Fix all of NNX101").title.endswith("unsafe fixes too")
        assert "Fix all NNX findings that have a safe fix" not in actions


# Explanations


@protocol_test
async def test_hover_shows_the_rule() -> None:
    async with connected() as editor:
        await editor.diagnostics(editor.open(URI, BUG))
        assert await editor.hover(URI, editor.position(URI, "convert")) is None
        text = await editor.hover(URI, editor.position(URI, "isinstance"))
        assert text is not None
        assert text.startswith("**[NNX101 is-leaf-is-not-a-filter](https://")
        for part in ("**Before**", "**After", "**What JAX does**", "**Fix safety**", "*Fix (safe):*"):
            assert part in text
        assert "\n#" not in text, "headings are taller than the window that they are in"
        [found] = await editor.diagnostics(URI)
        assert found.message not in text, "the editor shows the message itself, above this"


@protocol_test
async def test_explain() -> None:
    async with connected() as editor:
        [found] = await editor.diagnostics(editor.open(URI, BUG))
        command = only(await editor.actions(URI, [found]), "Explain NNX101").command
        assert command is not None
        assert "is-leaf-is-not-a-filter" in await editor.execute(command.command, *command.arguments or ())
        assert [one.external for one in editor.client.shown_documents] == [True]
        assert await editor.execute(command.command, "E501") is None


# Configuration


def project(folder: Path, name: str, table: str) -> Path:
    root = folder / name
    root.mkdir()
    (root / "pyproject.toml").write_text(f"[tool.nnx-treemap]\n{table}\n")
    return root


def uri_in(root: Path, name: str = "module.py") -> str:
    return (root / name).as_uri()


@protocol_test
async def test_each_folder_has_its_own_project(tmp_path: Path) -> None:
    old, new = project(tmp_path, "old", ""), project(tmp_path, "new", 'target-flax = "0.12"')
    async with connected(old, new) as editor:
        for root, classes in ((old, T), (new, "nnx.Variable")):
            uri = editor.open(uri_in(root), BUG)
            editor.apply(only(await editor.actions(uri, await editor.diagnostics(uri)), "Fix NNX101").edit)
            assert f"isinstance(x, {classes})" in editor.texts[uri]


@protocol_test
async def test_settings_on_the_way_in_and_later() -> None:
    async with connected(options={"nnx": {"ignore": ["NNX101"], "targetFlax": None}}) as editor:
        assert await editor.diagnostics(editor.open(URI, BUG)) == []
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({"nnx": {"ignore": []}}))
        await editor.until(lambda: editor.published[URI][-1].diagnostics)
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({"nnx": {"enable": False}}))
        await editor.until(lambda: not editor.published[URI][-1].diagnostics)


@protocol_test
async def test_settings_that_the_server_asks_for() -> None:
    async with connected(watches=True, configuration={"": {"nnx": {"select": ["NNX106"]}}}) as editor:
        await editor.until(lambda: editor.registered)
        assert {one.method for one in editor.registered} == {
            "workspace/didChangeWatchedFiles",
            "workspace/didChangeConfiguration",
        }
        assert await editor.diagnostics(editor.open(URI, BUG)) == []
        editor.client.set_configuration(["NNX101"], section="nnx.select")
        editor.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        await editor.until(lambda: editor.published[URI][-1].diagnostics)


@protocol_test
async def test_a_project_that_changes_is_read_again(tmp_path: Path) -> None:
    root = project(tmp_path, "root", 'ignore = ["NNX101"]')
    async with connected(root, watches=True) as editor:
        uri = editor.open(uri_in(root), BUG)
        assert await editor.diagnostics(uri) == []
        (root / "pyproject.toml").write_text("[tool.nnx-treemap]\n")
        change = types.FileEvent((root / "pyproject.toml").as_uri(), types.FileChangeType.Changed)
        editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
        await editor.until(lambda: editor.published[uri][-1].diagnostics)


@protocol_test
async def test_a_project_that_changes_behind_a_client_that_cannot_watch(tmp_path: Path) -> None:
    root = project(tmp_path, "root", 'ignore = ["NNX101"]')
    async with connected(root) as editor:
        uri = editor.open(uri_in(root), BUG)
        assert await editor.diagnostics(uri) == []
        (root / "pyproject.toml").write_text("[tool.nnx-treemap]\n")
        editor.save(uri)
        await editor.until(lambda: editor.published[uri][-1].diagnostics)


@protocol_test
async def test_mistakes_in_settings_are_said_once(tmp_path: Path) -> None:
    root = project(tmp_path, "root", 'select = "NNX101"')
    async with connected(root, options={"nnx": {"selct": [], "unsafeFixes": "yes"}}) as editor:
        uri = editor.open(uri_in(root), BUG)
        await editor.hover(uri, types.Position(0, 0))
        editor.change(uri, (None, BUG + "\n"))
        await editor.hover(uri, types.Position(0, 0))
        said = sorted(message.message for message in editor.client.messages)
        assert len(said) == len(set(said)) == 3, said
        assert "must be a list of strings" in said[0]
        assert uri not in editor.published
        (root / "pyproject.toml").unlink()
        editor.save(uri)
        assert await editor.diagnostics(uri)


# The workspace


def write(root: Path, name: str, text: str) -> str:
    (root / name).write_text(text, encoding="utf-8")
    return (root / name).as_uri()


async def workspace_diagnostics(editor: Editor, **previous: str) -> dict[str, Any]:
    known = [types.PreviousResultId(uri, value) for uri, value in previous.items()]
    report = await editor.client.workspace_diagnostic_async(types.WorkspaceDiagnosticParams(known))
    return {item.uri: item for item in report.items}


@protocol_test
async def test_workspace_diagnostics(tmp_path: Path) -> None:
    bug, clean = write(tmp_path, "bug.py", BUG), write(tmp_path, "clean.py", CLEAN)
    write(tmp_path, "broken.py", BUG + "def (:\n")
    async with connected(tmp_path, pulls=True) as editor:
        found = await workspace_diagnostics(editor)
        assert set(found) == {bug}
        assert [one.code for one in found[bug].items] == ["NNX101"]
        again = await workspace_diagnostics(editor, **{bug: found[bug].result_id, clean: "old"})
        assert again[bug].kind == "unchanged"
        assert again[clean].items == ()
        editor.open(bug, CLEAN)
        assert (await workspace_diagnostics(editor, **{bug: found[bug].result_id}))[bug].items == ()


@protocol_test
async def test_workspace_diagnostics_wait_for_a_change(tmp_path: Path) -> None:
    bug = write(tmp_path, "bug.py", BUG)
    async with connected(tmp_path, pulls=True, watches=True) as editor:
        await editor.until(lambda: editor.refreshed)
        found = await workspace_diagnostics(editor)
        waiting = asyncio.ensure_future(workspace_diagnostics(editor, **{bug: found[bug].result_id}))
        await asyncio.wait([waiting], timeout=0.3)
        assert not waiting.done()
        write(tmp_path, "bug.py", CLEAN)
        change = types.FileEvent(bug, types.FileChangeType.Changed)
        editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([change]))
        assert (await waiting)[bug].items == ()


@protocol_test
async def test_fix_workspace(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", "[tool.nnx-treemap]\nline-length = 120\n")
    closed, opened = write(tmp_path, "closed.py", BUG), write(tmp_path, "opened.py", CLEAN)
    write(tmp_path, "clean.py", CLEAN)
    async with connected(tmp_path) as editor:
        await editor.diagnostics(editor.open(opened, BUG))
        assert await editor.execute("nnx.fixWorkspace") == {"applied": True, "files": 2}
        assert (tmp_path / "closed.py").read_text() == FIXED
        assert editor.texts[opened] == FIXED
        assert (tmp_path / "opened.py").read_text() == CLEAN
        [reports] = editor.client.progress_reports.values()
        assert [type(report) for report in reports][:: len(reports) - 1] == [
            types.WorkDoneProgressBegin,
            types.WorkDoneProgressEnd,
        ]
        editor.change(opened, (None, FIXED))
        assert await editor.execute("nnx.fixWorkspace") == {"applied": True, "files": 0}
        assert closed not in editor.published


# Notebooks


@protocol_test
async def test_a_notebook_is_one_program() -> None:
    cells = ("import jax\nfrom flax import nnx", "%%time\n!ls\n" + BODY, "%%bash\necho hi", BODY)
    async with connected() as editor:
        uris = editor.open_notebook("file:///a.ipynb", *cells)
        for uri, row in ((uris[1], 3), (uris[3], 1)):
            [found] = await editor.diagnostics(uri)
            assert editor.text_in(uri, found.range) == PREDICATE
            assert found.range.start.line == row
        assert await editor.diagnostics(uris[2]) == []
        actions = await editor.actions(uris[1], await editor.diagnostics(uris[1]))
        editor.apply(only(actions, "Disable NNX101").edit)
        assert "# noqa: NNX101" in editor.texts[uris[1]]
        text = await editor.hover(uris[3], editor.position(uris[3], "isinstance"))
        assert text is not None
        editor.apply(only(await editor.actions(uris[3], [], "source.fixAll"), "Fix all NNX").edit)
        assert f"isinstance(x, {T})" in editor.texts[uris[3]]


@protocol_test
async def test_fix_all_of_a_notebook() -> None:
    cells = ("import jax\nfrom flax import nnx", BODY, "x = 1", BODY)
    async with connected() as editor:
        uris = editor.open_notebook("file:///a.ipynb", *cells)
        await editor.diagnostics(uris[3])
        action = only(await editor.actions(uris[0], [], "notebook.source.fixAll.nnx"), "Fix all NNX")
        assert action.kind == "notebook.source.fixAll.nnx"
        editor.apply(action.edit)
        assert [f"isinstance(x, {T})" in editor.texts[uri] for uri in uris] == [False, True, False, True]
        kinds = [action.kind for action in (await editor.actions(uris[1], [])).values()]
        assert kinds.count("source.fixAll.nnx") == 1
        assert "notebook.source.fixAll.nnx" not in kinds
        await editor.diagnostics(editor.open(URI, BUG))
        assert not await editor.actions(URI, [], "notebook.source.fixAll.nnx")


@protocol_test
async def test_cells_come_and_go() -> None:
    async with connected() as editor:
        uris = editor.open_notebook("file:///a.ipynb", "import jax\nfrom flax import nnx", BODY)
        assert len(await editor.diagnostics(uris[1])) == 1
        change = types.NotebookDocumentCellChanges(
            structure=types.NotebookDocumentCellChangeStructure(
                types.NotebookCellArrayChange(start=0, delete_count=1, cells=[]),
                did_close=[types.TextDocumentIdentifier(uris[0])],
            )
        )
        identifier = types.VersionedNotebookDocumentIdentifier(2, "file:///a.ipynb")
        params = types.DidChangeNotebookDocumentParams(identifier, types.NotebookDocumentChangeEvent(cells=change))
        editor.client.notebook_document_did_change(params)
        await editor.until(lambda: not editor.published[uris[1]][-1].diagnostics)
        closed = types.DidCloseNotebookDocumentParams(
            types.NotebookDocumentIdentifier("file:///a.ipynb"), [types.TextDocumentIdentifier(uris[1])]
        )
        editor.client.notebook_document_did_close(closed)
        await editor.until(lambda: len(editor.published[uris[1]]) == 3)


# What must not end the server


@protocol_test
async def test_nothing_that_a_client_sends_ends_the_server() -> None:
    async with connected() as editor:
        for text in (
            "nnx\x00",
            "nnx" + "(" * 5000,
            "from flax import nnx\n" + "x = " + "-" * 20000 + "1\n",
            "nnx\ud800",
        ):
            editor.open(f"untitled:{len(text)}.py", text)
        missing = types.VersionedTextDocumentIdentifier(1, "untitled:missing.py")
        editor.client.text_document_did_change(types.DidChangeTextDocumentParams(missing, []))
        assert await editor.hover("untitled:missing.py", types.Position(0, 0)) is None
        assert len(await editor.diagnostics(editor.open(URI, BUG))) == 1
        editor.change(URI, (types.Range(types.Position(99, 0), types.Position(99, 9)), "\n"))
        assert len(await editor.diagnostics(URI)) == 1
        logged = [message.message for message in editor.client.log_messages]
        assert any("untitled:missing.py" in message for message in logged), logged
