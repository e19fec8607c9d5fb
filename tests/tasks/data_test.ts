// Getting FER-2013 and FER+ into data/: complete and verified, or not at all.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SPLITS } from "mien/data/faces.ts";
import {
  downloadFaces,
  downloadVotes,
  PUBLISHED_COUNTS,
} from "mien/data/download.ts";
import {
  toCsv,
  toGzip,
  toPictures,
  toZip,
} from "../helpers/fer2013_fixtures.ts";
import {
  archive,
  copied,
  counts,
  downloadTwice,
  rejectsWith,
  rows,
  serve,
  withServer,
} from "../helpers/download_server.ts";
import { runTask } from "../helpers/run_task.ts";

Deno.test("the published counts add up to FER-2013's 35,887 faces", () => {
  const sums = PUBLISHED_COUNTS.map((row) => row.reduce((a, b) => a + b));
  assert.deepEqual(sums, [28709, 3589, 3589]);
});

Deno.test("a complete archive is verified and moved into place, and never overwritten", async () => {
  await withServer(serve, async (from, folder) => {
    const faces = await downloadFaces({ from, folder, counts });
    const path = faces.source.path!;
    assert.equal(path, join(folder, "fer2013.zip"));
    assert.equal(faces.length, rows.length);
    assert.deepEqual(readdirSync(folder), ["fer2013.zip"]);
    assert.deepEqual(new Uint8Array(readFileSync(path)), archive);
    await rejectsWith(downloadFaces({ from, folder, counts }), /already/);
  });
});

Deno.test("votes are checked against the faces, row by row, and moved into place", async () => {
  const faces = await copied(toCsv(rows));
  const header =
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear," +
    "contempt,unknown,NF";
  const lines = Array.from(
    faces.splits,
    (split) => `${SPLITS[split]},x.png,9,0,0,0,0,0,0,0,1,0`,
  );
  const whole = new TextEncoder().encode([header, ...lines].join("\n"));
  const short = new TextEncoder().encode(
    [header, ...lines.slice(1)].join("\n"),
  );
  for (const bytes of [whole, short]) {
    await withServer(
      (request, response) => serve(request, response, { bytes }),
      async (from, folder) => {
        if (bytes === short) {
          await rejectsWith(
            downloadVotes(faces, { from, folder }),
            /rows|order/,
          );
          assert.deepEqual(readdirSync(folder), []);
          return;
        }
        await downloadVotes(faces, { from, folder });
        assert.deepEqual(readdirSync(folder), ["fer2013new.csv"]);
        await rejectsWith(downloadVotes(faces, { from, folder }), /already/);
      },
    );
  }
});

Deno.test("a download that breaks off continues where it stopped", async () => {
  let calls = 0;
  const half = archive.length >> 1;
  await withServer(
    (request, response) =>
      serve(request, response, { breakAt: calls++ === 0 ? half : Infinity }),
    async (from, folder, ranges) => {
      const faces = await downloadTwice(from, folder);
      assert.equal(faces.length, rows.length);
      assert.match(ranges[1], /^bytes=[1-9]\d*-$/);
      assert.deepEqual(readdirSync(folder), ["fer2013.zip"]);
    },
  );
});

Deno.test("a file that has changed since is downloaded from its start", async () => {
  let calls = 0;
  await withServer(
    (request, response) => {
      calls++;
      serve(request, response, {
        etag: `"${calls}"`,
        breakAt: calls === 1 ? 5000 : Infinity,
      });
    },
    async (from, folder) => {
      const faces = await downloadTwice(from, folder);
      assert.equal(faces.length, rows.length);
    },
  );
});

Deno.test("an error page and an error status leave nothing behind", async () => {
  await withServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" });
    response.end("<html>log in</html>");
  }, async (from, folder) => {
    await rejectsWith(downloadFaces({ from, folder, counts }), /web page/);
    assert.deepEqual(readdirSync(folder), []);
  });
  await withServer((_, response) => {
    response.writeHead(404);
    response.end("gone");
  }, async (from, folder) => {
    await rejectsWith(downloadFaces({ from, folder, counts }), /answered 404/);
    assert.deepEqual(readdirSync(folder), []);
  });
});

