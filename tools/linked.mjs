// What the linker knows of the data in a module, and the module itself no longer says: what its pieces are, and which
// point to which. It writes that down when asked to (`--emit-relocs`, build.rs), by the conventions of
// https://github.com/WebAssembly/tool-conventions/blob/main/Linking.md
//
// Nobody moves data or places in the table after the linker, so what is said here holds for what wasm-bindgen and
// wasm-opt make of the module.

import { Reader, read, sections } from "./wasm.mjs";

const SYMBOLS = 8; // the subsection of «linking»
const [FUNCTION, DATA, SECTION] = [0, 1, 3]; // kinds of symbols
const [UNDEFINED, NAMED] = [0x10, 0x40];
const [TABLE_IN_CODE, TABLE_IN_DATA] = [1, 2]; // kinds of relocations
const PLACES = new Set([3, 4, 5]); // those with the place of data
const WITH_ADDEND = new Set([3, 4, 5, 8, 9, 11, 14, 15, 16, 17, 21, 22, 23, 25]);

/**
 * Of the module in `bytes`, as the linker wrote it:
 * - `symbols`: pieces of data, `{ at, size, data, slots }`, with the pieces that it points to and the places in the table;
 * - `values`: by a number in the code, the pieces that it stands for;
 * - `inCode`: the places in the table that the code names;
 * - `slots`: how many places the linker filled.
 */
export function linked(bytes) {
  const all = sections(bytes);
  const named = (name) => all.find((section) => section.name === name);
  if (!named("linking") || !named("reloc.CODE")) throw new Error("the linker was not asked to say what points where");
  const segments = segmentsOf(bytes, all.find((section) => section.id === 11));
  const symbols = symbolsOf(bytes, named("linking"), segments);
  const table = new Map(read(bytes).elements.flatMap((e) => e.functions.map((index, place) => [index, e.offset + place])));

  const [values, inCode] = [new Map(), new Set()];
  for (const { kind, index, addend } of relocations(bytes, named("reloc.CODE"))) {
    const symbol = symbols[index];
    if (kind === TABLE_IN_CODE) inCode.add(table.get(symbol.function));
    if (!PLACES.has(kind) || symbol.size === undefined) continue;
    const value = symbol.at + addend;
    values.set(value, (values.get(value) ?? new Set()).add(symbol));
  }

  const pieces = symbols.filter((symbol) => symbol?.size > 0);
  for (const { kind, index, offset } of relocations(bytes, named("reloc.DATA"))) {
    const segment = segments.find(({ payload, length }) => offset >= payload && offset < payload + length);
    if (!segment || !(PLACES.has(kind) || kind === TABLE_IN_DATA)) continue;
    const place = segment.offset + offset - segment.payload;
    for (const from of around(pieces, place))
      if (kind === TABLE_IN_DATA) from.slots.add(table.get(symbols[index].function));
      else if (symbols[index].size !== undefined) from.data.add(symbols[index]);
  }
  return { symbols: pieces, values, inCode, slots: new Set(table.values()) };
}

/** The pieces that have this place in them: the linker lays those over each other that end alike. */
export const around = (pieces, place) => pieces.filter(({ at, size }) => at <= place && place < at + size);

/** Where the data's segments are, in memory and in their section. */
function segmentsOf(bytes, section) {
  const reader = new Reader(bytes, section.start);
  return reader.list(() => {
    if (reader.number() !== 0 || reader.byte() !== 0x41) throw new Error("data of another kind than bytes in memory 0");
    const offset = reader.number();
    reader.byte(); // end
    const length = reader.number();
    const payload = reader.at - section.start;
    reader.take(length);
    return { offset, length, payload };
  });
}

function symbolsOf(bytes, { at, end }, segments) {
  const reader = new Reader(bytes, at);
  if (reader.number() !== 2) throw new Error("another version of what linkers say");
  let found = [];
  while (reader.at < end) {
    const kind = reader.byte();
    const next = reader.number() + reader.at;
    if (kind === SYMBOLS) found = reader.list(() => symbolOf(reader, segments));
    reader.at = next;
  }
  return found;
}

function symbolOf(reader, segments) {
  const [kind, flags] = [reader.byte(), reader.number()];
  if (kind === SECTION) return void reader.number();
  if (kind === DATA) {
    reader.text();
    if (flags & UNDEFINED) return {};
    const [segment, offset, size] = [reader.number(), reader.number(), reader.number()];
    return { at: segments[segment].offset + offset, size, data: new Set(), slots: new Set() };
  }
  const index = reader.number();
  if (!(flags & UNDEFINED) || flags & NAMED) reader.text();
  return kind === FUNCTION ? { function: index } : {};
}

/** A relocation section: `{ kind, offset, index, addend }`, `offset` from the beginning of the section it is about. */
function relocations(bytes, section) {
  if (!section) return [];
  const reader = new Reader(bytes, section.at);
  reader.number(); // which section it is about
  return reader.list(() => {
    const [kind, offset, index] = [reader.byte(), reader.number(), reader.number()];
    return { kind, offset, index, addend: WITH_ADDEND.has(kind) ? reader.signed() : 0 };
  });
}
