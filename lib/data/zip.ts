// Reads zip archives: a list of entries, and each entry's bytes, checked. By yauzl
// and zlib: fflate holds the whole archive in memory and verifies no checksum.
import { closeSync, openSync, readSync } from "node:fs";
import { crc32, inflateRawSync } from "node:zlib";
// @ts-types="@types/yauzl"
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { DatasetError } from "./faces.ts";
import { unpackFile } from "./unpack.ts";

/** One file in an archive. */
export interface ZipEntry {
  /** With forward slashes, from the archive's root. */
  readonly name: string;
  /** Its checked bytes, in one piece. */
  read(): Promise<Uint8Array>;
  /** Its checked bytes, in pieces. */
  stream(): AsyncIterable<Uint8Array>;
}

/** An open archive. */
export interface Zip {
  readonly entries: readonly ZipEntry[];
  close(): Promise<void>;
}

/** The largest entry that is read in one piece: pictures have a few KB. */
const LARGEST_PIECE = 64 * 1024 * 1024;

/**
 * Opens an archive and lists its files; folders are left out.
 *
 * @throws {DatasetError} not an archive, truncated, or damaged; so do the entries
 */
export async function openZip(path: string): Promise<Zip> {
  const zip = await openPromise(path, { autoClose: false })
    .catch((error: Error) => {
      throw damaged(path, error.message);
    });
  const file = openSync(path, "r"); // pictures are read through it, one by one
  const close = () =>
    new Promise<void>((resolve) => {
      closeSync(file);
      zip.once("close", resolve);
      zip.close();
    });
  const entries: ZipEntry[] = [];
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith("/")) continue;
      entries.push(describeEntry(path, zip, file, entry));
    }
  } catch (error) {
    await close();
    throw damaged(path, (error as Error).message);
  }
  return { entries, close };
}

function describeEntry(
  path: string,
  zip: ZipFile,
  archive: number,
  entry: Entry,
): ZipEntry {
  const name = entry.fileName;
  const file = `${path} (${name})`;

  /** Where the compressed bytes begin. */
  async function locate(): Promise<number> {
    if (entry.isEncrypted()) throw new DatasetError(file, "is encrypted");
    if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
      throw new DatasetError(
        file,
        `is compressed by method ${entry.compressionMethod}; only stored and ` +
          "deflated files can be read",
      );
    }
    const header = await zip.readLocalFileHeaderPromise(entry)
      .catch((error: Error) => {
        throw damaged(file, error.message);
      });
    // The name is stored twice; it gives emotion and split, so it is checked too.
    const { fileName, fileDataStart } = header;
    if (
      fileName.length !== entry.fileNameRaw.length ||
      fileName.some((byte, index) => byte !== entry.fileNameRaw[index])
    ) {
      throw damaged(file, "two names for one file");
    }
    return fileDataStart;
  }

  async function* stream(): AsyncGenerator<Uint8Array> {
    const start = await locate();
    const end = start + entry.compressedSize - 1;
    const packing = entry.compressionMethod === 8 ? "deflate" : "plain";
    let size = 0;
    let checksum = 0;
    if (entry.compressedSize > 0) {
      const chunks = unpackFile(path, packing, { start, end });
      try {
        for await (const chunk of chunks) {
          size += chunk.length;
          if (size > entry.uncompressedSize) break;
          checksum = crc32(chunk, checksum);
          yield chunk;
        }
      } catch (error) {
        throw damaged(file, (error as Error).message);
      }
    }
    if (size !== entry.uncompressedSize || checksum !== entry.crc32) {
      throw damaged(file, "its checksum does not match");
    }
  }

  async function read(): Promise<Uint8Array> {
    const { compressedSize, uncompressedSize } = entry;
    if (Math.max(compressedSize, uncompressedSize) > LARGEST_PIECE) {
      throw new DatasetError(file, "is too large for a picture");
    }
    const start = await locate();
    const packed = new Uint8Array(compressedSize);
    readSync(archive, packed, 0, compressedSize, start);
    let bytes: Uint8Array = packed;
    try {
      if (entry.compressionMethod === 8) {
        bytes = new Uint8Array(inflateRawSync(packed, {
          maxOutputLength: uncompressedSize + 1,
        }));
      }
    } catch (error) {
      throw damaged(file, (error as Error).message);
    }
    if (
      bytes.length !== uncompressedSize || crc32(bytes) !== entry.crc32
    ) {
      throw damaged(file, "its checksum does not match");
    }
    return bytes;
  }

  return { name, read, stream };
}

function damaged(file: string, reason: string): DatasetError {
  return new DatasetError(
    file,
    `the zip archive is cut off or damaged (${reason}); download it again`,
  );
}
