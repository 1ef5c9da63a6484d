// How pictures come in: chosen, dropped, pasted, or one of the examples.

import { text } from "./text.js";

const element = (id) => document.getElementById(id);

/** Hands every picture that comes in to `reader`. */
export function openWaysIn(form, reader) {
  acceptChosen(form, reader);
  acceptDropped(reader);
  acceptPasted(reader);
  acceptExamples(form, reader);
}

function acceptChosen(form, reader) {
  const input = form.elements.file;
  element("choose").onclick = () => input.click();
  input.onchange = () => {
    const files = [...input.files];
    input.value = ""; // so that choosing the same file again is a change
    if (files.length) reader.read(files);
  };
}

function acceptDropped(reader) {
  const overlay = element("drop-here");
  const hide = () => (overlay.hidden = true);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    overlay.hidden = false;
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? hide());
  addEventListener("drop", (event) => {
    event.preventDefault();
    hide();
    take([...event.dataTransfer.files], reader);
  });
}

function acceptPasted(reader) {
  addEventListener("paste", (event) => {
    if (!event.target.closest("input")) take([...event.clipboardData.files].map(named), reader);
  });
}

// A link or a text may be dropped or pasted as well.
const take = (files, reader) => (files.length ? reader.read(files) : reader.refuse());

// Browsers call every picture that is not a file "image.png".
function named(file) {
  return file.name === "image.png" ? new File([file], text("script", "pasted"), { type: file.type }) : file;
}

function acceptExamples(form, reader) {
  form.onsubmit = async (event) => {
    event.preventDefault();
    const { submitter } = event;
    if (submitter?.name !== "example") return element("choose").click();
    const image = submitter.querySelector("img");
    const answer = await fetch(image.src.replace("-small", ""));
    reader.read([new File([await answer.blob()], submitter.dataset.name)]);
  };
}
