// Starts the language server that the project's Python environment has. What it finds and fixes is its own affair.

import { execFile } from "node:child_process";
import { commands, window, workspace, type ExtensionContext } from "vscode";
import { LanguageClient, type ServerOptions } from "vscode-languageclient/node";
import { onPythonSelected, selectedPython } from "./python";
import { findServer, missing, type Command, type Machine } from "./server";

const SECTION = "nnx";
const log = window.createOutputChannel("NNX tree maps");
let client: LanguageClient | undefined;
let last: Promise<void> = Promise.resolve();

const machine: Machine = {
  runs: ({ command, args }) =>
    new Promise((resolve) => {
      execFile(command, [...args], { timeout: 20_000, cwd: __dirname }, (error) => resolve(error === null));
    }),
};

export async function activate(context: ExtensionContext): Promise<void> {
  const register = (name: string, action: () => unknown) =>
    context.subscriptions.push(commands.registerCommand(name, action));
  register("nnx.restart", restart);
  register("nnx.showLog", () => log.show());
  register("nnx.fixAllFiles", () => commands.executeCommand("nnx.fixWorkspace"));
  register("nnx.fixAll", () => commands.executeCommand("editor.action.codeAction", { kind: "source.fixAll.nnx", apply: "first" }));
  context.subscriptions.push(
    log,
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${SECTION}.interpreter`)) {
        void restart();
      }
    }),
  );
  context.subscriptions.push(workspace.onDidGrantWorkspaceTrust(() => void restart()));
  const selected = await onPythonSelected(restart);
  if (selected) {
    context.subscriptions.push(selected);
  }
  await restart();
}

export async function deactivate(): Promise<void> {
  await last;
  await client?.stop();
}

/** Restarts run one after the other. */
function restart(): Promise<void> {
  last = last.then(stopAndStart, stopAndStart);
  return last;
}

async function stopAndStart(): Promise<void> {
  await client?.dispose();
  client = undefined;
  const folder = workspace.workspaceFolders?.[0]?.uri;
  const configured = workspace.getConfiguration(SECTION, folder).get<string | null>("interpreter");
  // An environment that is selected may lie in the workspace: it counts as soon as the user trusts that.
  const selected = workspace.isTrusted ? await selectedPython(folder) : undefined;
  const server = await findServer(machine, configured, selected);
  if (server === undefined) {
    log.appendLine(missing(configured, selected));
    void window.showWarningMessage(missing(configured, selected));
    return;
  }
  client = clientOf(server);
  await client.start();
}

function clientOf({ command, args }: Command): LanguageClient {
  // Windows looks for programs in the current folder first, which is the workspace unless another one is said.
  const options: ServerOptions = { command, args: [...args], options: workspace.isTrusted ? {} : { cwd: __dirname } };
  return new LanguageClient(SECTION, "NNX tree maps", options, {
    documentSelector: [
      { language: "python", scheme: "file" },
      { language: "python", scheme: "untitled" },
      { language: "python", scheme: "vscode-notebook-cell" },
    ],
    diagnosticCollectionName: SECTION,
    outputChannel: log,
  });
}
