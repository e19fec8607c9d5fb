// deno task explore: serves the explorer on this computer and opens it, or writes it to a folder.
// The work is in lib/explorer/server.ts and site.ts and, in the browser, in lib/explorer/rooms.

import { serveExplorer } from "mien/explorer/server.ts";
import { writeSite } from "mien/explorer/site.ts";
import { readNumber, runTask, UsageError, userPath } from "./command_line.ts";

const HELP = `Usage: deno task explore [options]

Opens a page for exploring a trained network: its layers, its faces, its
mistakes. Everything runs in the page: no picture leaves this computer.
Ctrl-C ends it.

  --model DIR   open this trained model first (default: the default model)
  --room NAME   open this room: inside, playground, camera, detector,
                confusion, beat, time or teach
  --port N      use this port (default: a free one)
  --no-open     only print the address
  --out DIR     write the page to this folder instead, for any static web
                server, with the first model and two epochs of its run but
                none of your data
  --help        show this text`;

/** Opens an address in the user's browser; does nothing if there is none. */
async function openBrowser(url: string) {
  const [program, ...args] = Deno.build.os === "darwin"
    ? ["open", url]
    : Deno.build.os === "windows"
    ? ["rundll32", "url.dll,FileProtocolHandler", url]
    : ["xdg-open", url];
  const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
  await new Deno.Command(program, { args, ...quiet }).output().catch(() => {});
}

/** Serves a room until Ctrl-C. */
export async function exploreRoom(
  room: string,
  options: { model?: string; port?: string; "no-open"?: boolean },
): Promise<void> {
  const port = readNumber("port", options.port, {
    least: 0,
    most: 65535,
    whole: true,
  });
  const server = await serveExplorer({ port, model: options.model });
  const url = room === "" ? server.url : `${server.url}#${room}`;
  console.log(`The explorer is at ${url} (Ctrl-C ends it)`);
  if (!options["no-open"]) await openBrowser(url);
}

/** The options for serving. */
export const SERVE_OPTIONS = {
  port: { type: "string" },
  model: { type: "string" },
  "no-open": { type: "boolean" },
} as const;

const ROOMS = [
  "inside",
  "playground",
  "camera",
  "detector",
  "confusion",
  "beat",
  "time",
  "teach",
];

if (import.meta.main) {
  await runTask({
    help: HELP,
    options: {
      ...SERVE_OPTIONS,
      room: { type: "string" },
      out: { type: "string" },
    },
  }, async ({ out, room = "", ...options }) => {
    if (room !== "" && !ROOMS.includes(room)) {
      throw new UsageError(`--room must be one of ${ROOMS.join(", ")}`);
    }
    const model = options.model && userPath(options.model);
    if (out === undefined) {
      return await exploreRoom(room, { ...options, model });
    }
    const folder = userPath(out);
    const bytes = await writeSite(folder, { model });
    console.log(
      `${folder}: ${(bytes / 1e6).toFixed(2)} MB, for any static web server ` +
        "(browsers cannot open it as a file)",
    );
  });
}
