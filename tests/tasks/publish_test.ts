// What `deno publish` would upload, and that another project can import it. The registry itself is
// not asked: Deno's `links` put this checkout in its place.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { extname, join } from "node:path";
import process from "node:process";
import { drawScene } from "mien/drawn/scene.ts";
import { CascadeDetector } from "mien/haar/detector.ts";
import { encodePng } from "mien/image/image.ts";
import { recognize } from "mien/recognition/recognize.ts";
import { childEnvironment, projectRoot } from "../../tasks/setup.ts";
import { formatCsv, makeFaces } from "../helpers/tiny_training.ts";

const { name, version, imports } = JSON.parse(
  fs.readFileSync(join(projectRoot, "deno.json"), "utf8"),
);

function runDeno(cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd,
    encoding: "utf8",
    env: { ...childEnvironment(), NO_COLOR: "1" },
  });
  assert.equal(status, 0, stderr);
  return stdout + stderr;
}

const PROGRAM = `
import { loadFaces } from "jsr:${name}@${version}/faces";
import { detectFaces } from "jsr:${name}@${version}/detect";
import { toGray } from "jsr:${name}@${version}/gray";
import { readImage } from "jsr:${name}@${version}/image";
import { buildMiniXception } from "jsr:${name}@${version}/model";
import { recognize } from "jsr:${name}@${version}/recognize";
import { train } from "jsr:${name}@${version}/train";

const faces = await loadFaces("fer2013.csv");
const model = buildMiniXception();
const config = { epochs: 1, batchSize: 4, workers: 1 };
const { history } = await train({ faces, model, config });
const boxes = await detectFaces(toGray(await readImage("scene.png")));
const [{ emotion }] = await recognize("scene.png");
console.log(JSON.stringify({ epochs: history.length, boxes, emotion }));
`;

/** Calls a function with the folder of another project, which has this one's packages. */
async function inProject(
  config: Record<string, unknown>,
  use: (folder: string) => void | Promise<void>,
) {
  const own = join(projectRoot, ".jupyter");
  fs.mkdirSync(own, { recursive: true });
  // On the project's drive, because links are relative.
  const folder = fs.mkdtempSync(join(own, "another-project-"));
  try {
    const { image } = drawScene({ width: 320, height: 240, faces: 1, seed: 1 });
    fs.writeFileSync(join(folder, "scene.png"), encodePng(image));
    const all = { nodeModulesDir: "manual", ...config };
    fs.writeFileSync(join(folder, "deno.json"), JSON.stringify(all));
    fs.copyFileSync(join(projectRoot, "deno.lock"), join(folder, "deno.lock"));
    const packages = join(projectRoot, "node_modules");
    fs.symlinkSync(packages, join(folder, "node_modules"), "junction");
    await use(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

Deno.test("another project recognizes, detects and trains with one import each", () =>
  inProject({ links: ["../.."] }, async (folder) => {
    fs.writeFileSync(join(folder, "fer2013.csv"), formatCsv(makeFaces(8, 4)));
    fs.writeFileSync(join(folder, "main.ts"), PROGRAM);
    const said = runDeno(folder, "run", "-A", "--quiet", "main.ts");
    const { image } = drawScene({ width: 320, height: 240, faces: 1, seed: 1 });
    const detector = await CascadeDetector.create();
    const [{ emotion }] = await recognize(image);
    assert.deepEqual(JSON.parse(said.trim().split("\n").at(-1)!), {
      epochs: 1,
      boxes: detector.detect(image),
      emotion,
    });
  }));

/** Serves the project's files as a registry does, except one. */
function serveProject(missing?: string) {
  const types: Record<string, string> = {
    ".ts": "application/typescript",
    ".json": "application/json",
  };
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  return Deno.serve(options, async ({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === missing) return new Response(null, { status: 404 });
    const type = types[extname(pathname)] ?? "application/octet-stream";
    const bytes = await Deno.readFile(join(projectRoot, pathname));
    return new Response(bytes, { headers: { "content-type": type } });
  });
}

Deno.test("over HTTP, the default model comes from where the modules are", async () => {
  for (const missing of [undefined, "/models/default.json"]) {
    await inProject({ imports }, async (folder) => {
      await using server = serveProject(missing);
      const at = `http://127.0.0.1:${server.addr.port}`;
      fs.writeFileSync(
        join(folder, "main.ts"),
        `import { recognize } from "${at}/lib/recognition/recognize.ts";
         const [{ emotion, confidence }] = await recognize("scene.png");
         console.log(JSON.stringify({ emotion, confidence }));`,
      );
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", "main.ts"],
        cwd: folder,
        env: { DENO_DIR: join(folder, "cache"), NO_COLOR: "1" },
      }).output();
      const said = new TextDecoder().decode(stderr);
      if (missing) {
        assert.match(
          said,
          /default\.json: the default model cannot be fetched \(status 404\); pass/,
        );
        return;
      }
      const { image } = drawScene({
        width: 320,
        height: 240,
        faces: 1,
        seed: 1,
      });
      const [{ emotion, confidence }] = await recognize(image);
      const text = new TextDecoder().decode(stdout);
      assert.notEqual(text, "", said);
      assert.deepEqual(JSON.parse(text), { emotion, confidence });
    });
  }
});

Deno.test("deno publish uploads what the exports need, and nothing else", () => {
  const said = runDeno(projectRoot, "publish", "--dry-run", "--allow-dirty");
  assert.doesNotMatch(said, /warning/);
  const files = [...said.matchAll(/^ +file:.*?\/((?:lib|models)\/\S+) \(/gm)]
    .map(([, file]) => file);
  for (const needed of ["default.json", "photographs/adjusted/weights.bin"]) {
    assert.ok(files.includes(`models/${needed}`), needed);
  }
  const others = files.filter((file) =>
    /^lib\/(explorer|notebook|video)\/|\/assembly\/|^models\/(?!default|photographs\/adjusted)/
      .test(file)
  );
  assert.deepEqual(others, []);
  const wasm = files.filter((file) => file.endsWith(".wasm"));
  assert.equal(wasm.length, 6);
});
