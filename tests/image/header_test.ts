// Picture files that are crafted, damaged or unusual: each is read correctly or refused with the
// reason, before a decoder sees it, at a cost bounded by its size. Every test makes its own files.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import { encodePng, ImageError, readImage } from "mien/image/image.ts";
import { looksLikeImage } from "mien/image/headers/header.ts";
import type { ColorImage } from "mien/image/gray.ts";
import { encodeWithMagick, KINDS } from "../../bench/picture_files.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { chunk, ihdr, png } from "./png_file.ts";

const WIDTH = 37, HEIGHT = 23;
const SOURCE: ColorImage = {
  width: WIDTH,
  height: HEIGHT,
  data: Uint8Array.from({ length: WIDTH * HEIGHT * 4 }, (_, i) => {
    const x = (i >> 2) % WIDTH, y = Math.floor((i >> 2) / WIDTH);
    return [x * 6, y * 10, 250 - 3 * x - 4 * y, 255][i & 3];
  }),
};

async function reason(bytes: Uint8Array): Promise<string> {
  const started = performance.now();
  const error = await readImage(bytes, "x").then(() => undefined, (e) => e);
  assert.ok(error instanceof ImageError, String(error ?? "was read"));
  assert.ok(performance.now() - started < 5000, "took too long");
  return error.reason;
}

/** Mean distance of the colors, in gray levels. */
function distance(a: ColorImage, b: ColorImage): number {
  assert.deepEqual([a.width, a.height], [b.width, b.height]);
  let sum = 0;
  a.data.forEach((v, i) => sum += i % 4 < 3 ? Math.abs(v - b.data[i]) : 0);
  return sum / (a.data.length * 3 / 4);
}

const idat = (bytes: number) => chunk("IDAT", deflateSync(Buffer.alloc(bytes)));

Deno.test("crafted PNG files are refused before they are decoded", async () => {
  const small = ihdr(2, 2);
  assert.match(
    await reason(png(small, ihdr(60000, 60000), idat(6))),
    /two headers/,
  );
  assert.match(await reason(png(ihdr(7000, 7000), idat(9))), /rows .* missing/);
  assert.match(await reason(png(small, idat(5))), /rows .* missing/);
  assert.match(await reason(png(small, idat(7))), /more data than its rows/);
  assert.match(await reason(png(small)), /rows .* missing/);
  assert.match(await reason(png(ihdr(1, 5e7), idat(9))), /a side may have/);
  assert.match(await reason(png(ihdr(2, 2, 3), idat(6))), /palette is missing/);
  assert.match(await reason(png(ihdr(2, 2, 5), idat(6))), /unknown values/);
});

Deno.test("the picture of an animated PNG is read, and bytes after the end are ignored", async () => {
  const whole = encodePng(SOURCE);
  const end = whole.length - 12, data = 33;
  const animated = Buffer.concat([
    whole.subarray(0, data),
    chunk("acTL", Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 0)),
    whole.subarray(data, end),
    chunk("fcTL", Buffer.alloc(26)),
    chunk("fdAT", Buffer.from("nonsense")),
    whole.subarray(end),
    Buffer.from("bytes after the end"),
  ]);
  assert.deepEqual(
    (await readImage(animated)).data,
    (await readImage(whole)).data,
  );
});

Deno.test("a GIF whose frame is larger than its picture is refused", async () => {
  const gif = await encodeWithMagick(SOURCE, "GIF");
  assert.ok(distance(await readImage(gif), SOURCE) < 12);
  const at = Buffer.from(gif).indexOf(
    Uint8Array.of(0x2c, 0, 0, 0, 0, WIDTH, 0),
  );
  const view = new DataView(gif.buffer);
  view.setUint16(at + 5, WIDTH + 1, true);
  assert.match(await reason(gif), /first frame is larger/);
  view.setUint16(at + 5, 65535, true);
  view.setUint16(at + 7, 65535, true);
  assert.match(await reason(gif), /megapixels .* first frame/);
});

