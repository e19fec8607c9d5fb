// The webcam page below a notebook cell.
import type { TrainedNetwork } from "../network/trained.ts";
import { serveWebcam, type WebcamServer } from "../webcam/server.ts";
import { showHtml } from "./show.ts";

/**
 * For a notebook cell: serves the page and shows it below the cell, with a
 * link that opens it in a tab of its own. It runs until the server is closed
 * or the kernel ends.
 */
export async function showWebcam(
  options: { trained?: TrainedNetwork } = {},
): Promise<WebcamServer> {
  const server = await serveWebcam(options);
  await showHtml(
    `<p>Emotions live: <a href="${server.url}" target="_blank">open in a tab` +
      `</a>. No picture leaves this computer.</p><iframe src="${server.url}" ` +
      `allow="camera" title="Emotions live" width="100%" height="720" ` +
      `style="border: 0"></iframe>`,
    `Emotions live at ${server.url}`,
  );
  return server;
}
