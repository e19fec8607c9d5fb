// A file's bytes, decompressed as they are read. The caller says how they are compressed.
import { createReadStream } from "node:fs";
import type { Transform } from "node:stream";
import { createGunzip, createInflateRaw } from "node:zlib";

/** Bytes per piece: 1 MiB. */
const PIECE = 1024 * 1024;

/** How bytes are compressed: not at all, with gzip, or deflated as in a zip archive. */
export type Packing = "plain" | "gzip" | "deflate";

/**
 * The decompressed bytes of a file, or of part of it, in pieces.
 *
 * @param start first byte of the part
 * @param end last byte of the part
 * @throws errors of the file system, and of zlib (`code` begins with `Z_`)
 * if the compressed data is damaged or ends too early
 */
export async function* unpackFile(
  path: string,
  packing: Packing,
  { start, end }: { start?: number; end?: number } = {},
): AsyncGenerator<Uint8Array> {
  const packed = createReadStream(path, { start, end, highWaterMark: PIECE });
  const closed = new Promise<void>((resolve) => packed.once("close", resolve));
  try {
    if (packing === "plain") return yield* packed;
    const unpack = createUnpack(packing);
    packed.once("error", (error) => unpack.destroy(error));
    // Two versions of Node's types meet here, hence the detour.
    packed.pipe(unpack as unknown as NodeJS.WritableStream);
    yield* unpack;
  } finally {
    packed.destroy();
    await closed; // so that the file can be moved or removed at once
  }
}

function createUnpack(packing: "gzip" | "deflate"): Transform {
  const options = { chunkSize: PIECE };
  const unpack = packing === "gzip"
    ? createGunzip(options)
    : createInflateRaw(options);
  return unpack as unknown as Transform;
}
