// split.mjs FILE.wasm LATER.wasm PATTERNS UNUSED LINKED.wasm: divides the page's wasm in two, so that a reader waits for
// less of it.
//
// FILE.wasm, with names, becomes the part that is there when the page starts. Functions whose names match a line of
// PATTERNS or are a line of UNUSED, and what only those call, go to LATER.wasm, with the data that only they name:
// LINKED.wasm, from which FILE.wasm was made, knows that. Each that is called from outside leaves a stub behind:
//
//   if the later part is not here, fetch it now; then call it by its place in the table.
//
// So nothing depends on when it comes: the page asks for it as soon as it has drawn its first frame
// (`load_later` in src/ui/boot.rs, `faultlineLater` in static/site/boot.js), and whoever is quicker than that waits for
// it once. Both parts share memory, tables and globals; LATER.wasm takes them from FILE.wasm's exports.

import { readFileSync, writeFileSync } from "node:fs";
import { around, linked } from "./linked.mjs";
import { KINDS, constants, fromLimits, fromTable, list, number, read, renumbered, signed, uses, write } from "./wasm.mjs";

/** The import by which the page fetches the later part. */
const LOAD = /^__wbg_faultlineLater_/;
/** The export that says whether it is here. */
export const READY = "later";
const I32 = 0x7f;
/** Data between these comes later as well: `marked` in src/sim/config.rs; the scenarios and every `later_text!`. */
const [FROM, TO] = [Buffer.from("\xff<later\xfe", "latin1"), Buffer.from("\xfelater>\xff", "latin1")];

