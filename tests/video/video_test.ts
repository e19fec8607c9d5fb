// Videos made by ffmpeg here: every frame and row is there, times and sound
// are kept, a cut-off file gives what could be read. Skipped, with a message,
// where there is no ffmpeg.
import assert from "node:assert/strict";
import { join } from "node:path";
import { EMOTIONS } from "mien/emotions.ts";
import { drawScene } from "mien/drawn/scene.ts";
import { Timeline } from "mien/video/timeline.ts";
import { annotateVideo } from "mien/video/video.ts";
import { isForTfjs } from "mien/engine/engine.ts";
import { saveModel } from "mien/model/saved_model.ts";
import { loadTrained } from "mien/recognition/recognize.ts";
import { ffmpeg, framesOf, run } from "../helpers/videos.ts";
import { buildUntrained, uncompiled, untrained } from "../helpers/untrained.ts";

const trained = ffmpeg ? untrained() : undefined;
const options = { ignore: ffmpeg === null };

/** A folder with a clip: 50 frames, faces in frames 10 to 39, a tone. */
async function withClip(use: (folder: string, clip: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    const width = 320, height = 240;
    const { image } = drawScene({ width, height, faces: 1, seed: 5 });
    const raw = new Uint8Array(50 * width * height).fill(90);
    for (let i = 10; i < 40; i++) raw.set(image.data, i * width * height);
    await Deno.writeFile(join(folder, "clip.gray"), raw);
    const clip = join(folder, "clip.mp4");
    // deno-fmt-ignore
    await run(
      "-f", "rawvideo", "-pix_fmt", "gray", "-s", "320x240", "-r", "25",
      "-i", join(folder, "clip.gray"), "-f", "lavfi",
      "-i", "sine=duration=2", "-c:v", "mpeg4", "-q:v", "2",
      "-c:a", "aac", "-movflags", "+faststart", "-pix_fmt", "yuv420p",
      clip,
    );
    await use(folder, clip);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const timesOf = async (file: string) => (await framesOf(file)).times;

Deno.test(
  "every frame has its rows and its place in the annotated video",
  options,
  async () => {
    await withClip(async (folder, clip) => {
      const out = join(folder, "out");
      let last = 0;
      const result = await annotateVideo(clip, {
        out,
        trained,
        workers: 2,
        onProgress: (frames) => last = frames,
      });
      assert.deepEqual(
        [result.frames, last, result.width, result.height, result.problem],
        [50, 50, 320, 240, null],
      );
      const rows = (await Deno.readTextFile(result.table)).trim().split("\n")
        .map((row) => row.split(","));
      assert.deepEqual(rows[0], [
        ..."frame seconds track x y width height".split(" "),
        ...EMOTIONS.map((emotion) => `${emotion}_raw`),
        ...EMOTIONS.map((emotion) => `${emotion}_smoothed`),
        "unsure",
      ]);
      const frames = new Set(rows.slice(1).map((row) => Number(row[0])));
      assert.deepEqual([...frames], Array.from({ length: 50 }, (_, i) => i));
      for (const row of rows.slice(1)) {
        const frame = Number(row[0]);
        assert.equal(row.length, 22);
        assert(Math.abs(Number(row[1]) - frame / 25) < 1e-3);
        if (frame < 10 || frame >= 40) {
          assert(row.slice(2).every((c) => c === ""));
        } else {
          const sum = (from: number) =>
            row.slice(from, from + 7).reduce(
              (total, p) => total + Number(p),
              0,
            );
          assert(Math.abs(sum(7) - 1) < 1e-3 && Math.abs(sum(14) - 1) < 1e-3);
        }
      }
      const first = rows.slice(1).filter((row) => row[2] === "1");
      assert(first.length >= 28, "one track follows the face");
      const said = await run("-i", result.video);
      assert.match(said, /Video: .*320x240.* 25 fps/);
      assert.match(said, /Audio: aac/);
      const before = await timesOf(clip), after = await timesOf(result.video);
      assert.equal(after.length, before.length);
      assert(after.every((time, i) => Math.abs(time - before[i]) < 1e-3));
      assert.match(await Deno.readTextFile(result.chart), /^<svg.*Face #1/s);
      const names = [...Deno.readDirSync(out)].map((entry) => entry.name)
        .sort();
      assert.deepEqual(names, [
        "clip.emotions.svg",
        "clip.faces.csv",
        "clip.faces.mp4",
      ]);
      await assert.rejects(annotateVideo(clip, { out, trained }), {
        name: "VideoError",
        message: /already exists/,
      });
      // One worker: the same table, but for the threshold that was asked for.
      const again = await annotateVideo(clip, {
        out: join(folder, "again"),
        workers: 1,
        trained: { ...trained!, threshold: 1 },
      });
      assert.equal(
        await Deno.readTextFile(again.table),
        (await Deno.readTextFile(result.table))
          .replaceAll(",0\n", ",1\n"),
      );
      const model = join(folder, "uncompiled");
      await saveModel(uncompiled(buildUntrained()), model);
      const other = await loadTrained(model);
      assert.ok(isForTfjs(other.graph));
      const slow = await annotateVideo(clip, {
        out: join(folder, "slow"),
        workers: 2,
        trained: other,
      });
      const numbers = async (table: string) =>
        (await Deno.readTextFile(table)).trim().split("\n").slice(1)
          .flatMap((row) => row.split(",").map(Number));
      const [ours, theirs] = [
        await numbers(result.table),
        await numbers(slow.table),
      ];
      assert.equal(theirs.length, ours.length);
      // Probabilities are written with four digits.
      theirs.forEach((value, i) =>
        assert.ok(!(Math.abs(value - ours[i]) > 2e-4), `${value}, ${ours[i]}`)
      );
    });
  },
);

Deno.test(
  "a changing frame rate, an odd size and a late start are kept",
  options,
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const clip = join(folder, "odd.mkv");
      // deno-fmt-ignore
      await run(
        "-f", "lavfi", "-i", "testsrc=s=161x121:r=30:d=2", "-vf",
        "select='not(mod(n,3))+lt(n,15)',setpts=PTS+0.5/TB",
        "-vsync", "vfr", "-c:v", "ffv1", clip,
      );
      const out = join(folder, "out");
      const result = await annotateVideo(clip, { out, trained, workers: 1 });
      assert.deepEqual([result.width, result.height], [162, 122]);
      const before = await timesOf(clip);
      assert.equal(result.frames, 30);
      assert.equal(before.length, 30);
      const after = await timesOf(result.video);
      after.forEach((time, i) =>
        assert(Math.abs((time - after[0]) - (before[i] - before[0])) < 0.002)
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test(
  "a cut-off file yields its remaining frames, and says so",
  options,
  async () => {
    await withClip(async (folder, clip) => {
      const bytes = await Deno.readFile(clip);
      const cut = join(folder, "cut.mp4");
      await Deno.writeFile(cut, bytes.subarray(0, bytes.length * 0.6));
      const out = join(folder, "out");
      const result = await annotateVideo(cut, { out, trained, workers: 1 });
      assert(result.frames > 5 && result.frames < 50, `${result.frames}`);
      assert.match(
        result.problem!,
        /cut off or damaged: \d+ frames up to second/,
      );
      assert.equal((await timesOf(result.video)).length, result.frames);
    });
  },
);

Deno.test(
  "what is not a video is rejected by name and leaves nothing",
  options,
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const text = join(folder, "notes.mp4"), out = join(folder, "out");
      await Deno.writeTextFile(text, "this is not a video\n".repeat(100));
      const sound = join(folder, "sound.m4a");
      await run("-f", "lavfi", "-i", "sine=duration=1", sound);
      for (
        const [file, words] of [
          [text, /notes.mp4: is not a video that ffmpeg can read/],
          [sound, /sound.m4a: contains no video/],
          [join(folder, "none.mp4"), /none.mp4: no such file/],
          [folder, /is not a file/],
        ] as const
      ) {
        await assert.rejects(annotateVideo(file, { out, trained }), {
          name: "VideoError",
          message: words,
        });
      }
      const left = [...Deno.readDirSync(folder)].map((entry) => entry.name);
      assert.deepEqual(left.sort(), ["notes.mp4", "sound.m4a"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test("a long video's chart stays small", () => {
  const timeline = new Timeline();
  const crop = new Uint8Array(48 * 48);
  for (let i = 0; i < 60_000; i++) {
    const p = EMOTIONS.map((_, k) => Math.exp(Math.sin(i / 900 + k)));
    const sum = p.reduce((a, b) => a + b);
    timeline.add(1, i / 30, p.map((v) => v / sum), crop);
    if (i % 30 === 0) timeline.add(2 + i / 30, i / 30, p, crop);
  }
  const svg = timeline.toSvg("long & <strange>.mp4");
  assert(svg.length < 300_000, `${svg.length}`);
  assert.match(svg, /long &amp; &lt;strange&gt;\.mp4/);
  assert.match(svg, /Face #1: 0.0 s to 2000.0 s, 60000 frames/);
  assert.match(svg, /shorter tracks are left out/);
});
