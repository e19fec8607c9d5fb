// Reading and writing pictures: every format against known pixels, and every way
// in which a file can be unusable.
import assert from "node:assert/strict";
import { crc32, deflateSync, inflateSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { MagickFormat } from "@imagemagick/magick-wasm";
import { Jimp } from "jimp";
import { encodeWithMagick } from "../../bench/picture_files.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { chunk, ihdr, png } from "./png_file.ts";
import {
  encodePng,
  ImageError,
  readImage,
  writePng,
} from "mien/image/image.ts";

/** 16 x 8 pixels: red and green above, blue and yellow below. */
const QUADRANTS = [[220, 20, 20], [20, 200, 20], [20, 20, 230], [230, 220, 10]];
const WIDTH = 16, HEIGHT = 8;
const quadrant = (x: number, y: number) =>
  QUADRANTS[(y < HEIGHT / 2 ? 0 : 2) + (x < WIDTH / 2 ? 0 : 1)];
const RGBA = new Uint8ClampedArray(
  Array.from({ length: WIDTH * HEIGHT }, (_, i) => [
    ...quadrant(i % WIDTH, Math.floor(i / WIDTH)),
    255,
  ]).flat(),
);
const bitmap = { width: WIDTH, height: HEIGHT, data: RGBA };
// The encoders want a Buffer, but declare it with another type.
const forEncoder = () =>
  ({ ...bitmap, data: Buffer.from(RGBA as never) }) as never;

const encode = async (mime: "image/jpeg" | "image/png" | "image/tiff") =>
  Uint8Array.from(await new Jimp(forEncoder()).getBuffer(mime));

const encodeWebp = (defines: Record<string, string>) =>
  encodeWithMagick(bitmap, "WEBP", (picture) => {
    for (const [name, value] of Object.entries(defines)) {
      picture.settings.setDefine(MagickFormat.WebP, name, value);
    }
  });

/** A bottom-up 24-bit BMP, byte by byte. */
function bmp(): Uint8Array {
  const bytes = new Uint8Array(54 + WIDTH * HEIGHT * 3);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, 54, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, WIDTH, true);
  view.setInt32(22, HEIGHT, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  for (let y = 0, at = 54; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      for (const value of quadrant(x, HEIGHT - 1 - y).toReversed()) {
        bytes[at++] = value;
      }
    }
  }
  return bytes;
}

/** A two-color GIF of 2 x 2 pixels, byte by byte: codes 4 1 0 0 1 5. */
// deno-fmt-ignore
const GIF = Uint8Array.of(
  0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 2, 0, 2, 0, 0x80, 0, 0,
  200, 100, 50, 0, 0, 255,
  0x2c, 0, 0, 0, 0, 2, 0, 2, 0, 0,
  2, 3, 0x0c, 0x10, 0x05, 0, 0x3b,
);

/** A PNG with any color type and depth, without filters. */
const plainPng = (type: number, depth: number, w: number, rows: number[][]) =>
  png(
    ihdr(w, rows.length, type, depth),
    chunk(
      "IDAT",
      deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row]))),
    ),
  );

/** A JPEG with an EXIF block that gives its orientation. */
function turned(jpeg: Uint8Array, orientation: number): Uint8Array {
  // deno-fmt-ignore
  const exif = Uint8Array.of(
    0xff, 0xe1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0,
    0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1,
    0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0,
  );
  const bytes = new Uint8Array(jpeg.length + exif.length);
  bytes.set(jpeg.subarray(0, 2));
  bytes.set(exif, 2);
  bytes.set(jpeg.subarray(2), 2 + exif.length);
  return bytes;
}

async function reason(bytes: Uint8Array): Promise<string> {
  try {
    await readImage(bytes, "the name.xyz");
  } catch (error) {
    assert(error instanceof ImageError, String(error));
    assert.equal(error.file, "the name.xyz");
    assert(error.message.startsWith("the name.xyz: "));
    return error.reason;
  }
  throw new Error("was read");
}

Deno.test("lossless formats give back every pixel", async () => {
  const files = {
    png: await encode("image/png"),
    tiff: await encode("image/tiff"),
    bmp: bmp(),
    webp: await encodeWebp({ lossless: "true", exact: "true" }),
    ours: encodePng(bitmap),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const image = await readImage(bytes);
    assert.deepEqual([image.width, image.height], [WIDTH, HEIGHT], name);
    assert.deepEqual(image.data, RGBA, name);
  }
});

Deno.test("a GIF's first frame is read", async () => {
  const image = await readImage(GIF);
  assert.deepEqual([image.width, image.height], [2, 2]);
  const blue = [0, 0, 255, 255], brown = [200, 100, 50, 255];
  assert.deepEqual([...image.data], [...blue, ...brown, ...brown, ...blue]);
});

