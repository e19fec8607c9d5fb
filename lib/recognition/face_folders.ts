// Faces from any pictures: one folder per class, with pictures of any size and format. The faces are
// found, cropped as in recognition, and split; what is left out is listed with its reason.
// For pictures that are already 48x48 faces, in train/ and test/, see data/pictures.ts.
import { Buffer } from "node:buffer";
import { readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import {
  DatasetError,
  facePixels,
  type Faces,
  hashFaces,
  type SkippedRow,
  SPLITS,
} from "../data/faces.ts";
import {
  complaintAbout,
  FACE_PIXELS,
  FACE_SIZE,
  orderClasses,
} from "../emotions.ts";
import { CascadeDetector } from "../haar/detector.ts";
import { frontalFaceCascade } from "../haar/frontal_face.ts";
import { toGray } from "../image/gray.ts";
import { IMAGE_EXTENSIONS, ImageError, readImage } from "../image/image.ts";
import { createProgress } from "../progress.ts";
import { createRandom, type Random, shuffle } from "../random.ts";
import { writeWhole } from "../write_whole.ts";
import { cropFace } from "./crop.ts";
import { detectorOptions } from "./face_finder.ts";
import { PHOTO_SEARCH } from "./recognizer.ts";

/** The shares of Training, PublicTest and PrivateTest. */
const PARTS = [0.7, 0.15, 0.15];

/** Among several faces, the largest is used if it is this much larger than the next. */
const CLEARLY_LARGER = 1.5;

/** A picture, and who is in it. */
interface Source {
  readonly path: string;
  readonly emotion: string;
  /** The subfolder's name, or the picture's own path if there is none. */
  readonly person: string;
}

/**
 * Reads the pictures in a folder: `FOLDER/happy/a.jpg`, or with one subfolder per person,
 * `FOLDER/happy/anna/a.jpg`. All pictures of a person (same name in all classes) go into one
 * split; without persons, each picture is assigned separately, class by class.
 *
 * @param options.seed decides the split
 * @returns the faces; `source.skipped` lists the pictures left out, each with its reason
 * @throws {DatasetError} when there are not two classes with faces, or a split would be empty
 */
export async function readFaceFolders(
  folder: string,
  options: { seed: number },
): Promise<Faces> {
  const sources = listSources(folder);
  const detector = await CascadeDetector.create(frontalFaceCascade());
  const found: { source: Source; crop: Uint8Array }[] = [];
  const skipped: SkippedRow[] = [];
  const seen = new Map<string, string>();
  const bar = createProgress("Finding faces", sources.length, "pictures");
  try {
    for (const [index, source] of sources.entries()) {
      const crop = await findFace(source.path, detector);
      const key = Buffer.from(crop).toString("latin1");
      const reason = typeof crop === "string" ? crop : seen.has(key) &&
        `the same face as ${seen.get(key)}`;
      if (reason) {
        skipped.push({ row: index + 1, reason: `${source.path}: ${reason}` });
      } else {
        seen.set(key, source.path);
        found.push({ source, crop: crop as Uint8Array });
      }
      bar.update(index + 1);
    }
  } finally {
    bar.stop();
  }
  const emotions = orderClasses(found.map(({ source }) => source.emotion));
  const complaint = complaintAbout(emotions);
  if (complaint) {
    throw new DatasetError(
      folder,
      `${found.length} of ${sources.length} pictures have a usable face: ${complaint}${
        skipped.length > 0 ? ` (${skipped[0].reason})` : ""
      }`,
    );
  }
  const pixels = new Uint8Array(found.length * FACE_PIXELS); // n x 48 x 48
  found.forEach(({ crop }, i) => pixels.set(crop, i * FACE_PIXELS));
  const labels = Uint8Array.from(
    found,
    ({ source }) => emotions.indexOf(source.emotion),
  );
  const splits = splitFaces(found.map(({ source }) => source), options.seed);
  const length = found.length;
  const faces = { emotions, pixels, labels, splits, length };
  const note = `split by seed ${options.seed}, ${
    sources.some(isOfPerson) ? "no person in two splits" : "picture by picture"
  }`;
  const hash = hashFaces(faces);
  const source = { name: "faces from pictures", path: folder, hash, note };
  return { ...faces, source: { ...source, unordered: true, skipped } };
}

const isOfPerson = ({ person, path }: Source) => person !== path;

/** The pictures of all classes, by class and path. */
function listSources(folder: string): Source[] {
  const list = (place: string) => {
    try {
      return readdirSync(place, { withFileTypes: true })
        .filter(({ name }) => !name.startsWith("."))
        .sort((a, b) => a.name < b.name ? -1 : 1);
    } catch {
      throw new DatasetError(place, "cannot be read as a folder");
    }
  };
  const picturesOf = (emotion: string, place: string, person?: string) =>
    list(place).flatMap((entry): Source[] => {
      const path = join(place, entry.name);
      if (entry.isDirectory()) {
        return picturesOf(emotion, path, person ?? entry.name);
      }
      return IMAGE_EXTENSIONS.includes(extname(path).toLowerCase())
        ? [{ path, emotion, person: person ?? path }]
        : [];
    });
  const sources = list(folder).filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => picturesOf(name, join(folder, name)));
  if (sources.length > 0) return sources;
  throw new DatasetError(
    folder,
    "contains no folder with pictures: it needs one for each class, such as happy/ and other/",
  );
}

