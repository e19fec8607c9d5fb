/**
 * Finds more faces than one search with the frontal cascade does: faces cut off
 * by the picture's edge and, on request, faces that are tilted or turned.
 *
 * `detectFaces` in `haar/detector.ts` gives OpenCV's answer; this adds to it and
 * removes nothing. Of the 233 of 1,346 photographs in which the frontal
 * cascade finds nothing, the search beyond the edges finds a face in 128
 * (bench/faces.ts).
 *
 * @module
 */
import type { Cascade } from "../haar/cascade.ts";
import { CascadeDetector, type Detection } from "../haar/detector.ts";
import { frontalFaceCascade } from "../haar/frontal_face.ts";
import { type Box, intersectionOverUnion, scaleBox } from "../image/box.ts";
import type { GrayImage } from "../image/gray.ts";
import {
  mirrorImage,
  padImage,
  shrinkImage,
  turnImage,
} from "../image/transform.ts";

/** How to search for faces. */
export interface FaceSearch {
  /** Ratio of one window size to the next. */
  readonly scaleFactor: number;
  /** Raw candidates a face needs beyond the first. */
  readonly minNeighbors: number;
  /** The smallest face, as a fraction of the picture's shorter side. */
  readonly smallestFace: number;
  /**
   * Whether to search for large faces beyond the picture's edges too (default true).
   * This adds 1 % to the time of `PHOTO_SEARCH` and a quarter to `VIDEO_SEARCH`'s.
   */
  readonly beyondEdges?: boolean;
}

/** A face that was found. */
export interface FoundFace {
  /** In pixels of the picture; it may extend beyond the edges. */
  readonly box: Box;
  /** How many raw candidates agree on it. */
  readonly neighbors: number;
  /** Its tilt, clockwise in degrees, as far as is known; 0 is upright. */
  readonly turn: number;
  /** The image in which it is upright, and where. */
  readonly upright: { readonly image: GrayImage; readonly box: Box };
}

/** The border of repeated edge pixels, as a fraction of the picture's side. */
const BORDER = 0.2;
/** The smallest face searched for beyond the edges, as a fraction of the shorter side. */
const SMALLEST_AT_EDGE = 0.4;
/** Pictures are shrunk to about this shorter side for that search: such faces are large. */
const EDGE_SIDE = 160;
/** How far the picture is rotated to find tilted faces. */
const TURNS = [-20, 20];
/** Candidates that a tilted face needs: a rotated picture has more chance hits. */
const TURNED_NEIGHBORS = 8;
/** How many times as many candidates a tilted face needs to replace an upright one. */
const LEANS = 2;
/** Pictures are shrunk to about this shorter side to be rotated. */
const TURNED_SIDE = 1000;
/** Boxes that overlap this much are of the same face. */
const SAME_FACE = 0.3;

/** Finds faces in one picture after another. */
export class FaceFinder {
  private constructor(
    private readonly frontal: CascadeDetector,
    private readonly edge: CascadeDetector,
    private readonly thorough?: {
      readonly turned: CascadeDetector;
      readonly profile: CascadeDetector;
    },
  ) {}

  /**
   * Compiles what is needed. Each search has its own detector, so that
   * pictures of the same size share all preparations.
   *
   * @param profile makes every search thorough: the picture is also rotated by
   * 20 degrees both ways, and this cascade is applied both ways
   */
  static async create(
    cascade: Cascade = frontalFaceCascade(),
    profile?: Cascade,
  ): Promise<FaceFinder> {
    return new FaceFinder(
      await CascadeDetector.create(cascade),
      await CascadeDetector.create(cascade),
      profile && {
        turned: await CascadeDetector.create(cascade),
        profile: await CascadeDetector.create(profile),
      },
    );
  }

  /**
   * Finds faces. Of several boxes for one face, the upright search's stays, unless
   * a rotated one has twice as many candidates: then the face is tilted.
   */
  find(image: GrayImage, search: FaceSearch): FoundFace[] {
    const found = this.frontal.detect(image, detectorOptions(search, image))
      .map((face) => upright(image, face, face));
    if (search.beyondEdges ?? true) {
      add(found, this.findAtEdges(image, search));
    }
    if (this.thorough) {
      for (const degrees of TURNS) {
        add(found, this.findTurned(image, degrees, search));
      }
      for (const mirrored of [false, true]) {
        add(found, this.findProfiles(image, mirrored, search));
      }
    }
    return found;
  }

