// The figures that a checkpoint carries, sorted out by what their names say (model/evaluation_sections.py).

const RANK = /^(\w+) rank-(\d+) (cross-view|same view)$/;
const PRECISION = /^(\w+) mAP (cross-view|same view)$/;
const ACCEPTED = /^TAR at FAR ([\d.]+) % (cross-view|same view)$/;
const EQUAL_ERRORS = /^EER (cross-view|same view)$/;
const MISSED = /^FNIR at FPIR 1 %, (\d+) enrolled$/;
const ACHIEVED = /^achieved FPIR at target ([\d.]+) %, (.+)$/;
const FOUND = /^TPIR at target ([\d.]+) %, (.+)$/;
const KNOWN = [RANK, PRECISION, ACCEPTED, EQUAL_ERRORS, MISSED, ACHIEVED, FOUND];

// "NM rank-1 cross-view" and its like -> [{ condition, view, rank, value }].
export function ranks(metrics) {
  return matched(metrics, RANK, ([, condition, rank, view], value) =>
    ({ condition, rank: Number(rank), view, value }));
}

// Mean average precision, by condition.
export function precisions(metrics) {
  return matched(metrics, PRECISION, ([, condition, view], value) => ({ condition, view, value }));
}

// Points of the DET curve by view: [[false match rate, false non-match rate], …], ascending.
export function errorTradeoffs(metrics) {
  const byView = new Map();
  const add = (view, point) => byView.set(view, [...(byView.get(view) ?? []), point]);
  matched(metrics, ACCEPTED, ([, far, view], value) => add(view, [Number(far) / 100, 1 - value]));
  matched(metrics, EQUAL_ERRORS, ([, view], value) => add(view, [value, value]));
  return [...byView].map(([view, points]) => [view, points.sort(([a], [b]) => a - b)]);
}

// Share of known people missed at one false positive in a hundred, by size of the gallery.
export function missedBySize(metrics) {
  return matched(metrics, MISSED, ([, size], value) => [Number(size), value]).sort(([a], [b]) => a - b);
}

// What a target promised and what came of it: [{ target, people, achieved, found }].
export function promises(metrics) {
  return matched(metrics, ACHIEVED, ([, target, people], achieved) =>
    ({ target: Number(target) / 100, people, achieved, found: metrics[`TPIR at target ${target} %, ${people}`] }));
}

// Whatever else a checkpoint carries: [[name, value], …].
export function others(metrics) {
  return Object.entries(metrics).filter(([name]) =>
    name !== "series" && name !== "measured" && !KNOWN.some((pattern) => pattern.test(name)));
}

function matched(metrics, pattern, read) {
  return Object.entries(metrics).flatMap(([name, value]) => {
    const match = name.match(pattern);
    return match && typeof value === "number" ? [read(match, value)] : [];
  });
}
