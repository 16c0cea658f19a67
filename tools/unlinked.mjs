// unlinked.mjs FILE.wasm: takes out what the linker says for tools/linked.mjs, which wasm-opt would warn of.

import { readFileSync, writeFileSync } from "node:fs";
import { number, sections } from "./wasm.mjs";

const [file] = process.argv.slice(2);
const bytes = readFileSync(file);
const stays = ({ name }) => name !== "linking" && !name?.startsWith("reloc.");
const whole = ({ id, start, end }) => [Buffer.from([id, ...number(end - start)]), bytes.subarray(start, end)];
writeFileSync(file, Buffer.concat([bytes.subarray(0, 8), ...sections(bytes).filter(stays).flatMap(whole)]));
