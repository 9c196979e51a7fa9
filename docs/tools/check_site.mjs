// Looks at every page of the built site in headless Chromium: accessibility (axe-core) in light and dark, no sideways
// scrolling on a phone, no code that is cut off, no error, no request to anywhere else; searches for a name, and runs
// the page to try it.
//
//   node docs/tools/check_site.mjs SITE [--pages=rules/,faq/] [--screenshots=DIR]

import { createServer } from "node:http";
import { mkdtempSync, mkdirSync, readFileSync, readdirSync, statSync, rmSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join, normalize, relative } from "node:path";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const [siteArgument, ...options] = process.argv.slice(2);
const option = (name) => options.find((text) => text.startsWith(`--${name}=`))?.split("=")[1];
const site = normalize(siteArgument);
const screenshots = option("screenshots");
const wanted = option("pages")?.split(",");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");

const TYPES = {
  ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css",
  ".svg": "image/svg+xml", ".json": "application/json", ".wasm": "application/wasm", ".zip": "application/zip",
};
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 375, height: 740 };
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

function pagesIn(directory) {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) return pagesIn(path);
    return name === "index.html" ? [relative(site, directory)] : [];
  });
}

function serve() {
  const server = createServer((request, response) => {
    const asked = decodeURIComponent(new URL(request.url, "http://site").pathname);
    const path = join(site, normalize(asked), asked.endsWith("/") ? "index.html" : "");
    if (!existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(path)] || "application/octet-stream" });
    return response.end(readFileSync(path));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

const problems = [];

async function setScheme(page, scheme) {
  await page.evaluate((name) => document.body.setAttribute("data-md-color-scheme", name), scheme);
}

async function runAxe(page, where, rules) {
  const found = await page.evaluate(
    (only) => globalThis.axe.run(document, only ? { runOnly: { type: "rule", values: only } } : {}),
    rules,
  );
  for (const { id, help, nodes } of found.violations) {
    problems.push(`${where}: ${id}: ${help}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} (${node.any[0]?.message ?? ""})`).join(" | ")}`);
  }
}

async function shoot(page, name) {
  if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

async function findCutCode(page, where) {
  const cut = await page.evaluate(() => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    const found = [];
    const measure = () => {
      for (const code of document.querySelectorAll(".md-typeset pre, .md-typeset pre > code")) {
        if (code.scrollWidth > code.clientWidth + 1 && code.clientWidth > 0) found.push(code.textContent.trim().slice(0, 60));
      }
    };
    measure();
    for (const tab of document.querySelectorAll(".tabbed-set > input")) {
      tab.checked = true;
      measure();
    }
    return [...new Set(found)];
  });
  for (const text of cut) problems.push(`${where}: code is cut off: ${JSON.stringify(text)}`);
}

async function search(page, address) {
  await page.setViewport(DESKTOP);
  await page.goto(`${address}?q=VariableState`, { waitUntil: "load" });
  const links = ".md-search-result__item a";
  const found = await page.waitForSelector(links, { timeout: 30000 }).catch(() => null);
  const pages = await page.$$eval(links, (all) => all.map((link) => link.href));
  if (!found || !pages.some((link) => link.includes("/rules/NNX"))) problems.push(`search: VariableState leads to ${pages}`);
}

async function look(page, address, name) {
  const file = name.replaceAll("/", "_") || "start";
  await page.setViewport(DESKTOP);
  await page.goto(`${address}${name && `${name}/`}`, { waitUntil: "load" });
  await page.evaluate(axe);
  await page.addStyleTag({ content: "*{transition:none!important;animation:none!important}" });
  await setScheme(page, "default");
  await runAxe(page, `${name || "start"} (light)`);
  await shoot(page, `${file}-desktop-light`);
  await setScheme(page, "slate");
  await runAxe(page, `${name || "start"} (dark)`, ["color-contrast"]);
  await shoot(page, `${file}-desktop-dark`);
  await findCutCode(page, `${name || "start"} at ${DESKTOP.width} px`);
  await page.setViewport(PHONE);
  await findCutCode(page, `${name || "start"} at ${PHONE.width} px`);
  await shoot(page, `${file}-phone-dark`);
  await setScheme(page, "default");
  await shoot(page, `${file}-phone-light`);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  if (width > PHONE.width) problems.push(`${name}: ${width} px wide on a phone of ${PHONE.width}`);
}

async function tryIt(page, address) {
  await page.setViewport(DESKTOP);
  await page.goto(`${address}try/`, { waitUntil: "load" });
  await page.click("#try-run");
  await page.waitForFunction(() => !document.querySelector("#try-run").disabled, { timeout: 60000 });
  const said = await page.$eval("#try-status", (node) => node.textContent);
  const findings = await page.$$eval("#try-findings a", (links) => links.map((link) => link.href));
  const added = await page.$$eval("#try-diff ins", (lines) => lines.map((line) => line.textContent).join(""));
  if (!said.startsWith("1 finding;")) problems.push(`try: the status says ${JSON.stringify(said)}`);
  if (!findings[0]?.includes("/rules/NNX101-")) problems.push(`try: the first finding links to ${findings[0]}`);
  if (!added.includes("x.value if isinstance(x, nnx.Variable) else x")) problems.push(`try: the rewrite is ${added}`);
  const shown = await page.$eval("#try-change", (box) => box.checkVisibility());
  if (!shown) problems.push("try: the rewrite is hidden");
  await shoot(page, "try-after");
}

const profile = mkdtempSync(join(tmpdir(), "site-check-"));
if (screenshots) mkdirSync(screenshots, { recursive: true });
const server = await serve();
const address = `http://127.0.0.1:${server.address().port}/`;
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: FLAGS, userDataDir: profile,
});
const page = await browser.newPage();
page.on("pageerror", (error) => problems.push(`${page.url()}: ${error.message}`));
page.on("requestfailed", (request) => problems.push(`${request.url()}: failed on ${page.url()}`));
page.on("request", (request) => {
  const url = request.url();
  if (!url.startsWith(address) && !/^(data|blob):/.test(url)) problems.push(`${page.url()} asks for ${url}`);
});
page.on("response", (answer) => {
  if (answer.status() >= 400) problems.push(`${page.url()}: ${answer.status()} for ${answer.url()}`);
});
const names = pagesIn(site).filter((name) => !wanted || wanted.some((part) => `${name}/`.startsWith(part)));
for (const name of names) await look(page, address, name);
if (!wanted || wanted.includes("try/")) await tryIt(page, address);
if (!wanted) await search(page, address);
await browser.close();
server.close();
rmSync(profile, { recursive: true, force: true });
console.log(problems.map((problem) => `${problem}\n`).join("") + `${names.length} pages, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