  /** Large faces that the picture's edge cuts off or nearly touches. */
  private findAtEdges(image: GrayImage, search: FaceSearch): FoundFace[] {
    const { small, original } = bordered(image, EDGE_SIDE);
    const options = detectorOptions({
      scaleFactor: search.scaleFactor,
      // One more than usual keeps chance hits out (see bench/faces.ts).
      minNeighbors: search.minNeighbors + 1,
      smallestFace: Math.max(SMALLEST_AT_EDGE, search.smallestFace),
    }, small);
    return this.edge.detect(small.padded, options).map((face) =>
      upright(image, original(face), face)
    ).filter(({ box }) => isAtEdge(box, image));
  }

  private findTurned(
    image: GrayImage,
    degrees: number,
    search: FaceSearch,
  ): FoundFace[] {
    const { small, factor, across, down } = bordered(image, TURNED_SIDE);
    const turned = turnImage(small.padded, -degrees);
    return this.thorough!.turned.detect(turned, {
      ...detectorOptions(search, small),
      minNeighbors: Math.max(search.minNeighbors, TURNED_NEIGHBORS),
    }).map((face) => {
      const { x, y, width, height } = face;
      const middle = turned.toSource(x + width / 2, y + height / 2);
      return {
        box: {
          x: Math.round((middle.x - across - width / 2) * factor),
          y: Math.round((middle.y - down - height / 2) * factor),
          width: width * factor,
          height: height * factor,
        },
        neighbors: face.neighbors,
        turn: degrees,
        upright: { image: turned, box: { x, y, width, height } },
      };
    }).filter(({ box }) => isMiddleInside(box, image));
  }

  private findProfiles(
    image: GrayImage,
    mirrored: boolean,
    search: FaceSearch,
  ): FoundFace[] {
    const { small, original } = bordered(image, TURNED_SIDE);
    const { padded } = small;
    const seen = mirrored ? mirrorImage(padded) : padded;
    const options = detectorOptions(search, small);
    return this.thorough!.profile.detect(seen, options).map((face) => {
      const x = mirrored ? padded.width - face.x - face.width : face.x;
      return upright(image, original({ ...face, x }), face);
    }).filter(({ box }) => isMiddleInside(box, image));
  }
}

function upright(
  image: GrayImage,
  { x, y, width, height }: Box,
  { neighbors }: Detection,
): FoundFace {
  const box = { x, y, width, height };
  return { box, neighbors, turn: 0, upright: { image, box } };
}

/** The picture, shrunk to about a shorter side and with its border. */
function bordered(image: GrayImage, side: number) {
  const shorter = Math.min(image.width, image.height);
  const factor = Math.max(1, Math.floor(shorter / side));
  const small = shrinkImage(image, factor);
  const across = Math.round(small.width * BORDER);
  const down = Math.round(small.height * BORDER);
  const padded = padImage(small, across, down);
  /** Where a box of the padded picture is in the original one. */
  const original = (box: Box) =>
    scaleBox({ ...box, x: box.x - across, y: box.y - down }, factor);
  return { small: { ...small, padded }, factor, across, down, original };
}

/** A search of a picture, as the detector's options. */
export function detectorOptions(
  { scaleFactor, minNeighbors, smallestFace }: FaceSearch,
  { width, height }: { width: number; height: number },
) {
  const side = Math.round(smallestFace * Math.min(width, height));
  return { scaleFactor, minNeighbors, minSize: { width: side, height: side } };
}

/** Whether a tenth of the face's side around it would be outside the picture. */
function isAtEdge({ x, y, width, height }: Box, image: GrayImage): boolean {
  const across = width / 10, down = height / 10;
  return x < across || y < down || x + width + across > image.width ||
    y + height + down > image.height;
}

function isMiddleInside({ x, y, width, height }: Box, image: GrayImage) {
  const across = x + width / 2, down = y + height / 2;
  return across >= 0 && across < image.width && down >= 0 &&
    down < image.height;
}

/** Adds the faces that are not yet in the list, the most certain first. */
function add(found: FoundFace[], more: readonly FoundFace[]) {
  for (const face of more.toSorted((a, b) => b.neighbors - a.neighbors)) {
    const known = found.findIndex(({ box }) => isSameFace(box, face.box));
    if (known < 0) found.push(face);
    else if (
      face.turn !== 0 && face.neighbors > LEANS * found[known].neighbors
    ) {
      found[known] = face;
    }
  }
}

/** Whether two boxes overlap much, or one lies mostly in the other. */
function isSameFace(a: Box, b: Box): boolean {
  const union = intersectionOverUnion(a, b);
  if (union >= SAME_FACE) return true;
  const areas = a.width * a.height + b.width * b.height;
  const shared = areas * union / (1 + union);
  return shared >= 0.6 * Math.min(a.width * a.height, b.width * b.height);
}
