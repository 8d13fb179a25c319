// How well a checkpoint recognises people, as far as its own file says it, and what it was trained on.

import { errorTradeoffs, missedBySize, others, precisions, promises, ranks } from "./figures.js";
import { openPage } from "./frame.js";
import { plot } from "./plot.js";
import { cumulativeMatches, openSetCurves, tradeoffCurves, viewMatrices } from "./recorded.js";
import { attempt, byId, call, element } from "./service.js";
import { say } from "./texts.js";
import { dayAndTime, oneIn, percent, tenths } from "./words.js";

const SHARE = { low: 0, high: 1, written: (value) => percent(value) };

async function list() {
  const { checkpoints } = await call("/checkpoints");
  byId("checkpoint").replaceChildren(...checkpoints.map(({ id, active }) =>
    element("option", { value: id, selected: active, textContent: active ? say("accuracy.serves", { id }) : id })));
  await show();
}

async function show() {
  const { about, installed_at, id } = await call(`/checkpoints/${encodeURIComponent(byId("checkpoint").value)}`);
  const place = byId("card");
  place.replaceChildren();
  const measured = Object.entries(about.metrics ?? {});
  for (const [people, metrics] of measured) showMetrics(place, people, metrics);
  if (!measured.length) {
    section(place, say("accuracy.measured")).append(element("p", { textContent: say("accuracy.not_measured") }));
  }
  showThresholds(place, about.calibration);
  showTraining(place, about, { id, installed: dayAndTime(installed_at) });
}

// Joined to the page before it is filled: pictures are as wide as their place.
function section(place, title) {
  const made = element("section", { className: "card" }, element("h2", { textContent: title }));
  place.append(made);
  return made;
}

function table(heads, rows) {
  return element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": heads.join(", ") },
    element("table", {},
      element("thead", {}, element("tr", {}, ...heads.map((textContent) => element("th", { textContent, scope: "col" })))),
      element("tbody", {}, ...rows.map(([first, ...rest]) => element("tr", {},
        element("th", { scope: "row", textContent: first }),
        ...rest.map((textContent) => element("td", { textContent })))))));
}

const VIEWS = { "same view": "accuracy.same_view", "cross-view": "accuracy.cross_view", "": "accuracy.all_pairs" };
const viewName = (view) => (view in VIEWS ? say(VIEWS[view]) : view);
const conditionName = (condition) =>
  (["NM", "BG", "CL"].includes(condition) ? say(`accuracy.condition_${condition.toLowerCase()}`) : condition);