/** A name without what sets crates and closures apart: `faultline::player::Player::act`, `<A as B>::f::{closure}`. */
export const readable = (name) =>
  name
    .replace(/::h[0-9a-f]{16}$/, "")
    .replace(/\[[0-9a-f]{8,16}\]/g, "")
    .replace(/\{closure#\d+\}/g, "{closure}")
    .replace(/^<([\w:]+)>::/, "$1::");

/** The patterns in the text of a file: a regular expression a line, `#` for comments. */
export const patterns = (text) =>
  text
    .split("\n")
    .map((line) => line.replace(/(^|\s)#.*/, "").trim())
    .filter(Boolean)
    .map((line) => new RegExp(line));

/** The lines of a file that are no comments. */
export const lines = (text) => new Set(text.split("\n").filter((line) => line && !line.startsWith("# ")));

/** Smaller ones that did not run stay: the optimizer makes one of those that are alike, and its name tells one of many. */
export const SMALLEST = 60;
/** Before the names of functions that ran although a pattern names them, for that reason among others: they stay. */
export const RAN = "! ";

/**
 * What of `module` comes later: functions that are not reached but through one whose name matches, or is one of `unused`
 * (tools/profile.mjs);
 * data that only those name, by what the linker has to say of it (tools/linked.mjs), or that stands between marks; and
 * places in the table that only such data names.
 */
export function later(module, patterns, unused, { symbols, values, inCode, slots }) {
  const imported = module.imports.length;
  const chosen = new Set();
  for (const [index, symbol] of module.names) {
    const name = readable(symbol);
    const idle = module.code[index - imported]?.length >= SMALLEST && unused.has(name);
    if ((idle || patterns.some((pattern) => pattern.test(name))) && !unused.has(RAN + name)) chosen.add(index);
  }
  const table = new Map(module.elements.flatMap((e) => e.functions.map((index, place) => [e.offset + place, index])));
  const [functions, data, places] = [new Set(), new Set(), new Set()];
  const [called, named] = [[], []];
  // A place in the table of which the linker knows nothing, or that code names, is anybody's.
  const toPlace = (slot) => (places.add(slot), called.push(table.get(slot)));
  for (const slot of table.keys()) if (inCode.has(slot) || !slots.has(slot)) toPlace(slot);
  called.push(...module.exports.filter((e) => e.kind === KINDS.function).map((e) => e.index));
  if (module.start !== undefined) called.push(module.start);
  while (called.length + named.length > 0) {
    const [index, symbol] = [called.pop(), named.pop()];
    if (index !== undefined && index >= imported && !functions.has(index) && !chosen.has(index)) {
      functions.add(index);
      for (const use of uses(module.code[index - imported])) if (use.kind === "function") called.push(use.index);
      // The optimizer may have added to a place; it stays within what it points to.
      for (const value of constants(module.code[index - imported])) named.push(...(values.get(value) ?? []), ...around(symbols, value));
    }
    if (symbol !== undefined && !data.has(symbol)) {
      data.add(symbol);
      named.push(...symbol.data);
      symbol.slots.forEach(toPlace);
    }
  }
  const all = module.functions.map((_, place) => place + imported);
  return {
    functions: new Set(all.filter((index) => !functions.has(index))),
    slots: new Set([...table.keys()].filter((slot) => !places.has(slot))),
    stays: { symbols, needed: data },
  };
}

/** The two parts of `module`; its values stay as they were. */
export function split(module, { functions: moved, slots: late, stays }) {
  const imported = module.imports.length;
  const called = entries(module, moved, late);
  const slots = new Map([...called].map((index, place) => [index, module.tables[0].limits.min + place]));
  const ready = module.globals.length;

  // The first part: what is not moved, and a stub for each of the others that somebody there calls.
  const staying = module.functions.map((_, place) => place + imported).filter((i) => !moved.has(i) || called.has(i));
  const numbers = new Map([...module.imports.keys(), ...staying].map((old, place) => [old, place]));
  const load = module.imports.findIndex((i) => LOAD.test(i.name));
  if (load < 0) throw new Error("the page has no import that fetches the later part");
  const renumber = (kind, index) => (kind === "function" ? numbers.get(index) : index);
  const grown = module.tables[0].limits.min + called.size;
  const needs = needsOf(module, moved, late);
  const exports = [
    ...module.exports.map((e) => (e.kind === KINDS.function ? { ...e, index: numbers.get(e.index) } : e)),
    { name: READY, kind: KINDS.global, index: ready },
    ...[...needs.functions].map((index, place) => ({ name: `f${place}`, kind: KINDS.function, index: numbers.get(index) })),
    ...[...needs.globals].map((index, place) => ({ name: `g${place}`, kind: KINDS.global, index })),
    ...module.tables.map((_, index) => ({ name: `t${index}`, kind: KINDS.table, index })),
    { name: "m", kind: KINDS.memory, index: 0 },
  ];
  const data = dataOf(module, stays);
  const first = {
    ...module,
    data: data.staying,
    custom: [],
    functions: staying.map((index) => module.functions[index - imported]),
    tables: module.tables.map((t, place) => (place === 0 ? { ...t, limits: { min: grown, max: grown } } : t)),
    globals: [...module.globals, { type: I32, mutable: 1, value: [0x41, 0, 0x0b] }],
    exports,
    elements: runs(module.elements, (slot) => !late.has(slot), (index) => numbers.get(index)),
    code: staying.map((index) =>
      moved.has(index)
        ? stub(module, index, slots.get(index), { load, ready })
        : renumbered(module.code[index - imported], renumber),
    ),
  };

  return { first, second: { ...secondOf(module, moved, late, slots, needs), data: data.moved } };
}

/** The places of `elements` for which `stays`, in as few segments as it takes. */
function runs(elements, stays, renumber) {
  const out = [];
  for (const { offset, functions } of elements) {
    let last;
    functions.forEach((index, place) => {
      if (!stays(offset + place)) return void (last = undefined);
      if (!last) out.push((last = { offset: offset + place, functions: [] }));
      last.functions.push(renumber(index));
    });
  }
  return out;
}

/** What is shorter stays where it is: a segment has a head of its own. */
const SHORTEST = 16;

/** The segments of `module`'s data that stay, and those that come later. */
export function dataOf(module, { symbols, needed }) {
  const [staying, moved] = [[], []];
  for (const { bytes, ...segment } of module.data ?? []) {
    const all = Buffer.from(bytes);
    const comesLater = new Uint8Array(all.length);
    const mark = (value, at, size) => comesLater.fill(value, Math.max(0, at - segment.offset), Math.max(0, at + size - segment.offset));
    for (const symbol of symbols) if (!needed.has(symbol)) mark(1, symbol.at, symbol.size);
    // The linker lays pieces over each other.
    for (const symbol of needed) mark(0, symbol.at, symbol.size);
    for (let at = 0, from; (from = all.indexOf(FROM, at)) >= 0; ) {
      at = all.indexOf(TO, from) + TO.length;
      if (at < from) throw new Error("what comes later begins in the data and does not end");
      comesLater.fill(1, from, at);
    }
    for (let at = 0; at < all.length; ) {
      const end = (value, from) => ((to) => (to < 0 ? all.length : to))(comesLater.indexOf(1 - value, from));
      let to = end(comesLater[at], at);
      // Short ones between two that stay do not come later.
      while (!comesLater[at] && to < all.length && end(1, to) - to < SHORTEST) to = end(0, end(1, to));
      (comesLater[at] ? moved : staying).push({ ...segment, offset: segment.offset + at, bytes: all.subarray(at, to) });
      at = to;
    }
  }
  return { staying, moved };
}

/** Those of `moved` that are called or named from outside of it. */
function entries(module, moved, late) {
  const imported = module.imports.length;
  const found = new Set();
  const note = (index) => moved.has(index) && found.add(index);
  module.code.forEach((body, place) => {
    if (!moved.has(place + imported)) for (const use of uses(body)) if (use.kind === "function") note(use.index);
  });
  for (const e of module.elements ?? []) e.functions.forEach((index, place) => late.has(e.offset + place) || note(index));
  for (const e of module.exports) if (e.kind === KINDS.function) note(e.index);
  return new Set([...found].sort((a, b) => a - b));
}

/** Functions that stay and are no longer than this are there twice: an export of the first part would weigh more. */
const SHORT = 80;

/** What the moved functions, and the places in the table that come later, use of the rest; and what of that is copied. */
function needsOf(module, moved, late) {
  const imported = module.imports.length;
  const [functions, globals, copied] = [new Set(), new Set(), new Set()];
  const open = [...moved];
  const need = (index) => {
    if (moved.has(index) || copied.has(index)) return;
    if (module.code[index - imported]?.length > SHORT || index < imported) return void functions.add(index);
    copied.add(index);
    open.push(index);
  };
  for (const e of module.elements) e.functions.forEach((index, place) => late.has(e.offset + place) && need(index));
  while (open.length > 0)
    for (const use of uses(module.code[open.pop() - imported]))
      if (use.kind === "global") globals.add(use.index);
      else need(use.index);
  const ascending = (set) => new Set([...set].sort((a, b) => a - b));
  return { functions: ascending(functions), globals: ascending(globals), copied };
}

/** `if (!ready) load(true); return table[slot](…parameters)`, where `load` is the page's. */
function stub(module, index, slot, { load, ready }) {
  const type = module.functions[index - module.imports.length];
  const takes = module.types[module.imports[load].type].parameters.length;
  const given = module.types[type].parameters.map((_, place) => [0x20, ...number(place)]);
  return [
    0, // no locals
    ...[0x23, ...number(ready), 0x45, 0x04, 0x40], // global.get ready, i32.eqz, if
    ...Array.from({ length: takes }, () => [0x41, 1]).flat(), // i32.const 1
    ...[0x10, ...number(load), 0x0b], // call load, end
    ...given.flat(),
    ...[0x41, ...signed(slot), 0x11, ...number(type), 0, 0x0b], // i32.const slot, call_indirect, end
  ];
}

/** The later part: imports what it needs, puts its functions into the table and says that it is here. */
function secondOf(module, moved, late, slots, needs) {
  const raw = (kind, rest) => ({ raw: [kind, ...rest] });
  const types = [...module.types, { parameters: [], results: [] }];
  const typeOf = (index) =>
    index < module.imports.length ? module.imports[index].type : module.functions[index - module.imports.length];
  const globals = [...needs.globals];
  const imports = [
    ...[...needs.functions].map((index, place) => ({ name: `f${place}`, type: typeOf(index) })),
    ...globals.map((index, place) => ({
      name: `g${place}`,
      ...raw(KINDS.global, [module.globals[index].type, module.globals[index].mutable]),
    })),
    { name: READY, ...raw(KINDS.global, [I32, 1]) },
    ...module.tables.map((t, index) => ({
      name: `t${index}`,
      ...raw(KINDS.table, fromTable(index === 0 ? { ...t, limits: { min: t.limits.min + slots.size } } : t)),
    })),
    { name: "m", ...raw(KINDS.memory, fromLimits(module.memories[0])) },
  ].map((i) => ({ module: "", ...i }));
  const order = [...moved, ...needs.copied].sort((a, b) => a - b);
  const numbers = new Map([...needs.functions, ...order].map((old, place) => [old, place]));
  const renumber = (kind, index) => (kind === "function" ? numbers.get(index) : globals.indexOf(index));
  return {
    types,
    imports,
    functions: [...order.map((index) => module.functions[index - module.imports.length]), types.length - 1],
    tables: [],
    memories: [],
    globals: [],
    exports: [],
    start: needs.functions.size + order.length,
    elements: [
      ...runs(module.elements, (slot) => late.has(slot), (index) => numbers.get(index)),
      { offset: Math.min(...slots.values()), functions: [...slots.keys()].map((index) => numbers.get(index)) },
    ],
    code: [
      ...order.map((index) => renumbered(module.code[index - module.imports.length], renumber)),
      [0, 0x41, 1, 0x24, ...number(globals.length), 0x0b], // ready = 1
    ],
    custom: [],
  };
}

if (process.argv[1]?.endsWith("split.mjs")) {
  const [file, other, rules, names, whole] = process.argv.slice(2);
  const module = read(readFileSync(file));
  if (module.names.size === 0) throw new Error(`${file} has no names: wasm-opt needs -g`);
  const moved = later(module, patterns(readFileSync(rules, "utf8")), lines(readFileSync(names, "utf8")), linked(readFileSync(whole)));
  const { first, second } = split(module, moved);
  for (const [name, part] of [[file, first], [other, second]]) {
    const bytes = write(part);
    if (!WebAssembly.validate(bytes)) throw new Error(`${name} would not be valid`);
    writeFileSync(name, bytes);
  }
}
