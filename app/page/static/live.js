// Reads a video: one frame at a time, the next only after the answer, and none while nobody looks.

import { Problem } from "./ask.js";
import { fillBars, shade } from "./outcome.js";
import { encodeFrame } from "./picture.js";
import { say } from "./reader.js";
import { Steady } from "./steady.js";
import { helpWith, sureness, text, verdict } from "./text.js";

const LONGEST_FRAME = 200; // ms to wait for a new frame
const STEADY_BEFORE_SAID = 3; // answers alike before a listener is told
const element = (id) => document.getElementById(id);

export class Live {
  #service;
  #video;
  #run = null;

  constructor(service, video) {
    this.#service = service;
    this.#video = video;
  }

  get running() {
    return this.#run !== null;
  }

  start() {
    this.stop();
    this.#run = new AbortController();
    element("live-text").textContent = text("script", "looking");
    return this.#loop(this.#run.signal);
  }

  stop() {
    this.#run?.abort();
    this.#run = null;
  }

  async #loop(signal) {
    const readout = new Readout();
    try {
      while (!signal.aborted) {
        await visible(signal);
        const body = await encodeFrame(this.#video);
        const prediction = await this.#service.ask(body, { signal, onRetry: retrying });
        if (!signal.aborted) readout.show(prediction);
        await nextFrame(this.#video);
      }
    } catch (reason) {
      if (signal.aborted) return;
      this.stop();
      if (!(reason instanceof Problem)) throw reason;
      const { title, text: advice } = helpWith(reason, this.#service.maxBytes);
      element("live-text").textContent = `${title}. ${advice}`;
      say(title);
      dispatchEvent(new Event("live-ended"));
    }
  }
}

/** Shows the steadied answers of one run. */
class Readout {
  #steady = new Steady();
  #times = [];
  #same = { words: "", count: 0 };

  show(prediction) {
    const steady = this.#steady.add(prediction);
    const words = steady.accepted ? verdict(steady) : text("script", "live_no_sign");
    element("live-digit").textContent = steady.accepted ? steady.label : "?";
    element("camera").classList.toggle("doubtful", !steady.accepted);
    element("live-text").textContent = steady.accepted ? `${words}. ${sureness(steady.confidence)}.` : words;
    element("live-bars").hidden = false;
    fillBars(element("live-bars").tBodies[0], steady);
    element("camera-shade").setAttribute("d", shade(prediction.window));
    const values = { count: steady.count, pace: this.#pace() };
    element("live-pace").textContent = steady.count > 1 ? text("script", "steadied", values) : "";
    this.#tell(words);
  }

  /** Answers a second, over the last ones. */
  #pace() {
    this.#times = [...this.#times, performance.now()].slice(-10);
    const span = this.#times.at(-1) - this.#times[0];
    return span ? (((this.#times.length - 1) * 1000) / span).toFixed(0) : "…";
  }

  #tell(words) {
    const same = words === this.#same.words;
    this.#same = { words, count: same ? this.#same.count + 1 : 1 };
    if (this.#same.count === STEADY_BEFORE_SAID) say(words);
  }
}

function retrying(seconds) {
  element("live-text").textContent = text("script", "retrying", { seconds });
}

/** Resolves at once, or when the page can be seen again, or when the run ends. */
function visible(signal) {
  if (!document.hidden) return undefined;
  element("live-text").textContent = text("script", "paused_hidden");
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true, signal });
    signal.addEventListener("abort", resolve, { once: true });
  });
}

function nextFrame(video) {
  return new Promise((resolve) => {
    setTimeout(resolve, LONGEST_FRAME);
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(resolve);
    else requestAnimationFrame(resolve);
  });
}
