// Cards for answers and failures, made from the server's own templates.

import { helpWith, percent, sureness, text, verdict } from "./text.js";

/** A card for an answer; `picture` is what `prepare` gave. */
export function answerCard(prediction, picture) {
  const card = copyOf("answer");
  const { accepted, label } = prediction;
  card.classList.toggle("doubtful", !accepted);
  const whole = isWhole(prediction.window);
  fill(card, {
    filename: picture.name,
    digit: accepted ? label : "?",
    verdict: verdict(prediction),
    sureness: accepted ? sureness(prediction.confidence) : "",
    hint: accepted ? "" : text("verdict", "hint", { label, percent: percent(prediction.confidence) }),
    looked: picture.preview ? text("verdict", whole ? "whole" : "window") : text("script", "no_preview"),
    took: took(prediction),
  });
  showPicture(card, picture);
  if (picture.preview) slot(card, "shade").setAttribute("d", shade(prediction.window));
  fillBars(slot(card, "bars"), prediction);
  return card;
}

/** A card for a `Problem`. */
export function failureCard(problem, name, maxBytes) {
  const card = copyOf("failure");
  const request = problem.requestId ? requestText(problem.requestId) : "";
  fill(card, { ...helpWith(problem, maxBytes), filename: name, request });
  return card;
}

/** Fills the rows below `body` with the probabilities in order of labels, from one row or from six. */
export function fillBars(body, { probabilities, label }) {
  const sorted = [...probabilities].sort((one, other) => one.label.localeCompare(other.label));
  while (body.rows.length < sorted.length) body.append(body.rows[0].cloneNode(true));
  sorted.forEach((entry, index) => {
    const row = body.rows[index];
    row.classList.toggle("best", entry.label === label);
    row.cells[0].textContent = entry.label;
    row.querySelector("rect").setAttribute("width", percent(entry.probability));
    row.cells[2].textContent = text("verdict", "percent", { percent: percent(entry.probability) });
  });
}

/** The unit square without the window, as an SVG path; empty where the whole picture was looked at. */
export function shade(window) {
  if (isWhole(window)) return "";
  const { x0, y0, x1, y1 } = window;
  return `M0 0H1V1H0ZM${x0} ${y0}H${x1}V${y1}H${x0}Z`;
}

const isWhole = (window) => !window || (window.x0 <= 0 && window.y0 <= 0 && window.x1 >= 1 && window.y1 >= 1);

const slot = (card, name) => card.querySelector(`[data-slot="${name}"]`);

function copyOf(template) {
  return document.getElementById(template).content.firstElementChild.cloneNode(true);
}

function fill(card, values) {
  for (const [name, value] of Object.entries(values)) {
    const place = slot(card, name);
    place.textContent = value;
    place.hidden = !value;
  }
}

function showPicture(card, picture) {
  const image = slot(card, "picture");
  image.alt = `${image.alt} ${picture.name}`;
  if (picture.preview) image.src = picture.preview;
  else image.closest(".photo").hidden = true;
  const keepsake = slot(card, "keepsake");
  if (!keepsake) return;
  keepsake.value = picture.preview;
  keepsake.closest("details").hidden = !picture.preview;
}

const took = ({ milliseconds, model }) =>
  text("verdict", "took", { milliseconds: Math.round(milliseconds), model: model.name, version: model.version });

const requestText = (id) => text("script", "request", { id });
