// deno task webcam: the explorer's camera room. The rest is in explore.ts.

import { exploreRoom, SERVE_OPTIONS } from "./explore.ts";
import { runTask, userPath } from "./command_line.ts";

const HELP = `Usage: deno task webcam [options]

Opens a page that shows the camera with faces and emotions. Everything runs in
the page: no frame leaves this computer. Ctrl-C ends it.

  --port N      use this port (default: a free one)
  --model DIR   use another trained model
  --no-open     only print the address
  --help        show this text`;

await runTask(
  { help: HELP, options: SERVE_OPTIONS },
  (options) =>
    exploreRoom("camera", {
      ...options,
      model: options.model && userPath(options.model),
    }),
);
