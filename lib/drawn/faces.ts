/**
 * The built-in data set: gray faces of 48x48 pixels, drawn, not photographed,
 * with the seven emotions of FER-2013 (see action_units.ts). FER-2013 itself
 * may not be redistributed.
 *
 * People, poses, light, sharpness and noise vary; each person is in only one
 * split. The same seed gives the same faces on the same Deno version (sines,
 * cosines and logarithms may differ in the last bit between versions).
 *
 * @module
 */
import { createExpression } from "./action_units.ts";
import { createLight, develop } from "./camera.ts";
import { type Canvas, drawFace, type Pose } from "./face.ts";
import { shapeFace } from "./face_shape.ts";
import { createPerson } from "./person.ts";
import { mix, texture } from "./texture.ts";
import { EMOTIONS, FACE_PIXELS, FACE_SIZE } from "../emotions.ts";
import { facePixels, type Faces, hashFaces, SPLITS } from "../data/faces.ts";
import { createRandom, type Random, shuffle } from "../random.ts";

/** Options of {@linkcode drawFaces}. */
export interface DrawFacesOptions {
  /** The number of faces, at least 70. */
  readonly count: number;
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number;
}

/** Each person is drawn once with each emotion. */
const FACES_PER_PERSON = EMOTIONS.length;

/**
 * Draws `count` faces: 80 % Training, 10 % PublicTest, 10 % PrivateTest, no
 * person in two splits, all emotions equally often (but for the last person
 * of a split, who may be incomplete). The order is shuffled.
 *
 * @throws {RangeError} when `count` is not a whole number of at least 70, or
 * the seed is out of range
 *
 * @example
 * ```ts
 * import { drawFaces } from "mien/drawn/faces.ts";
 *
 * const faces = drawFaces({ count: 70, seed: 1 });
 * console.log(faces.pixels.length === 70 * 48 * 48); // true
 * ```
 */
export function drawFaces({ count, seed }: DrawFacesOptions): Faces {
  if (!Number.isInteger(count) || count < 70) {
    throw new RangeError(
      `drawFaces needs a whole count of at least 70 (ten people), not ${count}.`,
    );
  }
  const plan = planFaces(count);
  shuffle(plan, createRandom(seed));

  const pixels = new Uint8Array(count * FACE_PIXELS); // n x 48 x 48
  plan.forEach(({ person, label }, index) => {
    const target = facePixels({ pixels, length: count }, index);
    drawFacePicture(target, seed, person, label);
  });
  const labels = Uint8Array.from(plan, ({ label }) => label);
  const splits = Uint8Array.from(plan, ({ split }) => split);
  const hash = hashFaces({ pixels, labels, splits });
  return {
    emotions: EMOTIONS,
    pixels,
    labels,
    splits,
    length: count,
    source: { name: `drawn faces (seed ${seed})`, hash, skipped: [] },
  };
}

/** What one face of the data set shows. */
export interface PlannedFace {
  /** The number of the person, from 1. */
  readonly person: number;
  /** An index into `EMOTIONS`. */
  readonly label: number;
  /** An index into `SPLITS`. */
  readonly split: number;
}

/** The people, emotions and splits of `count` faces, before the shuffle. */
export function planFaces(count: number): PlannedFace[] {
  const test = Math.floor(count / 10);
  const sizes = [count - 2 * test, test, test];
  const plan: PlannedFace[] = [];
  let person = 0;
  for (let split = 0; split < SPLITS.length; split++) {
    for (let face = 0; face < sizes[split]; face++) {
      const label = face % FACES_PER_PERSON;
      if (label === 0) person++;
      plan.push({ person, label, split });
    }
  }
  return plan;
}

function drawFacePicture(
  target: Uint8Array,
  seed: number,
  personNumber: number,
  label: number,
): void {
  const person = createPerson(createRandom(seed, personNumber, 0));
  const random = createRandom(seed, personNumber, 1 + label);
  const expression = createExpression(EMOTIONS[label], random);
  const canvas: Canvas = {
    width: FACE_SIZE,
    height: FACE_SIZE,
    data: new Float32Array(FACE_PIXELS),
  };
  const between = (low: number, high: number) => mix(low, high, random.next());
  drawBackground(canvas, random);
  const pose: Pose = {
    x: FACE_SIZE / 2 + between(-2.5, 2.5),
    y: FACE_SIZE / 2 + between(-2.5, 2.5),
    half: FACE_SIZE / 2 * between(0.98, 1.14),
    roll: 0.09 * random.normal(),
    yaw: between(-0.32, 0.32),
    pitch: between(-0.15, 0.15),
    gaze: between(-0.03, 0.03),
  };
  drawFace(canvas, shapeFace(person, expression), pose, createLight(random));
  develop(target, canvas, {
    blur: 0.24 * random.next() ** 1.5,
    noise: 4.5 * random.next() ** 1.5,
    contrast: between(0.85, 1.25),
    middle: between(0.42, 0.56),
  }, random);
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
