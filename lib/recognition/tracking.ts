/**
 * Tracks faces from frame to frame and smooths their probabilities over time,
 * for videos and the webcam alike.
 *
 * A face belongs to the track whose last box it overlaps most. A track without a
 * face is lost; it is found again if a face appears in its place soon enough.
 * Otherwise it is closed, and its number is not reused. If time goes backward,
 * all tracks are closed. Appearance is not compared: two people who cross may
 * swap numbers.
 *
 * @module
 */
import { type Box, intersectionOverUnion } from "../image/box.ts";
import { checkProbabilities, isUnsure } from "./probabilities.ts";

/**
 * Time constant of the exponential moving average, in seconds: 63 % of a change
 * has come through after this time, at any frame rate. 0 turns it off.
 */
export const SMOOTHING_SECONDS = 0.4;

/** How long a lost track waits for its face, in seconds. */
const PATIENCE_SECONDS = 1;

/** It waits for at least this many frames, however far apart they are. */
const PATIENCE_FRAMES = 3;

/** The least intersection over union at which a face continues a track. */
const LEAST_OVERLAP = 0.2;

/** A face as detected and classified in one frame. */
export interface SeenFace {
  readonly box: Box;
  /** The probabilities in this frame alone. */
  readonly probabilities: ArrayLike<number>;
}

/** A face with its identity. */
export interface TrackedFace<Face extends SeenFace = SeenFace> {
  readonly face: Face;
  readonly box: Box;
  /** The track's number, from 1. */
  readonly track: number;
  /** The probabilities in this frame alone. */
  readonly raw: ArrayLike<number>;
  /** The exponential moving average over the track; sums to 1. */
  readonly probabilities: Float32Array;
  /** Whether the average's largest probability is below the threshold. */
  readonly unsure: boolean;
}

interface Track {
  readonly number: number;
  box: Box;
  seconds: number;
  frame: number;
  smoothed: Float32Array;
}

/**
 * Follows faces through the frames of one video.
 *
 * @example
 * ```ts
 * import { FaceTracker } from "mien/recognition/tracking.ts";
 * const tracker = new FaceTracker();
 * const box = { x: 10, y: 10, width: 50, height: 50 };
 * const probabilities = [0, 0, 0, 1, 0, 0, 0];
 * tracker.update([{ box, probabilities }], 0)[0].track; // 1
 * tracker.update([{ box, probabilities }], 0.04)[0].track; // still 1
 * ```
 */
export class FaceTracker {
  private tracks: Track[] = [];
  private count = 0;
  private frame = 0;
  private seconds = -Infinity;

  /**
   * @param smoothingSeconds see `SMOOTHING_SECONDS`
   * @param threshold the confidence below which a face is unsure
   */
  constructor(
    readonly smoothingSeconds: number = SMOOTHING_SECONDS,
    readonly threshold: number = 0,
  ) {}

  /**
   * Takes the faces in the next frame, in any order, and returns them in the
   * same order with their tracks.
   *
   * @param seconds the frame's time; if it goes backward, another recording
   * starts, and all tracks are closed
   * @throws {RangeError} when a face's probabilities are invalid
   */
  update<Face extends SeenFace>(
    faces: readonly Face[],
    seconds: number,
  ): TrackedFace<Face>[] {
    for (const face of faces) checkProbabilities(face.probabilities);
    if (seconds < this.seconds) this.tracks = [];
    this.seconds = seconds;
    this.frame++;
    this.tracks = this.tracks.filter((track) =>
      seconds - track.seconds <= PATIENCE_SECONDS ||
      this.frame - track.frame <= PATIENCE_FRAMES
    );
    const owners = this.match(faces);
    return faces.map((face, i) => {
      const track = owners[i] ?? this.open(face, seconds);
      smooth(track, face, seconds, this.smoothingSeconds);
      track.box = face.box;
      track.seconds = seconds;
      track.frame = this.frame;
      const probabilities = track.smoothed.slice();
      return {
        face,
        box: face.box,
        track: track.number,
        raw: face.probabilities,
        probabilities,
        unsure: isUnsure(probabilities, this.threshold),
      };
    });
  }

  /** Each face's track, if any: pairs in order of decreasing overlap. */
  private match(faces: readonly SeenFace[]): (Track | undefined)[] {
    const pairs = faces.flatMap((face, i) =>
      this.tracks.map((track) => ({
        i,
        track,
        overlap: intersectionOverUnion(face.box, track.box),
      }))
    ).filter((pair) => pair.overlap >= LEAST_OVERLAP);
    pairs.sort((a, b) => b.overlap - a.overlap);
    const owners: (Track | undefined)[] = faces.map(() => undefined);
    const used = new Set<Track>();
    for (const { i, track } of pairs) {
      if (owners[i] || used.has(track)) continue;
      owners[i] = track;
      used.add(track);
    }
    return owners;
  }

  private open(face: SeenFace, seconds: number): Track {
    const track: Track = {
      number: ++this.count,
      box: face.box,
      seconds,
      frame: this.frame,
      smoothed: Float32Array.from(face.probabilities),
    };
    this.tracks.push(track);
    return track;
  }
}

/** Moves a track's average toward a face, further the more time has passed. */
function smooth(
  track: Track,
  face: SeenFace,
  seconds: number,
  constant: number,
) {
  const passed = seconds - track.seconds;
  const keep = constant > 0 ? Math.exp(-passed / constant) : 0;
  for (let i = 0; i < track.smoothed.length; i++) {
    track.smoothed[i] = keep * track.smoothed[i] +
      (1 - keep) * face.probabilities[i];
  }
}
