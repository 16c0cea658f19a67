// `make weigh`: what the release wasm is made of, before wasm-opt: bytes of code by module, and the heaviest
// functions. For when `make build` says that the download has outgrown its budget.

import { readFileSync } from "node:fs";
import { read } from "./wasm.mjs";
import { readable } from "./split.mjs";

const [file, depth = "2", rows = "30"] = process.argv.slice(2);
const { imports, code, names } = read(readFileSync(file));
if (names.size === 0) throw new Error(`${file} has no names`);

// «<a::b::C as d::E>::f» belongs to a::b.
const functions = code
  .map((body, index) => ({ size: body.length, name: readable(names.get(index + imports.length) ?? "?") }))
  .sort((a, b) => b.size - a.size);
const modules = new Map();
for (const { size, name } of functions) {
  const module = name.replace(/^[<&]+/, "").split(/::|[<> ]/).slice(0, Number(depth)).join("::");
  const sum = modules.get(module) ?? { size: 0, count: 0 };
  modules.set(module, { size: sum.size + size, count: sum.count + 1 });
}

console.log(`${code.reduce((sum, body) => sum + body.length, 0)} bytes of code in ${code.length} functions; by module:`);
for (const [module, { size, count }] of [...modules].sort((a, b) => b[1].size - a[1].size).slice(0, Number(rows)))
  console.log(`${String(size).padStart(9)} ${String(count).padStart(5)}  ${module}`);
console.log("the heaviest functions:");
for (const { size, name } of functions.slice(0, Number(rows))) console.log(`${String(size).padStart(9)}  ${name.slice(0, 150)}`);
