// A score beside its threshold, and how strangers would score.

import { svg } from "./drawing.js";
import { fitted, path, scaled, words } from "./figure.js";
import { say } from "./texts.js";

const HEIGHT = 126;
const FLOOR = 84;
const SIDE = 8;

// `strangers` are points of falling shares at rising scores; there may be none.
export function scoreScale({ score, threshold, decision }, strangers) {
  const low = Math.min(0, (score ?? 0) - 0.05, strangers[0]?.score ?? 0);
  const label = say(score === null ? "identify.only_threshold" : "identify.score_and_threshold", {
    score: (score ?? 0).toFixed(3), threshold: threshold.toFixed(3),
  });
  return fitted(HEIGHT, label, (width) => {
    const x = scaled(low, 1, SIDE, width - SIDE);
    const parts = [svg("line", { class: "axis", x1: x(low), x2: x(1), y1: FLOOR, y2: FLOOR })];
    for (let tick = Math.ceil(low * 5) / 5; tick < 1.01; tick += 0.2) {
      parts.push(words(x(tick), FLOOR + 16, tick.toFixed(1).replace("-0.0", "0.0")));
    }
    if (strangers.length > 1) parts.push(svg("path", { class: "strangers", d: hill(strangers, x) }));
    parts.push(svg("line", { class: "limit", x1: x(threshold), x2: x(threshold), y1: 18, y2: FLOOR }));
    const ends = x(threshold) > width / 2;
    parts.push(words(x(threshold) + (ends ? -6 : 6), 14,
      say("identify.threshold", { value: threshold.toFixed(3) }), ends ? "end" : "start"));
    if (score !== null) {
      const at = x(score);
      parts.push(svg("path", { class: `mark ${decision}`, d: `M${at} ${FLOOR}l-7 -13h14z` }));
      const last = at > width / 2;
      const said = words(at + (last ? 7 : -7), FLOOR + 36, say("identify.score_here", { value: score.toFixed(3) }), last ? "end" : "start");
      said.setAttribute("class", `said ${decision}`);
      parts.push(said);
    }
    return parts;
  });
}

// How densely the best scores of strangers lie: what falls between two points, by their distance.
function hill(strangers, x) {
  const steps = strangers.slice(1).map(({ score, share }, at) => {
    const before = strangers[at];
    const distance = Math.max(score - before.score, 1e-4);
    return { score: (score + before.score) / 2, density: (before.share - share) / distance };
  });
  const top = Math.max(...steps.map(({ density }) => density));
  const y = scaled(0, top, FLOOR, 26);
  const points = steps.map(({ score, density }) => [x(score), y(density)]);
  return path([[points[0][0], FLOOR], ...points, [points.at(-1)[0], FLOOR]]);
}
