// One question to the service: send a picture, follow the upload, try again where the service is busy.

const TRIES = 5;
const LONGEST_WAIT = 30; // seconds

/** What the service, or the line to it, answered in place of a prediction. */
export class Problem extends Error {
  constructor(kind, status, detail = "", requestId = "") {
    super(detail || kind);
    Object.assign(this, { kind, status, detail, requestId });
  }
}

/** Where and how to ask: `form` is the page's form, which knows the root, the limit and the API key. */
export class Service {
  constructor(form) {
    this.address = `${form.dataset.root}/predict?explain=true`;
    this.maxBytes = Number(form.dataset.maxBytes);
    this.keyField = form.elements.api_key ?? null;
  }

  /**
   * The prediction for `body`, with `milliseconds` from sending to answer. `onProgress` gets the sent share
   * 0..1, `onRetry` the seconds until the next try. Throws `Problem`, or the signal's reason.
   */
  async ask(body, { signal, onProgress = () => {}, onRetry = () => {} } = {}) {
    if (body.size > this.maxBytes) throw new Problem("too-large", 413);
    for (let tries = 1; ; tries++) {
      const begun = performance.now();
      const answer = await this.#post(body, signal, onProgress);
      if (answer.status === 200) {
        return { ...JSON.parse(answer.responseText), milliseconds: performance.now() - begun };
      }
      if (answer.status !== 503 || tries === TRIES) throw problemOf(answer);
      const seconds = retryAfter(answer);
      onRetry(seconds);
      await wait(seconds, signal);
    }
  }

  // XMLHttpRequest, since fetch does not tell how far an upload is.
  #post(body, signal, onProgress) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const request = new XMLHttpRequest();
      request.open("POST", this.address);
      if (this.keyField) request.setRequestHeader("X-API-Key", this.keyField.value);
      request.upload.onprogress = (event) => onProgress(event.loaded / event.total);
      request.onload = () => resolve(request);
      request.onerror = () => reject(new Problem("offline", 0));
      request.onabort = () => reject(signal.reason);
      signal?.addEventListener("abort", () => request.abort(), { once: true });
      request.send(formOf(body));
    });
  }
}

function formOf(body) {
  const form = new FormData();
  // Without a type, so that the service looks at the bytes and can say what they are.
  form.append("file", new Blob([body]), "picture");
  return form;
}

function problemOf(answer) {
  try {
    const { type, detail, request_id: id } = JSON.parse(answer.responseText);
    return new Problem(type.split(":").pop(), answer.status, detail, id);
  } catch {
    return new Problem("", answer.status, `the answer was ${answer.status} ${answer.statusText}`);
  }
}

/** Seconds, from a number or a date; one second where it does not say. */
function retryAfter(answer) {
  const said = answer.getResponseHeader("Retry-After") ?? "1";
  const seconds = /^\d+$/.test(said) ? Number(said) : (Date.parse(said) - Date.now()) / 1000;
  return Math.min(LONGEST_WAIT, Math.max(0, Number.isNaN(seconds) ? 1 : Math.ceil(seconds)));
}

function wait(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
