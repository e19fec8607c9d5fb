/**
 * Emotions live: serves the webcam page on this computer.
 *
 * Detection and classification run in the page (`lib/webcam/page.ts`), so no
 * frame leaves the machine: the server gives out files on the loopback
 * address, takes nothing, and its content security policy keeps the page from
 * talking to anyone else.
 *
 * @module
 */
import { inProject } from "../project.ts";
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { loadTrained } from "../recognition/recognize.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import { UserError } from "../user_error.ts";

/** A page that is being served. */
export interface WebcamServer {
  /** Its address, such as "http://127.0.0.1:8421/". */
  readonly url: string;
  /** Ends it. */
  close(): Promise<void>;
}

/** The page cannot be made: says why and what to do. */
export class WebcamError extends UserError {
  override readonly name = "WebcamError";
}

const PAGE = inProject("lib", "webcam");

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
 * import { serveWebcam } from "mien/webcam/server.ts";
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
    ["/", ["text/html", await readFile(`${PAGE}/index.html`, "utf8")]],
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

/** The folders of the compiled modules, which the bundled page asks for as /wasm/NAME.wasm. */
const WASM = ["haar", "network"].map((name) => inProject("lib", name, "wasm"));

/** A compiled module, by the path that its loader asks for. */
function readModule(path: string): [string, Uint8Array] | undefined {
  if (!/^\/wasm\/[a-z_]+\.wasm$/.test(path)) return undefined;
  const file = WASM.map((folder) => resolve(folder, basename(path))).find(
    existsSync,
  );
  if (!file) return undefined;
  return ["application/wasm", new Uint8Array(readFileSync(file))];
}

/** The page's modules as one script, made by Deno's own bundler. */
async function bundlePage(): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--no-lock", "--platform", "browser"],
      ...["--minify", "--import-map", resolve(PAGE, "import_map.json")],
      resolve(PAGE, "page.ts"),
    ],
    cwd: inProject(),
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
