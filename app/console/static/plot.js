// Curves over two axes, as SVG, with the same figures as a table for whoever does not see them.

import { svg } from "./drawing.js";
import { magnification, path, rem } from "./figure.js";
import { element } from "./service.js";
import { say } from "./texts.js";

const HEIGHT = 260, LEFT = 80, RIGHT = 14, TOP = 10, BOTTOM = 42;
const NARROWEST = 260, WIDEST = 620;

const asWritten = (value) => value.toLocaleString(undefined, { maximumSignificantDigits: 3 });

function roundTicks(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough);
  const ticks = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high * (1 + 1e-9); n += 1) ticks.push(n * step || 0); // and not -0
  return ticks;
}

function decades(low, high) {
  const ticks = [];
  for (let power = Math.ceil(Math.log10(low) - 1e-9); 10 ** power <= high * (1 + 1e-9); power += 1) {
    ticks.push(10 ** power);
  }
  // A range within one decade has its ends for ticks; of many decades, every other one will do.
  if (ticks.length < 2) return [low, high];
  return ticks.length > 6 ? ticks.filter((_, n) => n % 2 === 0) : ticks;
}

// An axis: from values to pixels, and its ticks.
function axis({ label, low, high, isLog = false, ticks, written = asWritten }, from, to) {
  const at = isLog ? Math.log10 : (value) => value;
  const span = at(high) - at(low) || 1;
  const place = (value) => from + ((at(Math.min(high, Math.max(low, value))) - at(low)) / span) * (to - from);
  return { label, place, written, ticks: ticks ?? (isLog ? decades(low, high) : roundTicks(low, high)) };
}

const placed = (points, x, y) => path(points.map(([a, b]) => [x.place(a), y.place(b)]));

function frame(x, y, width) {
  const bottom = HEIGHT - BOTTOM;
  const lines = y.ticks.flatMap((value) => [
    svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y.place(value), y2: y.place(value) }),
    svg("text", { x: LEFT - 6, y: y.place(value) + 4, "text-anchor": "end" }, y.written(value)),
  ]);
  const marks = x.ticks.flatMap((value) => [
    svg("line", { class: "grid", x1: x.place(value), x2: x.place(value), y1: TOP, y2: bottom }),
    svg("text", { x: x.place(value), y: bottom + 16, "text-anchor": "middle" }, x.written(value)),
  ]);
  return [...lines, ...marks,
    svg("text", { x: (LEFT + width - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, x.label),
    svg("text", { x: 12, y: (TOP + bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 12 ${(TOP + bottom) / 2})` }, y.label)];
}

function curve({ points, band, marks }, n, x, y) {
  const parts = [];
  if (band) {
    const there = band.map(([a, low]) => [a, low]);
    const back = band.map(([a, , high]) => [a, high]).reverse();
    parts.push(svg("path", { class: `band s${n}`, d: `${placed([...there, ...back], x, y)}Z` }));
  }
  parts.push(svg("path", { class: `line s${n}`, d: placed(points, x, y) }));
  if (marks) {
    parts.push(...points.map(([a, b]) => svg("circle", { class: `mark s${n}`, cx: x.place(a), cy: y.place(b), r: 3.5 })));
  }
  return parts;
}

function table(title, x, y, curves) {
  const head = [x.label, ...curves.map(({ name }) => name)];
  const rows = [...new Set(curves.flatMap(({ points }) => points.map(([a]) => a)))].sort((a, b) => a - b);
  const cell = ({ points }, a) => points.find(([other]) => other === a)?.[1];
  return element("details", {},
    element("summary", { textContent: say("plot.figures") }),
    element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": title },
      element("table", {},
        element("thead", {}, element("tr", {}, ...head.map((textContent) => element("th", { textContent, scope: "col" })))),
        element("tbody", {}, ...rows.map((a) => element("tr", {},
          element("th", { scope: "row", textContent: x.written(a) }),
          ...curves.map((one) => {
            const value = cell(one, a);
            return element("td", { textContent: value === undefined ? "" : y.written(value) });
          })))))));
}

// `curves`: [{ name, points: [[x, y], …], band: [[x, low, high], …], marks }]; axes: { label, low,
// high, isLog, ticks, written }.
export function plot(place, title, xAxis, yAxis, curves) {
  const figure = element("figure", { className: "plotted" });
  place.append(figure);
  let drawn;
  const draw = () => {
    const room = figure.clientWidth / magnification() || WIDEST;
    const width = Math.round(Math.max(NARROWEST, Math.min(WIDEST, room)));
    const x = axis(xAxis, LEFT, width - RIGHT);
    const y = axis(yAxis, HEIGHT - BOTTOM, TOP);
    const picture = svg("svg", {
      class: "plot", viewBox: `0 0 ${width} ${HEIGHT}`, width: rem(width), height: rem(HEIGHT), role: "img", "aria-label": title,
    }, ...frame(x, y, width), ...curves.flatMap((one, n) => curve(one, n + 1, x, y)));
    drawn?.replaceWith(picture);
    drawn = picture;
    return [x, y];
  };
  const [x, y] = draw();
  const legend = element("p", { className: "legend muted" }, ...curves.map(({ name }, n) =>
    element("span", {}, svg("svg", { viewBox: "0 0 24 10", width: 24, height: 10, "aria-hidden": "true" },
      svg("path", { class: `line s${n + 1}`, d: "M0 5H24" })), ` ${name}`)));
  figure.append(element("figcaption", { textContent: title }), drawn, legend, table(title, x, y, curves));
  // Letters stay as large as they are when the window narrows.
  let width = figure.clientWidth;
  new ResizeObserver(() => {
    if (figure.clientWidth === width) return;
    width = figure.clientWidth;
    draw();
  }).observe(figure);
}
