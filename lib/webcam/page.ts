/**
 * The webcam page: camera or file, detection, classification, tracking and
 * drawing, all in the browser, with the same modules as everywhere else.
 *
 * Deno's bundler makes one script of it; `server.ts` serves that. Nothing is
 * sent anywhere: the page only loads its own network.
 *
 * @module
 */
import { drawFaces, type PanelSide } from "../recognition/annotate.ts";
import { EMOTIONS } from "../emotions.ts";
import { toGray } from "../image/gray.ts";
import type { NetworkGraph } from "../network/graph.ts";
import { Recognizer, VIDEO_SEARCH } from "../recognition/recognizer.ts";
import { FaceTracker, type TrackedFace } from "../recognition/tracking.ts";

const element = <E extends HTMLElement>(id: string) =>
  document.getElementById(id) as E;
const canvas = element<HTMLCanvasElement>("picture");
const context = canvas.getContext("2d", { willReadFrequently: true })!;
const rate = element("rate"), faceList = element("faces");
const fileInput = element<HTMLInputElement>("file");

/** Larger pictures are shrunk to this many pixels on their longer side. */
const LONGEST_SIDE = 960;

/** A module with one SIMD instruction, to ask the browser about. */
const SIMD_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

function say(words: string, trouble = false) {
  const status = element("status");
  status.textContent = words;
  status.className = trouble ? "trouble" : "";
  status.hidden = words === "";
}

/** What is being shown; a new source ends the one before. */
let current = 0;

/** Finds, tracks and draws the faces of what is on the canvas. */
function showFaces(
  recognizer: Recognizer,
  tracker: FaceTracker,
  sides: Map<number, PanelSide>,
  seconds: number,
): TrackedFace[] {
  const { width, height } = canvas;
  const image = context.getImageData(0, 0, width, height);
  const found = recognizer.recognize(toGray(image), VIDEO_SEARCH);
  const faces = tracker.update(found, seconds);
  if (faces.length > 0) {
    drawFaces(image, faces, sides);
    context.putImageData(image, 0, 0);
  }
  const words = faces.map(({ track, probabilities }) => {
    const percent = Math.round(Math.max(...probabilities) * 100);
    const best = probabilities.indexOf(Math.max(...probabilities));
    return `#${track} ${EMOTIONS[best]} ${percent}%`;
  });
  faceList.textContent = words.join(", ") || "No face in sight.";
  faceList.dataset.count = String(faces.length);
  return faces;
}

/** Fits the canvas to a picture and shows it. */
function sizeCanvas(width: number, height: number) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const w = Math.round(width * scale), h = Math.round(height * scale);
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  canvas.hidden = false;
}

/** Shows a video, camera or file, until another source is chosen. */
async function play(
  recognizer: Recognizer,
  video: HTMLVideoElement,
  mirrored: boolean,
) {
  const mine = ++current;
  const tracker = new FaceTracker(), sides = new Map<number, PanelSide>();
  await video.play();
  let frames = 0, since = performance.now();
  const step = () => {
    if (mine !== current) {
      video.pause();
      (video.srcObject as MediaStream | null)?.getTracks()
        .forEach((track) => track.stop());
      return;
    }
    sizeCanvas(video.videoWidth, video.videoHeight);
    context.setTransform(
      mirrored ? -1 : 1,
      0,
      0,
      1,
      mirrored ? canvas.width : 0,
      0,
    );
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    showFaces(recognizer, tracker, sides, performance.now() / 1000);
    frames++;
    const now = performance.now();
    if (now - since >= 1000) {
      const perSecond = frames * 1000 / (now - since);
      rate.textContent = `${perSecond.toFixed(1)} frames per second`;
      rate.dataset.rate = perSecond.toFixed(2);
      frames = 0;
      since = now;
    }
    nextFrame(video, step);
  };
  nextFrame(video, step);
}

/** Calls back when the video has a new frame. */
function nextFrame(video: HTMLVideoElement, step: () => void) {
  if ("requestVideoFrameCallback" in video) {
    video.requestVideoFrameCallback(step);
  } else requestAnimationFrame(step);
}

async function playFile(recognizer: Recognizer, file: File) {
  const url = URL.createObjectURL(file);
  try {
    if (file.type.startsWith("image/")) {
      const picture = new Image();
      picture.src = url;
      await picture.decode();
      current++;
      rate.textContent = "";
      sizeCanvas(picture.naturalWidth, picture.naturalHeight);
      context.drawImage(picture, 0, 0, canvas.width, canvas.height);
      showFaces(recognizer, new FaceTracker(), new Map(), 0);
    } else {
      const video = document.createElement("video");
      video.muted = true;
      video.loop = true;
      video.src = url;
      await play(recognizer, video, false);
    }
    say("");
  } catch {
    say(
      `${file.name} cannot be shown: this browser does not know its format.`,
      true,
    );
  }
}

async function playCamera(recognizer: Recognizer) {
  if (!navigator.mediaDevices?.getUserMedia) {
    say(
      "This page cannot use a camera: open it in a browser, at its own " +
        "address. Or choose a video or picture below.",
      true,
    );
    return;
  }
  say("Please allow this page to use the camera.");
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 } },
    });
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    video.srcObject = stream;
    await play(recognizer, video, true);
    say("");
  } catch (error) {
    say(
      `${cameraTrouble(error)} You can choose a video or picture below.`,
      true,
    );
  }
}

function cameraTrouble(error: unknown): string {
  switch ((error as DOMException).name) {
    case "NotFoundError":
    case "OverconstrainedError":
      return "There is no camera.";
    case "NotAllowedError":
      return "The camera was not allowed; the browser's settings for this " +
        "page can change that.";
    case "NotReadableError":
      return "The camera is used by another program.";
    default:
      return `The camera cannot be used (${error}).`;
  }
}

async function load(name: string): Promise<Response> {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
}

async function start() {
  if (!WebAssembly.validate(SIMD_PROBE)) {
    say(
      "This browser has no WebAssembly SIMD, which the detector needs: use " +
        "a newer one, or run deno task video with a file instead.",
      true,
    );
    return;
  }
  let recognizer: Recognizer;
  try {
    const graph = await (await load("network.json")).json() as NetworkGraph;
    const [parameters, statistics] = await Promise.all(
      ["parameters.bin", "statistics.bin"].map(async (name) =>
        new Float32Array(await (await load(name)).arrayBuffer())
      ),
    );
    recognizer = await Recognizer.create({ graph, parameters, statistics });
  } catch (error) {
    say(`The network cannot be loaded: ${error}`, true);
    return;
  }
  fileInput.disabled = false;
  fileInput.onchange = () => {
    const file = fileInput.files?.[0];
    if (file) playFile(recognizer, file);
  };
  await playCamera(recognizer);
}

await start();
