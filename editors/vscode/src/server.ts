// Finds a Python that has the server. Knows nothing of VS Code, so that it can be tested without one.

/** A program and its arguments. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** What the search may ask about the machine. */
export interface Machine {
  /** Whether a command runs and ends well. */
  runs(command: Command): Promise<boolean>;
}

const MODULE = "flake8_nnx_treemap.language_server";

/** Keeps files of the current folder, which is the workspace, from being imported instead of modules; as in jupyter.py. */
const SAFELY = "import sys; sys.path = [folder for folder in sys.path if folder]; ";

/** How a Python starts the server. */
export function startedBy(python: string): Command {
  return { command: python, args: ["-c", `${SAFELY}from ${MODULE} import main; sys.exit(main())`] };
}

/** How a Python says whether it has the server and what it needs. */
export function askedOf(python: string): Command {
  return { command: python, args: ["-c", `${SAFELY}import pygls, ${MODULE}`] };
}

const ON_PATH: Command = { command: "nnx-fix", args: ["server"] };

/**
 * The first command that starts a server: by the interpreter that the user configured, by the selected one, or by
 * what the PATH has. One that the user configured is not replaced by another.
 */
export async function findServer(
  machine: Machine,
  configured: string | null | undefined,
  selected: string | undefined,
): Promise<Command | undefined> {
  for (const python of configured ? [configured] : selected ? [selected] : []) {
    if (await machine.runs(askedOf(python))) {
      return startedBy(python);
    }
  }
  if (!configured && (await machine.runs({ command: ON_PATH.command, args: [...ON_PATH.args, "--help"] }))) {
    return ON_PATH;
  }
  return undefined;
}

/** What to tell a user who has no server. */
export function missing(configured: string | null | undefined, selected: string | undefined): string {
  const where = configured ?? selected;
  const python = where ? `${where} has no language server for NNX` : "No language server for NNX was found";
  return `${python}: pip install "flake8-nnx-treemap[lsp]"`;
}
