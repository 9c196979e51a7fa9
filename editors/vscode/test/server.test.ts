import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { askedOf, findServer, missing, startedBy, type Command, type Machine } from "../src/server";

class Fake implements Machine {
  readonly asked: Command[] = [];
  constructor(private readonly working: readonly string[]) {}
  runs(command: Command): Promise<boolean> {
    this.asked.push(command);
    return Promise.resolve(this.working.includes(command.command));
  }
}

test("the selected Python starts the server", async () => {
  assert.deepEqual(await findServer(new Fake(["/venv/python", "nnx-fix"]), null, "/venv/python"), startedBy("/venv/python"));
});

test("without the server in the selected Python, the PATH is asked", async () => {
  const machine = new Fake(["nnx-fix"]);
  assert.deepEqual(await findServer(machine, null, "/venv/python"), { command: "nnx-fix", args: ["server"] });
  assert.deepEqual(machine.asked[0], askedOf("/venv/python"));
});

test("without a Python extension, the PATH is asked", async () => {
  assert.deepEqual(await findServer(new Fake(["nnx-fix"]), undefined, undefined), { command: "nnx-fix", args: ["server"] });
});

test("a configured Python counts alone", async () => {
  assert.deepEqual(await findServer(new Fake(["/own/python"]), "/own/python", "/venv/python"), startedBy("/own/python"));
  assert.equal(await findServer(new Fake(["/venv/python", "nnx-fix"]), "/own/python", "/venv/python"), undefined);
});

test("a user without a server is told what to install, and where it was looked for", () => {
  assert.match(missing(null, "/venv/python"), /^\/venv\/python .*pip install "flake8-nnx-treemap\[lsp\]"$/);
  assert.match(missing(undefined, undefined), /^No language server/);
});

test("every setting leaves the project's configuration alone unless it is set", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf-8"));
  const properties: Record<string, { default: unknown }> = manifest.contributes.configuration.properties;
  for (const name of ["select", "targetFlax", "unsafeFixes", "interpreter"]) {
    assert.equal(properties[`nnx.${name}`]?.default, null, name);
  }
  assert.deepEqual(properties["nnx.ignore"]?.default, []);
});
