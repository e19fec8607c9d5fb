// Downloading FER-2013 from a real server on this machine that misbehaves.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { downloadFaces } from "mien/data/download.ts";
import {
  archive,
  counts,
  downloadTwice,
  rejectsWith,
  rows,
  serve,
  withServer,
} from "../helpers/download_server.ts";

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
      // Another file's bytes, sent as the rest of the first one.
      const other = archive.map((byte) => byte ^ 1);
      response.writeHead(206, {
        "Content-Type": "application/zip",
        "Content-Range": `bytes ${start}-${other.length - 1}/${other.length}`,
        ETag: `"${calls}"`,
      });
      response.end(other.subarray(start));
    },
    async (from, folder) => {
      const path = (await downloadTwice(from, folder)).source.path!;
      assert.deepEqual(new Uint8Array(readFileSync(path)), archive);
      assert.deepEqual(readdirSync(folder), ["fer2013.zip"]);
    },
  );
});

Deno.test("after status 416, because the file became shorter, the download starts over", async () => {
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
      const faces = await downloadTwice(from, folder);
      assert.equal(faces.length, rows.length);
      assert.deepEqual(ranges.map((range) => range !== ""), [
        false,
        true,
        false,
      ]);
    },
  );
});

Deno.test("a short Retry-After is obeyed, and a long one is reported", async () => {
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
      while (!response.destroyed && response.write(chunk)) { /* never ends */ }
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

Deno.test("a download from a silent or very slow server is abandoned", async () => {
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