function showMetrics(place, people, metrics) {
  const known = say("accuracy.measured_on", { people });
  const who = section(place, `${say("accuracy.identification")} · ${known}`);
  if (metrics.measured) who.append(element("p", { className: "muted", textContent: metrics.measured }));
  showRanks(who, metrics);
  showMatrices(place, known, viewMatrices(metrics.series));
  const drawn = tradeoffCurves(metrics.series).map(({ view, points, band }) => ({ name: viewName(view), points, band }));
  const tradeoffs = drawn.length ? drawn
    : errorTradeoffs(metrics).map(([view, points]) => ({ name: viewName(view), points, marks: true }));
  if (tradeoffs.length) {
    const errors = section(place, `${say("accuracy.verification")} · ${known}`);
    plot(errors, say("accuracy.det"),
      { label: say("accuracy.false_match"), isLog: true, written: percent, low: drawn.length ? 0.0001 : 0.001, high: 0.5 },
      { label: say("accuracy.false_non_match"), isLog: true, written: percent, low: 0.01, high: 1 }, tradeoffs);
    if (drawn.length) {
      const points = errorTradeoffs(metrics).flatMap(([view, some]) => some.map(([match, miss]) => [viewName(view), match, miss]));
      errors.append(table([say("accuracy.column_view"), say("accuracy.false_match"), say("accuracy.false_non_match")],
        points.map(([view, ...rates]) => [view, ...rates.map((rate) => percent(rate))])));
    }
  }
  const missed = missedBySize(metrics);
  const kept = promises(metrics);
  const rest = others(metrics);
  const searches = openSetCurves(metrics.series);
  if (!missed.length && !kept.length && !rest.length && !searches.length) return;
  const openSet = section(place, `${say("accuracy.open_set")} · ${known}`);
  for (const [search, sizes] of searches) {
    plot(openSet, [say("accuracy.by_strangers"), search].filter(Boolean).join(", "),
      { label: say("accuracy.false_positive"), isLog: true, written: percent, ...ends(sizes) },
      { label: say("accuracy.missed"), ...SHARE },
      sizes.map(({ size, points, band }) => ({ name: say("accuracy.enrolled_many", { count: size }), points, band })));
  }
  if (missed.length) {
    plot(openSet, say("accuracy.by_size"),
      { label: say("accuracy.enrolled"), low: 0, high: missed.at(-1)[0] * 1.1 },
      { label: say("accuracy.missed"), ...SHARE },
      [{ name: say("accuracy.fnir"), points: missed, marks: true }]);
  }
  if (kept.length) {
    openSet.append(element("h3", { textContent: say("accuracy.promises") }), table(
      ["target", "people", "achieved", "found"].map((name) => say(`accuracy.column_${name}`)),
      kept.map(({ target, people: who, achieved, found }) =>
        [percent(target), conditionName(who), percent(achieved), found === undefined ? "" : tenths(found)])));
  }
  if (rest.length) {
    openSet.append(element("h3", { textContent: say("accuracy.others") }), element("dl", { className: "facts" },
      ...rest.flatMap(([name, value]) => [
        element("dt", { textContent: name }),
        element("dd", { textContent: typeof value === "number" ? percent(value) : JSON.stringify(value) })])));
  }
}

function ends(curves) {
  const places = curves.flatMap(({ points }) => points.map(([x]) => x));
  return { low: Math.min(...places), high: Math.max(...places) };
}

function showRanks(place, metrics) {
  const found = ranks(metrics);
  const recorded = cumulativeMatches(metrics.series);
  for (const [view, curves] of recorded) {
    const most = Math.max(...curves.map(({ points }) => points.length));
    plot(place, say("accuracy.cmc", { view: viewName(view) }),
      { label: say("accuracy.rank"), low: 1, high: Math.max(most, 2), ticks: [1, 5, 10, 15, 20].filter((rank) => rank <= most) },
      { label: say("accuracy.identified"), ...SHARE },
      curves.map(({ condition, points, band }) => ({ name: condition ? conditionName(condition) : viewName(view), points, band })));
  }
  for (const view of recorded.length ? [] : ["same view", "cross-view"]) {
    const here = found.filter((one) => one.view === view);
    const conditions = [...new Set(here.map(({ condition }) => condition))];
    const most = Math.max(0, ...here.map(({ rank }) => rank));
    if (most > 1) {
      plot(place, say("accuracy.cmc", { view: viewName(view) }),
        { label: say("accuracy.rank"), low: 1, high: most, ticks: [...new Set(here.map(({ rank }) => rank))] },
        { label: say("accuracy.identified"), ...SHARE },
        conditions.map((condition) => ({
          name: conditionName(condition), marks: true,
          points: here.filter((one) => one.condition === condition).map(({ rank, value }) => [rank, value]),
        })));
    }
  }
  const means = precisions(metrics);
  if (!found.length && !means.length) return;
  place.append(element("h3", { textContent: say("accuracy.by_view") }), table(
    [say("accuracy.column_view"), ...["nm", "bg", "cl"].map((name) => say(`accuracy.condition_${name}`))],
    [
      ...found.map(({ view, rank }) => [view, rank]).filter(([view, rank], n, all) =>
        all.findIndex(([v, r]) => v === view && r === rank) === n)
        .map(([view, rank]) => [rank === 1 ? say("accuracy.first_in", { view: viewName(view) }) : say("accuracy.rank_in", { rank, view: viewName(view) }),
          ...["NM", "BG", "CL"].map((condition) =>
            share(found.find((one) => one.view === view && one.rank === rank && one.condition === condition)))]),
      ...[...new Set(means.map(({ view }) => view))].map((view) => [say("accuracy.map_in", { view: viewName(view) }),
        ...["NM", "BG", "CL"].map((condition) => share(means.find((one) => one.view === view && one.condition === condition)))]),
    ]));
}

