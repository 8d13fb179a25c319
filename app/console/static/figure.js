// Plots that are drawn anew in the width they get, so that their letters stay as large as others.
// They are laid out for letters of 16 pixels and grow with them: those of a wide screen are larger.

import { svg } from "./drawing.js";

const USUAL_LETTERS = 16;

export const rem = (pixels) => `${pixels / USUAL_LETTERS}rem`;

// How much larger than usual letters are here.
export const magnification = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / USUAL_LETTERS;

// `draw(width)` gives the children of an SVG of this height; words say what it shows.
export function fitted(height, words, draw) {
  const picture = svg("svg", { class: "drawing", height: rem(height), role: "img", "aria-label": words });
  new ResizeObserver(([{ contentRect }]) => {
    const width = Math.round(contentRect.width / magnification());
    if (width === 0) return;
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.replaceChildren(...draw(width));
  }).observe(picture);
  return picture;
}

// From [low, high] to [from, to].
export const scaled = (low, high, from, to) => (value) =>
  from + ((value - low) / (high - low || 1)) * (to - from);

export const path = (points) =>
  points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

export const words = (x, y, text, anchor = "middle") => svg("text", { x, y, "text-anchor": anchor }, text);
