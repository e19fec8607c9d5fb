// A video task that cannot end: Ctrl-C, a file that must not grow, a folder that cannot be written.
// It leaves nothing behind and names the file that failed.
import assert from "node:assert/strict";
import { join } from "node:path";
import { annotateVideo } from "mien/video/video.ts";
import { inFolder } from "../helpers/in_folder.ts";
import { ffmpeg, run, sceneInput } from "../helpers/videos.ts";
import { untrained } from "../helpers/untrained.ts";

const trained = ffmpeg ? untrained() : undefined;
const root = join(import.meta.dirname!, "../..");
/** Signals and shells are others on Windows. */
const options = { ignore: ffmpeg === null || Deno.build.os === "windows" };

const namesIn = (folder: string) =>
  [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();

async function makeClip(folder: string, seconds: number): Promise<string> {
  const clip = join(folder, "clip.mp4");
  // deno-fmt-ignore
  await run(
    ...await sceneInput(folder),
    "-vf", "noise=alls=30:allf=t", "-t", `${seconds}`, "-c:v", "mpeg4",
    "-q:v", "3", "-pix_fmt", "yuv420p", clip,
  );
  await Deno.remove(join(folder, "scene.gray"));
  return clip;
}

Deno.test(
  "Ctrl-C ends the task and leaves no file",
  options,
  () =>
    inFolder(async (folder) => {
      const clip = await makeClip(folder, 60);
      // As a terminal does, the signal goes to the task and its ffmpegs.
      for (const toGroup of [true, false]) {
        const child = new Deno.Command("setsid", {
          args: [Deno.execPath(), "run", "-A", "tasks/video.ts", clip],
          cwd: root,
          stderr: "piped",
          stdout: "null",
        }).spawn();
        const said = new Response(child.stderr).text();
        for (let i = 0; i < 2400; i++) {
          if (
            namesIn(folder).some((name) => /mp4\.\d+\.partial$/.test(name))
          ) break;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        await new Promise((resolve) => setTimeout(resolve, 300));
        await new Deno.Command("kill", {
          args: ["-INT", "--", `${toGroup ? "-" : ""}${child.pid}`],
        }).output();
        const { code } = await child.status;
        assert.equal(code, 130, await said);
        assert.match(await said, /clip.mp4: stopped; nothing was written/);
        assert.deepEqual(namesIn(folder), ["clip.mp4"]);
      }
    }),
);

Deno.test(
  "a file that cannot grow raises an error that names it",
  options,
  () =>
    inFolder(async (folder) => {
      const clip = await makeClip(folder, 8);
      const out = join(folder, "out");
      // The system refuses to let any file grow beyond a limit, as a full disk does.
      for (const kilobytes of [60, 300]) {
        const task = await new Deno.Command("bash", {
          args: [
            "-c",
            `ulimit -f ${kilobytes}; trap "" XFSZ; exec "$0" run -A --no-lock ` +
            'tasks/video.ts "$1" --out "$2"',
            Deno.execPath(),
            clip,
            out,
          ],
          cwd: root,
        }).output();
        const said = new TextDecoder().decode(task.stderr);
        assert.equal(task.code, 1, said);
        assert.match(said, /error: .*clip\.(faces\.mp4|faces\.csv): /);
        assert.deepEqual(namesIn(out), []);
      }
    }),
);

Deno.test(
  "output paths are checked before any work",
  options,
  () =>
    inFolder(async (folder) => {
      const clip = await makeClip(folder, 1);
      const file = join(folder, "file");
      await Deno.writeTextFile(file, "");
      await assert.rejects(annotateVideo(clip, { out: file, trained }), {
        name: "FileError",
        message: /file: /,
      });
      await Deno.mkdir(join(folder, "out", "clip.faces.csv"), {
        recursive: true,
      });
      await assert.rejects(
        annotateVideo(clip, { out: join(folder, "out"), trained }),
        { name: "VideoError", message: /clip.faces.csv: already exists/ },
      );
      const stop = AbortSignal.abort();
      await assert.rejects(
        annotateVideo(clip, { out: folder, trained, signal: stop }),
        { name: "AbortError" },
      );
      assert.deepEqual(namesIn(folder), ["clip.mp4", "file", "out"]);
    }),
);