// How often the first candidate is right, view by view: the darker a cell, the better.
function showMatrices(place, known, matrices) {
  if (!matrices.length) return;
  const here = section(place, `${say("accuracy.matrix")} · ${known}`);
  here.append(element("p", { className: "muted", textContent: say("accuracy.matrix_hint") }));
  const angle = (view) => `${view}°`;
  const measured = matrices.flatMap(({ rates }) => rates.flat()).filter((rate) => typeof rate === "number");
  const lowest = Math.min(...measured);
  const cell = (rate) => {
    if (typeof rate !== "number") return element("td", { textContent: "–" });
    const made = element("td", { textContent: (rate * 100).toFixed(0) });
    made.style.setProperty("--share", ((rate - lowest) / (1 - lowest || 1)).toFixed(3));
    return made;
  };
  for (const { condition, views, rates } of matrices) {
    const heads = [say("accuracy.view_by_view"), ...views.map(angle)];
    here.append(element("h3", { textContent: conditionName(condition) }),
      element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": `${say("accuracy.matrix")}, ${conditionName(condition)}` },
        element("table", { className: "matrix" },
          element("thead", {}, element("tr", {}, ...heads.map((textContent) => element("th", { textContent, scope: "col" })))),
          element("tbody", {}, ...rates.map((row, n) => element("tr", {},
            element("th", { scope: "row", textContent: angle(views[n]) }), ...row.map(cell)))))));
  }
}

const share = (one) => (one ? tenths(one.value) : "");

function showThresholds(place, calibration) {
  const here = section(place, say("accuracy.thresholds"));
  here.append(element("p", { className: "muted", textContent: say("accuracy.calibrated", calibration) }));
  const points = (calibration?.curve ?? []).map(({ score, false_match_rate }) => [score, false_match_rate]);
  if (points.length < 2) return;
  const rates = points.map(([, rate]) => rate);
  plot(here, say("accuracy.strangers"),
    { label: say("accuracy.score"), low: Math.min(...points.map(([score]) => score)), high: Math.max(...points.map(([score]) => score)) },
    { label: say("accuracy.false_match"), isLog: true, written: oneIn, low: Math.min(...rates), high: Math.max(...rates) },
    [{ name: say("accuracy.strangers_share"), points }]);
}

function showTraining(place, about, { id, installed }) {
  const here = section(place, say("accuracy.training"));
  const { losses, config, ...record } = about.training ?? {};
  if (losses?.length > 1) {
    const high = Math.max(...losses.map(({ loss }) => loss));
    plot(here, say("accuracy.loss"),
      { label: say("accuracy.step"), low: losses[0].step, high: losses.at(-1).step },
      { label: say("accuracy.loss_axis"), low: 0, high },
      [{ name: say("accuracy.loss_curve"), points: losses.map(({ step, loss }) => [step, loss]) }]);
  } else {
    here.append(element("p", { className: "muted", textContent: say("accuracy.no_losses") }));
  }
  const facts = { id, installed, ...flat(record), ...flat({ network: about.network, config }), bytes: about.bytes, sha256: about.sha256 };
  here.append(element("dl", { className: "facts" }, ...Object.entries(facts)
    .filter(([, value]) => value !== null && value !== undefined)
    .flatMap(([name, value]) => [
      element("dt", { textContent: name.replaceAll("_", " ") }),
      element("dd", { textContent: typeof value === "number" ? value.toLocaleString() : String(value) }),
    ])));
}

// Whatever a training noted down: names of members joined, lists on one line.
function flat(record, before = "") {
  return Object.fromEntries(Object.entries(record ?? {}).flatMap(([name, value]) => {
    const whole = before + name;
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return Object.entries(flat(value, `${whole} `));
    return [[whole, Array.isArray(value) ? value.join(", ") : value]];
  }));
}

byId("checkpoint").addEventListener("change", () => attempt(byId("problem"), show));
openPage(() => attempt(byId("problem"), list));
