// Loads a compiled module of lib/wasm into a given memory: the relaxed SIMD
// variant if the engine has relaxed SIMD, otherwise the plain SIMD one.
// Works in Deno, in workers and in browsers. tasks/wasm.ts compiles them.

/** A module with one relaxed SIMD instruction, to test the engine with. */
// deno-fmt-ignore
const RELAXED_SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0,
  10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11,
]);

/** Whether this engine has relaxed SIMD, such as fused multiply-add. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_SIMD_PROBE);
}

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/**
 * Instantiates `<name>.wasm` or `<name>_simd.wasm` in `memory` and returns its
 * exports. A module is compiled once, however often it is instantiated.
 *
 * @param base URL the name is relative to: the caller's `import.meta.url`.
 * @param name Path of the module without extension, such as `"./haar"`.
 * @param relaxed Forces the variant; by default the engine's best.
 * @throws {Error} if the file is missing or the engine has no SIMD.
 *
 * @example
 * ```ts
 * import { loadModule } from "mien/load_wasm.ts";
 *
 * const memory = new WebAssembly.Memory({ initial: 1 });
 * const base = import.meta.resolve("mien/network/wasm/");
 * const kernels = await loadModule(base, "kernels", memory);
 * console.log(Object.keys(kernels));
 * ```
 */
export async function loadModule<Exports = WebAssembly.Exports>(
  base: string | URL,
  name: string,
  memory: WebAssembly.Memory,
  relaxed = hasRelaxedSimd(),
): Promise<Exports> {
  const url = new URL(`${name}${relaxed ? "" : "_simd"}.wasm`, base).href;
  let module = compiled.get(url);
  if (!module) {
    module = fetchModule(url);
    compiled.set(url, module);
    module.catch(() => compiled.delete(url));
  }
  const instance = await WebAssembly.instantiate(await module, {
    env: { memory },
  });
  return instance.exports as Exports;
}

async function fetchModule(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url).catch((error) => {
    throw new Error(`${url} cannot be read: ${error.message}`);
  });
  if (!response.ok) throw new Error(`${url}: status ${response.status}`);
  return WebAssembly.compile(await response.arrayBuffer());
}
