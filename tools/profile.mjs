// `make profile`: what of the release wasm runs while a page opens and plays, and what does not. It shows the heaviest of
// both, and those of the later part that somebody called all the same (tools/later.txt should not name them, but for small
// ones of which the optimizer has made one with others); and writes the names of the functions that nobody called, and that
// no pattern names, to tools/unused.txt, and of those that a pattern names and that stay all the same.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch, started, visit } from "../tests/browser/harness.mjs";
import { serve } from "./server.mjs";
import { linked } from "./linked.mjs";
import { RAN, SMALLEST, later, patterns, readable } from "./split.mjs";
import { headOf, number, read, signed, write } from "./wasm.mjs";

const [dist, named, whole, rules, unused, rows = "40"] = process.argv.slice(2);
const PAGE = 65536;

const module = read(readFileSync(named));
const imported = module.imports.length;
const { functions: moved } = later(module, patterns(readFileSync(rules, "utf8")), new Set(), linked(readFileSync(whole)));

// Every function begins by writing a 1 to a place of its own, in pages that nobody else has.
const base = module.memories[0].min * PAGE;
const memory = { ...module.memories[0], min: module.memories[0].min + Math.ceil(module.code.length / PAGE) };
const code = module.code.map((body, place) => {
  const head = headOf(body);
  const mark = [0x41, ...signed(base + place), 0x41, 1, 0x3a, 0, ...number(0)]; // i32.store8
  return Buffer.concat([body.subarray(0, head), Buffer.from(mark), body.subarray(head)]);
});

const folder = mkdtempSync(join(tmpdir(), "faultline-profile-"));
cpSync(dist, folder, { recursive: true });
writeFileSync(join(folder, "faultline_bg.wasm"), write({ ...module, memories: [memory], code }));
const host = await serve({ root: folder });
const browser = await launch();
const called = new Uint8Array(module.code.length);

async function run(address, width, act) {
  const { page } = await visit(browser, "about:blank", { width, height: 800 });
  await page.addInitScript(() => {
    for (const name of ["instantiate", "instantiateStreaming"]) {
      const plain = WebAssembly[name];
      WebAssembly[name] = async (...given) => {
        const made = await plain.apply(WebAssembly, given);
        window.profiled = (made.instance ?? made).exports;
        return made;
      };
    }
  });
  await page.goto(`${host.url}/${address}`);
  await started(page);
  await act(page);
  const marks = await page.evaluate(
    ([at, length]) => Array.from(new Uint8Array(window.profiled.memory.buffer, at, length)),
    [base, code.length],
  );
  marks.forEach((mark, place) => (called[place] |= mark));
  await page.close();
}
const watched = (page) => page.waitForTimeout(12_000);
await run("", 1280, watched);
await run("?embed=1&autoplay=1", 700, watched);
await run("?embed=1&autoplay=1&theme=dark", 360, watched);
await browser.close();
await host.close();
rmSync(folder, { recursive: true });

const functions = module.code.map((body, place) => ({
  size: body.length,
  name: readable(module.names.get(place + imported) ?? "?"),
  later: moved.has(place + imported),
  called: called[place] > 0,
}));
const show = (title, chosen) => {
  const sum = chosen.reduce((sum, f) => sum + f.size, 0);
  console.log(`${title}: ${chosen.length} functions, ${sum} bytes`);
  chosen.sort((a, b) => b.size - a.size);
  for (const f of chosen.slice(0, Number(rows))) console.log(`${String(f.size).padStart(9)}  ${f.name.slice(0, 150)}`);
};
show("first, and called", functions.filter((f) => !f.later && f.called));
show("later, but called", functions.filter((f) => f.later && f.called));
show("first, but not called", functions.filter((f) => !f.later && !f.called));

// A name stands for several functions where types or closures were left out of it: for none, if one of them ran.
const ran = new Set(functions.filter((f) => f.called).map((f) => f.name));
// Two keys are compared where their hashes meet, which is by chance: Yew's tables are seeded by the browser.
const CHANCE = /hashbrown.*::find/;
const idle = functions.filter(
  (f) => !f.later && !f.called && f.size >= SMALLEST && !ran.has(f.name) && f.name !== "?" && !CHANCE.test(f.name),
);
const header = [
  "# Functions of the release that do not run while a page opens and plays, by «make profile»; they come later",
  "# (tools/split.mjs). A name that is not here any more does no harm, and one that is missing costs bytes only. After ! are",
  "# those that run although tools/later.txt names them; they do not come later.",
];
const stay = functions.filter((f) => f.later && f.called);
const names = new Set([...idle.map((f) => f.name), ...stay.map((f) => RAN + f.name)]);
writeFileSync(unused, [...header, ...[...names].sort(), ""].join("\n"));
if (stay.some((f) => f.size >= 2 * SMALLEST)) process.exitCode = 1;