Deno.test("gray, 16-bit and RGBA PNG become 8-bit RGBA", async () => {
  const gray = await readImage(plainPng(0, 8, 2, [[0, 77]]));
  assert.deepEqual([...gray.data], [0, 0, 0, 255, 77, 77, 77, 255]);
  const deep = await readImage(plainPng(0, 16, 2, [[0x80, 0x80, 0xff, 0xff]]));
  assert.deepEqual([...deep.data], [128, 128, 128, 255, 255, 255, 255, 255]);
  const alpha = await readImage(plainPng(6, 8, 1, [[9, 8, 7, 60]]));
  assert.deepEqual([...alpha.data], [9, 8, 7, 60]);
});

Deno.test("every EXIF orientation is undone", async () => {
  const jpeg = await encode("image/jpeg");
  // Where the first row and the first column are seen (EXIF 2.3, table 6).
  const sides: [string, string][] = [
    ["top", "left"],
    ["top", "right"],
    ["bottom", "right"],
    ["bottom", "left"],
    ["left", "top"],
    ["right", "top"],
    ["right", "bottom"],
    ["left", "bottom"],
  ];
  for (const [i, [row, column]] of sides.entries()) {
    const image = await readImage(turned(jpeg, i + 1));
    const lying = row === "top" || row === "bottom";
    assert.deepEqual(
      [image.width, image.height],
      lying ? [WIDTH, HEIGHT] : [HEIGHT, WIDTH],
    );
    for (const [x, y] of [[2, 1], [13, 1], [2, 6], [13, 6]]) {
      const far = (side: string) => side === "right" || side === "bottom";
      const across = far(column) ? WIDTH - 1 - x : x;
      const down = far(row) ? HEIGHT - 1 - y : y;
      const [px, py] = lying ? [across, down] : [down, across];
      const at = (py * image.width + px) * 4;
      const error = quadrant(x, y).map((value, channel) =>
        Math.abs(value - image.data[at + channel])
      );
      assert(Math.max(...error) < 40, `orientation ${i + 1}: ${error}`);
    }
  }
});

Deno.test("files cut off anywhere are refused", async () => {
  const files = {
    jpeg: await encode("image/jpeg"),
    png: await encode("image/png"),
    tiff: await encode("image/tiff"),
    bmp: bmp(),
    gif: GIF.subarray(0, GIF.length - 1), // the trailer may be missing
    webp: await encodeWebp({}),
  };
  for (const [name, bytes] of Object.entries(files)) {
    for (const part of [0.3, 0.6, 0.9]) {
      const cut = bytes.subarray(0, Math.floor(bytes.length * part));
      const why = await reason(cut);
      assert.match(why, /cut off/, `${name} at ${part}: ${why}`);
    }
    if (name === "jpeg") continue; // its end marker may be missing
    assert.match(await reason(bytes.subarray(0, -1)), /cut off/, name);
  }
});

Deno.test("empty, foreign and damaged files are refused with the reason", async () => {
  assert.equal(await reason(new Uint8Array(0)), "is empty");
  const text = new TextEncoder().encode("hello, I am a text file");
  assert.match(await reason(text), /is not a picture/);
  const damaged = await encode("image/png");
  damaged.fill(0, 45, 60);
  assert.match(await reason(damaged), /cannot be decoded as PNG/);
  await assert.rejects(readImage("no/such/file.png"), {
    name: "ImageError",
    message: "no/such/file.png: no such file",
  });
  await assert.rejects(readImage(import.meta.dirname!), /is a folder/);
});

Deno.test("pictures without pixels or with more than 50 megapixels are refused before decoding", async () => {
  assert.match(
    await reason(plainPng(0, 8, 0, [[]])),
    /has no pixels \(0 x 1\)/,
  );
  const huge = bmp();
  new DataView(huge.buffer).setInt32(18, 100_000, true);
  new DataView(huge.buffer).setInt32(22, 100_000, true);
  assert.match(await reason(huge), /has 10000.0 megapixels/);
});

Deno.test("a written PNG is complete, and its checksums are right", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.png");
    const data = Uint8Array.from({ length: 35 }, (_, i) => i * 7);
    await writePng(path, { width: 5, height: 7, data });
    const bytes = await Deno.readFile(path);
    const view = new DataView(bytes.buffer);
    for (let at = 8; at < bytes.length;) {
      const length = view.getUint32(at);
      const body = bytes.subarray(at + 4, at + 8 + length);
      assert.equal(view.getUint32(at + 8 + length), crc32(body));
      if (String.fromCharCode(...body.subarray(0, 4)) === "IDAT") {
        assert.equal(inflateSync(body.subarray(4)).length, 7 * 6);
      }
      at += length + 12;
    }
    const { data: read } = await readImage(path);
    assert.deepEqual(
      read.filter((_, i) => i % 4 === 0),
      new Uint8ClampedArray(data),
    );
    const names = [...Deno.readDirSync(folder)].map((entry) => entry.name);
    assert.deepEqual(names, ["a.png"]);
  }));
