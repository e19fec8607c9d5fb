// Videos that are not as one expects, made by ffmpeg here: joined, turned, HDR, very slow and very
// fast ones, with strange names and misleading metadata.
import assert from "node:assert/strict";
import { join } from "node:path";
import { FrameClock } from "mien/video/frame_clock.ts";
import { probeVideo } from "mien/video/probe.ts";
import { annotateVideo } from "mien/video/video.ts";
import { ffmpeg, framesOf, run, sceneInput } from "../helpers/videos.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { runTask } from "../helpers/run_task.ts";
import { untrained } from "../helpers/untrained.ts";

const trained = ffmpeg ? untrained() : undefined;
const options = { ignore: ffmpeg === null };

/** The rows of faces.csv that have a face: track, raw and smoothed values. */
async function faceRows(table: string) {
  const rows = (await Deno.readTextFile(table)).trim().split("\n").slice(1)
    .map((row) => row.split(","));
  return rows.filter((row) => row[2] !== "").map((row) => ({
    seconds: Number(row[1]),
    track: Number(row[2]),
    probabilities: row.slice(7, 21).map(Number),
  }));
}

Deno.test("frame times only increase", () => {
  const clock = new FrameClock({ frameRate: 25, timeBase: "1/1000" });
  const said = [0, 0.04, 0.08, 0.079, 0.12, null, 0, 0.04, 0.04];
  const times = said.map((time) => clock.next(time));
  const wanted = [0, 0.04, 0.08, 0.081, 0.12, 0.159, 0.198, 0.238, 0.239];
  times.forEach((time, i) => assert(Math.abs(time - wanted[i]) < 2e-3));
  assert(times.every((time, i) => i === 0 || time > times[i - 1]));
});

Deno.test(
  "two recordings in one file: time continues, in picture and sound",
  options,
  () =>
    inFolder(async (folder) => {
      const part = join(folder, "part.webm"), both = join(folder, "both.webm");
      // deno-fmt-ignore
      await run(
        ...await sceneInput(folder),
        "-f", "lavfi", "-i", "sine=d=2", "-t", "2", "-c:v", "libvpx",
        "-deadline", "realtime", "-c:a", "libvorbis", part,
      );
      const bytes = await Deno.readFile(part);
      await Deno.writeFile(both, new Uint8Array([...bytes, ...bytes]));
      const result = await annotateVideo(both, { out: folder, trained });
      assert.deepEqual([result.frames, result.problem], [100, null]);
      assert.match(result.warnings.join(), /times go back to 0.00 s after 1.9/);
      const rows = await faceRows(result.table);
      assert(rows.length > 80, `${rows.length} faces`);
      for (const { probabilities } of rows) {
        assert(probabilities.every((p) => p >= 0 && p <= 1));
      }
      const { times } = await framesOf(result.video);
      assert.equal(times.length, 100);
      assert(Math.abs(times[99] - 3.96) < 0.1, `${times[99]}`);
      const said = await run(
        "-i",
        result.video,
        "-map",
        "0:a",
        "-f",
        "null",
        "-",
      );
      const [, seconds] = said.match(/time=00:00:([\d.]+)/g)!.at(-1)!
        .match(/:([\d.]+)$/)!;
      assert(Math.abs(Number(seconds) - 4) < 0.15, `${seconds} s of sound`);
    }),
);

