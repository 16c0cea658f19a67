// A WebAssembly module as JavaScript values, and back: sections, names, and where in a function's code other functions,
// globals and types are named. Enough of the format for what rustc, wasm-bindgen and wasm-opt write for us (core 2.0
// without vectors); anything else is an error, never a guess. https://webassembly.github.io/spec/core/binary/

export class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  byte() {
    return this.bytes[this.at++];
  }
  /** An unsigned number; those of up to 53 bits come out right. */
  number() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  /** A signed number of up to 32 bits. */
  signed() {
    for (let [value, shift] = [0, 0]; ; ) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      shift += 7;
      if (byte < 128) return shift < 32 && byte & 64 ? value | (-1 << shift) : value;
    }
  }
  /** Over a number of any length, signed or not. */
  skipNumber() {
    while (this.byte() >= 128);
  }
  take(length) {
    return this.bytes.subarray(this.at, (this.at += length));
  }
  text() {
    return Buffer.from(this.take(this.number())).toString("utf8");
  }
  list(read) {
    return Array.from({ length: this.number() }, () => read(this));
  }
}

export function number(value) {
  const out = [];
  do {
    const rest = Math.floor(value / 128);
    out.push((value % 128) | (rest > 0 ? 128 : 0));
    value = rest;
  } while (value > 0);
  return out;
}

/** For `i32.const`. */
export function signed(value) {
  const out = [];
  for (;;) {
    const byte = value & 127;
    value >>= 7;
    if ((value === 0 && !(byte & 64)) || (value === -1 && byte & 64)) return [...out, byte];
    out.push(byte | 128);
  }
}

export const text = (value) => {
  const bytes = Buffer.from(value);
  return [...number(bytes.length), ...bytes];
};
export const list = (items) => [...number(items.length), ...items.flat()];

const SECTIONS = { type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, start: 8, element: 9 };
const LAST_SECTIONS = { dataCount: 12, code: 10, data: 11 };
/** The sections of a module in order: `{ id, name, start, at, end }`; those of kind 0 have names, and begin `at`. */
export function sections(bytes) {
  const [reader, found] = [new Reader(bytes, 8), []];
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const end = reader.number() + reader.at;
    const [start, name] = [reader.at, id === 0 ? reader.text() : undefined];
    found.push({ id, name, start, at: reader.at, end });
    reader.at = end;
  }
  return found;
}

export const KINDS = { function: 0, table: 1, memory: 2, global: 3 };

const limits = (reader) => {
  const flags = reader.byte();
  return { min: reader.number(), max: flags & 1 ? reader.number() : undefined };
};
export const fromLimits = ({ min, max }) =>
  max === undefined ? [0, ...number(min)] : [1, ...number(min), ...number(max)];
const table = (reader) => ({ type: reader.byte(), limits: limits(reader) });
export const fromTable = ({ type, limits }) => [type, ...fromLimits(limits)];

/** What the module in `bytes` consists of. Sections that are not looked into stay bytes. */
export function read(bytes) {
  if (Buffer.from(bytes.subarray(0, 8)).toString("hex") !== "0061736d01000000") throw new Error("not a wasm module");
  const module = { imports: [], functions: [], tables: [], memories: [], globals: [], exports: [], code: [], custom: [] };
  module.names = new Map();
  const reader = new Reader(bytes, 8);
  while (reader.at < bytes.length) {
    const section = reader.byte();
    const length = reader.number();
    const end = reader.at + length;
    const inner = new Reader(bytes.subarray(0, end), reader.at);
    if (section === 0) custom(module, inner, bytes.subarray(inner.at, end));
    else if (section === SECTIONS.type) module.types = inner.list(functionType);
    else if (section === SECTIONS.import) module.imports = inner.list(importOf);
    else if (section === SECTIONS.function) module.functions = inner.list((r) => r.number());
    else if (section === SECTIONS.table) module.tables = inner.list(table);
    else if (section === SECTIONS.memory) module.memories = inner.list(limits);
    else if (section === SECTIONS.global) module.globals = inner.list(globalOf);
    else if (section === SECTIONS.export) module.exports = inner.list(exportOf);
    else if (section === SECTIONS.start) module.start = inner.number();
    else if (section === SECTIONS.element) module.elements = inner.list(elementOf);
    else if (section === LAST_SECTIONS.dataCount) module.dataCount = inner.number();
    else if (section === LAST_SECTIONS.code) module.code = inner.list((r) => r.take(r.number()));
    else if (section === LAST_SECTIONS.data) module.data = inner.list(dataOf);
    else throw new Error(`a section of kind ${section}`);
    reader.at = end;
  }
  return module;
}

