// Compiles a WebAssembly module of lib and instantiates it in a given memory: the
// relaxed SIMD variant if the engine has relaxed SIMD, otherwise the plain SIMD
// one. Works in Deno, in workers and in browsers. tasks/wasm.ts builds the files.

/** A module with one relaxed SIMD instruction, to test the engine with. */
// deno-fmt-ignore
const RELAXED_SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0,
  10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11,
]);

/** Whether this engine has relaxed SIMD, such as fused multiply-add. */
function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_SIMD_PROBE);
}

const compiled = new Map<string, Promise<WebAssembly.Module>>();

/**
 * Instantiates `<name>.wasm` or `<name>_simd.wasm` in `memory` and returns its
 * exports.
 *
 * @param base The URL of the module's folder, with a slash at its end.
 * @param name The module's file name without extension, such as `haar`.
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
  relaxed?: boolean,
): Promise<Exports> {
  const module = await compileModule(base, name, relaxed);
  const instance = await WebAssembly.instantiate(module, { env: { memory } });
  return instance.exports as Exports;
}

/** Compiles a module, once however often it is needed; see {@linkcode loadModule}. */
export function compileModule(
  base: string | URL,
  name: string,
  relaxed = hasRelaxedSimd(),
): Promise<WebAssembly.Module> {
  const url = new URL(`${name}${relaxed ? "" : "_simd"}.wasm`, base).href;
  let module = compiled.get(url);
  if (!module) {
    module = fetchModule(url);
    compiled.set(url, module);
    module.catch(() => compiled.delete(url));
  }
  return module;
}

async function fetchModule(url: string): Promise<WebAssembly.Module> {
  const response = await fetch(url).catch((error) => {
    throw new Error(`${url} cannot be read: ${error.message}`);
  });
  if (!response.ok) throw new Error(`${url}: status ${response.status}`);
  return WebAssembly.compile(await response.arrayBuffer());
}
