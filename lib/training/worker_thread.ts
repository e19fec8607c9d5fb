// A training worker's entry point, which passes the main thread's requests to worker.ts.
import { Member, type Request } from "./worker.ts";

const member = new Member();

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  self.postMessage(await member.answer(data));
};