Deno.test("a JPEG is read without its end marker and with a trailer, but not with two frames", async () => {
  const jpeg = await encodeWithMagick(SOURCE, "JPEG");
  const { data } = await readImage(jpeg);
  for (const other of [jpeg.subarray(0, -2), Buffer.concat([jpeg, png()])]) {
    assert.deepEqual((await readImage(other)).data, data);
  }
  const frame = Buffer.from(jpeg).indexOf(Uint8Array.of(0xff, 0xc0, 0));
  const header = jpeg.subarray(frame, frame + 19);
  const two = Buffer.concat([
    jpeg.subarray(0, frame),
    header,
    jpeg.subarray(frame),
  ]);
  assert.match(await reason(two), /two frame headers/);
  const wide = jpeg.slice();
  new DataView(wide.buffer).setUint32(frame + 5, (7000 << 16) + 7000);
  assert.match(await reason(wide), /cut off/);
  const scan = Buffer.from(jpeg).indexOf(Uint8Array.of(0xff, 0xda));
  const scans = Buffer.concat([
    jpeg.subarray(0, -2),
    ...Array(300).fill(jpeg.subarray(scan, -2)),
  ]);
  assert.match(await reason(scans), /has at least [0-9]+ scans/);
});

Deno.test("CMYK JPEG is read with and without Adobe's marker", async () => {
  const [kind] = KINDS.filter(({ name }) => name === "JPEG, CMYK");
  const jpeg = await encodeWithMagick(SOURCE, "JPEG", kind.prepare);
  const image = await readImage(jpeg);
  assert.ok(distance(image, SOURCE) < 8, `${distance(image, SOURCE)}`);
  const adobe = Buffer.from(jpeg).indexOf(Uint8Array.of(0xff, 0xee));
  const without = Buffer.concat([
    jpeg.subarray(0, adobe),
    jpeg.subarray(adobe + 16),
  ]);
  assert.deepEqual((await readImage(without)).data, image.data);
});

Deno.test("lossless kinds give back every color: TIFF, WebP, BMP, animations", async () => {
  const exact = [
    "TIFF, separate planes",
    "TIFF, tiles",
    "TIFF, tiles, zip",
    "TIFF, CMYK",
    "TIFF, CMYK, separate planes",
    "TIFF, float",
    "TIFF, 16 bits",
    "TIFF, most significant byte first",
    "TIFF64, plain",
    "WEBP, lossless",
    "WEBP, animated",
    "BMP3, 24 bits",
    "BMP3, 32 bits",
    "PNG, interlaced",
    "PNG, 16 bits",
  ];
  for (const { name, format, prepare, frames } of KINDS) {
    if (!exact.includes(name)) continue;
    const bytes = await encodeWithMagick(SOURCE, format, prepare, frames);
    const apart = distance(await readImage(bytes), SOURCE);
    assert.ok(apart <= 0.5, `${name}: ${apart}`); // CMYK rounds by one level
    exact.splice(exact.indexOf(name), 1);
  }
  assert.deepEqual(exact, []);
});

Deno.test("orientation is applied in PNG, WebP and TIFF", async () => {
  for (const format of ["PNG", "WEBP", "TIFF"]) {
    const [kind] = KINDS.filter(({ name }) =>
      name === `${format}, orientation 6`
    );
    const bytes = await encodeWithMagick(SOURCE, format, kind.prepare);
    const image = await readImage(bytes);
    assert.deepEqual([image.width, image.height], [HEIGHT, WIDTH], format);
    // Its first row is the source's first column, from the bottom up.
    const [red, green] = image.data.slice(0, 2);
    assert.ok(red < 30 && Math.abs(green - 10 * (HEIGHT - 1)) < 30, format);
  }
});

/** A BMP of 5 x 2 pixels with 4 bits: gray levels by 17. */
function bmp(compression: number, pixels: number[]): Uint8Array {
  const bytes = Buffer.alloc(54 + 64 + pixels.length);
  bytes.write("BM");
  bytes.writeUInt32LE(118, 10);
  for (const [at, value] of [[14, 40], [18, 5], [22, 2], [30, compression]]) {
    bytes.writeUInt32LE(value, at);
  }
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(4, 28);
  for (let i = 0; i < 16; i++) bytes.fill(17 * i, 54 + 4 * i, 57 + 4 * i);
  bytes.set(pixels, 118);
  return bytes;
}

