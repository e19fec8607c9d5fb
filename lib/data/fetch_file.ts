// Downloads one file. fetch leaves to us: continuing an interrupted download if the server's file is
// still the same, limits on size and time, and waiting when the server asks for it.
import { existsSync } from "node:fs";
import { open, readFile, rm, stat } from "node:fs/promises";
import { createProgress } from "../progress.ts";
import { explain, writeWhole } from "../write_whole.ts";
import { DatasetError } from "./faces.ts";

/** Limits on size and time. */
export interface FetchLimits {
  /** The most bytes the file may have. */
  most?: number;
  /** Seconds allowed until the first byte, and for each `leastBytes`. Default: 60. */
  patience?: number;
  /** Bytes that must arrive in each `patience` seconds. Default: 60 KB, 1 KB per second. */
  leastBytes?: number;
}

/** How many times a file is requested before giving up. */
const TRIES = 4;

/** The longest wait, in seconds, that a server may ask for. */
const LONGEST_WAIT = 120;

/** What is recorded about an unfinished download. */
interface Unfinished {
  url: string;
  /** The ETag, or else the date of last modification, which continuing needs. */
  validator: string;
}

/**
 * Downloads into `partial`, or continues an interrupted download there.
 *
 * @param what the file's name in messages
 * @throws {DatasetError} unreachable, an error page, interrupted, too large, too slow
 */
export async function fetchFile(
  url: string,
  partial: string,
  what: string,
  limits: FetchLimits,
): Promise<void> {
  for (let tries = 1;; tries++) {
    const unfinished = await readRecord(url, partial);
    const outcome = await fetchOnce(url, partial, what, unfinished, limits);
    if (outcome === "whole") return;
    if (outcome === "changed") await forget(partial);
    else if (tries < TRIES) await wait(outcome.wait, what);
    if (tries < TRIES) continue;
    throw new DatasetError(
      url,
      "the server gives a different answer each time; name a mirror with --from",
    );
  }
}

async function forget(partial: string): Promise<void> {
  await rm(partial, { force: true });
  await rm(`${partial}.json`, { force: true });
}

async function wait(seconds: number, what: string): Promise<void> {
  console.error(`${what}: the server asks to wait ${seconds} s.`);
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
}

async function fetchOnce(
  url: string,
  partial: string,
  what: string,
  unfinished: Unfinished | null,
  { most = Infinity, patience = 60, leastBytes = 60_000 }: FetchLimits,
): Promise<"whole" | "changed" | { wait: number }> {
  const have = unfinished ? (await stat(partial)).size : 0;
  const stopping = new AbortController();
  const speed = { bytes: leastBytes, tooSlow: false };
  const timer = setInterval(() => {
    speed.tooSlow = speed.bytes < leastBytes || !answered;
    if (speed.tooSlow) stopping.abort();
    speed.bytes = 0;
  }, 1000 * patience);
  let answered = false;
  try {
    const response = await fetch(url, {
      headers: {
        "Accept-Encoding": "identity", // so that ranges and sizes refer to the file
        ...(unfinished
          ? { Range: `bytes=${have}-`, "If-Range": unfinished.validator }
          : {}),
      },
      signal: stopping.signal,
    }).catch((error: Error) => {
      throw unreachable(url, error, patience);
    });
    answered = true;
    speed.bytes = leastBytes; // the first interval is not complete
    const answer = readAnswer(url, response, have, unfinished);
    if (typeof answer !== "number") {
      await response.body?.cancel();
      if (answer instanceof DatasetError) throw answer;
      return answer;
    }
    const start = response.status === 206 ? have : 0;
    writeRecord(url, partial, response);
    await save(response, partial, {
      url,
      what,
      start,
      total: answer,
      most,
      speed,
    });
    return "whole";
  } finally {
    clearInterval(timer);
  }
}

/** The record of the partial file, if it is from this URL. */
async function readRecord(
  url: string,
  partial: string,
): Promise<Unfinished | null> {
  try {
    const unfinished = JSON.parse(await readFile(`${partial}.json`, "utf8"));
    const whole = unfinished.url === url &&
      typeof unfinished.validator === "string";
    return whole && existsSync(partial) ? unfinished : null;
  } catch {
    return null;
  }
}

