// Sends a correction without leaving the page.

import { helpWith, text } from "./text.js";

export function openFeedback(maxBytes) {
  addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.closest(".feedback")) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    const told = form.querySelector('[data-slot="told"]');
    const failure = await send(form);
    told.textContent = failure ? text("feedback", "failed", { reason: reason(failure, maxBytes) }) : form.dataset.thanks;
    button.disabled = !failure; // once is enough
  });
}

/** Undefined, or what went wrong. */
async function send(form) {
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    return answer.ok ? undefined : { kind: STATUS_KINDS[answer.status], status: answer.status, detail: answer.statusText };
  } catch {
    return { kind: "offline", status: 0, detail: "" };
  }
}

const STATUS_KINDS = { 507: "store-full" };

const reason = (failure, maxBytes) => helpWith(failure, maxBytes).title;
