// The compiled kernels of the fast network: what they may bring along, and that
// their two variants agree. What they compute is tests/network/network_test.ts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Arena, PixelBuffer } from "mien/network/compiler/buffers.ts";
import { conv, convFilter } from "mien/network/compiler/steps/window_steps.ts";
import type { Window } from "mien/network/graph.ts";
import type { Kernels } from "mien/network/wasm/kernels.ts";
import { loadModule } from "mien/load_wasm.ts";

const folder = new URL("../../lib/network/wasm/", import.meta.url);

for (const name of ["kernels", "kernels_simd"]) {
  Deno.test(`${name}.wasm imports a memory and brings no data into it`, async () => {
    const bytes = readFileSync(new URL(`${name}.wasm`, folder));
    const module = new WebAssembly.Module(new Uint8Array(bytes));
    assert.deepEqual(WebAssembly.Module.imports(module), [
      { module: "env", name: "memory", kind: "memory" },
    ]);
    const memory = new WebAssembly.Memory({ initial: 1 });
    await WebAssembly.instantiate(module, { env: { memory } });
    assert.ok(new Uint8Array(memory.buffer).every((byte) => byte === 0));
  });
}

/** `name(parameter, ...)` of each function, sorted, from declarations. */
function signatures(source: string, pattern: RegExp): string[] {
  return [...source.matchAll(pattern)].map(([, name, parameters]) => {
    const names = [...parameters.matchAll(/(\w+): /g)].map(([, own]) => own);
    return `${name}(${names.join(", ")})`;
  }).sort();
}

Deno.test("kernels.ts declares the kernels as their sources do", () => {
  const read = (name: string) => readFileSync(new URL(name, folder), "utf8");
  const entry = read("assembly/index.ts");
  const declared = read("kernels.ts") + read("layer_kernels.ts");
  const exported = [...entry.matchAll(/export \{([^}]*)\} from "\.\/(\w+)"/g)]
    .flatMap(([, names, file]) => {
      const wanted = names.split(",").map((name) => name.trim());
      const all = signatures(
        read(`assembly/${file}.ts`),
        /export function (\w+)\(([^)]*)\)/g,
      );
      return all.filter((one) => wanted.includes(one.split("(")[0]));
    });
  assert.ok(exported.length > 25);
  assert.deepEqual(
    signatures(declared, /^ {2}(\w+)\(([^)]*)\): \w+;/gm),
    exported.sort(),
  );
});

Deno.test("With and without relaxed SIMD the kernels compute the same", async () => {
  const results: Float32Array[] = [];
  for (const relaxed of [true, false]) {
    const bytes = readFileSync(new URL("kernels.wasm", folder));
    if (relaxed && !WebAssembly.validate(new Uint8Array(bytes))) return;
    const memory = new WebAssembly.Memory({ initial: 2 });
    const kernels = await loadModule<Kernels>(
      folder,
      "kernels",
      memory,
      relaxed,
    );
    const floats = new Float32Array(memory.buffer);
    for (let i = 64; i < 8192; i++) floats[i] = Math.sin(i * i);
    // 25 pixels of 24 channels to 16, then the gradient of the weights.
    const arena = new Arena();
    const pixels = (channels: number) => {
      const buffer = new PixelBuffer(5, 5, channels).keep();
      buffer.place(arena.allocate(buffer.faceBytes));
      return buffer;
    };
    const taps = { address: arena.allocate(4), count: 1, floats: 24 };
    const x = pixels(24), weights = arena.allocate(24 * 16 * 4);
    const y = pixels(16), out = arena.allocate(24 * 16 * 4);
    const window: Window = {
      size: [1, 1],
      strides: [1, 1],
      dilation: [1, 1],
      top: 0,
      left: 0,
    };
    const call = { window, taps, x, y };
    conv(kernels, { ...call, weights, bias: 0, mode: "relu" })(0, 1);
    convFilter(kernels, { ...call, out })(0, 1);
    results.push(floats.slice(y.at(0) / 4, out / 4 + 24 * 16));
  }
  const [relaxed, plain] = results;
  assert.ok(relaxed.some((value) => value !== 0));
  relaxed.forEach((value, i) =>
    assert.ok(Math.abs(value - plain[i]) < 1e-4, `${value} and ${plain[i]}`)
  );
});
