// One answer out of the last few, so that the read-out of a video does not jump.

const FRAMES = 6;

export class Steady {
  #last = [];

  /** Takes a frame's prediction; gives the mean of the last ones, with how many they are. */
  add(prediction) {
    this.#last = [...this.#last, prediction].slice(-FRAMES);
    const probabilities = mean(this.#last);
    const best = probabilities.reduce((most, each) => (each.probability > most.probability ? each : most));
    const accepted = this.#last.filter((each) => each.accepted).length * 2 > this.#last.length;
    return { label: best.label, confidence: best.probability, accepted, probabilities, count: this.#last.length };
  }
}

function mean(predictions) {
  const sums = new Map();
  for (const { probabilities } of predictions) {
    for (const { label, probability } of probabilities) sums.set(label, (sums.get(label) ?? 0) + probability);
  }
  return [...sums].map(([label, sum]) => ({ label, probability: sum / predictions.length }));
}
