// Which weights are installed, which serve, and the way from one to another.

import { confirmed } from "./confirm.js";
import { isFor, openPage } from "./frame.js";
import { attempt, byId, call, change, element, kindOf } from "./service.js";
import { say } from "./texts.js";
import { dayAndTime, percent } from "./words.js";

const POLLING_MILLISECONDS = 1000;
let asking;
let mayChange = false;

const address = (id, rest = "") => `/checkpoints/${encodeURIComponent(id)}${rest}`;

async function show() {
  clearTimeout(asking);
  let { checkpoints } = await call("/checkpoints");
  const asked = await Promise.all(checkpoints.map(async ({ id }) => [id, await reembeddingOf(id)]));
  const progress = new Map(asked);
  // Whoever took over between the two questions serves by now.
  if (checkpoints.some(({ id, active }) => !active && progress.get(id)?.state === "complete")) {
    ({ checkpoints } = await call("/checkpoints"));
  }
  byId("checkpoints").replaceChildren(...checkpoints.map((one) => card(one, progress.get(one.id))));
  if (asked.some(([, one]) => one?.state === "running")) asking = setTimeout(again, POLLING_MILLISECONDS);
}

const again = () => attempt(byId("problem"), show);

// None was begun for most of them.
async function reembeddingOf(id) {
  try {
    return await call(address(id, "/reembedding"));
  } catch (problem) {
    if (problem.status === 404) return null;
    throw problem;
  }
}

function card(checkpoint, reembedding) {
  const { id, active, here, installed_at, walks_with_template, walks_without_template, about } = checkpoint;
  const state = active ? "serves" : here ? "ready" : "away";
  const size = about.network && say("checkpoints.size", about.network);
  const title = element("h2", {}, `${id} `, element("span", {
    className: active ? "tag match" : "tag", textContent: say(`checkpoints.state_${state}`),
  }));
  const facts = [say("checkpoints.installed", { when: dayAndTime(installed_at) }), size,
    say("checkpoints.walks", { some: walks_with_template, without: walks_without_template })];
  const parts = [title, element("p", { className: "muted", textContent: facts.filter(Boolean).join(" ") })];
  const begun = reembedding && reembedding.state !== "cancelled" && !(active && reembedding.state === "complete");
  if (begun) parts.push(...progressOf(id, reembedding));
  const isUnderWay = begun && ["running", "paused"].includes(reembedding.state);
  if (!active && mayChange && !isUnderWay) parts.push(choices(checkpoint));
  return element("section", { className: "card" }, ...parts);
}

function progressOf(id, { state, done, refused, total, problem }) {
  const share = total ? done / total : 1;
  const words = say(`checkpoints.progress_${state}`, { done, total, refused, percent: percent(share) });
  const parts = [
    element("p", { textContent: words }),
    element("progress", { value: done, max: total || 1, "aria-label": words }),
  ];
  if (problem) parts.push(element("p", { className: "wrong", textContent: `${problem.title}: ${problem.detail ?? ""}` }));
  const steps = { running: ["pause", "cancel"], paused: ["resume", "cancel"] }[state] ?? [];
  if (mayChange && steps.length) {
    parts.push(element("div", { className: "row" }, ...steps.map((step) =>
      button(say(`checkpoints.${step}`), "quiet", () => change("POST", address(id, `/reembedding/${step}`))))));
  }
  return parts;
}

function button(textContent, className, deed) {
  const made = element("button", { type: "button", className, textContent });
  made.addEventListener("click", () => attempt(byId("problem"), async () => {
    await deed();
    await show();
  }));
  return made;
}

function choices({ id, here }) {
  const row = element("div", { className: "row" });
  if (here) row.append(button(say("checkpoints.activate"), "", () => switchTo(id)));
  row.append(button(say("checkpoints.remove"), "quiet danger", async () => {
    const question = say("checkpoints.remove_question", { id });
    if (await confirmed(question, say("checkpoints.remove"))) await change("DELETE", address(id));
  }));
  return row;
}

const switchTo = (id) => switchBy(address(id, "/activate"));

// Walks that the other checkpoint could never find are lost only after a word.
async function switchBy(path) {
  try {
    tell(await change("POST", path));
  } catch (problem) {
    if (kindOf(problem) !== "walks-would-be-lost") throw problem;
    const question = say("checkpoints.loss_question", { detail: problem.detail, reasons: (problem.reasons ?? []).join("; ") });
    if (await confirmed(question, say("checkpoints.lose"))) tell(await change("POST", `${path}?accept_loss=true`));
  }
}

function tell({ checkpoint, state }) {
  byId("notice").textContent = say(`checkpoints.told_${state}`, { checkpoint });
}

byId("install").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = byId("install");
  const submit = form.querySelector("button");
  submit.disabled = true;
  byId("notice").textContent = say("frame.working");
  attempt(byId("problem"), async () => {
    const { id } = await change("POST", "/checkpoints", new FormData(form));
    byId("notice").textContent = say("checkpoints.told_installed", { id });
    form.reset();
    await show();
  }).finally(() => {
    submit.disabled = false;
    if (byId("problem").children.length) byId("notice").textContent = "";
  });
});
byId("roll-back").addEventListener("click", () => attempt(byId("problem"), async () => {
  if (!await confirmed(say("checkpoints.roll_back_question"), say("checkpoints.roll_back"))) return;
  await switchBy("/checkpoints/rollback");
  await show();
}));
openPage(() => {
  mayChange = isFor(byId("install").parentElement);
  again();
});
