/**
 * Raw 4:2:0 frames with their times as a Matroska stream, for a pipe to an
 * encoder: the simplest container with a timestamp for every frame.
 *
 * This implements only the part of RFC 9559 that is needed: one track, a cluster
 * per frame, no index, no length. Packages that write Matroska write files of
 * compressed frames.
 *
 * @module
 */

/** Clock ticks in a second: times are kept to 10 microseconds. */
const TICKS = 100_000;

/**
 * The start of a stream of frames of one size.
 *
 * @param frameRate gives the duration of the last frame, which no timestamp
 * does; 0 if unknown
 */
export function matroskaHeader(
  width: number,
  height: number,
  frameRate = 0,
): Uint8Array {
  // ffmpeg ignores rates of 1,000 a second or more, and loses the last frame.
  const nanoseconds = Math.round(1e9 / Math.min(frameRate || 25, 500));
  const head = element(0x1a45dfa3, [
    ...element(0x4282, ascii("matroska")),
    ...element(0x4287, [4]),
    ...element(0x4285, [2]),
  ]);
  const info = element(0x1549a966, [
    ...element(0x2ad7b1, number(1e9 / TICKS)),
    ...element(0x4d80, ascii("mien")),
    ...element(0x5741, ascii("mien")),
  ]);
  const track = element(0xae, [
    ...element(0xd7, [1]), // its number
    ...element(0x73c5, [1]), // its identity
    ...element(0x83, [1]), // video
    ...element(0x23e383, number(nanoseconds)), // a frame's, by default
    ...element(0x86, ascii("V_UNCOMPRESSED")),
    ...element(0xe0, [
      ...element(0xb0, number(width)),
      ...element(0xba, number(height)),
      ...element(0x2eb524, ascii("I420")),
    ]),
  ]);
  // A segment of unknown length.
  const segment = [...number(0x18538067), 1, ...new Uint8Array(7).fill(255)];
  const tracks = element(0x1654ae6b, track);
  return Uint8Array.of(...head, ...segment, ...info, ...tracks);
}

/** The header of a frame of `length` bytes that is shown at `seconds`. */
export function matroskaFrame(length: number, seconds: number): Uint8Array {
  const time = element(0xe7, number(Math.round(seconds * TICKS)));
  const block = [0xa3, ...size(length + 4), 0x81, 0, 0, 0x80];
  const cluster = size(time.length + block.length + length);
  return Uint8Array.of(0x1f, 0x43, 0xb6, 0x75, ...cluster, ...time, ...block);
}

function element(id: number, content: readonly number[]): number[] {
  return [...number(id), ...size(content.length), ...content];
}

/** An element's length, in eight bytes. */
function size(length: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length));
  bytes[0] = 1;
  return [...bytes];
}

/** An unsigned number in as few bytes as possible, the highest first. */
function number(value: number): number[] {
  const bytes = [];
  do {
    bytes.unshift(value % 256);
    value = Math.floor(value / 256);
  } while (value > 0);
  return bytes;
}

function ascii(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}
