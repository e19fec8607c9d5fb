// PNG files made byte by byte, for the tests that need damaged or unusual ones.
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10);

export function chunk(name: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(name), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

export function ihdr(
  width: number,
  height: number,
  type = 0,
  depth = 8,
): Uint8Array {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width);
  data.writeUInt32BE(height, 4);
  data.set([depth, type], 8);
  return chunk("IHDR", data);
}

/** A file of these chunks and IEND. */
export const png = (...chunks: Uint8Array[]): Uint8Array =>
  Buffer.concat([SIGNATURE, ...chunks, chunk("IEND", Buffer.alloc(0))]);
