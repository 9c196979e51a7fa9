// The page "Try it": paste code, see findings and the rewrite. try-worker.js does the work.
(() => {
  const form = document.querySelector("#try");
  if (!form) return;
  const root = new URL("..", document.currentScript.src);
  const [text, floor, unsafe, button, status, findings, diff, change] = [
    "text", "floor", "unsafe", "run", "status", "findings", "diff", "change",
  ].map((name) => form.querySelector(`#try-${name}`));
  let worker;
  let asked = 0;

  const element = (name, content, attributes = {}) =>
    Object.assign(document.createElement(name), { textContent: content }, attributes);

  function showFindings(found) {
    findings.replaceChildren(
      ...found.map(({ row, column, code, message, page, fix }) => {
        const item = element("li", `Line ${row}, column ${column}: `);
        const words = fix === "none" ? "no fix" : `${fix} fix`;
        item.append(element("a", code, { href: new URL(page, root).href }), ` ${message} (${words})`);
        return item;
      }),
    );
  }

  function showDiff(lines) {
    const kinds = { "+": "ins", "-": "del" };
    diff.replaceChildren(...lines.slice(2).map((line) => element(kinds[line[0]] || "span", `${line}\n`)));
    change.hidden = lines.length === 0;
  }

  function show(answer) {
    if (answer.id !== asked) return;
    button.disabled = false;
    if (answer.failure || answer.error) {
      showFindings([]);
      showDiff([]);
      const place = answer.row ? `Line ${answer.row}: ` : "";
      status.textContent = answer.failure ? `The engine did not start: ${answer.failure}` : place + answer.error;
      return;
    }
    const count = answer.findings.length;
    const fixed = answer.diff.length ? "nnx-fix would change it:" : "nothing to rewrite with these settings.";
    status.textContent = count ? `${count} finding${count > 1 ? "s" : ""}; ${fixed}` : "Nothing found.";
    if (answer.note) status.textContent += ` ${answer.note}`;
    showFindings(answer.findings);
    showDiff(answer.diff);
  }

  function run() {
    if (!worker) {
      worker = new Worker(new URL("try-worker.js", root + "assets/"), { type: "module" });
      worker.onmessage = ({ data }) => show(data);
      worker.onerror = (event) => show({ id: asked, failure: event.message || "this browser cannot run it" });
      status.textContent = "Starting Python in your browser: 13 MB, once …";
    } else {
      status.textContent = "Reading …";
    }
    button.disabled = true;
    asked += 1;
    worker.postMessage({ id: asked, text: text.value, floor: floor.value, unsafeFixes: unsafe.checked });
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  for (const control of [floor, unsafe]) control.addEventListener("change", () => worker && run());
})();
