/**
 * Emotion over time, for each tracked face of a video, as a chart in SVG: the
 * smoothed probabilities stacked, with the crops the network saw.
 *
 * Memory does not grow with the video's length: long tracks are thinned by half,
 * and only the longest of many tracks are kept. Written by hand: Plot and the
 * document it needs add 0.3 s to every start, and would draw only the areas.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { colorsOf, EMOTIONS, FACE_SIZE, indexOfLargest } from "../emotions.ts";
import { encodePng } from "../image/image.ts";

/** The most points of a track. */
const MOST_POINTS = 512;
/** The most tracks that are drawn; four times as many are kept. */
const MOST_TRACKS = 12;
/** Shorter tracks, in seconds, are drawn only if all are shorter. */
const SHORTEST = 0.5;
/**
 * A face that is absent for longer, in seconds, leaves a gap in its chart. One
 * that is in the next frame was not absent, however low the frame rate.
 */
const GAP = 0.3;

/** Neighboring frames, summed. */
interface Point {
  first: number;
  last: number;
  /** The frame after the last one, counted from 1. */
  nextFrame: number;
  /** Whether the face was absent before this point. */
  readonly afterGap: boolean;
  frames: number;
  readonly sums: Float64Array;
}

interface Thumbnail {
  readonly seconds: number;
  readonly confidence: number;
  readonly crop: Uint8Array;
}

interface TrackLine {
  readonly track: number;
  readonly points: Point[];
  framesAPoint: number;
  /** For each emotion that led, the face at its most confident. */
  readonly thumbnails: Map<number, Thumbnail>;
}

const lengthOf = ({ points }: TrackLine) =>
  points[points.length - 1].last - points[0].first;

/**
 * Collects the faces of a video and draws the chart.
 *
 * @example
 * ```ts
 * import { Timeline } from "mien/video/timeline.ts";
 * const timeline = new Timeline();
 * const crop = new Uint8Array(48 * 48);
 * timeline.add(1, 0, [0, 0, 0, 1, 0, 0, 0], crop);
 * timeline.add(1, 1, [0, 0, 0, 0, 0, 0, 1], crop);
 * timeline.toSvg("clip.mp4").startsWith("<svg"); // true
 * ```
 */
export class Timeline {
  private readonly lines = new Map<number, TrackLine>();
  private start = Infinity;
  private end = 0;
  private frame = 0;
  private leftOut = 0;

  /** @param emotions the names of the classes; by default the seven */
  constructor(readonly emotions: readonly string[] = EMOTIONS) {}

  /** Records a frame's time, whether or not the frame has faces. */
  reach(seconds: number): void {
    if (seconds !== this.end || this.frame === 0) this.frame++;
    this.start = Math.min(this.start, seconds);
    this.end = Math.max(this.end, seconds);
  }

  /**
   * Adds a face of the next frame.
   *
   * @param probabilities one a class, smoothed
   * @param crop the 48 x 48 gray pixels that the network saw
   */
  add(
    track: number,
    seconds: number,
    probabilities: ArrayLike<number>,
    crop: Uint8Array,
  ): void {
    this.reach(seconds);
    let line = this.lines.get(track);
    if (!line) {
      line = { track, points: [], framesAPoint: 1, thumbnails: new Map() };
      this.lines.set(track, line);
    }
    addPoint(line, this.frame, seconds, probabilities);
    const led = indexOfLargest(probabilities), confidence = probabilities[led];
    if (!(confidence <= (line.thumbnails.get(led)?.confidence ?? 0))) {
      line.thumbnails.set(led, { seconds, confidence, crop: crop.slice() });
    }
    if (this.lines.size > 4 * MOST_TRACKS) this.dropShortest(track);
  }

  /** Drops the shortest track but the current one. */
  private dropShortest(current: number) {
    const others = [...this.lines.values()].filter((l) => l.track !== current);
    others.sort((a, b) => lengthOf(a) - lengthOf(b));
    this.lines.delete(others[0].track);
    this.leftOut++;
  }

  /** The tracks to draw, in the order they appeared. */
  private shown(): TrackLine[] {
    const all = [...this.lines.values()];
    const long = all.filter((line) => lengthOf(line) >= SHORTEST);
    const ranked = (long.length > 0 ? long : all)
      .sort((a, b) => lengthOf(b) - lengthOf(a)).slice(0, MOST_TRACKS);
    return ranked.sort((a, b) => a.track - b.track);
  }

