/**
 * Serves the explorer on this computer.
 *
 * Everything is computed in the page, so no picture leaves the machine: the
 * server only serves files on the loopback address and accepts no data, and its
 * content security policy keeps the page from contacting anyone else.
 *
 * @module
 */
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { UserError } from "../user_error.ts";
import { ExplorerError, Site, type SiteOptions } from "./site.ts";

/** An explorer that is being served. */
export interface ExplorerServer {
  /** Its address, such as "http://127.0.0.1:8421/". */
  readonly url: string;
  /** Stops it. */
  close(): Promise<void>;
}

/** The page may load files from its own server, and show what the user gives it. */
const POLICY = "default-src 'none'; " +
  "script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
  "connect-src 'self'; media-src blob:; img-src blob: data:; " +
  "base-uri 'none'; form-action 'none'";

/** A request that is not complete by then is dropped, in milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * Starts serving the explorer.
 *
 * @param options.port 0 for any free one
 * @param options.patience milliseconds until an unfinished request is closed
 * @throws {ExplorerError} when the port is taken or not allowed
 *
 * @example
 * ```ts
 * import { serveExplorer } from "mien/explorer/server.ts";
 * const server = await serveExplorer();
 * console.log(server.url); // open it in a browser; #camera opens that room
 * await server.close();
 * ```
 */
export async function serveExplorer(
  options: SiteOptions & { port?: number; patience?: number } = {},
): Promise<ExplorerServer> {
  const site = new Site(options);
  // What a page needs first is ready before anybody knows its address.
  await site.read("drawn.bin");
  await site.read(`models/${site.models()[0].id}/network.json`);
  const patience = options.patience ?? PATIENCE_MS;
  const server = createServer((request, response) => {
    answer(site, request, response).catch((error) => {
      if (!(error instanceof UserError)) console.error(error);
      const known = error instanceof UserError ? error.message : "Failed";
      refuse(response, 500, known);
    });
  });
  server.headersTimeout = patience;
  server.requestTimeout = patience;
  server.keepAliveTimeout = patience;
  server.timeout = 2 * patience;
  await new Promise<void>((listening, failed) => {
    server.once("error", (error: Error & { code?: string }) => {
      const taken = error.code === "EADDRINUSE" || error.code === "EACCES";
      failed(
        taken
          ? new ExplorerError(
            `Port ${options.port} is taken or not allowed: choose another, ` +
              "or omit it",
          )
          : error,
      );
    });
    server.listen(options.port ?? 0, "127.0.0.1", () => listening());
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  site: Site,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const address = readAddress(request);
  if (!address) return refuse(response, 400, "This is not a valid address");
  // Another site's name for this address must not reach the page (DNS rebinding).
  if (!["127.0.0.1", "localhost"].includes(address.hostname)) {
    return refuse(response, 403, "Not here");
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return refuse(response, 405, "This server accepts no data");
  }
  const file = await site.read(address.pathname.slice(1));
  if (!file) return refuse(response, 404, "Not found");
  response.writeHead(200, {
    "content-type": file.type,
    "content-length": file.content.length,
    "content-security-policy": POLICY,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  });
  response.end(request.method === "HEAD" ? undefined : file.content);
}

function readAddress(request: IncomingMessage): URL | undefined {
  const host = request.headers.host ?? "";
  // Characters that URL would treat as part of a name, a path or a user.
  if (!/^[A-Za-z0-9.:[\]-]+$/.test(host)) return undefined;
  try {
    const address = new URL(`http://${host}`);
    address.pathname = decodeURI((request.url ?? "/").split(/[?#]/)[0]);
    return address;
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number, words: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(words);
}
