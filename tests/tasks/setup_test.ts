import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import {
  childEnvironment,
  projectRoot,
  pythonCandidates,
  writeKernelspec,
} from "../../tasks/setup.ts";
import { closingLine, countTests } from "../../tasks/test.ts";
import { inFolder } from "../helpers/in_folder.ts";

/** Writes a program of the given text into a folder. */
function writeProgram(folder: string, name: string, text: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** Runs a task with these variables in its environment. */
async function runTask(
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number; said: string }> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...args],
    cwd: projectRoot,
    env,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const said = new TextDecoder().decode(output.stderr);
  return { code: output.code, said };
}

Deno.test("the kernelspec starts the current Deno, and is written once", () =>
  inFolder((folder) => {
    const path = writeKernelspec(folder);
    const { argv, language } = JSON.parse(Deno.readTextFileSync(path));
    assert.deepEqual(argv, [
      Deno.execPath(),
      "jupyter",
      "--kernel",
      "--conn",
      "{connection_file}",
    ]);
    assert.equal(language, "typescript");
    const before = Deno.statSync(path).mtime;
    writeKernelspec(folder);
    assert.deepEqual(Deno.statSync(path).mtime, before);
    assert.ok(path.startsWith(join(folder, ".jupyter")));
  }));

Deno.test("programs that the tasks start find our kernels before the user's", () => {
  const [first, ...others] = childEnvironment("/project").JUPYTER_PATH
    .split(delimiter);
  assert.equal(first, join("/project", ".jupyter"));
  const given = Deno.env.get("JUPYTER_PATH");
  assert.deepEqual(others, given ? given.split(delimiter) : []);
});

Deno.test({
  name: "Python is looked for in .venv, then behind jupyter, then on PATH",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder((folder) => {
      const python = writeProgram(join(folder, "opt"), "python3.11", "");
      const long = writeProgram(join(folder, "a b"), "python3", "");
      const bin = join(folder, "bin");
      writeProgram(bin, "jupyter", `#!${python}\nimport sys\n`);
      writeProgram(
        bin,
        "jupyter-lab",
        `#!/bin/sh\n'''exec' "${long}" "$0" "$@"\n' '''\n`,
      );
      writeProgram(bin, "jupyter-nbconvert", "#!/usr/bin/env bash\nexec x\n");
      const plain = writeProgram(bin, "python3", "");
      const venv = writeProgram(join(folder, ".venv", "bin"), "python", "");
      assert.deepEqual(pythonCandidates(bin, folder), [
        venv,
        python,
        long,
        plain,
      ]);
    }),
});

Deno.test({
  name:
    "without Jupyter and every installer, one message names what to install",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const { code, said } = await runTask(["tasks/setup.ts", "jupyter"], {
        PATH: folder,
      });
      assert.equal(code, 1);
      assert.match(said, /^error: this machine has no Jupyter with nbclient/m);
      assert.match(said, /Install Python 3\.9 or newer with venv, or uv/);
      assert.doesNotMatch(said, / {4}at /);
    }),
});

Deno.test({
  name: "installers are tried in turn until one installs Jupyter",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      // uv fails; pipx "installs": it lays a Python that can import anything.
      const log = join(folder, "log");
      const tell = (name: string) => `#!/bin/sh\necho ${name} "$@" >> ${log}\n`;
      writeProgram(folder, "uv", `${tell("uv")}exit 3\n`);
      const works = `printf '#!/bin/sh\\nexit 0\\n' > ${folder}/python3; ` +
        `/bin/chmod +x ${folder}/python3`;
      writeProgram(folder, "pipx", `${tell("pipx")}${works}\n`);
      const { code, said } = await runTask(["tasks/setup.ts", "jupyter"], {
        PATH: folder,
      });
      assert.equal(code, 0, said);
      const calls = Deno.readTextFileSync(log).trim().split("\n");
      assert.match(calls[0], /^uv /);
      assert.match(calls[1], /^pipx install --force nbconvert/);
      assert.match(said, /uv venv ended with status 3/);
      const again = await runTask(["tasks/setup.ts", "jupyter"], {
        PATH: folder,
      });
      assert.equal(again.code, 0);
      const later = Deno.readTextFileSync(log).trim().split("\n");
      assert.equal(later.length, calls.length, "a second run installs nothing");
    }),
});

Deno.test("an unknown part ends setup with status 2 and one line", async () => {
  const { code, said } = await runTask(["tasks/setup.ts", "kernels"], {});
  assert.equal(code, 2);
  assert.equal(said.trim().split("\n").length, 1);
});

Deno.test("the test task counts what passed, failed and was skipped", () => {
  const junit = `<testsuites><testsuite name="a" tests="4" failures="1">
    <testcase name="one" time="0.1"/>
    <testcase name="two &gt; 2" time="0.1">
      <failure message="no">text</failure></testcase>
    <testcase name="one &gt; step" time="0.1"></testcase>
    <testcase name="three"><skipped/></testcase>
    <testcase name="four" time="0"></testcase>
  </testsuite></testsuites>`;
  const counts = countTests(junit);
  assert.deepEqual(counts, { passed: 2, failed: 1, skipped: 1 });
  assert.equal(closingLine(counts), "2 passed, 1 failed, 1 skipped");
  assert.equal(
    closingLine({ passed: 3, failed: 0, skipped: 0 }),
    "3 passed, 0 failed",
  );
});

Deno.test("a task that sets itself up starts in a fresh clone, before there are packages", () =>
  inFolder(async (folder) => {
    for (const name of ["deno.json", "deno.lock", "lib", "tasks"]) {
      cpSync(join(projectRoot, name), join(folder, name), { recursive: true });
    }
    const { tasks } = JSON.parse(
      readFileSync(join(folder, "deno.json"), "utf8"),
    ) as { tasks: Record<string, { command: string }> };
    const starts = Object.values(tasks)
      .map(({ command }) => command.split(" && ")[0].split(" ").at(-1)!)
      .filter((path) => path.endsWith(".ts"));
    for (const path of new Set(starts)) {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", path, "--help"],
        cwd: folder,
      }).output();
      const said = new TextDecoder().decode(code === 0 ? stdout : stderr);
      assert.equal(code, 0, `${path}: ${said}`);
      assert.match(said, /^Usage: /, path);
    }
  }));