Deno.test("a 4-bit BMP is read plain and run-length coded, but not when runs are missing", async () => {
  const below = [1, 2, 3, 4, 5], above = [7, 7, 7, 7, 9];
  const plain = [0x12, 0x34, 0x50, 0, 0x77, 0x77, 0x90, 0];
  const runs = [0, 5, 0x12, 0x34, 0x50, 0, 0, 0, 4, 0x77, 1, 0x90, 0, 1];
  for (const bytes of [bmp(0, plain), bmp(2, runs)]) {
    const { data } = await readImage(bytes);
    const gray = [...data].filter((_, i) => i % 4 === 0).map((v) => v / 17);
    assert.deepEqual(gray, [...above, ...below]);
  }
  assert.match(await reason(bmp(2, runs.slice(0, 8))), /cut off/);
  assert.match(
    await reason(bmp(5, plain)),
    /compression 5, which is not supported/,
  );
});

Deno.test("a TIFF is refused if it has a tag twice or a kind that decoders read differently", async () => {
  const kind = (name: string) => KINDS.find((kind) => kind.name === name)!;
  const tiff = await encodeWithMagick(
    SOURCE,
    "TIFF",
    kind("TIFF, plain").prepare,
  );
  const view = new DataView(tiff.buffer);
  const start = view.getUint32(4, true), count = view.getUint16(start, true);
  const entries = Array.from({ length: count }, (_, i) => start + 2 + 12 * i);
  const change = (tag: number, offset: number, value: number) => {
    const copy = tiff.slice();
    const at = entries.find((at) => view.getUint16(at, true) === tag)!;
    new DataView(copy.buffer).setUint16(at + offset, value, true);
    return copy;
  };
  assert.match(await reason(change(257, 0, 256)), /tag 256 twice/);
  assert.match(await reason(change(259, 8, 9999)), /compression 9999/);
  assert.match(await reason(change(262, 8, 32803)), /camera's raw data/);
  assert.match(await reason(change(256, 8, 60000)), /a side may have/);
  assert.match(await reason(change(257, 8, 600)), /cut off/);
  const many = Buffer.alloc(8 + 2 + 12 * 10_000);
  many.set([0x49, 0x49, 42, 0, 8, 0, 0, 0, 0x10, 0x27]);
  for (let i = 0; i < 10_000; i++) {
    many.set([0x11, 1, 4, 0, 0x10, 0x27, 0, 0, 10], 10 + 12 * i);
  }
  assert.match(await reason(many), /tag 273 twice/);
});

/** An uncompressed gray TIFF of 64 x 4 floating-point samples, 0 to `white`. */
function floatTiff(white: number): Uint8Array {
  const bytes = Buffer.alloc(8 + 1024 + 2 + 10 * 12 + 4);
  bytes.set([0x49, 0x49, 42, 0]);
  bytes.writeUInt32LE(8 + 1024, 4);
  for (let i = 0; i < 256; i++) bytes.writeFloatLE(i / 255 * white, 8 + 4 * i);
  const tags = [[256, 64], [257, 4], [258, 32], [259, 1], [262, 1], [273, 8]];
  tags.push([277, 1], [278, 4], [279, 1024], [339, 3]);
  bytes.writeUInt16LE(tags.length, 8 + 1024);
  for (const [i, [tag, value]] of tags.entries()) {
    const at = 8 + 1024 + 2 + 12 * i;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(4, at + 2);
    bytes.writeUInt32LE(1, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  }
  return bytes;
}

Deno.test("floating-point TIFF is read whether white is 1, 255 or 65535", async () => {
  for (const white of [1, 255, 65535]) {
    const { data } = await readImage(floatTiff(white));
    const gray = data.filter((_, i) => i % 4 === 0);
    assert.ok(gray.every((value, i) => Math.abs(value - i) <= 1), `${white}`);
  }
});

Deno.test("AVIF is read, and looksLikeImage recognizes it by its first bytes", async () => {
  const bytes = await encodeWithMagick(SOURCE, "AVIF");
  assert.ok(distance(await readImage(bytes), SOURCE) < 8);
  assert.match(await reason(bytes.subarray(0, -20)), /cut off/);
  assert.ok(looksLikeImage(bytes.subarray(0, 16)));
  assert.ok(!looksLikeImage(Buffer.from("BM, a letter to you")));
});

Deno.test({
  name: "pipes and devices are refused unopened",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const pipe = join(folder, "p.png");
      await new Deno.Command("mkfifo", { args: [pipe] }).output();
      for (const path of [pipe, "/dev/zero"]) {
        await assert.rejects(readImage(path), /is a pipe or a device/);
      }
    }),
});
