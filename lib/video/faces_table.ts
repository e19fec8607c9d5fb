/**
 * faces.csv: a row for every frame and face of a video; a frame without faces
 * has its row too, with the columns after `seconds` empty.
 *
 * Rows go to the disk as they come. The file has another name until it is
 * whole.
 *
 * @module
 */
import { open, rename, rm } from "node:fs/promises";
import process from "node:process";
import { EMOTIONS } from "../emotions.ts";
import type { TrackedFace } from "../recognition/tracking.ts";

/** The columns of faces.csv. */
export const TABLE_COLUMNS = [
  ...["frame", "seconds", "track", "x", "y", "width", "height"],
  ...EMOTIONS.map((emotion) => `${emotion}_raw`),
  ...EMOTIONS.map((emotion) => `${emotion}_smoothed`),
];

/** A table that is being written. */
export class FacesTable {
  private rows = `${TABLE_COLUMNS.join(",")}\n`;

  private constructor(
    private readonly path: string,
    private readonly partial: string,
    private readonly handle: Awaited<ReturnType<typeof open>>,
  ) {}

  static async create(path: string): Promise<FacesTable> {
    const partial = `${path}.${process.pid}.part`;
    return new FacesTable(path, partial, await open(partial, "w"));
  }

  /** Adds the rows of one frame. */
  async add(
    frame: number,
    seconds: number,
    faces: readonly TrackedFace[],
  ): Promise<void> {
    const start = `${frame},${seconds.toFixed(4)}`;
    if (faces.length === 0) {
      this.rows += `${start}${",".repeat(TABLE_COLUMNS.length - 2)}\n`;
    }
    for (const { track, box, raw, probabilities } of faces) {
      const values = [...Array.from(raw), ...probabilities]
        .map((value) => value.toFixed(5));
      this.rows += [
        ...[start, track, box.x, box.y, box.width, box.height],
        ...values,
      ].join(",") + "\n";
    }
    if (this.rows.length > 65536) await this.flush();
  }

  private async flush() {
    await this.handle.write(this.rows);
    this.rows = "";
  }

  /** Writes what is left and gives the file its name. */
  async close(): Promise<void> {
    await this.flush();
    await this.handle.close();
    await rename(this.partial, this.path);
  }

  /** Stops and leaves no file. */
  async abort(): Promise<void> {
    await this.handle.close().catch(() => {});
    await rm(this.partial, { force: true });
  }
}