/** Tells whether a server's file is still the same, which a weak ETag does not. */
function validatorOf({ headers }: Response): string | null {
  const tag = headers.get("etag");
  return tag && !tag.startsWith("W/") ? tag : headers.get("last-modified");
}

/** Records what continuing needs. */
function writeRecord(url: string, partial: string, response: Response) {
  const validator = validatorOf(response);
  writeWhole(`${partial}.json`, JSON.stringify({ url, validator }));
}

/** The whole file's size (0 if unknown), or what else the response means. */
function readAnswer(
  url: string,
  response: Response,
  have: number,
  unfinished: Unfinished | null,
): number | "whole" | "changed" | { wait: number } | DatasetError {
  const { status, statusText, headers } = response;
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/
    .exec(headers.get("content-range") ?? "");
  const validator = validatorOf(response);
  if (status === 416 && unfinished) {
    const whole = Number(range?.[2]) === have &&
      (validator === null || validator === unfinished.validator);
    return whole ? "whole" : "changed";
  }
  if (status === 206) {
    const same = unfinished && Number(range?.[1]) === have &&
      (validator === null || validator === unfinished.validator);
    return same ? Number(range![2]) || 0 : "changed";
  }
  const failure = (reason: string) =>
    new DatasetError(url, `${reason}; name a mirror with --from`);
  if (status === 429 || status === 503) {
    const asked = secondsOf(headers.get("retry-after"));
    if (asked !== null && asked <= LONGEST_WAIT) return { wait: asked };
    if (asked !== null) {
      return failure(`the server asks to wait ${asked} s; try again then`);
    }
  }
  if (status !== 200) {
    return failure(`the server answered ${status} ${statusText}`.trimEnd());
  }
  if ((headers.get("content-type") ?? "").startsWith("text/html")) {
    return failure("the server sent a web page instead of the data");
  }
  if (headers.has("content-encoding")) return 0; // that length is of the compressed bytes
  return Number(headers.get("content-length") ?? 0);
}

/** Retry-After: seconds, or a date. */
function secondsOf(text: string | null): number | null {
  if (text === null) return null;
  const seconds = /^\d+$/.test(text.trim())
    ? Number(text)
    : Math.ceil((Date.parse(text) - Date.now()) / 1000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

interface Saving {
  url: string;
  what: string;
  /** How many bytes of the partial file precede the body. */
  start: number;
  total: number;
  most: number;
  speed: { bytes: number; tooSlow: boolean };
}

async function save(
  response: Response,
  partial: string,
  { url, what, start, total, most, speed }: Saving,
): Promise<void> {
  const tooLarge = async (bytes: number) => {
    await response.body?.cancel().catch(() => {});
    await forget(partial);
    return new DatasetError(
      url,
      `sends at least ${bytes} bytes; the data has at most ${most}. Name a mirror with --from`,
    );
  };
  if (total > most) throw await tooLarge(total);
  const file = await open(partial, start > 0 ? "a" : "w");
  const progress = createProgress(`Downloading ${what}`, total, "bytes");
  let done = start;
  const interrupted = (why: string) =>
    new DatasetError(
      url,
      `the download was interrupted after ${done} of ${
        total || "?"
      } bytes (${why}); run it again to continue`,
    );
  const reader = response.body?.getReader();
  try {
    while (reader) {
      const next = await reader.read().catch((error: Error) => {
        throw interrupted(
          speed.tooSlow ? "the server is too slow" : error.message,
        );
      });
      if (next.done) break;
      if (done + next.value.length > most) {
        reader.releaseLock();
        throw await tooLarge(done + next.value.length);
      }
      await file.write(next.value).catch((error) => {
        throw new DatasetError(partial, explain(error));
      });
      done += next.value.length;
      speed.bytes += next.value.length;
      progress.update(done);
    }
    if (total > 0 && done !== total) {
      throw interrupted("the server closed the connection");
    }
  } finally {
    progress.stop();
    await file.close();
    await reader?.cancel().catch(() => {});
  }
}

function unreachable(
  url: string,
  error: Error,
  patience: number,
): DatasetError {
  const reason = error.name === "AbortError"
    ? `no answer for ${patience} s`
    : error.message;
  return new DatasetError(
    url,
    `cannot be reached (${reason}); check the network, or name a mirror or a file with --from`,
  );
}
