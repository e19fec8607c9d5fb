/**
 * Frame times that only increase, whatever the file says.
 *
 * @module
 */
import type { VideoInfo } from "./probe.ts";

/**
 * Gives each frame a later time than the one before. A time that goes back by
 * more than two frames, or by more than half a second, starts a new recording:
 * all its times are shifted to follow the last one. Smaller steps back are
 * taken as an error in one frame.
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
   * @param said the file's time for it; null if there is none
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
