// A camera or a clip as a stream of frames. The last choice wins. If it ends, stalls or has no picture,
// the page says so, so that nobody mistakes the last frame for the current one.

import { canReadPixels, LONGEST_SIDE, NOISE_WORDS } from "./pictures.ts";

/** What a source calls back. */
export interface VideoEvents {
  /** A new frame is on the canvas. */
  frame(seconds: number): void;
  /** The first frame is on the canvas. */
  started(): void;
  /** Why there is no picture, or not yet. */
  trouble(words: string): void;
}

/** After this long without a new frame, in milliseconds, the picture counts as lost. */
const STALL_MS = 2500;

/** Shows one source at a time on a canvas. */
export class VideoSource {
  readonly #context: CanvasRenderingContext2D;
  #choice = 0;
  #stop = () => {};

  constructor(
    readonly canvas: HTMLCanvasElement,
    private readonly events: VideoEvents,
  ) {
    this.#context = canvas.getContext("2d", { willReadFrequently: true })!;
    this.#clear();
  }

  /** Stops the current source and removes its picture. */
  stop(): void {
    this.#choice++;
    this.#stop();
    this.#stop = () => {};
    this.#clear();
  }

  #clear() {
    this.canvas.hidden = true;
    this.#context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  #fail(words: string) {
    this.stop();
    this.events.trouble(words);
  }

  /** Asks for the camera and shows it, mirrored. */
  async playCamera(): Promise<void> {
    this.stop();
    const mine = this.#choice;
    if (!canReadPixels()) return this.#fail(NOISE_WORDS);
    if (!navigator.mediaDevices?.getUserMedia) {
      return this.#fail(
        "This page cannot use a camera: open it in a browser, at its own " +
          "address, or choose a video or picture.",
      );
    }
    this.events.trouble("Please allow this page to use the camera.");
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: 640 }, height: { ideal: 480 } },
      });
    } catch (error) {
      if (mine !== this.#choice) return;
      return this.#fail(
        `${cameraTrouble(error)} You can choose a video or picture.`,
      );
    }
    const end = () => stream.getTracks().forEach((track) => track.stop());
    if (mine !== this.#choice) return end();
    const [track] = stream.getVideoTracks();
    const lost = (words: string) => {
      if (mine === this.#choice) this.#fail(words);
    };
    track.onended = () => lost("The camera was unplugged or switched off.");
    const video = document.createElement("video");
    video.srcObject = stream;
    await this.#play(video, mine, true, end, "The camera");
  }

  /** Plays a clip in a loop. */
  async playClip(file: File): Promise<void> {
    this.stop();
    const mine = this.#choice;
    if (!canReadPixels()) return this.#fail(NOISE_WORDS);
    const url = URL.createObjectURL(file);
    const video = document.createElement("video");
    video.loop = true;
    video.src = url;
    const end = () => URL.revokeObjectURL(url);
    await this.#play(video, mine, false, end, file.name);
  }

  async #play(
    video: HTMLVideoElement,
    mine: number,
    mirrored: boolean,
    end: () => void,
    name: string,
  ) {
    let timer = 0;
    this.#stop = () => {
      clearInterval(timer);
      video.pause();
      video.removeAttribute("src");
      end();
    };
    video.muted = true;
    video.playsInline = true;
    try {
      await video.play();
    } catch {
      if (mine !== this.#choice) return;
      return this.#fail(
        `${name} cannot be shown: this browser does not support its format. ` +
          "deno task video reads more.",
      );
    }
    if (mine !== this.#choice) return;
    if (video.videoWidth === 0) {
      return this.#fail(
        `${name} has no picture that this browser can show: it is audio only, ` +
          "or in a format such as HEVC. deno task video reads more.",
      );
    }
    let last = performance.now(), stalled = false, begun = false;
    timer = setInterval(() => {
      // A hidden page gets no frames, and nobody sees it.
      if (document.hidden) last = performance.now();
      if (stalled || performance.now() - last < STALL_MS) return;
      stalled = true;
      begun = false;
      this.#clear();
      this.events.trouble(`${name} is not sending new pictures.`);
    }, 250);
    const step = () => {
      if (mine !== this.#choice) return;
      last = performance.now();
      stalled = false;
      this.#draw(video, mirrored);
      if (!begun) {
        begun = true;
        this.events.started();
      }
      this.events.frame(last / 1000);
      nextFrame(video, step);
    };
    nextFrame(video, step);
  }

  #draw(video: HTMLVideoElement, mirrored: boolean) {
    const { canvas } = this, context = this.#context;
    fitCanvas(canvas, video.videoWidth, video.videoHeight);
    const { width, height } = canvas;
    if (mirrored) context.setTransform(-1, 0, 0, 1, width, 0);
    context.drawImage(video, 0, 0, width, height);
    context.resetTransform();
  }
}

/** Resizes a canvas to show a picture. */
export function fitCanvas(
  canvas: HTMLCanvasElement,
  wide: number,
  high: number,
): void {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(wide, high));
  const width = Math.round(wide * scale), height = Math.round(high * scale);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  canvas.hidden = false;
}

/** Calls back when the video has a new frame. */
function nextFrame(video: HTMLVideoElement, step: () => void) {
  if ("requestVideoFrameCallback" in video) {
    video.requestVideoFrameCallback(step);
  } else requestAnimationFrame(step);
}

function cameraTrouble(error: unknown): string {
  switch ((error as DOMException).name) {
    case "NotFoundError":
    case "OverconstrainedError":
      return "No camera was found.";
    case "NotAllowedError":
      return "Camera access was denied; the browser's settings for this " +
        "page can change that.";
    case "NotReadableError":
      return "Another program is using the camera.";
    default:
      return `The camera cannot be used (${error}).`;
  }
}
