// Runs the engine away from the page, so that the page stays alive. Everything comes from this site.
const base = new URL("playground/", self.location.href).href;
let examine;

async function load() {
  const { loadPyodide } = await import(`${base}pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL: base });
  const engine = await fetch(`${base}engine.zip`);
  if (!engine.ok) throw new Error("the engine is not part of this build of the site");
  pyodide.unpackArchive(await engine.arrayBuffer(), "zip");
  examine = pyodide.pyimport("playground_page").examine;
}

const ready = load();

self.onmessage = async ({ data }) => {
  try {
    await ready;
    self.postMessage({ id: data.id, ...JSON.parse(examine(data.text, data.floor, data.unsafeFixes)) });
  } catch (error) {
    self.postMessage({ id: data.id, failure: String(error.message || error).slice(0, 400) });
  }
};
