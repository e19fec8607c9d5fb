// The compiled kernels of the fast network: what they may bring along, and that
// their two variants agree. What they compute is tests/network/network_test.ts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Kernels } from "mien/network/wasm/kernels.ts";
import { hasRelaxedSimd, loadModule } from "mien/load_wasm.ts";

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

Deno.test("With and without relaxed SIMD the kernels compute the same", async () => {
  const results: Float32Array[] = [];
  for (const relaxed of [true, false]) {
    if (relaxed && !hasRelaxedSimd()) return;
    const memory = new WebAssembly.Memory({ initial: 2 });
    const kernels = await loadModule<Kernels>(
      ...[folder, "kernels", memory, relaxed] as const,
    );
    const floats = new Float32Array(memory.buffer);
    for (let i = 64; i < 8192; i++) floats[i] = Math.sin(i * i);
    // 25 pixels of 24 channels to 16, then the gradient of the weights.
    const [x, w, y, dw] = [1024, 8192, 32768, 65536];
    const taps = 64;
    kernels.conv(
      ...[x, 0, 0, 96, taps, 1, 24, w, 0, y, 0, 0, 64, 1, 1, 25, 2, 1],
    );
    kernels.convFilter(
      ...[x, 0, 0, 96, taps, 1, 24, y, 0, 0, 64, dw, 1, 1, 25, 2],
    );
    results.push(floats.slice(y / 4));
  }
  const [relaxed, plain] = results;
  assert.ok(relaxed.some((value) => value !== 0));
  relaxed.forEach((value, i) =>
    assert.ok(Math.abs(value - plain[i]) < 1e-4, `${value} and ${plain[i]}`)
  );
});