Deno.test(
  "an HDR video looks like a standard one, or a warning says why not",
  { ignore: !ffmpeg?.toneMaps },
  () =>
    inFolder(async (folder) => {
      const plain = join(folder, "plain.mkv"), hdr = join(folder, "hdr.mkv");
      // deno-fmt-ignore
      await run(
        ...await sceneInput(folder),
        "-t", "0.4", "-vf", "scale=out_range=tv,format=yuv420p",
        "-c:v", "ffv1", plain,
      );
      for (
        const [curve, name] of [["smpte2084", "PQ"], ["arib-std-b67", "HLG"]]
      ) {
        // deno-fmt-ignore
        await run(
          "-i", plain, "-vf",
          "setparams=range=tv:colorspace=bt709:color_primaries=bt709:" +
            "color_trc=bt709,zscale=t=linear:npl=100,format=gbrpf32le," +
            `zscale=p=2020,zscale=t=${curve}:m=2020_ncl:r=tv:npl=100,` +
            "format=yuv420p10le",
          "-c:v", "ffv1", "-color_trc", curve, "-colorspace", "bt2020nc",
          "-color_primaries", "bt2020", hdr,
        );
        const mean = (data: Uint8Array) =>
          data.reduce((sum, value) => sum + value, 0) / data.length;
        const before = await framesOf(plain), after = await framesOf(hdr);
        const change = Math.abs(mean(after.luma) - mean(before.luma));
        assert(change < 10, `${name}: the mean luma changes by ${change}`);
        assert.equal(after.info.color.transfer, "bt709");
        const untouched = await annotateVideo(hdr, {
          out: join(folder, name),
          trained,
          workers: 1,
          ffmpeg: { ...ffmpeg!, toneMaps: false },
        });
        assert.match(untouched.warnings.join(), /is an HDR video/);
        const kept = await probeVideo(untouched.video, ffmpeg!);
        assert.equal(kept.color.transfer, curve);
      }
    }),
);

Deno.test(
  "landscape that turns to portrait gets bars, and a warning",
  options,
  () =>
    inFolder(async (folder) => {
      const parts = ["320x180", "180x320"].map((size, i) => ({
        size,
        part: join(folder, `${i}.ts`),
      }));
      for (const { size, part } of parts) {
        // deno-fmt-ignore
        await run(
          "-f", "lavfi", "-i", `color=white:s=${size}:r=25:d=1`,
          "-c:v", "mpeg2video", "-q:v", "2", part,
        );
      }
      const both = join(folder, "turns.ts");
      const bytes = await Promise.all(parts.map((p) => Deno.readFile(p.part)));
      await Deno.writeFile(both, new Uint8Array([...bytes[0], ...bytes[1]]));
      const result = await annotateVideo(both, { out: folder, trained });
      assert.deepEqual([result.width, result.height], [320, 180]);
      assert.match(result.warnings.join(), /from 320 x 180 to 180 x 320/);
      const { luma } = await framesOf(result.video);
      const row = luma.subarray(90 * 320, 91 * 320);
      // 180 x 320 in 320 x 180 is 101 pixels wide: bars of 109 on both sides.
      assert(row[60] < 30 && row[160] > 200 && row[260] < 30, `${row}`);
    }),
);

Deno.test(
  "one frame yields one, and a thousand a second a thousand",
  options,
  () =>
    inFolder(async (folder) => {
      const clip = join(folder, "clip.mp4");
      for (const [rate, frames] of [[25, 1], [1000, 600], [0.5, 4]]) {
        // deno-fmt-ignore
        await run(
          "-f", "lavfi", "-i", `testsrc=s=64x48:r=${rate}`,
          "-frames:v", `${frames}`, "-c:v", "mpeg4", clip,
        );
        const result = await annotateVideo(clip, {
          out: folder,
          trained,
          workers: 1,
          overwrite: true,
        });
        assert.deepEqual([result.frames, result.problem], [frames, null]);
        assert.equal((await framesOf(result.video)).times.length, frames);
      }
    }),
);

Deno.test(
  "at one frame a second, one person is one track",
  options,
  () =>
    inFolder(async (folder) => {
      const clip = join(folder, "slow.mp4");
      // deno-fmt-ignore
      await run(
        ...await sceneInput(folder),
        "-t", "20", "-r", "1", "-c:v", "mpeg4", "-q:v", "2", clip,
      );
      const result = await annotateVideo(clip, { out: folder, trained });
      assert.equal(result.frames, 20);
      const tracks = (await faceRows(result.table)).filter((r) =>
        r.track === 1
      );
      assert(tracks.length >= 18, `${tracks.length} of 20 frames`);
      assert.equal(result.tracks, 1);
      const chart = await Deno.readTextFile(result.chart);
      assert.equal(chart.match(/<polygon/g)?.length, 7, "one run, no gaps");
    }),
);

