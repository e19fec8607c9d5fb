// The peak memory of this process, for benches that measure one job per process.

import { existsSync, readFileSync } from "node:fs";
import process from "node:process";

/** In MB (10^6 bytes), of all threads: the peak on Linux, the current use elsewhere. */
export function peakMegabytes(): number {
  const status = "/proc/self/status";
  const peak = existsSync(status) &&
    /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, "utf8"));
  return Math.round(
    peak ? Number(peak[1]) * 1024 / 1e6 : process.memoryUsage().rss / 1e6,
  );
}
