// The interpreter that the Python extension has selected, as far as it is there.

import { extensions, type Disposable, type Uri } from "vscode";

interface Environments {
  getActiveEnvironmentPath(resource?: Uri): { readonly path: string };
  resolveEnvironment(environment: { readonly path: string }): Promise<
    { readonly executable: { readonly uri: Uri | undefined } } | undefined
  >;
  onDidChangeActiveEnvironmentPath(listener: () => unknown): Disposable;
}

async function environments(): Promise<Environments | undefined> {
  const extension = extensions.getExtension<{ environments?: Environments }>("ms-python.python");
  return (await extension?.activate())?.environments;
}

/** The selected interpreter's path. */
export async function selectedPython(resource: Uri | undefined): Promise<string | undefined> {
  const found = await environments();
  const environment = await found?.resolveEnvironment(found.getActiveEnvironmentPath(resource));
  return environment?.executable.uri?.fsPath;
}

/** Calls back when another interpreter is selected. */
export async function onPythonSelected(listener: () => unknown): Promise<Disposable | undefined> {
  return (await environments())?.onDidChangeActiveEnvironmentPath(listener);
}
