// A walk's rhythm: the legs open and close, and after one cycle the walk is like itself again.

import { svg } from "./drawing.js";
import { fitted, path, scaled, words } from "./figure.js";
import { element } from "./service.js";
import { say } from "./texts.js";

const HEIGHT = 130;
const FLOOR = 104;
const LEFT = 8;

// One silhouette beside the other, in as many rows as the window needs.
export async function silhouetteStrip({ strip, strip_silhouettes: count }) {
  const image = new Image();
  image.src = `data:image/png;base64,${strip}`;
  await image.decode();
  const { height } = image;
  const width = image.width / count;
  const single = (_, at) => {
    const canvas = element("canvas", { width, height });
    canvas.getContext("2d").drawImage(image, -at * width, 0);
    return canvas;
  };
  return element("div", {
    className: "strip", role: "img", "aria-label": say("identify.strip_words", { count }),
  }, ...Array.from({ length: count }, single));
}

export function gaitPlots(explained) {
  const rate = explained.frames_per_second;
  const time = (frames) => rate
    ? say("identify.seconds", { value: (frames / rate).toFixed(2) })
    : say("identify.frames", { count: Math.round(frames) });
  const period = time(explained.period_frames);
  return element("div", { className: "rhythms" },
    titled(say("identify.legs"), legs(explained, period, time)),
    titled(say("identify.correlation"), correlation(explained, period, time)));
}

const titled = (title, plot) =>
  element("figure", { className: "rhythm" }, plot, element("figcaption", { className: "muted", textContent: title }));

function axis(width, first, last) {
  return [
    svg("line", { class: "axis", x1: LEFT, x2: width - LEFT, y1: FLOOR, y2: FLOOR }),
    words(LEFT, FLOOR + 17, first, "start"), words(width - LEFT, FLOOR + 17, last, "end"),
  ];
}

function legs({ legs: points, period_frames: cycle }, period, time) {
  const first = points[0].frame;
  const last = points.at(-1).frame;
  const widest = Math.max(...points.map(({ spread }) => spread));
  return fitted(HEIGHT, say("identify.legs_words", { period }), (width) => {
    const x = scaled(first, last, LEFT, width - LEFT);
    const y = scaled(0, widest, FLOOR - 4, 12);
    const bands = [];
    for (let start = first, odd = true; start < last; start += cycle, odd = !odd) {
      const end = Math.min(start + cycle, last);
      if (odd) bands.push(svg("rect", { class: "band", x: x(start), y: 4, width: x(end) - x(start), height: FLOOR - 4 }));
    }
    return [...bands, ...axis(width, time(first), time(last)),
      svg("path", { class: "line", d: path(points.map(({ frame, spread }) => [x(frame), y(spread)])) })];
  });
}

function correlation({ correlation: values, period_frames: cycle }, period, time) {
  return fitted(HEIGHT, say("identify.correlation_words", { period }), (width) => {
    const x = scaled(0, values.length - 1, LEFT, width - LEFT);
    const y = scaled(Math.min(-0.2, ...values), 1, FLOOR - 4, 12);
    const right = x(cycle) > width / 2;
    return [
      ...axis(width, time(0), time(values.length - 1)),
      svg("line", { class: "zero", x1: LEFT, x2: width - LEFT, y1: y(0), y2: y(0) }),
      svg("path", { class: "line", d: path(values.map((value, lag) => [x(lag), y(value)])) }),
      svg("line", { class: "limit", x1: x(cycle), x2: x(cycle), y1: 4, y2: FLOOR }),
      words(x(cycle) + (right ? -6 : 6), 16, say("identify.one_cycle", { period }), right ? "end" : "start"),
    ];
  });
}
