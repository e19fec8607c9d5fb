/**
 * Larger drawn pictures: people in a room, with the box and the emotion of
 * every face, to try detection on without photographs.
 *
 * Left out: faces that overlap, profiles, color.
 *
 * @module
 */
import { createExpression } from "./action_units.ts";
import { createLight, develop } from "./camera.ts";
import { type Canvas, drawFace, type Pose } from "./face.ts";
import { shapeFace } from "./face_shape.ts";
import { createPerson } from "./person.ts";
import { drawRoom } from "./room.ts";
import { EMOTIONS } from "../emotions.ts";
import type { Box } from "../image/box.ts";
import type { GrayImage } from "../image/gray.ts";
import { createRandom, type Random } from "../random.ts";

/** Options of {@linkcode drawScene}. */
export interface SceneOptions {
  /** Width and height in pixels, at least 120 each. */
  readonly width: number;
  readonly height: number;
  /** The number of faces, which may be 0. */
  readonly faces: number;
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number;
}

/** A drawn picture and its ground truth. */
export interface Scene {
  readonly image: GrayImage;
  /** One square per face, as tight as the frontal Haar cascade's boxes. */
  readonly boxes: Box[];
  /** One label per face: an index into `EMOTIONS`. */
  readonly emotions: number[];
}

/** The smallest side of a face's box, in pixels. */
const SMALLEST_FACE = 48;

/** Center and half the side of a face's box, in pixels. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly half: number;
}

/**
 * Draws `faces` people in a room. The same options give the same picture.
 *
 * @throws {RangeError} when a number is out of range, or that many faces of at
 * least 48 pixels do not fit without overlapping
 *
 * @example
 * ```ts
 * import { drawScene } from "mien/drawn/scene.ts";
 *
 * const { image, boxes } = drawScene({
 *   width: 320,
 *   height: 240,
 *   faces: 2,
 *   seed: 1,
 * });
 * console.log(image.width, boxes.length); // 320 2
 * ```
 */
export function drawScene(options: SceneOptions): Scene {
  const { width, height, faces, seed } = options;
  for (
    const [name, value, least] of [
      ["width", width, 120],
      ["height", height, 120],
      ["faces", faces, 0],
    ] as const
  ) {
    if (!Number.isInteger(value) || value < least) {
      throw new RangeError(
        `drawScene: ${name} is ${value}, not a whole number of at least ${least}.`,
      );
    }
  }
  const canvas: Canvas = {
    width,
    height,
    data: new Float32Array(width * height),
  };
  const random = createRandom(seed, 0);
  const light = createLight(random);
  const places = findPlaces(options, random);
  drawRoom(canvas, random);

  const emotions: number[] = [];
  places.forEach(({ x, y, half }, index) => {
    const person = createPerson(createRandom(seed, 1, index));
    const face = createRandom(seed, 2, index);
    const emotion = face.integer(EMOTIONS.length);
    const expression = createExpression(EMOTIONS[emotion], face);
    const pose: Pose = {
      x,
      y,
      half,
      roll: 0.05 * face.normal(),
      yaw: 0.3 * (face.next() - 0.5),
      pitch: 0.16 * (face.next() - 0.5),
      gaze: 0.05 * (face.next() - 0.5),
    };
    drawFace(canvas, shapeFace(person, expression), pose, light);
    emotions.push(emotion);
  });

  const data = new Uint8Array(width * height);
  develop(data, canvas, {
    blur: 0.05 + 0.1 * random.next(),
    noise: 3 * random.next(),
    contrast: 0.9 + 0.25 * random.next(),
    middle: 0.44 + 0.1 * random.next(),
  }, random);
  const boxes = places.map(faceBox);
  return { image: { width, height, data }, boxes, emotions };
}

/**
 * The box that the frontal cascade gives a face: in the median, 3 % smaller
 * than the face's own square, and higher by 3 % of half its side.
 */
function faceBox({ x, y, half }: Place): Box {
  const side = Math.round(1.94 * half);
  return {
    x: Math.round(x - side / 2),
    y: Math.round(y - 0.03 * half - side / 2),
    width: side,
    height: side,
  };
}

/**
 * Random places that keep heads apart, from back (higher up) to front. After
 * many failed tries the faces become smaller.
 */
function findPlaces(
  { width, height, faces }: SceneOptions,
  random: Random,
): Place[] {
  const places: Place[] = [];
  const room = Math.min(height, width) / Math.sqrt(Math.max(faces, 1));
  let largest = Math.max(SMALLEST_FACE / 2, 0.27 * room);
  for (let misses = 0; places.length < faces;) {
    const half = Math.max(
      SMALLEST_FACE / 2,
      largest * (0.6 + 0.4 * random.next()),
    );
    const place = {
      x: 1.35 * half + (width - 2.7 * half) * random.next(),
      y: 1.4 * half + (height - 3 * half) * random.next(),
      half,
    };
    const free = places.every((other) =>
      Math.abs(place.x - other.x) > 1.25 * (half + other.half) ||
      Math.abs(place.y - other.y) > 1.45 * (half + other.half)
    );
    if (free) {
      places.push(place);
    } else if (++misses % 200 === 0) {
      if (largest === SMALLEST_FACE / 2) {
        throw new RangeError(
          `${faces} faces do not fit in ${width}x${height} pixels.`,
        );
      }
      largest = Math.max(SMALLEST_FACE / 2, largest * 0.85);
    }
  }
  return places.sort((a, b) => a.y - b.y);
}
