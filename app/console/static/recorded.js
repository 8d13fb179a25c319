// Curves and matrices that a checkpoint carries of an evaluation (model/recorded_evaluation.py).

const CONDITION = /^CMC (NM|BG|CL) (?:rank-1 )?(cross-view|same view)$/;
const MATRIX = /^(\w+) rank-1 by views$/;

function* matched(series, pattern) {
  for (const [name, { columns, rows }] of Object.entries(series ?? {})) {
    const match = name.match(pattern);
    if (match) yield [match, rows.map((row) => Object.fromEntries(columns.map((column, n) => [column, row[n]])))];
  }
}

const curve = (rows, x, y, low, high) => ({
  points: rows.map((row) => [row[x], row[y]]),
  band: rows.map((row) => [row[x], row[low] ?? row[y], row[high] ?? row[y]]),
});

// Cumulative match curves: [[view, [{ condition, points, band }, …]], …].
export function cumulativeMatches(series) {
  const byView = new Map();
  for (const [[name], rows] of matched(series, /^CMC .+$/)) {
    const [, condition = "", view = name.slice(4)] = name.match(CONDITION) ?? [];
    byView.set(view, [...(byView.get(view) ?? []), { condition, ...curve(rows, "rank", "rate", "low", "high") }]);
  }
  return [...byView];
}

// Detection error trade-off: [{ view, points, band }, …]; the view is empty where all pairs count.
export function tradeoffCurves(series) {
  return [...matched(series, /^DET ?(.*)$/)].map(([[, view], rows]) =>
    ({ view, ...curve(rows, "FMR", "FNMR", "FNMR low", "FNMR high") }));
}

// Known people missed over strangers let through: [[which search, [{ size, points, band }, …]], …].
export function openSetCurves(series) {
  return [...matched(series, /^open set ?(.*)$/)].map(([[, search], rows]) => {
    const sizes = [...new Set(rows.map((row) => row["gallery size"]))];
    return [search, sizes.map((size) =>
      ({ size, ...curve(rows.filter((row) => row["gallery size"] === size), "FPIR", "FNIR", "low", "high") }))];
  });
}

// Rank-1 by the probe's view and the gallery's: [{ condition, views, rates }, …], rates[probe][gallery].
export function viewMatrices(series) {
  return [...matched(series, MATRIX)].map(([[, condition], rows]) => {
    const views = [...new Set(rows.map((row) => row["probe view"]))].sort((a, b) => a - b);
    const rates = views.map((probe) => views.map((gallery) =>
      rows.find((row) => row["probe view"] === probe && row["gallery view"] === gallery)?.rate));
    return { condition, views, rates };
  });
}
