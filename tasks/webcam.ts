// deno task webcam: serves the webcam page on this computer and opens it. The
// work is in lib/webcam/server.ts and, in the browser, in lib/webcam/page.ts.

import process from "node:process";
import { parseArgs } from "node:util";
import { FileError } from "mien/write_whole.ts";
import { InferenceError, loadTrained } from "mien/recognition/recognize.ts";
import { serveWebcam, WebcamError } from "mien/webcam/server.ts";

const HELP = `Usage: deno task webcam [options]

Opens a page that shows the camera with faces and emotions. Everything runs in
the page: no frame leaves this computer. Ctrl+C ends it.

  --port N      use this port (default: a free one)
  --model DIR   use another trained model
  --no-open     only print the address
  --help        show this text`;

function wrongUsage(message: string): never {
  console.error(`${message} (--help shows how it is used)`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      args: process.argv.slice(2),
      options: {
        port: { type: "string", default: "0" },
        model: { type: "string" },
        "no-open": { type: "boolean" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    wrongUsage((error as Error).message);
  }
}

/** Opens an address in the user's browser; without one nothing happens. */
async function openBrowser(url: string) {
  const [program, ...args] = Deno.build.os === "darwin"
    ? ["open", url]
    : Deno.build.os === "windows"
    ? ["rundll32", "url.dll,FileProtocolHandler", url]
    : ["xdg-open", url];
  const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
  await new Deno.Command(program, { args, ...quiet }).output().catch(() => {});
}

const options = readArguments();
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const port = Number(options.port);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  wrongUsage(`--port ${options.port} is not a port`);
}

try {
  const server = await serveWebcam({
    port,
    trained: await loadTrained(options.model),
  });
  console.log(`Emotions live at ${server.url} (Ctrl+C ends it)`);
  if (!options["no-open"]) await openBrowser(server.url);
} catch (error) {
  const expected = error instanceof WebcamError ||
    error instanceof InferenceError || error instanceof FileError;
  if (!expected) throw error;
  console.error(error.message);
  process.exit(1);
}