/** The face of a picture, 48x48, or why there is none. */
async function findFace(
  path: string,
  detector: CascadeDetector,
): Promise<Uint8Array | string> {
  let gray;
  try {
    gray = toGray(await readImage(path));
  } catch (error) {
    if (error instanceof ImageError) return error.reason;
    throw error;
  }
  if (gray.width === FACE_SIZE && gray.height === FACE_SIZE) return gray.data;
  const boxes = detector.detect(gray, detectorOptions(PHOTO_SEARCH, gray));
  if (boxes.length === 0) return "no face found";
  const [first, second] = boxes.sort((a, b) => b.width - a.width);
  if (second && first.width < CLEARLY_LARGER * second.width) {
    return `${boxes.length} faces, none clearly the largest`;
  }
  return cropFace(gray, first);
}

/** A split for each face: persons, or the pictures of each class, are assigned in random order. */
function splitFaces(sources: readonly Source[], seed: number): Uint8Array {
  const splits = new Uint8Array(sources.length);
  const deal = (
    units: string[],
    of: (source: Source) => string,
    random: Random,
  ) => {
    shuffle(units, random);
    // At least one for validation and one for testing, if there are three.
    const tests = PARTS.slice(1).map((part) =>
      Math.max(units.length >= 3 ? 1 : 0, Math.round(part * units.length))
    );
    const splitOf = new Map(units.map((unit, i) => [
      unit,
      i < tests[0] ? 1 : i < tests[0] + tests[1] ? 2 : 0,
    ]));
    sources.forEach((source, i) => {
      const split = splitOf.get(of(source));
      if (split !== undefined) splits[i] = split;
    });
  };
  const persons = sources.filter(isOfPerson).map(({ person }) => person);
  deal(
    [...new Set(persons)].sort(),
    ({ person }) => person,
    createRandom(seed, 0),
  );
  const classes = [...new Set(sources.map(({ emotion }) => emotion))].sort();
  for (const [k, emotion] of classes.entries()) {
    const loose = sources.filter((source) =>
      source.emotion === emotion && !isOfPerson(source)
    );
    deal(
      loose.map(({ path }) => path),
      ({ path }) => path,
      createRandom(seed, 1 + k),
    );
  }
  return splits;
}

/**
 * Writes faces as a table with names, which `loadFaces` reads: `emotion,pixels,Usage`, gzipped if
 * the name ends in .gz.
 *
 * @throws {FileError} when it cannot be written
 */
export function writeFaces(faces: Faces, file: string): void {
  const rows = Array.from(faces.labels, (label, i) => {
    const split = SPLITS[faces.splits[i]];
    const pixels = facePixels(faces, i).join(" ");
    return `${faces.emotions[label]},${pixels},${split}\n`;
  });
  const text = `emotion,pixels,Usage\n${rows.join("")}`;
  writeWhole(file, file.endsWith(".gz") ? gzipSync(text) : text);
}
