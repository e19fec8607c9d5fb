/**
 * faces.csv: a row for every face in every frame of a video. A frame without
 * faces has one row, whose columns after `seconds` are empty.
 *
 * Rows are written as they come. The file has a temporary name until it is
 * complete.
 *
 * @module
 */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { EMOTIONS } from "../emotions.ts";
import type { TrackedFace } from "../recognition/tracking.ts";
import { naming, partialName, publish } from "../write_whole.ts";

/** A table that is being written. */
export class FacesTable {
  private rows: string;
  private readonly columns: number;
  private readonly partial: string;
  private handle: number | undefined;

  /**
   * @param emotions the names of the classes; by default the seven
   * @throws {FileError} when it cannot be written
   */
  constructor(readonly path: string, emotions: readonly string[] = EMOTIONS) {
    const columns = [
      ...["frame", "seconds", "track", "x", "y", "width", "height"],
      ...emotions.map((emotion) => `${emotion}_raw`),
      ...emotions.map((emotion) => `${emotion}_smoothed`),
      "unsure",
    ];
    this.columns = columns.length;
    this.rows = `${columns.join(",")}\n`;
    this.partial = partialName(path);
    this.handle = naming(path, () => openSync(this.partial, "w"));
  }

  /** Adds the rows of one frame. @throws {FileError} */
  add(frame: number, seconds: number, faces: readonly TrackedFace[]): void {
    const start = `${frame},${seconds.toFixed(4)}`;
    if (faces.length === 0) {
      this.rows += `${start}${",".repeat(this.columns - 2)}\n`;
    }
    for (const { track, box, raw, probabilities, unsure } of faces) {
      const values = [...Array.from(raw), ...probabilities]
        .map((value) => value.toFixed(5));
      this.rows += [
        start,
        track,
        box.x,
        box.y,
        box.width,
        box.height,
        ...values,
        Number(unsure),
      ].join(",") + "\n";
    }
    if (this.rows.length > 65536) this.flush();
  }

  private flush() {
    naming(this.path, () => {
      let bytes = new TextEncoder().encode(this.rows);
      // A full disk may accept some of them before it refuses the rest.
      while (bytes.length > 0) {
        bytes = bytes.subarray(writeSync(this.handle!, bytes));
      }
    });
    this.rows = "";
  }

  /** Writes the remaining rows, still under the temporary name. @throws {FileError} */
  finish(): void {
    this.flush();
    naming(this.path, () => this.close());
  }

  /** Gives the file its final name. @throws {FileError} */
  publish(): void {
    publish(this.partial, this.path);
  }

  /** Stops and leaves no file. */
  abort(): void {
    try {
      this.close();
    } catch {
      // The file is removed anyway.
    }
    rmSync(this.partial, { force: true });
  }

  private close() {
    const { handle } = this;
    this.handle = undefined;
    if (handle !== undefined) closeSync(handle);
  }
}
