// The camera's card: opens and closes the device, says in words why it cannot.

import { Live } from "./live.js";
import { prepareFrame } from "./picture.js";
import { say } from "./reader.js";
import { table, text } from "./text.js";

const element = (id) => document.getElementById(id);
const button = { live: element("camera-live"), switch: element("camera-switch"), shoot: element("camera-shoot") };

export class Camera {
  #video = element("camera-video");
  #stream = null;
  #facing = matchMedia("(pointer: coarse)").matches ? "environment" : "user";
  #opening = 0; // counts, so that a slow start that was closed meanwhile is noticed
  #live;
  #reader;

  constructor(service, reader) {
    this.#reader = reader;
    this.#live = new Live(service, this.#video);
    button.live.onclick = () => (this.#live.running ? this.#pause() : this.#read());
    button.switch.onclick = () => this.#turn();
    button.shoot.onclick = () => this.#shoot();
    element("camera-stop").onclick = () => this.close();
    element("camera").addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    addEventListener("live-ended", () => this.#label());
    addEventListener("pagehide", () => this.close());
  }

  /** Shows the card and what the camera sees, or why it sees nothing. */
  async open() {
    element("camera").hidden = false;
    this.#tell(text("script", "starting"));
    this.#enable(false);
    element("camera-title").focus({ preventScroll: true });
    const turn = ++this.#opening;
    try {
      const stream = await this.#request();
      if (turn !== this.#opening) return end(stream);
      await this.#show(stream);
      this.#read();
    } catch (reason) {
      if (turn === this.#opening) this.#refuse(reason);
    }
  }

  /** Switches the camera off, its light with it. */
  close() {
    this.#opening++;
    this.#live.stop();
    this.#release();
    this.#label();
    if (element("camera").hidden) return;
    element("camera").hidden = true;
    element("open-camera").focus();
  }

  #request() {
    // Browsers hide the camera from pages that came over plain http.
    if (!navigator.mediaDevices) throw new DOMException("", "Insecure");
    const video = { facingMode: { ideal: this.#facing }, width: { ideal: 640 }, height: { ideal: 480 } };
    return navigator.mediaDevices.getUserMedia({ video, audio: false });
  }

  async #show(stream) {
    this.#stream = stream;
    const [track] = stream.getVideoTracks();
    track.onended = () => this.#refuse(new DOMException("", "Ended"));
    this.#video.srcObject = stream;
    await this.#video.play();
    const facing = track.getSettings().facingMode ?? this.#facing;
    element("camera-frame").classList.toggle("mirrored", facing === "user");
    this.#enable(true);
    element("camera").scrollIntoView(); // only now has it its height
    const devices = await navigator.mediaDevices.enumerateDevices();
    button.switch.hidden = devices.filter(({ kind }) => kind === "videoinput").length < 2;
  }

  #read() {
    this.#live.start();
    this.#label();
  }

  #pause() {
    this.#live.stop();
    this.#label();
    this.#tell(element("camera").dataset.waiting);
  }

  async #turn() {
    this.#facing = this.#facing === "user" ? "environment" : "user";
    this.#live.stop();
    this.#release();
    await this.open();
  }

  async #shoot() {
    this.#pause();
    await this.#reader.read([await prepareFrame(this.#video, text("script", "photo"))]);
  }

  #refuse(reason) {
    this.#live.stop();
    this.#release();
    this.#label();
    this.#enable(false);
    const texts = table("camera_help");
    const words = (texts[reason.name] ?? texts.other).replace("{reason}", reason.message || reason.name);
    this.#tell(words);
    say(words);
  }

  #release() {
    if (this.#stream) end(this.#stream);
    this.#stream = this.#video.srcObject = null;
    element("live-digit").textContent = element("live-pace").textContent = "";
    element("camera-shade").setAttribute("d", "");
    element("live-bars").hidden = true;
  }

  #label() {
    button.live.textContent = this.#live.running ? button.live.dataset.pause : button.live.dataset.live;
  }

  #enable(on) {
    for (const each of Object.values(button)) each.disabled = !on;
    element("camera-frame").hidden = !on;
  }

  #tell(words) {
    element("live-text").textContent = words;
  }
}

function end(stream) {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
