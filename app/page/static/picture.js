// From a file to what is sent: large pictures are shrunk here, upright, which also drops what a phone notes
// in them about place and camera.

export const SIDE = 512; // pixels of the longer side; eight times what the network sees
const QUALITY = 0.92;
const PREVIEW_QUALITY = 0.85;
const THUMB_SIDE = 112;

/**
 * What to send for `file`, and how to show it: {name, body, preview, thumb}. `preview` and `thumb` are
 * data: URIs, empty where the browser cannot decode the picture; the service then sees it as it is.
 */
export async function prepare(file, name = file.name) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return { name, body: file, preview: "", thumb: "" };
  }
  const large = Math.max(bitmap.width, bitmap.height) > SIDE;
  const canvas = shrink(bitmap, bitmap.width, bitmap.height, SIDE);
  bitmap.close();
  const body = large ? await encode(canvas) : file;
  return { name, body, ...shown(canvas) };
}

/** The same for what a video shows now. */
export async function prepareFrame(video, name) {
  const canvas = grab(video);
  return { name, body: await encode(canvas), ...shown(canvas) };
}

/** What a video shows now, as a JPEG ready to be sent. */
export const encodeFrame = (video) => encode(grab(video), PREVIEW_QUALITY);

const grab = (video) => shrink(video, video.videoWidth, video.videoHeight, SIDE);

function shown(canvas) {
  const thumb = shrink(canvas, canvas.width, canvas.height, THUMB_SIDE);
  return {
    preview: canvas.toDataURL("image/jpeg", PREVIEW_QUALITY),
    thumb: thumb.toDataURL("image/jpeg", PREVIEW_QUALITY),
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

function encode(canvas, quality = QUALITY) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no JPEG"))), "image/jpeg", quality);
  });
}
