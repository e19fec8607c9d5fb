// Downloading FER-2013, from a real server on this machine that misbehaves.
import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatasetError, SPLITS } from "mien/data/faces.ts";
import { EMOTIONS } from "mien/emotions.ts";
import {
  downloadFaces,
  downloadVotes,
  PUBLISHED_COUNTS,
} from "mien/data/download.ts";
import {
  makeRows,
  toCsv,
  toGzip,
  toPictures,
  toZip,
} from "../helpers/fer2013_fixtures.ts";

const rows = makeRows(42);
const archive = toZip(toPictures(rows));
const counts = SPLITS.map((usage) =>
  EMOTIONS.map((_, label) =>
    rows.filter((row) => row.usage === usage && row.label === label).length
  )
);

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server, an empty folder, and the requests' Range headers. */
async function withServer(
  handler: Handler,
  run: (url: string, folder: string, ranges: string[]) => Promise<void>,
) {
  const folder = mkdtempSync(join(tmpdir(), "mien-download-"));
  const ranges: string[] = [];
  const server = createServer((request, response) => {
    ranges.push(request.headers.range ?? "");
    handler(request, response);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  try {
    await run(`http://127.0.0.1:${port}/fer2013`, folder, ranges);
  } finally {
    await new Promise((closed) => server.close(closed));
    rmSync(folder, { recursive: true });
  }
}

/** Serves bytes, also from a place on while the ETag is the same. */
function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes = archive, etag = '"1"', breakAt = Infinity } = {},
) {
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const start = asked && request.headers["if-range"] === etag
    ? Number(asked[1])
    : 0;
  if (start > 0 && start >= bytes.length) {
    response.writeHead(416, { "Content-Range": `bytes */${bytes.length}` });
    return response.end();
  }
  response.writeHead(start > 0 ? 206 : 200, {
    "Content-Type": "application/zip",
    "Content-Length": bytes.length - start,
    ETag: etag,
    ...(start > 0
      ? {
        "Content-Range": `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
      }
      : {}),
    Connection: "close",
  });
  if (breakAt >= bytes.length) return response.end(bytes.subarray(start));
  response.write(bytes.subarray(start, breakAt));
  setTimeout(() => response.destroy(), 50);
}

/** The faces of a table, as if it had been downloaded. */
async function copied(text: string) {
  const folder = mkdtempSync(join(tmpdir(), "mien-copied-"));
  const from = join(folder, "table.csv");
  writeFileSync(from, text);
  try {
    return await downloadFaces({ from, folder, counts });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const rejectsWith = (promise: Promise<unknown>, reason: RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof DatasetError, String(error));
    assert.match(error.reason, reason);
    return true;
  });

Deno.test("the published counts add up to FER-2013's 35,887 faces", () => {
  const sums = PUBLISHED_COUNTS.map((row) => row.reduce((a, b) => a + b));
  assert.deepEqual(sums, [28709, 3589, 3589]);
});

Deno.test("a whole archive is verified and moved into place, and never overwritten", async () => {
  await withServer(serve, async (from, folder) => {
    const { path, faces } = await downloadFaces({ from, folder, counts });
    assert.equal(path, join(folder, "fer2013.zip"));
    assert.equal(faces.length, rows.length);
    assert.deepEqual(readdirSync(folder), ["fer2013.zip"]);
    assert.deepEqual(new Uint8Array(readFileSync(path)), archive);
    await rejectsWith(downloadFaces({ from, folder, counts }), /already/);
  });
});

Deno.test("votes are checked against the faces, row by row, and moved into place", async () => {
  const { faces } = await copied(toCsv(rows));
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
      await rejectsWith(
        downloadFaces({ from, folder, counts }),
        /was interrupted/,
      );
      assert.ok(!existsSync(join(folder, "fer2013.zip")));
      const { faces } = await downloadFaces({ from, folder, counts });
      assert.equal(faces.length, rows.length);
      assert.match(ranges[1], /^bytes=[1-9]\d*-$/);
      assert.deepEqual(readdirSync(folder), ["fer2013.zip"]);
    },
  );
});

Deno.test("a file that changed meanwhile is downloaded from its start", async () => {
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
      await rejectsWith(
        downloadFaces({ from, folder, counts }),
        /was interrupted/,
      );
      const { faces } = await downloadFaces({ from, folder, counts });
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

Deno.test("pictures whose names tell no split are verified as train and test", async () => {
  await withServer(
    (request, response) =>
      serve(request, response, { bytes: toZip(toPictures(rows, false)) }),
    async (from, folder) => {
      const { faces } = await downloadFaces({ from, folder, counts });
      assert.equal(faces.length, rows.length);
    },
  );
});

Deno.test("a file serves as well as a server", async () => {
  await withServer(serve, async (_, folder) => {
    const from = join(folder, "table.gz");
    writeFileSync(from, toGzip(toCsv(rows)));
    const { path } = await downloadFaces({ from, folder, counts });
    assert.equal(path, join(folder, "fer2013.csv.gz"));
    await rejectsWith(
      downloadFaces({ from: join(folder, "none"), folder: join(folder, "b") }),
      /no such file/,
    );
  });
});

Deno.test("a server that is not there gives one clear line", async () => {
  await withServer(serve, async (_, folder) => {
    await rejectsWith(
      downloadFaces({ from: "http://127.0.0.1:9/x", folder }),
      /cannot be reached .*--from/,
    );
  });
});

Deno.test("a server that ignores If-Range is not mixed with another version", async () => {
  let calls = 0;
  await withServer(
    (request, response) => {
      calls++;
      const start = Number(
        /^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1],
      );
      if (!start) {
        const breakAt = calls === 1 ? 5000 : Infinity;
        return serve(request, response, { etag: `"${calls}"`, breakAt });
      }
      // Another file's bytes, given as the rest of the one that was begun.
      const other = archive.map((byte) => byte ^ 1);
      response.writeHead(206, {
        "Content-Type": "application/zip",
        "Content-Range": `bytes ${start}-${other.length - 1}/${other.length}`,
        ETag: `"${calls}"`,
      });
      response.end(other.subarray(start));
    },
    async (from, folder) => {
      await rejectsWith(
        downloadFaces({ from, folder, counts }),
        /was interrupted/,
      );
      const { path } = await downloadFaces({ from, folder, counts });
      assert.deepEqual(new Uint8Array(readFileSync(path)), archive);
      assert.deepEqual(readdirSync(folder), ["fer2013.zip"]);
    },
  );
});

Deno.test("a 416 of a file that became shorter starts over", async () => {
  let calls = 0;
  await withServer(
    (request, response) => {
      calls++;
      if (calls !== 2) {
        return serve(request, response, {
          breakAt: calls === 1 ? 5000 : Infinity,
        });
      }
      response.writeHead(416, { "Content-Range": "bytes */17" });
      response.end();
    },
    async (from, folder, ranges) => {
      await rejectsWith(
        downloadFaces({ from, folder, counts }),
        /was interrupted/,
      );
      const { faces } = await downloadFaces({ from, folder, counts });
      assert.equal(faces.length, rows.length);
      assert.deepEqual(ranges.map((range) => range !== ""), [
        false,
        true,
        false,
      ]);
    },
  );
});

Deno.test("Retry-After is waited for, and one that is too long is told", async () => {
  let calls = 0;
  await withServer((request, response) => {
    if (++calls === 3) return serve(request, response);
    const later = new Date(Date.now() + 900).toUTCString();
    response.writeHead(503, { "Retry-After": calls === 1 ? "1" : later });
    response.end();
  }, async (from, folder) => {
    const start = performance.now();
    await downloadFaces({ from, folder, counts });
    assert.ok(performance.now() - start >= 1000);
    assert.equal(calls, 3);
  });
  await withServer((_, response) => {
    response.writeHead(429, { "Retry-After": "4000" });
    response.end();
  }, async (from, folder) => {
    await rejectsWith(
      downloadFaces({ from, folder, counts }),
      /asks to wait 4000 s/,
    );
  });
});

Deno.test("an endless body ends at the size limit and leaves nothing behind", async () => {
  const most = 200_000;
  await withServer((_, response) => {
    response.writeHead(200, { "Content-Type": "application/zip" });
    const chunk = new Uint8Array(50_000);
    const more = () => {
      while (!response.destroyed && response.write(chunk)) { /* on and on */ }
    };
    response.on("drain", more);
    response.on("error", () => {});
    more();
  }, async (from, folder) => {
    await rejectsWith(
      downloadFaces({ from, folder, counts, limits: { most } }),
      /sends at least [0-9]+ bytes; the data has at most 200000/,
    );
    assert.deepEqual(readdirSync(folder), []);
  });
  await withServer(serve, async (from, folder) => {
    await rejectsWith(
      downloadFaces({ from, folder, counts, limits: { most: 1000 } }),
      /at most 1000/,
    );
    assert.deepEqual(readdirSync(folder), []);
  });
});

Deno.test("a server that is silent or trickles is given up", async () => {
  const limits = { patience: 0.3, leastBytes: 1000 };
  await withServer(() => {}, async (from, folder) => {
    await rejectsWith(
      downloadFaces({ from, folder, counts, limits }),
      /no answer for 0\.3 s/,
    );
  });
  await withServer((_, response) => {
    response.writeHead(200, { "Content-Type": "application/zip" });
    const timer = setInterval(() => response.write("x"), 20);
    response.on("close", () => clearInterval(timer));
  }, async (from, folder) => {
    await rejectsWith(
      downloadFaces({ from, folder, counts, limits }),
      /was interrupted .*too slow/,
    );
  });
});

Deno.test("two downloads at once: the second is refused, the first is whole", async () => {
  await withServer((request, response) => {
    setTimeout(() => serve(request, response), 300);
  }, async (from, folder) => {
    const first = downloadFaces({ from, folder, counts });
    await rejectsWith(
      downloadFaces({ from, folder, counts }),
      /process .* is already getting it/,
    );
    await first;
    assert.deepEqual(readdirSync(folder), ["fer2013.zip"]);
  });
});

Deno.test("a folder that cannot be written, and what is not a file, give one line", async () => {
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

Deno.test("the task tells wrong usage (2) from failure (1), in one line", () => {
  const run = (...args: string[]) =>
    spawnSync(Deno.execPath(), [
      "run",
      "-A",
      resolve(import.meta.dirname!, "../../tasks/data.ts"),
      ...args,
    ], { encoding: "utf8" });
  assert.match(String(run("--help").stdout), /^Usage: deno task data/);
  const wrong = run("--form", "x");
  assert.equal(wrong.status, 2);
  const failed = run("--from", "no-such-file.zip");
  assert.equal(failed.status, 1);
  assert.equal(String(failed.stderr).trim().split("\n").length, 1);
});