function custom(module, reader, whole) {
  if (reader.text() !== "name") return module.custom.push(whole);
  while (reader.at < reader.bytes.length) {
    const kind = reader.byte();
    const end = reader.number() + reader.at;
    if (kind === 1) for (let left = reader.number(); left > 0; left--) module.names.set(reader.number(), reader.text());
    reader.at = end;
  }
}

function functionType(reader) {
  if (reader.byte() !== 0x60) throw new Error("a type that is no function's");
  const valueTypes = () => reader.list((r) => r.byte());
  return { parameters: valueTypes(), results: valueTypes() };
}

function importOf(reader) {
  const [module, name, kind] = [reader.text(), reader.text(), reader.byte()];
  if (kind !== KINDS.function) throw new Error(`imports ${name}, which is no function`);
  return { module, name, type: reader.number() };
}

function globalOf(reader) {
  const [type, mutable, start] = [reader.byte(), reader.byte(), reader.at];
  const uses = [];
  operators(reader, (use) => uses.push(use), true);
  if (uses.length > 0) throw new Error("a global whose first value is computed");
  return { type, mutable, value: reader.bytes.subarray(start, reader.at) };
}

const exportOf = (reader) => ({ name: reader.text(), kind: reader.byte(), index: reader.number() });

/** Only the plainest kind: functions at a place of table 0. */
function elementOf(reader) {
  if (reader.number() !== 0) throw new Error("elements of another kind than functions in table 0");
  if (reader.byte() !== 0x41) throw new Error("elements at a place that is no constant");
  const offset = reader.number();
  if (reader.byte() !== 0x0b) throw new Error("elements at a place that is computed");
  return { offset, functions: reader.list((r) => r.number()) };
}

/** Only the plainest kind: bytes at a place of memory 0, written as the module comes to life. */
function dataOf(reader) {
  if (reader.number() !== 0) throw new Error("data of another kind than bytes in memory 0");
  if (reader.byte() !== 0x41) throw new Error("data at a place that is no constant");
  const offset = reader.number();
  if (reader.byte() !== 0x0b) throw new Error("data at a place that is computed");
  return { offset, bytes: reader.take(reader.number()) };
}

/** The bytes of a module. Names are left out. */
export function write(module) {
  const out = [Buffer.from("0061736d01000000", "hex")];
  const section = (id, content) => out.push(Buffer.from([id, ...number(content.length)]), Buffer.from(content));
  const listed = (id, items) => items?.length > 0 && section(id, list(items));
  listed(SECTIONS.type, module.types.map((t) => [0x60, ...list(t.parameters.map((p) => [p])), ...list(t.results.map((r) => [r]))]));
  listed(SECTIONS.import, module.imports.map((i) => [...text(i.module), ...text(i.name), ...(i.raw ?? [KINDS.function, ...number(i.type)])]));
  listed(SECTIONS.function, module.functions.map(number));
  listed(SECTIONS.table, module.tables.map(fromTable));
  listed(SECTIONS.memory, module.memories.map(fromLimits));
  listed(SECTIONS.global, module.globals.map((g) => [g.type, g.mutable, ...g.value]));
  listed(SECTIONS.export, module.exports.map((e) => [...text(e.name), e.kind, ...number(e.index)]));
  if (module.start !== undefined) section(SECTIONS.start, number(module.start));
  listed(SECTIONS.element, module.elements?.map((e) => [0, 0x41, ...signed(e.offset), 0x0b, ...list(e.functions.map(number))]));
  if (module.dataCount !== undefined) section(LAST_SECTIONS.dataCount, number(module.data.length));
  const bodies = module.code.map((body) => [Buffer.from(number(body.length)), Buffer.from(body)]).flat();
  section(LAST_SECTIONS.code, Buffer.concat([Buffer.from(number(module.code.length)), ...bodies]));
  if (module.data) {
    const segments = module.data.map(({ offset, bytes }) =>
      Buffer.concat([Buffer.from([0, 0x41, ...signed(offset), 0x0b, ...number(bytes.length)]), bytes]),
    );
    section(LAST_SECTIONS.data, Buffer.concat([Buffer.from(number(segments.length)), ...segments]));
  }
  for (const whole of module.custom) section(0, whole);
  return Buffer.concat(out);
}