  /** The chart as a standalone SVG, 900 pixels wide. */
  toSvg(title: string): string {
    const lines = this.shown();
    const hidden = this.lines.size - lines.length + this.leftOut;
    const span = Math.max(this.end - this.start, 1e-3);
    const toX = (seconds: number) => 50 + 820 * (seconds - this.start) / span;
    const height = HEAD + lines.length * TRACK_HEIGHT + 40;
    const note = lines.length === 0
      ? "No face was found."
      : hidden > 0
      ? `${hidden} shorter ${
        hidden === 1 ? "track is" : "tracks are"
      } left out.`
      : "";
    const { emotions } = this, colors = colorsOf(emotions);
    const step = Math.min(105, 820 / emotions.length);
    const legend = emotions.map((emotion, i) =>
      `<rect x="${50 + i * step}" y="36" width="12" height="12" ` +
      `fill="${colors[i]}"/>` +
      `<text x="${67 + i * step}" y="47">${escapeXml(emotion)}</text>`
    ).join("");
    return `<svg xmlns="http://www.w3.org/2000/svg" width="900" ` +
      `height="${height}" viewBox="0 0 900 ${height}" ` +
      `font-family="sans-serif" font-size="13" fill="#222">` +
      `<rect width="900" height="${height}" fill="#fff"/>` +
      `<text x="50" y="22" font-size="16">Emotion over time: ` +
      `${escapeXml(title)}</text>${legend}` +
      lines.map((line, i) =>
        drawTrack(line, emotions, HEAD + i * TRACK_HEIGHT, toX)
      ).join("") +
      (lines.length > 0
        ? timeAxis(this.start, this.end, toX, height - 40)
        : "") +
      `<text x="870" y="${height - 6}" text-anchor="end" font-size="11">` +
      `${note}</text></svg>`;
  }
}

const HEAD = 60, TRACK_HEIGHT = 190, PLOT_TOP = 82, PLOT_HEIGHT = 90;

function addPoint(
  line: TrackLine,
  frame: number,
  seconds: number,
  probabilities: ArrayLike<number>,
) {
  const { points } = line;
  let point = points[points.length - 1];
  const afterGap = point !== undefined && frame > point.nextFrame &&
    seconds - point.last > GAP;
  if (!point || point.frames >= line.framesAPoint || afterGap) {
    const sums = new Float64Array(probabilities.length);
    const [first, last] = [seconds, seconds];
    point = { first, last, nextFrame: frame, afterGap, frames: 0, sums };
    points.push(point);
  }
  point.last = seconds;
  point.nextFrame = frame + 1;
  point.frames++;
  for (let i = 0; i < point.sums.length; i++) point.sums[i] += probabilities[i];
  if (points.length > MOST_POINTS) {
    for (let i = 0; i + 1 < points.length; i++) {
      mergePoints(points[i], points.splice(i + 1, 1)[0]);
    }
    line.framesAPoint *= 2;
  }
}

function mergePoints(into: Point, other: Point) {
  into.last = other.last;
  into.nextFrame = other.nextFrame;
  into.frames += other.frames;
  for (let i = 0; i < into.sums.length; i++) into.sums[i] += other.sums[i];
}

/** Heading, crops and stacked probabilities of one track. */
function drawTrack(
  line: TrackLine,
  emotions: readonly string[],
  top: number,
  toX: (seconds: number) => number,
): string {
  const { points } = line;
  const colors = colorsOf(emotions);
  const totals = new Float64Array(emotions.length);
  for (const { sums } of points) sums.forEach((sum, i) => totals[i] += sum);
  const frames = points.reduce((sum, point) => sum + point.frames, 0);
  const heading = `Face #${line.track}: ${points[0].first.toFixed(1)} s to ` +
    `${points[points.length - 1].last.toFixed(1)} s, ${frames} ` +
    `${frames === 1 ? "frame" : "frames"}, ` +
    `mostly ${escapeXml(emotions[indexOfLargest(totals)])}`;
  const bottom = top + PLOT_TOP + PLOT_HEIGHT;
  const axis = [0, 0.5, 1].map((level) => {
    const y = bottom - level * PLOT_HEIGHT;
    return `<line x1="46" x2="50" y1="${y}" y2="${y}" stroke="#222"/>` +
      `<text x="42" y="${y + 4}" text-anchor="end" font-size="11">` +
      `${level * 100}%</text>`;
  }).join("");
  return `<text x="50" y="${top + 18}" font-weight="bold">${heading}</text>` +
    drawThumbnails(line, emotions, top + 26, toX) +
    `<rect x="50" y="${bottom - PLOT_HEIGHT}" width="820" ` +
    `height="${PLOT_HEIGHT}" fill="#f2f2f2"/>` +
    unbroken(points).map((run) => drawStack(run, colors, bottom, toX)).join(
      "",
    ) + axis;
}

