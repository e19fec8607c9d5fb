// The part of yauzl 3.4 that zip.ts uses; the package has no types.

/** One record of the archive's central directory. */
export interface Entry {
  fileName: string;
  fileNameRaw: Uint8Array;
  compressedSize: number;
  uncompressedSize: number;
  /** 0 stored, 8 deflated. */
  compressionMethod: number;
  crc32: number;
  isEncrypted(): boolean;
}

export interface ZipFile {
  eachEntry(): AsyncIterable<Entry>;
  readLocalFileHeaderPromise(
    entry: Entry,
  ): Promise<{ fileDataStart: number; fileName: Uint8Array }>;
  close(): void;
  once(event: "close", listener: () => void): void;
}

declare const yauzl: {
  openPromise(
    path: string,
    options: { autoClose: boolean },
  ): Promise<ZipFile>;
};
export default yauzl;
