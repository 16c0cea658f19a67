// `make weigh`: what the release wasm is made of, before wasm-opt: bytes of code by module, and the heaviest
// functions. For when `make build` says that the download has outgrown its budget.

import { readFileSync } from "node:fs";

const [file, depth = "2", rows = "30"] = process.argv.slice(2);
const bytes = readFileSync(file);
let at = 8;

function leb() {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
  }
}
const text = () => {
  const length = leb();
  return bytes.toString("utf8", at, (at += length));
};

let imported = 0;
const code = [];
const names = new Map();
while (at < bytes.length) {
  const section = bytes[at++];
  const length = leb();
  const end = at + length;
  if (section === 2) {
    // wasm-bindgen's imports are functions, all of them.
    imported = leb();
  } else if (section === 10) {
    for (let left = leb(); left > 0; left--) {
      const size = leb();
      code.push(size);
      at += size;
    }
  } else if (section === 0 && text() === "name") {
    while (at < end) {
      const kind = bytes[at++];
      const next = leb() + at;
      if (kind === 1) for (let left = leb(); left > 0; left--) names.set(leb(), text());
      at = next;
    }
  }
  at = end;
}
if (names.size === 0) throw new Error(`${file} has no names`);

// «<a::b::C as d::E>::f::h0123456789abcdef» belongs to a::b.
const readable = (name) => name.replace(/::h[0-9a-f]{16}$/, "").replace(/\[[0-9a-f]{8,16}\]/g, "");
const functions = code
  .map((size, index) => ({ size, name: readable(names.get(index + imported) ?? "?") }))
  .sort((a, b) => b.size - a.size);
const modules = new Map();
for (const { size, name } of functions) {
  const module = name.replace(/^[<&]+/, "").split(/::|[<> ]/).slice(0, Number(depth)).join("::");
  const sum = modules.get(module) ?? { size: 0, count: 0 };
  modules.set(module, { size: sum.size + size, count: sum.count + 1 });
}

console.log(`${code.reduce((a, b) => a + b, 0)} bytes of code in ${code.length} functions; by module:`);
for (const [module, { size, count }] of [...modules].sort((a, b) => b[1].size - a[1].size).slice(0, Number(rows)))
  console.log(`${String(size).padStart(9)} ${String(count).padStart(5)}  ${module}`);
console.log("the heaviest functions:");
for (const { size, name } of functions.slice(0, Number(rows))) console.log(`${String(size).padStart(9)}  ${name.slice(0, 150)}`);
