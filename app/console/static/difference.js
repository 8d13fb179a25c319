// Two gait energy images side by side, and where they differ.

import { element } from "./service.js";
import { say } from "./texts.js";

// Rows of a gait energy image, as shares of the height: head and shoulders, trunk and arms, legs.
const PARTS = [["head", 0, 0.2], ["trunk", 0.2, 0.52], ["legs", 0.52, 1]];
// Apart for every kind of colour vision, and on black: where the probe is brighter, where the other is.
const PROBE = [255, 159, 64];
const OTHER = [96, 165, 250];

async function levels(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = element("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return { width: canvas.width, height: canvas.height, at: (place) => data[4 * place] };
}

// A figure; null where the two have not the same size (they are of different checkpoints).
export async function difference(probe, other) {
  const [one, two] = await Promise.all([levels(probe), levels(other)]);
  if (one.width !== two.width || one.height !== two.height) return null;
  const canvas = element("canvas", { className: "gei", width: one.width, height: one.height, role: "img" });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(one.width, one.height);
  const rows = new Array(one.height).fill(0);
  for (let place = 0; place < one.width * one.height; place += 1) {
    const apart = one.at(place) - two.at(place);
    const colour = apart > 0 ? PROBE : OTHER;
    const strength = Math.min(1, Math.abs(apart) / 160);
    rows[Math.floor(place / one.width)] += Math.abs(apart);
    picture.data.set([...colour.map((part) => part * strength), 255], 4 * place);
  }
  context.putImageData(picture, 0, 0);
  const caption = say("identify.differ", { part: say(`identify.part_${mostOf(rows)}`) });
  canvas.setAttribute("aria-label", caption);
  return element("figure", {}, canvas, element("figcaption", { className: "muted", textContent: caption }));
}

// The part of the body whose rows differ most, each row counted alike.
function mostOf(rows) {
  const [[most]] = PARTS.map(([part, from, to]) => {
    const some = rows.slice(Math.floor(from * rows.length), Math.floor(to * rows.length));
    return [part, some.reduce((sum, row) => sum + row, 0) / some.length];
  }).sort(([, one], [, other]) => other - one);
  return most;
}

export function legend() {
  const swatch = (kind) => element("li", {},
    element("span", { className: `swatch ${kind}`, "aria-hidden": "true" }), say(`identify.swatch_${kind}`));
  return element("ul", { className: "key muted" }, swatch("probe"), swatch("other"));
}