/** A function's code again, with functions and globals numbered anew. `rename(kind, index)` gives the new number. */
export function renumbered(body, rename) {
  const out = [];
  let copied = 0;
  const reader = new Reader(body);
  locals(reader);
  operators(reader, ({ kind, index, start, end }) => {
    out.push(body.subarray(copied, start), Buffer.from(number(rename(kind, index))));
    copied = end;
  });
  return Buffer.concat([...out, body.subarray(copied)]);
}

/** The functions and globals that a function's code names: `{ kind, index }`. */
export function uses(body) {
  const found = [];
  const reader = new Reader(body);
  locals(reader);
  operators(reader, ({ kind, index }) => found.push({ kind, index }));
  return found;
}

/** The numbers in a function's code that can be places in memory: `i32.const`, and the offsets of loads and stores. */
export function constants(body) {
  const found = new Set();
  const reader = new Reader(body);
  locals(reader);
  operators(reader, () => {}, false, (value) => found.add(value));
  return found;
}

/** How long the head of a function's code is, which says what locals it has. */
export function headOf(body) {
  const reader = new Reader(body);
  locals(reader);
  return reader.at;
}

const locals = (reader) => {
  for (let groups = reader.number(); groups > 0; groups--) {
    reader.skipNumber();
    reader.byte();
  }
};

/** Walks operators and calls `use({ kind, index, start, end })` at each number of a function or a global, `place(value)` at
 * each that can be a place in memory. */
function operators(reader, use, constant = false, place = () => {}) {
  const index = (kind) => {
    const start = reader.at;
    use({ kind, index: reader.number(), start, end: reader.at });
  };
  const skip = (count) => {
    for (; count > 0; count--) reader.skipNumber();
  };
  while (reader.at < reader.bytes.length) {
    const operator = reader.byte();
    if (operator === 0x0b && constant) return; // end
    else if (operator === 0x10 || operator === 0x12 || operator === 0xd2) index("function"); // call, return_call, ref.func
    else if (operator === 0x23 || operator === 0x24) index("global"); // global.get, global.set
    else if (operator >= 0x02 && operator <= 0x04) skip(1); // block, loop, if: a type
    else if (operator === 0x0c || operator === 0x0d) skip(1); // br, br_if
    else if (operator === 0x0e) skip(reader.number() + 1); // br_table
    else if (operator === 0x11 || operator === 0x13) skip(2); // call_indirect: type, table
    else if (operator === 0x1c) skip(reader.number()); // select with types
    else if (operator >= 0x20 && operator <= 0x26) skip(1); // local and table access
    else if (operator >= 0x28 && operator <= 0x3e) skip(1), place(reader.number()); // memory access: alignment, offset
    else if (operator === 0x3f || operator === 0x40) skip(1); // memory.size, memory.grow
    else if (operator === 0x41) place(reader.signed() >>> 0); // i32.const
    else if (operator === 0x42) skip(1); // i64.const
    else if (operator === 0x43) reader.take(4); // f32.const
    else if (operator === 0x44) reader.take(8); // f64.const
    else if (operator === 0xd0) skip(1); // ref.null
    else if (operator === 0xfc) extended(reader, skip);
    else if (operator > 0x1b && !(operator >= 0x45 && operator <= 0xc4) && operator !== 0xd1)
      throw new Error(`an operator 0x${operator.toString(16)}`);
  }
}

function extended(reader, skip) {
  const operator = reader.number();
  if (operator <= 7) return; // saturating truncations
  if (operator === 10) return skip(2); // memory.copy
  if (operator === 11) return skip(1); // memory.fill
  if (operator >= 15 && operator <= 17) return skip(1); // table.grow, table.size, table.fill
  if (operator === 14) return skip(2); // table.copy
  // Those left name segments, which only the module that has them may.
  throw new Error(`an operator 0xfc ${operator}`);
}
