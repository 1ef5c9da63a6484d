// From a file to what is sent: large pictures are shrunk here, upright, which also drops what a phone notes
// in them about place and camera.

import { shrunk } from "./shrink.js";

export const SIDE = 512; // pixels of the longer side; the service would shrink a larger picture to it as well
const JPEG = ["image/jpeg", 0.85];
// As WebP of quality 1 keeps every pixel in less than a PNG, which a browser makes that cannot write WebP.
const LOSSLESS = ["image/webp", 1];
const THUMB_SIDE = 112;

/**
 * What to send for `file`, and how to show it: {name, body, preview, thumb}. `preview` and `thumb` are
 * data: URIs, empty where the browser cannot decode the picture; the service then sees it as it is.
 */
export async function prepare(file, name = file.name) {
  let bitmap;
  try {
    // The service does not convert colours either.
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  } catch {
    return { name, body: file, preview: "", thumb: "" };
  }
  const large = Math.max(bitmap.width, bitmap.height) > SIDE;
  const canvas = large ? shrunk(bitmap, file.type, SIDE) : drawn(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  const body = large ? await encode(canvas, LOSSLESS) : file;
  return { name, body, ...shown(canvas) };
}

/** The same for what a video shows now. */
export async function prepareFrame(video, name) {
  const canvas = grab(video);
  return { name, body: await encode(canvas, LOSSLESS), ...shown(canvas) };
}

/** What a video shows now, as a JPEG ready to be sent. */
export const encodeFrame = (video) => encode(grab(video), JPEG);

const grab = (video) => shrink(video, video.videoWidth, video.videoHeight, SIDE);

function shown(canvas) {
  const thumb = shrink(canvas, canvas.width, canvas.height, THUMB_SIDE);
  return {
    preview: canvas.toDataURL(...JPEG),
    thumb: thumb.toDataURL(...JPEG),
  };
}

/** On white, at most `side` pixels wide and high; by halves, so that every pixel of the source counts. */
function shrink(source, width, height, side) {
  while (Math.max(width, height) > 2 * side) {
    [width, height] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    source = drawn(source, width, height);
  }
  const scale = Math.min(1, side / Math.max(width, height));
  return drawn(source, Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
}

function drawn(source, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return canvas;
}

function encode(canvas, how) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), ...how);
  });
}
