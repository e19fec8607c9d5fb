/**
 * Times of frames that only move forward, whatever a file says.
 *
 * @module
 */
import type { VideoInfo } from "./probe.ts";

/**
 * Gives each frame a time that is later than the one before. A time that goes
 * back by more than two frames or half a second is a new recording: it and all
 * that follow are moved behind the last one. Smaller steps back are one
 * frame's mistake.
 */
export class FrameClock {
  /** Whether the last frame began a new recording. */
  jumped = false;
  /** The time of the frame before the last. */
  before = 0;
  private last: number | null = null;
  private moved = 0;
  private interval: number;
  private readonly tick: number;

  constructor(
    { frameRate, timeBase }: Pick<VideoInfo, "frameRate" | "timeBase">,
  ) {
    const [above, below] = timeBase.split("/").map(Number);
    // The pipe to the encoder counts in 10 microseconds.
    this.tick = Math.max(above / below, 1e-5);
    this.interval = Math.max(frameRate > 0 ? 1 / frameRate : 0.04, this.tick);
  }

  /**
   * The time of the next frame, in seconds.
   *
   * @param said as the file says, null where it does not
   */
  next(said: number | null): number {
    this.jumped = false;
    if (this.last === null) return this.last = said ?? 0;
    this.before = this.last;
    let time = said === null ? this.last + this.interval : said + this.moved;
    const back = this.last - time;
    if (back > Math.min(2 * this.interval, 0.5)) {
      this.jumped = true;
      this.moved += back + this.interval;
      time = this.last + this.interval;
    } else if (time < this.last + this.tick * 0.5) {
      time = this.last + this.tick;
    } else if (said !== null) {
      this.interval = time - this.last;
    }
    return this.last = time;
  }
}
