// What was read during this visit: kept in this page only, never sent anywhere.

import { helpWith, table, text } from "./text.js";

const MOST = 200; // entries, the oldest go first
const element = (id) => document.getElementById(id);

/** The list; `onChoose` gets the entry whose tile was pressed. */
export class History {
  #entries = [];
  #onChoose;
  #maxBytes;

  constructor(maxBytes, onChoose) {
    this.#maxBytes = maxBytes;
    this.#onChoose = onChoose;
    element("history-csv").onclick = () => download("signs.csv", this.csv());
    element("history-clear").onclick = () => this.clear();
  }

  /** Takes an entry {picture, time, prediction or problem}, the newest first. */
  add(entry) {
    this.#entries.unshift(entry);
    element("history-list").prepend(this.#tile(entry));
    if (this.#entries.length > MOST) {
      this.#entries.pop();
      element("history-list").lastElementChild.remove();
    }
    element("history").hidden = false;
  }

  clear() {
    this.#entries = [];
    element("history-list").replaceChildren();
    element("history").hidden = true;
    element("choose").focus();
  }

  /** All entries, the oldest first, as CSV (RFC 4180). */
  csv() {
    const labels = Object.keys(table("signs"));
    const head = [...table("script", "csv_columns"), ...labels.map((label) => `p${label}`)];
    const rows = [...this.#entries].reverse().map((entry) => this.#row(entry, labels));
    return [head, ...rows].map((cells) => `${cells.map(quoted).join(",")}\r\n`).join("");
  }

  #row({ picture, time, prediction, problem }, labels) {
    const start = [time.toISOString(), picture.name];
    if (problem) {
      return [...start, "", "", "", "", helpWith(problem, this.#maxBytes).title, ...labels.map(() => "")];
    }
    const { label, confidence, accepted, milliseconds, probabilities } = prediction;
    const byLabel = new Map(probabilities.map((each) => [each.label, each.probability]));
    return [...start, label, confidence, accepted, Math.round(milliseconds), "", ...labels.map((l) => byLabel.get(l))];
  }

  #tile(entry) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "tile" });
    if (entry.picture.thumb) {
      button.append(Object.assign(document.createElement("img"), { src: entry.picture.thumb, alt: "" }));
    }
    const outcome = outcomeOf(entry);
    button.append(outcome, line(entry.picture.name));
    button.setAttribute("aria-label", text("script", "show_again", { name: entry.picture.name, outcome }));
    button.onclick = () => this.#onChoose(entry);
    const item = document.createElement("li");
    item.append(button);
    return item;
  }
}

function outcomeOf({ prediction }) {
  if (!prediction) return text("script", "not_read");
  return prediction.accepted ? prediction.label : text("script", "no_sign");
}

const line = (words) => Object.assign(document.createElement("span"), { textContent: words });

function quoted(value) {
  // A cell that begins like a formula would be run by a spreadsheet.
  const plain = typeof value === "string" ? value.replace(/^[=+\-@\t\r]/, "'$&") : String(value);
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function download(name, content) {
  const address = URL.createObjectURL(new Blob([content], { type: "text/csv" }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