Deno.test("a wrong archive names what is wrong and leaves nothing behind", async () => {
  const wrong: [Uint8Array, RegExp][] = [
    [toZip([["cats/1.txt", "meow"]]), /contains neither/],
    [toZip(toPictures(rows.slice(0, 41))), /PrivateTest has 1 neutral .* of 2/],
    [archive.slice(0, -500), /zip archive is cut off/],
    [new TextEncoder().encode("<html>log in</html>"), /wrong header/],
  ];
  for (const [bytes, reason] of wrong) {
    await withServer(
      (request, response) => serve(request, response, { bytes }),
      async (from, folder) => {
        await rejectsWith(downloadFaces({ from, folder, counts }), reason);
        assert.deepEqual(readdirSync(folder), []);
      },
    );
  }
});

Deno.test("pictures whose names give no split are verified as train and test", async () => {
  await withServer(
    (request, response) =>
      serve(request, response, { bytes: toZip(toPictures(rows, false)) }),
    async (from, folder) => {
      const faces = await downloadFaces({ from, folder, counts });
      assert.equal(faces.length, rows.length);
    },
  );
});

Deno.test("a local file works as well as a server", async () => {
  await withServer(serve, async (_, folder) => {
    const from = join(folder, "table.gz");
    writeFileSync(from, toGzip(toCsv(rows)));
    const path = (await downloadFaces({ from, folder, counts })).source.path!;
    assert.equal(path, join(folder, "fer2013.csv.gz"));
    await rejectsWith(
      downloadFaces({ from: join(folder, "none"), folder: join(folder, "b") }),
      /no such file/,
    );
  });
});

Deno.test("an unreachable server gives one clear line", async () => {
  await withServer(serve, async (_, folder) => {
    await rejectsWith(
      downloadFaces({ from: "http://127.0.0.1:9/x", folder }),
      /cannot be reached .*--from/,
    );
  });
});

Deno.test("of two downloads at once, one is rejected and the other is complete", async () => {
  await withServer((request, response) => {
    setTimeout(() => serve(request, response), 300);
  }, async (from, folder) => {
    const both = await Promise.allSettled([
      downloadFaces({ from, folder, counts }),
      downloadFaces({ from, folder, counts }),
    ]);
    const [rejected, ...others] = both.filter(({ status }) =>
      status === "rejected"
    );
    assert.deepEqual(others, [], "only one is rejected");
    await rejectsWith(
      Promise.reject((rejected as PromiseRejectedResult).reason),
      /process .* is already getting it/,
    );
    assert.deepEqual(readdirSync(folder), ["fer2013.zip"]);
  });
});

Deno.test("an unwritable folder and a device give one clear line each", async () => {
  await withServer(serve, async (from, folder) => {
    writeFileSync(join(folder, "plain"), "");
    await rejectsWith(
      downloadFaces({ from, folder: join(folder, "plain") }),
      /a file is where a folder is needed/,
    );
    await rejectsWith(
      downloadFaces({ from: folder, folder: join(folder, "new") }),
      /is a folder; give a zip/,
    );
    if (!existsSync("/dev/zero")) return;
    await rejectsWith(
      downloadFaces({ from: "/dev/zero", folder: join(folder, "new") }),
      /not a regular file/,
    );
  });
});

Deno.test("the task exits with 2 for incorrect usage and with 1 for failure, in one line", () => {
  const run = (...args: string[]) => runTask("data", args);
  assert.match(run("--help").stdout, /^Usage: deno task data/);
  const wrong = run("--form", "x");
  assert.equal(wrong.status, 2);
  const failed = run("--from", "no-such-file.zip");
  assert.equal(failed.status, 1);
  assert.equal(failed.stderr.trim().split("\n").length, 1);
});
