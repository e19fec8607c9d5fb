// The explorer's camera room below a notebook cell.
import type { ExplorerServer } from "../explorer/server.ts";
import type { TrainedNetwork } from "../network/trained.ts";
import { showExplorer } from "./show_explorer.ts";

/** Shows the camera room as {@linkcode showExplorer} does, with a network in memory or the default one. */
export function showWebcam(
  options: { trained?: TrainedNetwork } = {},
): Promise<ExplorerServer> {
  return showExplorer({ ...options, room: "camera" });
}
