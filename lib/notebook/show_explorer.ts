// The explorer below a notebook cell.
import { type ExplorerServer, serveExplorer } from "../explorer/server.ts";
import { showHtml } from "./show.ts";

/**
 * For a notebook cell: serves the explorer and shows one of its rooms below the
 * cell, with a link that opens it in its own tab. It runs until the server
 * is closed or the kernel ends.
 *
 * @param options.room inside, playground, camera, detector, confusion, beat,
 * time or teach
 * @param options.model the folder of a model that is opened first
 */
export async function showExplorer(
  options: { room?: string; model?: string } = {},
): Promise<ExplorerServer> {
  const { room = "inside", ...site } = options;
  const server = await serveExplorer(site);
  const url = `${server.url}#${room}`;
  await showHtml(
    `<p>The explorer: <a href="${url}" target="_blank">open in a tab</a>. ` +
      `No picture leaves this computer.</p><iframe src="${url}" ` +
      `allow="camera" title="The explorer, ${room}" width="100%" ` +
      `height="820" style="border: 0"></iframe>`,
    `The explorer is at ${url}`,
  );
  return server;
}
