// Reads pictures one after the other, and shows how far it is.

import { Problem } from "./ask.js";
import { answerCard, failureCard } from "./outcome.js";
import { prepare } from "./picture.js";
import { sureness, text, verdict } from "./text.js";

const PATIENCE = 250; // ms without an answer until the progress is shown: quicker ones would only flicker
const element = (id) => document.getElementById(id);

/** Takes pictures in; whatever comes while one batch is read is read next. */
export class Reader {
  #service;
  #history;
  #last = Promise.resolve();

  constructor(service, history) {
    this.#service = service;
    this.#history = history;
  }

  /** Reads files (or what `prepare` gave) and shows their cards in place of the former ones. */
  read(files) {
    this.#last = this.#last.then(() => this.#readBatch(files));
    return this.#last;
  }

  /** Says that what came in was no file. */
  refuse() {
    show([{ problem: new Problem("no-file", 0), picture: { name: "" } }], this.#service.maxBytes);
  }

  async #readBatch(files) {
    const progress = new Progress(files.length);
    const entries = [];
    try {
      for (const file of files) {
        progress.begin(file.name);
        entries.push(await this.#readOne(file, progress));
        show(entries, this.#service.maxBytes);
        this.#history.add(entries.at(-1));
      }
      say(summary(entries));
    } catch (reason) {
      if (!progress.signal.aborted) throw reason;
      say(text("script", "cancelled"));
    } finally {
      progress.end();
    }
  }

  async #readOne(file, progress) {
    const picture = file.body ? file : await prepare(file);
    const entry = { picture, time: new Date() };
    progress.sending(picture.name);
    try {
      entry.prediction = await this.#service.ask(picture.body, progress.watch(picture.name));
    } catch (reason) {
      if (!(reason instanceof Problem)) throw reason;
      entry.problem = reason;
    }
    return entry;
  }
}

/** Shows the cards of these entries; brings them into sight with the first one. */
export function show(entries, maxBytes) {
  const outcomes = element("outcomes");
  const cards = entries.map(({ prediction, problem, picture }) =>
    prediction ? answerCard(prediction, picture) : failureCard(problem, picture.name, maxBytes),
  );
  if (entries.length === 1) outcomes.replaceChildren(cards[0]);
  else outcomes.append(cards.at(-1));
  outcomes.classList.toggle("several", entries.length > 1);
  if (entries.length === 1) outcomes.scrollIntoView({ block: "nearest" });
}

/** Tells those who listen rather than look. */
export function say(words) {
  element("announcer").textContent = words;
}

function summary(entries) {
  const failed = entries.filter(({ problem }) => problem).length;
  if (entries.length > 1) {
    return text("script", failed ? "summary_failed" : "summary", { count: entries.length, failed });
  }
  const [{ prediction }] = entries;
  if (!prediction) return ""; // the failure's own card is an alert
  return prediction.accepted ? `${verdict(prediction)}. ${sureness(prediction.confidence)}.` : verdict(prediction);
}

/** The card with the bar, of one batch. */
class Progress {
  #abort = new AbortController();
  #count;
  #index = 0;
  #timer;

  constructor(count) {
    this.#count = count;
    this.signal = this.#abort.signal;
    element("busy-cancel").onclick = () => this.#abort.abort();
    this.#timer = setTimeout(() => (element("busy").hidden = false), PATIENCE);
  }

  begin(name) {
    this.#index++;
    this.#tell("shrinking", { name });
  }

  sending(name) {
    this.#tell("sending", { name });
  }

  watch(name) {
    return {
      signal: this.signal,
      onProgress: (share) => this.#tell(share < 1 ? "sending" : "reading", { name }, share),
      onRetry: (seconds) => this.#tell("retrying", { seconds }),
    };
  }

  end() {
    clearTimeout(this.#timer);
    element("busy").hidden = true;
  }

  #tell(what, values, share) {
    const many = this.#count > 1 ? text("script", "of_many", { index: this.#index, count: this.#count }) : "";
    element("busy-text").textContent = `${text("script", what, values)} ${many}`.trim();
    if (share > 0 && share < 1) element("busy-bar").value = share;
    else element("busy-bar").removeAttribute("value");
  }
}
