// The compiled gradient kernels: what the modules may contain, the names of their
// arguments, and that the two variants agree. What they compute is tested in
// kernels_test.ts.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { ARGUMENTS } from "mien/tfjs_kernels/wasm_module.ts";
import { largestError, values } from "../helpers/gradient_check.ts";

const folder = new URL("../../lib/tfjs_kernels/wasm/", import.meta.url);

for (const variant of ["tfjs_kernels", "tfjs_kernels_simd"]) {
  Deno.test(`${variant}.wasm has no memory and no data of its own`, () => {
    const module = new WebAssembly.Module(
      new Uint8Array(readFileSync(new URL(`${variant}.wasm`, folder))),
    );
    assert.deepEqual(WebAssembly.Module.imports(module), [
      { module: "env", name: "memory", kind: "memory" },
    ]);
    const kinds = WebAssembly.Module.exports(module).map((e) => e.kind);
    assert.ok(kinds.every((kind) => kind === "function"));
    assert.ok(!sectionsOf(variant).includes(11), "it has a data section");
  });
}

/** The numbers of the module's sections; 11 is data. */
function sectionsOf(variant: string): number[] {
  const bytes = readFileSync(new URL(`${variant}.wasm`, folder));
  const sections: number[] = [];
  for (let at = 8; at < bytes.length;) {
    sections.push(bytes[at++]);
    let length = 0, shift = 0, byte;
    do {
      byte = bytes[at++];
      length |= (byte & 127) << shift;
      shift += 7;
    } while (byte & 128);
    at += length;
  }
  return sections;
}

Deno.test("ARGUMENTS names the functions' arguments as their sources do", () => {
  const sources = new URL("../assembly/", folder);
  const declared = readdirSync(sources).flatMap((name) => {
    const source = readFileSync(new URL(name, sources), "utf8");
    return [...source.matchAll(/export function (\w+)\(([^)]*)\)/g)]
      .filter(([, name]) => name in ARGUMENTS)
      .map(([, name, list]) => [
        name,
        [...list.matchAll(/(\w+): /g)].map(([, own]) => own).join(" "),
      ]);
  });
  assert.deepEqual(Object.fromEntries(declared), ARGUMENTS);
});

Deno.test("plain SIMD and relaxed SIMD compute the same", async () => {
  const memory = new WebAssembly.Memory({ initial: 16 });
  const floats = new Float32Array(memory.buffer);
  // x [2, 9, 9, 6] at 0, dy [2, 9, 9, 10] at 32768, dw at 65536, then scratch.
  floats.set(values(2 * 81 * 6, 1), 0);
  floats.set(values(2 * 81 * 10, 2), 32768 / 4);
  const results = [];
  for (const variant of ["tfjs_kernels", "tfjs_kernels_simd"]) {
    const bytes = readFileSync(new URL(`${variant}.wasm`, folder));
    const { instance } = await WebAssembly.instantiate(new Uint8Array(bytes), {
      env: { memory },
    });
    const filter = instance.exports.conv2dBackpropFilter as CallableFunction;
    // deno-fmt-ignore
    filter(
      0, 32768, 65536, 131072,
      2, 9, 9, 6, 9, 9, 10, 3, 3, 1, 1, 1, 1, 1, 1, 0,
    );
    results.push(floats.slice(65536 / 4, 65536 / 4 + 540));
  }
  assert.ok(results[0].some((v) => v !== 0));
  assert.ok(largestError(results[1], results[0]) <= 1e-5);
});