function drawThumbnails(
  line: TrackLine,
  emotions: readonly string[],
  top: number,
  toX: (seconds: number) => number,
): string {
  const items = [...line.thumbnails].sort((a, b) =>
    a[1].seconds - b[1].seconds
  );
  const step = 56;
  let free = 50;
  return items.map(([emotion, { seconds, confidence, crop }], i) => {
    const rest = (items.length - i) * step;
    const x = Math.min(Math.max(toX(seconds) - 24, free), 874 - rest);
    free = x + step;
    const png = encodePng({ width: FACE_SIZE, height: FACE_SIZE, data: crop });
    const at = toX(seconds).toFixed(1);
    return `<g><title>${escapeXml(emotions[emotion])} ${
      Math.round(confidence * 100)
    }% ` +
      `at ${seconds.toFixed(2)} s</title>` +
      `<line x1="${(x + 24).toFixed(1)}" x2="${at}" y1="${top + 50}" ` +
      `y2="${top + 56}" stroke="#222"/>` +
      `<rect x="${(x - 2).toFixed(1)}" y="${top - 2}" width="52" height="52" ` +
      `fill="${colorsOf(emotions)[emotion]}"/>` +
      `<image x="${x.toFixed(1)}" y="${top}" width="48" height="48" ` +
      `href="data:image/png;base64,${
        Buffer.from(png).toString("base64")
      }"/></g>`;
  }).join("");
}

/** Points, split where the face was absent. */
function unbroken(points: readonly Point[]): Point[][] {
  const runs: Point[][] = [];
  for (const [i, point] of points.entries()) {
    if (i === 0 || point.afterGap) runs.push([]);
    runs[runs.length - 1].push(point);
  }
  return runs;
}

/** Stacked areas, which add up to 100 %. */
function drawStack(
  run: readonly Point[],
  colors: readonly string[],
  bottom: number,
  toX: (seconds: number) => number,
): string {
  const xs = run.map((p) => toX((p.first + p.last) / 2));
  xs[0] = Math.min(xs[0], toX(run[0].first));
  xs[xs.length - 1] = Math.max(toX(run[run.length - 1].last), xs[0] + 1);
  if (run.length === 1) xs.push(xs[0] + 1);
  const base = xs.map(() => bottom);
  return colors.map((color, emotion) => {
    const lower = xs.map((x, i) => `${x.toFixed(1)},${base[i].toFixed(1)}`);
    for (const i of xs.keys()) {
      const { sums, frames } = run[Math.min(i, run.length - 1)];
      base[i] -= sums[emotion] / frames * PLOT_HEIGHT;
    }
    const upper = xs.map((x, i) => `${x.toFixed(1)},${base[i].toFixed(1)}`);
    return `<polygon fill="${color}" ` +
      `points="${[...lower, ...upper.reverse()].join(" ")}"/>`;
  }).join("");
}

function timeAxis(
  start: number,
  end: number,
  toX: (seconds: number) => number,
  y: number,
): string {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800];
  const step = steps.find((s) => (end - start) / s <= 10) ?? 3600;
  const decimals = step < 1 ? 1 : 0;
  let ticks = "";
  for (let k = Math.ceil(start / step); k * step <= end; k++) {
    const x = toX(k * step).toFixed(1);
    ticks += `<line x1="${x}" x2="${x}" y1="${y}" y2="${y + 5}" ` +
      `stroke="#222"/><text x="${x}" y="${y + 18}" text-anchor="middle" ` +
      `font-size="11">${(k * step).toFixed(decimals)} s</text>`;
  }
  return `<line x1="50" x2="870" y1="${y}" y2="${y}" stroke="#222"/>${ticks}`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
