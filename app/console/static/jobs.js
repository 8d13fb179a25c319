// Accepted work: what waits, what runs, how it ended, and the way to take it back.

import { confirmed } from "./confirm.js";
import { openPage } from "./frame.js";
import { attempt, byId, call, change, element, kindOf, showProblem } from "./service.js";
import { say } from "./texts.js";
import { dayAndTime } from "./words.js";

const PAGE = 50;
const POLLING_MILLISECONDS = 2000;
let cursor = null;
let asking;

const isUnfinished = ({ state }) => state === "queued" || state === "running";

async function page(from) {
  const query = new URLSearchParams({ limit: PAGE });
  const state = byId("state").value;
  if (state) query.set("state", state);
  if (from) query.set("cursor", from);
  const found = await call(`/jobs?${query}`);
  cursor = found.next ?? null;
  byId("more").hidden = cursor === null;
  const { queued, running } = found;
  byId("counts").textContent = say("jobs.counts", { queued, running });
  return found.jobs ?? [];
}

async function list() {
  clearTimeout(asking);
  try {
    const jobs = await page(null);
    byId("problem").replaceChildren();
    replaceRows(jobs);
    byId("table").hidden = jobs.length === 0;
    byId("no-jobs").hidden = jobs.length > 0;
    // Somebody reads further down, or nothing moves: then the list stays as it is.
    if (jobs.some(isUnfinished)) asking = setTimeout(again, POLLING_MILLISECONDS);
  } catch (problem) {
    if (problem instanceof Error) throw problem; // a mistake of ours, for the browser's console
    showProblem(byId("problem"), problem);
    if (problem.status !== 401) asking = setTimeout(again, POLLING_MILLISECONDS);
  }
}

const again = () => (byId("jobs").children.length > PAGE ? undefined : list());

// Keeps the focus where it is when a row is written anew.
function replaceRows(jobs) {
  const focused = document.activeElement?.closest("tr")?.dataset.job;
  byId("jobs").replaceChildren(...jobs.map(row));
  if (focused) byId("jobs").querySelector(`[data-job="${focused}"] button`)?.focus();
}

function row(job) {
  const { id, kind, subject, gallery, state, stage, priority } = job;
  const where = [say(`jobs.state_${state}`), stage && state === "running" ? say(`jobs.stage_${stage}`) : ""];
  const outcome = element("td", { className: "aside" });
  if (isUnfinished(job)) outcome.append(takeBack(id));
  else if (job.problem) outcome.append(element("span", { className: "muted", textContent: job.problem.title }));
  const tone = { succeeded: "match", failed: kindOf(job.problem ?? {}) === "job-cancelled" ? "muted" : "wrong" }[state] ?? "";
  return element("tr", { "data-job": id },
    element("th", { scope: "row" }, say(`jobs.kind_${kind}`), subject ? ` · ${subject}` : ""),
    element("td", { textContent: dayAndTime(job.created_at) }),
    element("td", { textContent: gallery }),
    element("td", {}, element("span", { className: tone, textContent: where.filter(Boolean).join(" · ") }),
      priority === "bulk" ? element("span", { className: "muted", textContent: ` (${say("jobs.bulk")})` }) : ""),
    element("td", { className: "number", textContent: took(job) }),
    outcome);
}

function took({ started_at: started, finished_at: finished }) {
  if (!started || !finished) return "";
  const milliseconds = new Date(finished) - new Date(started);
  return milliseconds < 1000
    ? say("jobs.milliseconds", { count: milliseconds })
    : say("jobs.seconds", { count: Number((milliseconds / 1000).toFixed(1)) });
}

function takeBack(id) {
  const button = element("button", { type: "button", className: "quiet danger small", textContent: say("jobs.take_back") });
  button.addEventListener("click", async () => {
    if (!(await confirmed(say("jobs.take_back_question"), say("jobs.take_back")))) return;
    await attempt(byId("problem"), () => change("DELETE", `/jobs/${id}`));
    const said = [...byId("problem").childNodes];
    await list();
    byId("problem").append(...said); // what kept it from being done is still to be read
  });
  return button;
}

byId("state").addEventListener("change", list);
byId("more").addEventListener("click", () => attempt(byId("problem"), async () => {
  byId("jobs").append(...(await page(cursor)).map(row));
}));
openPage(list);
