/**
 * The built-in data set: gray faces of 48x48 pixels, drawn, not photographed,
 * with the seven emotions of FER-2013 (see action_units.ts). FER-2013 itself
 * may not be redistributed.
 *
 * People, poses, light, sharpness and noise vary; every person is in one split
 * only. Same seed, same faces on the same Deno version (sines, cosines and
 * logarithms may differ in the last bit between versions).
 *
 * @module
 */
import { createExpression } from "./action_units.ts";
import { type Canvas, drawFace, type Light, type Pose } from "./drawn_face.ts";
import { shapeFace } from "./drawn_face_shape.ts";
import { createPerson } from "./drawn_person.ts";
import { mix, texture } from "./drawn_texture.ts";
import {
  EMOTIONS,
  FACE_PIXELS,
  FACE_SIZE,
  type Faces,
  hashFaces,
  SPLITS,
} from "./faces.ts";
import { createRandom, type Random, randomAt } from "./random.ts";

export { drawScene, type Scene, type SceneOptions } from "./drawn_scene.ts";

/** Options of {@linkcode drawFaces}. */
export interface DrawFacesOptions {
  /** The number of faces, at least 70. */
  readonly count: number;
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number;
}

/** Every person is drawn once with each emotion. */
const FACES_PER_PERSON = EMOTIONS.length;

/**
 * Draws `count` faces: 80 % Training, 10 % PublicTest, 10 % PrivateTest, no
 * person in two splits, all emotions equally often (but for the last person
 * of a split, who may be incomplete). The order is shuffled.
 *
 * @throws {RangeError} when `count` is not a whole number of at least 70, or
 * the seed is none
 *
 * @example
 * ```ts
 * import { drawFaces } from "mien/drawn_faces.ts";
 *
 * const faces = drawFaces({ count: 70, seed: 1 });
 * console.log(faces.pixels.length === 70 * 48 * 48); // true
 * ```
 */
export function drawFaces({ count, seed }: DrawFacesOptions): Faces {
  if (!Number.isInteger(count) || count < 70) {
    throw new RangeError(
      `drawFaces needs a count of at least 70 (ten people), not ${count}.`,
    );
  }
  const test = Math.floor(count / 10);
  const sizes = [count - 2 * test, test, test];
  const plan: { person: number; label: number; split: number }[] = [];
  let person = 0;
  for (let split = 0; split < SPLITS.length; split++) {
    for (let face = 0; face < sizes[split]; face++) {
      const label = face % FACES_PER_PERSON;
      if (label === 0) person++;
      plan.push({ person, label, split });
    }
  }
  shuffle(plan, createRandom(seed));

  const pixels = new Uint8Array(count * FACE_PIXELS); // n x 48 x 48
  plan.forEach(({ person, label }, index) => {
    const target = pixels.subarray(
      index * FACE_PIXELS,
      (index + 1) * FACE_PIXELS,
    );
    drawFacePicture(target, seed, person, label);
  });
  const labels = Uint8Array.from(plan, ({ label }) => label);
  const splits = Uint8Array.from(plan, ({ split }) => split);
  const hash = hashFaces({ pixels, labels, splits });
  return {
    pixels,
    labels,
    splits,
    length: count,
    source: { name: `drawn faces (seed ${seed})`, hash, skipped: [] },
  };
}

/** Fisher-Yates. */
function shuffle<T>(items: T[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [items[i], items[j]] = [items[j], items[i]];
  }
}

function drawFacePicture(
  target: Uint8Array,
  seed: number,
  personNumber: number,
  label: number,
): void {
  const person = createPerson(randomAt(seed, personNumber, 0));
  const random = randomAt(seed, personNumber, 1 + label);
  const expression = createExpression(EMOTIONS[label], random);
  const canvas: Canvas = {
    width: FACE_SIZE,
    height: FACE_SIZE,
    data: new Float32Array(FACE_PIXELS),
  };
  const between = (low: number, high: number) =>
    low + (high - low) * random.next();
  drawBackground(canvas, random);
  const pose: Pose = {
    x: FACE_SIZE / 2 + between(-2.5, 2.5),
    y: FACE_SIZE / 2 + between(-2.5, 2.5),
    half: FACE_SIZE / 2 * between(0.9, 1.08),
    roll: 0.09 * random.normal(),
    yaw: between(-0.32, 0.32),
    pitch: between(-0.15, 0.15),
    gaze: between(-0.03, 0.03),
  };
  drawFace(canvas, shapeFace(person, expression), pose, createLight(random));
  develop(target, canvas, random);
}

/** A lamp above the face, anywhere from the left to the right. */
export function createLight(random: Random): Light {
  const right = 1.4 * (random.next() - 0.5);
  const down = -0.1 - 0.6 * random.next();
  const length = Math.sqrt(right * right + down * down + 1);
  const ambient = 0.3 + 0.25 * random.next();
  return {
    direction: [right / length, down / length, 1 / length],
    ambient,
    lamp: 1.12 - ambient,
  };
}

function drawBackground(canvas: Canvas, random: Random): void {
  const from = random.next();
  const to = random.next();
  const seed = random.integer(0x7fffffff);
  for (let y = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++) {
      canvas.data[y * canvas.width + x] = mix(from, to, x / canvas.width) *
        (0.7 + 0.5 * texture(x / 12, y / 12, seed));
    }
  }
}

/** The picture as a camera gives it: blurred, exposed, noisy, in 256 grays. */
function develop(target: Uint8Array, canvas: Canvas, random: Random): void {
  const blur = 0.28 * random.next();
  const noise = 255 * 0.025 * random.next();
  const contrast = 255 * (0.75 + 0.4 * random.next());
  const middle = 255 * (0.38 + 0.2 * random.next());
  const { data, width, height } = canvas;
  const rows = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const before = data[x > 0 ? at - 1 : at];
      const after = data[x < width - 1 ? at + 1 : at];
      rows[at] = data[at] + blur * (before + after - 2 * data[at]);
    }
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const above = rows[y > 0 ? at - width : at];
      const below = rows[y < height - 1 ? at + width : at];
      const value = rows[at] + blur * (above + below - 2 * rows[at]);
      const gray = middle + contrast * (value - 0.45) +
        noise * random.normal();
      target[at] = gray < 0 ? 0 : gray > 255 ? 255 : Math.round(gray);
    }
  }
}
