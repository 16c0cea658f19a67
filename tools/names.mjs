// names.mjs GLUE.js FILE.wasm: the names by which wasm-bindgen's glue and the wasm know each other, as short as can be.
// They tell a reader of scripts something and a page nothing, and weighed a kilobyte gzipped.

import { readFileSync, writeFileSync } from "node:fs";
import { number, read, sections, write } from "./wasm.mjs";

const OURS = /^(__wbg(?!_faultlineLater)|__wbindgen|wasm_bindgen)_/; // tools/split.mjs looks for that one by its name

const [glue, file] = process.argv.slice(2);
const bytes = readFileSync(file);
const module = read(bytes);
const short = new Map();
for (const place of [...module.imports, ...module.exports])
  if (OURS.test(place.name)) {
    if (!short.has(place.name)) short.set(place.name, `$${short.size.toString(36)}`);
    place.name = short.get(place.name);
  }
const text = readFileSync(glue, "utf8");
const missing = new Set(short.keys());
const renamed = text.replace(/\b(__wbg|__wbindgen|wasm_bindgen)_\w+/g, (name) => {
  missing.delete(name);
  return short.get(name) ?? name;
});
if (missing.size > 0) throw new Error(`${glue} does not know ${[...missing].join(", ")}`);
writeFileSync(glue, renamed);
// All else stays as it is, the names of functions too, by which tools/split.mjs goes.
const RENAMED = [2, 7]; // imports, exports
const anew = write(module);
const fresh = new Map(sections(anew).map((section) => [section.id, anew.subarray(section.start, section.end)]));
const whole = ({ id, start, end }) => {
  const body = RENAMED.includes(id) ? fresh.get(id) : bytes.subarray(start, end);
  return [Buffer.from([id, ...number(body.length)]), body];
};
writeFileSync(file, Buffer.concat([bytes.subarray(0, 8), ...sections(bytes).flatMap(whole)]));
