// How the service is: asked again and again while the page is open.

import { isFor, openPage } from "./frame.js";
import { byId, call, element, showProblem } from "./service.js";
import { say } from "./texts.js";

const POLLING_MILLISECONDS = 5000;
const SPELT_OUT = ["queue", "storage", "encrypted", "tokens"];
let asking;

function write(place, facts) {
  byId(place).replaceChildren(...facts.flatMap(([term, value, className = ""]) => [
    element("dt", { textContent: term }),
    element("dd", { textContent: typeof value === "number" ? value.toLocaleString() : value, className }),
  ]));
}

async function showState() {
  try {
    const { checkpoint, access } = await call("/readyz");
    write("state", [
      [say("health.ready"), say("health.is_ready"), "match"],
      [say("health.checkpoint"), checkpoint],
      [say("health.access"), say(`health.access_${access}`)],
    ]);
  } catch (problem) {
    write("state", [[say("health.ready"), problem.detail ?? problem.title, "wrong"]]);
  }
}

async function showQueue() {
  const { queued, running } = await call("/jobs");
  write("queue", [[say("health.queued"), queued], [say("health.running"), running]]);
}

async function showParts() {
  const parts = await call("/service");
  write("parts", Object.entries(parts).map(([name, value]) => [
    say(`health.part_${name}`), SPELT_OUT.includes(name) ? say(`health.value_${value}`) : value]));
}

// Prometheus's text format, of which only sums over a label are wanted here.
function sums(text, metric, label) {
  const found = new Map();
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${metric}{`)) continue;
    const name = line.match(new RegExp(`[{,]${label}="([^"]*)"`))?.[1] ?? "";
    found.set(name, (found.get(name) ?? 0) + Number(line.slice(line.lastIndexOf(" ") + 1)));
  }
  return [...found].sort(([a], [b]) => a.localeCompare(b));
}

async function showAnswers() {
  const text = await (await fetch("/metrics")).text();
  const statuses = sums(text, "walkprint_http_requests_total", "status")
    .map(([status, count]) => [say("health.status", { status }), count]);
  const refusals = sums(text, "walkprint_refusals_total", "problem")
    .map(([problem, count]) => [say("health.refusal", { problem }), count]);
  write("answers", [...statuses, ...refusals]);
}

async function show() {
  clearTimeout(asking);
  try {
    const wanted = [showState(), showQueue(), showAnswers()];
    if (isFor(byId("parts").parentElement)) wanted.push(showParts());
    await Promise.all(wanted);
    byId("problem").replaceChildren();
  } catch (problem) {
    showProblem(byId("problem"), problem);
    if (problem.status === 401) return; // the door is open; nobody is here to watch
  }
  asking = setTimeout(show, POLLING_MILLISECONDS);
}

openPage(show);
