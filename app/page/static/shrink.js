// Shrinks a picture as the service would, sample by sample, so that both read the same. A canvas's own
// smoothing differs from browser to browser.

const LEAST_SIDE = 732; // the service decodes large pictures at 1/2, 1/4, ... as long as both sides keep this
const LARGE = 4_000_000; // pixels from which it does so whatever the format; a JPEG at any size
const STRIP = 1_000_000; // so many pixels are in memory beside the decoded picture

/** A canvas with `bitmap` on white, at most `side` pixels wide and high; `type` is the file's MIME type. */
export function shrunk(bitmap, type, side) {
  const averaged = blockMeans(bitmap, blockSide(bitmap, type));
  const scale = Math.min(1, side / Math.max(averaged.width, averaged.height));
  const width = Math.max(1, Math.floor(averaged.width * scale + 0.5));
  const height = Math.max(1, Math.floor(averaged.height * scale + 0.5));
  const wide = resampled(averaged, width);
  return canvasOf(transposed(resampled(transposed(wide), height)));
}

/** How many pixels a side are averaged into one: for a JPEG what its decoder can do, a power of two. */
function blockSide({ width, height }, type) {
  const most = Math.max(1, Math.floor(Math.min(width, height) / LEAST_SIDE));
  if (type === "image/jpeg") return Math.min(8, 2 ** Math.floor(Math.log2(most)));
  return width * height > LARGE ? most : 1;
}

/** Means of square blocks; in strips, since phones have little memory. {width, height, data: RGB} */
function blockMeans(bitmap, block) {
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.ceil(side / block));
  const data = new Uint8Array(width * height * 3);
  const rows = block * Math.max(1, Math.floor(STRIP / bitmap.width / block));
  for (let top = 0; top < bitmap.height; top += rows) {
    const strip = pixelsOf(bitmap, top, Math.min(rows, bitmap.height - top));
    for (let y = 0; y * block < strip.height; y++) {
      meansOfRow(strip, y * block, block, data.subarray((top / block + y) * width * 3));
    }
  }
  return { width, height, data };
}

function meansOfRow({ width, height, data }, top, block, means) {
  const bottom = Math.min(top + block, height);
  for (let left = 0, at = 0; left < width; left += block) {
    const right = Math.min(left + block, width);
    const count = (bottom - top) * (right - left);
    const sums = [0, 0, 0];
    for (let y = top; y < bottom; y++) {
      for (let from = (y * width + left) * 4; from < (y * width + right) * 4; from += 4) {
        sums[0] += data[from];
        sums[1] += data[from + 1];
        sums[2] += data[from + 2];
      }
    }
    for (const sum of sums) means[at++] = Math.floor(sum / count + 0.5);
  }
}

function pixelsOf(bitmap, top, height) {
  const context = contextOf(bitmap.width, height);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, bitmap.width, height);
  context.drawImage(bitmap, 0, -top);
  return context.getImageData(0, 0, bitmap.width, height);
}

/** To another width by a triangle as wide as what one new pixel stands for (Pillow's BILINEAR). */
function resampled({ width, height, data }, wanted) {
  if (wanted === width) return { width, height, data };
  const result = new Uint8Array(wanted * height * 3);
  const scale = width / wanted;
  for (let x = 0; x < wanted; x++) {
    const centre = (x + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - scale + 0.5));
    const end = Math.min(width, Math.floor(centre + scale + 0.5));
    const weights = Array.from({ length: end - first }, (_, i) =>
      Math.max(0, 1 - Math.abs((first + i - centre + 0.5) / scale)),
    );
    const sum = weights.reduce((total, weight) => total + weight);
    for (let y = 0; y < height; y++) {
      for (let channel = 0; channel < 3; channel++) {
        const from = (y * width + first) * 3 + channel;
        let value = 0;
        for (let i = 0; i < weights.length; i++) value += weights[i] * data[from + 3 * i];
        result[(y * wanted + x) * 3 + channel] = Math.floor(value / sum + 0.5);
      }
    }
  }
  return { width: wanted, height, data: result };
}

function transposed({ width, height, data }) {
  const result = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        result[(x * height + y) * 3 + channel] = data[(y * width + x) * 3 + channel];
      }
    }
  }
  return { width: height, height: width, data: result };
}

function canvasOf({ width, height, data }) {
  const context = contextOf(width, height);
  const pixels = context.createImageData(width, height);
  for (let from = 0, to = 0; from < data.length; to += 4) {
    pixels.data[to] = data[from++];
    pixels.data[to + 1] = data[from++];
    pixels.data[to + 2] = data[from++];
    pixels.data[to + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
  return context.canvas;
}

function contextOf(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return canvas.getContext("2d", { willReadFrequently: true });
}
