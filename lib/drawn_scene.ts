/**
 * Larger drawn pictures with several people.
 *
 * @module
 */
import type { Box, GrayImage } from "./image.ts";

/** Options of {@linkcode drawScene}. */
export interface SceneOptions {
  readonly width: number;
  readonly height: number;
  /** The number of faces. */
  readonly faces: number;
  readonly seed: number;
}

/** A drawn picture and what is true of it. */
export interface Scene {
  readonly image: GrayImage;
  /** One square a face, as tight as a detector's: brows to chin. */
  readonly boxes: Box[];
  /** One label a face, an index into `EMOTIONS`. */
  readonly emotions: number[];
}

/** Draws a scene. */
export function drawScene({ width, height }: SceneOptions): Scene {
  return {
    image: { width, height, data: new Uint8Array(width * height) },
    boxes: [],
    emotions: [],
  };
}
