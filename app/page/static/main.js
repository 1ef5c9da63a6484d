// Puts the page together. Without this script the plain form does the same work.

import { Service } from "./ask.js";
import { Camera } from "./camera.js";
import { History } from "./history.js";
import { Reader, show } from "./reader.js";
import { openWaysIn } from "./ways_in.js";

const form = document.getElementById("form");
const service = new Service(form);
const history = new History(service.maxBytes, (entry) => show([entry], service.maxBytes));
const reader = new Reader(service, history);
const camera = new Camera(service, reader);

openWaysIn(form, reader);
if ("feedback" in form.dataset) import("./feedback.js").then((module) => module.openFeedback(service.maxBytes));
document.getElementById("open-camera").onclick = () => camera.open();
document.documentElement.dataset.ready = "";
