// One gallery: its thresholds, its rules, and the way out.

import { confirmed } from "./confirm.js";
import { plot } from "./plot.js";
import { showReceipt } from "./receipt.js";
import { attempt, byId, call, change, element } from "./service.js";
import { say } from "./texts.js";
import { dayAndTime, percent } from "./words.js";

const RULES = ["walks_per_subject", "keep_walks_days", "keep_subjects_days"];
let gallery = null;

const address = (rest = "") => `/galleries/${encodeURIComponent(gallery.name)}${rest}`;

// What is kept and for how long, in words.
export function rulesOf(one) {
  const said = RULES.filter((rule) => one[rule] !== null).map((rule) =>
    say(`galleries.rule_${rule}`, { count: one[rule] }));
  return said.join(", ") || say("galleries.everything");
}

// Its place stays hidden until it is there: nobody takes the gallery before for this one.
// Raises the problem where there is no such gallery.
export async function showGallery(name) {
  gallery = { name };
  gallery = await call(address());
  byId("one").hidden = false; // pictures are as wide as their place
  byId("which").textContent = gallery.name;
  byId("facts").textContent = say(gallery.protected ? "galleries.facts_protected" : "galleries.facts", {
    subjects: gallery.subjects, number: gallery.number, revision: gallery.revision,
    made: dayAndTime(gallery.created_at),
  });
  byId("export").href = address("/export");
  byId("rename").elements.name.value = gallery.name;
  for (const rule of RULES) byId("rules").elements[rule].value = gallery[rule] ?? "";
  showThresholds(gallery.thresholds);
}

function showThresholds(all) {
  const place = byId("thresholds");
  place.replaceChildren();
  byId("forget").hidden = all.length === 0;
  if (!all.length) place.append(element("p", { textContent: say("galleries.not_calibrated") }));
  for (const measured of all) {
    const { checkpoint, subjects, comparisons, measured_at, out_of_date } = measured;
    const words = { checkpoint, subjects, comparisons, when: dayAndTime(measured_at) };
    place.append(
      element("p", { textContent: say("galleries.measured", words) }),
      ...(out_of_date ? [element("p", { className: "unknown", textContent: say("galleries.out_of_date") })] : []),
      targetTable(measured));
    drawThresholds(place, measured);
  }
}

function targetTable({ targets }) {
  const head = ["target", "threshold", "interval", "missed"].map((name) =>
    element("th", { scope: "col", textContent: say(`galleries.column_${name}`) }));
  const rows = targets.map(({ target_fpir, threshold, lowest, highest, false_non_match_rate: missed }) =>
    element("tr", {},
      element("th", { scope: "row", textContent: percent(target_fpir) }),
      element("td", { textContent: threshold.toFixed(3) }),
      element("td", { className: "whole", textContent: `${lowest.toFixed(3)} – ${highest.toFixed(3)}` }),
      element("td", {}, ...(missed === null ? [say("galleries.no_rate")] : [`${percent(missed.value)} `,
        element("span", { className: "whole", textContent: `(${percent(missed.lowest)} – ${percent(missed.highest)})` })]))));
  return element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": say("galleries.plot") },
    element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)));
}

function drawThresholds(place, { targets }) {
  const sorted = [...targets].sort((a, b) => a.target_fpir - b.target_fpir);
  const ends = sorted.flatMap(({ lowest, highest }) => [lowest, highest]);
  plot(place, say("galleries.plot"),
    {
      label: say("galleries.column_target"), isLog: true, written: percent,
      low: sorted[0].target_fpir, high: sorted.at(-1).target_fpir,
    },
    { label: say("galleries.column_threshold"), low: Math.min(...ends) - 0.02, high: Math.max(...ends) + 0.02 },
    [{
      name: say("galleries.with_interval"), marks: true,
      points: sorted.map(({ target_fpir, threshold }) => [target_fpir, threshold]),
      band: sorted.map(({ target_fpir, lowest, highest }) => [target_fpir, lowest, highest]),
    }]);
}

function ruleWish() {
  const { elements } = byId("rules");
  return Object.fromEntries(RULES.map((rule) => [rule, elements[rule].value === "" ? null : Number(elements[rule].value)]));
}

// Rules may have people erased tonight who are there now: that is asked first.
async function setRules() {
  const wish = ruleWish();
  const isStricter = RULES.some((rule) => wish[rule] !== null && (gallery[rule] === null || wish[rule] < gallery[rule]));
  const question = say("galleries.rules_question", { rules: rulesOf(wish) });
  if (isStricter && !await confirmed(question, say("galleries.save"))) return;
  await change("PATCH", address(), wish);
  await showGallery(gallery.name);
}

async function rename() {
  const name = byId("rename").elements.name.value;
  await change("PATCH", address(), { name });
  location.hash = `#${name}`;
}

async function calibrate() {
  byId("calibrate").disabled = true;
  try {
    await change("POST", address("/calibrate"));
    await showGallery(gallery.name);
  } finally {
    byId("calibrate").disabled = false;
  }
}

async function forget() {
  await change("DELETE", address("/calibration"));
  await showGallery(gallery.name);
}

async function erase() {
  const question = say("galleries.erase_question", { name: gallery.name, subjects: gallery.subjects });
  if (!await confirmed(question, say("galleries.erase_for_good"))) return;
  showReceipt(byId("receipt"), await change("DELETE", address("?force=true")));
  location.hash = "#";
}

export function prepareGallery() {
  const deeds = { rules: setRules, rename };
  for (const [id, deed] of Object.entries(deeds)) {
    byId(id).addEventListener("submit", (event) => {
      event.preventDefault();
      attempt(byId("problem"), deed);
    });
  }
  for (const [id, deed] of Object.entries({ calibrate, forget, erase })) {
    byId(id).addEventListener("click", () => attempt(byId("problem"), deed));
  }
}
