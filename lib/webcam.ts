/**
 * Emotions live: serves the webcam page on this computer.
 *
 * Detection and classification run in the page (`webcam/page.ts`), so no
 * frame leaves the machine: the server gives out files on the loopback
 * address, takes nothing, and its content security policy keeps the page from
 * talking to anyone else.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { loadTrained } from "./inference.ts";
import { showHtml } from "./notebook.ts";
import type { TrainedNetwork } from "./recognizer.ts";

/** A page that is being served. */
export interface WebcamServer {
  /** Its address, such as "http://127.0.0.1:8421/". */
  readonly url: string;
  /** Ends it. */
  close(): Promise<void>;
}

/** The page cannot be made: says why and what to do. */
export class WebcamError extends Error {
  override readonly name = "WebcamError";
}

const LIB = import.meta.dirname!;

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; " +
  "style-src 'unsafe-inline'; connect-src 'self'; media-src blob:; " +
  "img-src blob: data:; base-uri 'none'; form-action 'none'";

/**
 * Starts serving the page.
 *
 * @param options.port 0 for any free one
 * @param options.trained the network; by default the default model's
 * @throws {WebcamError} when the page cannot be bundled or the port is taken
 *
 * @example
 * ```ts
 * import { serveWebcam } from "mien/webcam.ts";
 * const server = await serveWebcam();
 * console.log(server.url); // open it in a browser
 * await server.close();
 * ```
 */
export async function serveWebcam(
  options: { port?: number; trained?: TrainedNetwork } = {},
): Promise<WebcamServer> {
  const { graph, parameters, statistics } = options.trained ??
    await loadTrained();
  const files = new Map<string, [type: string, content: string | Uint8Array]>([
    ["/", ["text/html", await readFile(`${LIB}/webcam/index.html`, "utf8")]],
    ["/page.js", ["text/javascript", await bundlePage()]],
    ["/network.json", ["application/json", JSON.stringify(graph)]],
    ["/parameters.bin", ["application/octet-stream", bytesOf(parameters)]],
    ["/statistics.bin", ["application/octet-stream", bytesOf(statistics)]],
  ]);
  const answer = (request: Request): Response => {
    const { hostname, pathname } = new URL(request.url);
    // Another site's name for this address must not reach the page.
    if (hostname !== "127.0.0.1" && hostname !== "localhost") {
      return new Response("Not here", { status: 403 });
    }
    if (request.method !== "GET") {
      return new Response("Nothing is taken here", { status: 405 });
    }
    const [type, content] = files.get(pathname) ?? readModule(pathname) ?? [];
    if (!type) return new Response("Not found", { status: 404 });
    return new Response(content as BodyInit, {
      headers: {
        "content-type": type,
        "content-security-policy": POLICY,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      },
    });
  };
  try {
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: options.port ?? 0,
      onListen: () => {},
    }, answer);
    return {
      url: `http://127.0.0.1:${server.addr.port}/`,
      close: () => server.shutdown(),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new WebcamError(
      `Port ${options.port} is taken: choose another, or leave it out`,
    );
  }
}

/**
 * For a notebook cell: serves the page and shows it below the cell, with a
 * link that opens it in a tab of its own. It runs until the server is closed
 * or the kernel ends.
 */
export async function showWebcam(
  options: { trained?: TrainedNetwork } = {},
): Promise<WebcamServer> {
  const server = await serveWebcam(options);
  await showHtml(
    `<p>Emotions live: <a href="${server.url}" target="_blank">open in a tab` +
      `</a>. No picture leaves this computer.</p><iframe src="${server.url}" ` +
      `allow="camera" title="Emotions live" width="100%" height="720" ` +
      `style="border: 0"></iframe>`,
    `Emotions live at ${server.url}`,
  );
  return server;
}

/** A compiled module of lib/wasm, by the path that its loader asks for. */
function readModule(path: string): [string, Uint8Array] | undefined {
  if (!/^\/wasm\/[a-z_]+\/[a-z_]+\.wasm$/.test(path)) return undefined;
  const file = resolve(LIB, path.slice(1));
  if (!existsSync(file)) return undefined;
  return ["application/wasm", new Uint8Array(readFileSync(file))];
}

/** The page's modules as one script, made by Deno's own bundler. */
async function bundlePage(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--no-lock", "--platform", "browser"],
      ...["--minify", "--import-map", resolve(LIB, "webcam/import_map.json")],
      resolve(LIB, "webcam/page.ts"),
    ],
    cwd: resolve(LIB, ".."),
    stdin: "null",
  }).output();
  if (!success) {
    const words = new TextDecoder().decode(stderr).trim();
    throw new WebcamError(`The page cannot be bundled: ${words}`);
  }
  return new TextDecoder().decode(stdout);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}
