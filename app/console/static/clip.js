// The recording with the masks over it. The clip is the visitor's own file: the service has none.

import { element } from "./service.js";
import { say } from "./texts.js";

const USUAL_RATE = 25;
const OPACITY = 150; // of 255: what lies below is still seen

export async function clipWithMasks(file, explained) {
  const masks = new Map(explained.masks.map((mask) => [mask.frame, mask]));
  const frames = [...masks.keys()];
  const rate = explained.frames_per_second ?? USUAL_RATE;
  const video = await playable(file);
  const canvas = element("canvas", {
    width: explained.frame_width, height: explained.frame_height,
    role: "img", "aria-label": say("identify.clip_words"),
  });
  const slider = element("input", {
    type: "range", min: frames[0], max: frames.at(-1), step: 1, "aria-label": say("identify.clip_frame"),
  });
  const button = element("button", { type: "button", className: "quiet", textContent: say("identify.clip_play") });
  const drawn = new Map();
  let playing = null;

  async function draw(frame) {
    slider.value = frame;
    const mask = masks.get(frame);
    if (mask && !drawn.has(frame)) drawn.set(frame, await tinted(mask, canvas, video));
    if (Number(slider.value) !== frame) return; // another frame was asked for meanwhile
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (mask) context.drawImage(drawn.get(frame), mask.left, mask.top);
  }

  function show(frame) {
    if (video) video.currentTime = (frame + 0.5) / rate;
    return draw(frame);
  }

  function pause() {
    video?.pause();
    if (playing !== null) clearInterval(playing);
    playing = null;
    button.textContent = say("identify.clip_play");
  }

  function play() {
    button.textContent = say("identify.clip_pause");
    if (Number(slider.value) >= frames.at(-1)) show(frames[0]);
    if (video) video.play();
    playing = setInterval(() => {
      if (!canvas.isConnected) return pause();
      const frame = video ? Math.floor(video.currentTime * rate) : Number(slider.value) + 1;
      if (frame > frames.at(-1)) return pause();
      draw(Math.max(frame, frames[0]));
    }, 1000 / rate);
  }

  slider.addEventListener("input", () => { pause(); show(Number(slider.value)); });
  button.addEventListener("click", () => (playing === null ? play() : pause()));
  await show(frames[Math.floor(frames.length / 2)]);
  const told = video ? "identify.clip_own" : "identify.clip_masks";
  return element("div", {},
    element("div", { className: "clip" }, ...(video ? [video] : []), canvas),
    element("div", { className: "player" }, button, slider),
    element("p", { className: "muted", textContent: say(told) }));
}

// A video element that can show this file, or null.
function playable(file) {
  if (!file?.type.startsWith("video/")) return null;
  const video = element("video", { muted: true, playsInline: true, preload: "auto", "aria-hidden": "true", tabIndex: -1 });
  return new Promise((resolve) => {
    video.addEventListener("loadeddata", () => resolve(video), { once: true });
    video.addEventListener("error", () => resolve(null), { once: true });
    video.src = URL.createObjectURL(file);
  });
}

// A mask in the colour of the page: over a clip one can look through it.
async function tinted(mask, canvas, video) {
  const image = new Image();
  image.src = `data:image/png;base64,${mask.png}`;
  await image.decode();
  const sheet = element("canvas", { width: image.width, height: image.height });
  const context = sheet.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, sheet.width, sheet.height);
  const [red, green, blue] = video ? [45, 212, 191] : [255, 255, 255];
  for (let at = 0; at < pixels.data.length; at += 4) {
    const alpha = pixels.data[at] > 127 ? (video ? OPACITY : 255) : 0;
    pixels.data.set([red, green, blue, alpha], at);
  }
  context.putImageData(pixels, 0, 0);
  return sheet;
}
