/**
 * The explorer's page: rooms for exploring a network. Everything is computed
 * in the browser, by the same modules as everywhere else.
 *
 * `deno task bundle` bundles it into one script, `bundle.js`, which `server.ts`
 * serves. Nothing is sent anywhere: the page only loads its own files.
 *
 * @module
 */
import { App } from "./app.ts";
import { inside } from "../rooms/inside.ts";
import { playground } from "../rooms/playground.ts";
import { camera } from "../rooms/camera.ts";
import { detector } from "../rooms/detector.ts";
import { confusion } from "../rooms/confusion.ts";
import { beatTheModel } from "../rooms/beat_the_model.ts";
import { timeMachine } from "../rooms/time_machine.ts";
import { teach } from "../rooms/teach.ts";

const ROOMS = [
  inside,
  playground,
  camera,
  detector,
  confusion,
  beatTheModel,
  timeMachine,
  teach,
];

/** A module with one SIMD instruction, to test the browser with. */
// deno-fmt-ignore
const SIMD_PROBE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0,
  10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
);

async function start() {
  const status = document.getElementById("status")!;
  if (!WebAssembly.validate(SIMD_PROBE)) {
    status.className = "trouble";
    status.textContent =
      "This browser does not support WebAssembly SIMD, which the networks and " +
      "the detector need: use a newer one.";
    return;
  }
  try {
    const app = await App.create(ROOMS);
    app.follow();
    await app.show();
    app.state.write();
  } catch (error) {
    status.className = "trouble";
    status.textContent = (error as Error).message;
  }
}

await start();
