// The page's words, as the server put them into the page, and how numbers are written.

const words = JSON.parse(document.getElementById("words").textContent);

/** One string with its {braces} filled in. */
export function text(section, name, values = {}) {
  return fill(words[section][name], values);
}

/** A list or table of strings as it stands. */
export const table = (section, name) => (name ? words[section][name] : words[section]);

/** A fraction as a percentage with one decimal. */
export const percent = (fraction) => (fraction * 100).toFixed(1);

/** The confidence (0..1) in words and number. */
export function sureness(confidence) {
  const row = words.sureness.find(({ from }) => confidence >= from);
  return text("verdict", "sureness", { words: row.words, percent: percent(confidence) });
}

/** What the answer is, in one sentence. */
export function verdict({ accepted, label }) {
  return text("verdict", accepted ? "yes" : "no", { label });
}

/** Title and text for an error: by its kind, its status, or neither. */
export function helpWith({ kind, status, detail }, maxBytes) {
  const { title, text: template } = words.help[kind] ?? words.help[status] ?? words.help.other;
  const values = { detail: sentence(detail), megabytes: Math.floor(maxBytes / 2 ** 20) };
  return { title, text: fill(template, values) };
}

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

function sentence(detail) {
  return detail.charAt(0).toUpperCase() + detail.slice(1) + (/[.!?]$/.test(detail) ? "" : ".");
}
