// Whether a file is compressed, and its bytes, decompressed by zlib as they are read.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Transform } from "node:stream";
import { createGunzip, createInflateRaw } from "node:zlib";

/** Bytes per piece: 1 MiB. */
const PIECE = 1024 * 1024;

/** Whether a file is a gzip, a zip archive or neither, by its first bytes. */
export async function packingOf(
  path: string,
): Promise<"gzip" | "zip" | "plain"> {
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(new Uint8Array(4), 0, 4, 0);
    if (buffer[0] === 0x1f && buffer[1] === 0x8b) return "gzip";
    const zip = buffer[0] === 0x50 && buffer[1] === 0x4b && buffer[2] <= 8;
    return zip ? "zip" : "plain";
  } finally {
    await file.close();
  }
}

/**
 * The decompressed bytes of a file, or of part of it, in pieces.
 *
 * @param packing "deflate" is the raw stream of a zip archive's entry
 * @param start first byte of the part
 * @param end last byte of the part
 * @throws errors of the file system, and of zlib (`code` begins with `Z_`)
 * if the compressed data is damaged or ends too early
 */
export async function* unpackFile(
  path: string,
  packing: "plain" | "gzip" | "deflate",
  { start, end }: { start?: number; end?: number } = {},
): AsyncGenerator<Uint8Array> {
  const packed = createReadStream(path, { start, end, highWaterMark: PIECE });
  const closed = new Promise<void>((resolve) => packed.once("close", resolve));
  try {
    if (packing === "plain") return yield* packed;
    const create = packing === "gzip" ? createGunzip : createInflateRaw;
    const unpack = create({ chunkSize: PIECE });
    packed.once("error", (error) => unpack.destroy(error));
    // Two versions of Node's types meet here, hence the casts.
    packed.pipe(unpack as unknown as NodeJS.WritableStream);
    yield* unpack as unknown as Transform;
  } finally {
    packed.destroy();
    await closed; // the file can then be moved or removed at once
  }
}