Deno.test(
  "a picture is rejected, and the right task named",
  options,
  () =>
    inFolder(async (folder) => {
      for (const name of ["photo.jpg", "photo.png", "photo.bmp"]) {
        const photo = join(folder, name);
        // deno-fmt-ignore
        await run(
          "-f",
            "lavfi",
            "-i",
            "color=red:s=64x64",
            "-frames:v",
            "1",
            photo,
        );
        await assert.rejects(annotateVideo(photo, { out: folder, trained }), {
          name: "VideoError",
          message: /is a picture, not a video: deno task classify/,
        });
      }
    }),
);

Deno.test(
  "ffmpeg reads names and times as they are meant",
  options,
  () =>
    inFolder(async (folder) => {
      // The first time of a raw stream is below a microsecond: 8.33e-7.
      const raw = join(folder, "raw.h264");
      const source = [
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=64x48:r=30000/1001:d=0.5",
      ];
      if (ffmpeg!.encoder === "libx264") {
        await run(...source, "-c:v", "libx264", "-bf", "2", raw);
        const result = await annotateVideo(raw, { out: folder, trained });
        assert.deepEqual([result.frames, result.problem], [15, null]);
      }
      const clip = join(folder, "clip.mp4");
      await run(...source, "-c:v", "mpeg4", clip);
      // Only .mp4 is left out of the results' names, so that clips have separate ones.
      const names = ["-dash.mp4", "-dash.mov", "a%03d b'c.mp4", "ünï ☺.mp4"];
      // Windows allows no colon in a name.
      if (Deno.build.os !== "windows") names.push("12:30 talk.mp4");
      for (const name of names) {
        await Deno.copyFile(clip, join(folder, name));
        const task = runTask("video", ["--json", "--", name], folder);
        assert.equal(task.status, 0, task.stderr);
        const { video } = JSON.parse(task.stdout);
        const stem = name.replace(/\.mp4$/, "");
        assert.equal(video, join(folder, `${stem}.faces.mp4`));
        assert.equal((await framesOf(video)).times.length, 15);
      }
    }),
);

Deno.test(
  "every audio track keeps or gets a codec of its own",
  options,
  () =>
    inFolder(async (folder) => {
      const clip = join(folder, "clip.mkv");
      // deno-fmt-ignore
      await run(
        "-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=1",
        "-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", "sine=d=1",
        "-map", "0", "-map", "1", "-map", "2", "-c:v", "mpeg4",
        "-c:a:0", "aac", "-c:a:1", "pcm_s16le", clip,
      );
      const result = await annotateVideo(clip, { out: folder, trained });
      assert.equal(result.problem, null);
      const { sound } = await probeVideo(result.video, ffmpeg!);
      assert.deepEqual(sound, ["aac", "aac"]);
    }),
);

Deno.test(
  "metadata is not taken for facts about the picture",
  options,
  () =>
    inFolder(async (folder) => {
      const clip = join(folder, "clip.mkv");
      const comment = "sar:5/1 s:9x9 pts_time:777 color_space:bt709\n" +
        "[showinfo@1 @ 0x1] [info] n:   0 pts: 777000 sar:5/1 s:9x9 \r" +
        "[info]   Duration: 09:00:00.00,\n[info]   Stream #0:9: Audio: pcm_s16le";
      // deno-fmt-ignore
      await run(
        "-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=1", "-c:v", "mpeg4",
        "-metadata", "title=Duration: 09:00:00.00,", "-metadata",
        `comment=${comment}`, "-metadata:s:v", `language=${comment}`, clip,
      );
      const { info, times } = await framesOf(clip);
      const { pixelAspect, seconds, sound, width, height, start } = info;
      assert.deepEqual(
        { pixelAspect, seconds, sound, width, height, start },
        {
          pixelAspect: "1/1",
          seconds: 1,
          sound: [],
          width: 64,
          height: 48,
          start: 0,
        },
      );
      assert.equal(times.length, 25);
      assert(times.every((time, i) => Math.abs(time - i / 25) < 1e-3));
    }),
);
