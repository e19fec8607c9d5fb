// A local server that offers FER-2013 or misbehaves, and what tests expect of a download.
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatasetError, SPLITS } from "mien/data/faces.ts";
import { EMOTIONS } from "mien/emotions.ts";
import { downloadFaces } from "mien/data/download.ts";
import { inFolder } from "./in_folder.ts";
import { makeRows, toPictures, toZip } from "./fer2013_fixtures.ts";

export const rows = makeRows(42);
export const archive = toZip(toPictures(rows));
export const counts = SPLITS.map((usage) =>
  EMOTIONS.map((_, label) =>
    rows.filter((row) => row.usage === usage && row.label === label).length
  )
);

export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
) => void;

/** A server, an empty folder, and the requests' Range headers. */
export async function withServer(
  handler: Handler,
  run: (url: string, folder: string, ranges: string[]) => Promise<void>,
) {
  const ranges: string[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range ?? "");
    handler(request, response);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  try {
    await inFolder((folder) =>
      run(`http://127.0.0.1:${port}/fer2013`, folder, ranges)
    );
  } finally {
    await new Promise((closed) => server.close(closed));
  }
}

/** Serves bytes, from an offset if the ETag is still the same. */
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes = archive, etag = '"1"', breakAt = Infinity } = {},
) {
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const start = asked && request.headers["if-range"] === etag
    ? Number(asked[1])
    : 0;
  if (start > 0 && start >= bytes.length) {
    response.writeHead(416, { "Content-Range": `bytes */${bytes.length}` });
    return response.end();
  }
  response.writeHead(start > 0 ? 206 : 200, {
    "Content-Type": "application/zip",
    "Content-Length": bytes.length - start,
    ETag: etag,
    ...(start > 0
      ? {
        "Content-Range": `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
      }
      : {}),
    Connection: "close",
  });
  if (breakAt >= bytes.length) return response.end(bytes.subarray(start));
  response.write(bytes.subarray(start, breakAt));
  setTimeout(() => response.destroy(), 50);
}

/** The faces of a table, as if it had been downloaded. */
export function copied(text: string) {
  return inFolder((folder) => {
    const from = join(folder, "table.csv");
    writeFileSync(from, text);
    return downloadFaces({ from, folder, counts });
  });
}

/** Downloads from a server that breaks off the first time, and again. */
export async function downloadTwice(from: string, folder: string) {
  const download = () => downloadFaces({ from, folder, counts });
  await rejectsWith(download(), /was interrupted/);
  assert.ok(!existsSync(join(folder, "fer2013.zip")));
  return await download();
}

/** Fails unless it ends in a DatasetError with such a reason. */
export const rejectsWith = (promise: Promise<unknown>, reason: RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof DatasetError, String(error));
    assert.match(error.reason, reason);
    return true;
  });
