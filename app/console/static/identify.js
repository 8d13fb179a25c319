// Whose walk is it? A recording, its way through the stages, and what the answer rests on.

import { candidateCard } from "./candidates.js";
import { clipWithMasks } from "./clip.js";
import { dropInto } from "./drop.js";
import { gallery, openPage } from "./frame.js";
import { gaitPlots, silhouetteStrip } from "./gait.js";
import { scoreScale } from "./scores.js";
import { attempt, byId, call, change, element, showProblem } from "./service.js";
import { Stages } from "./stages.js";
import { submit } from "./submission.js";
import { say } from "./texts.js";
import { percent } from "./words.js";

const form = byId("identify");
const files = form.elements.walk;

function nameOf(answer) {
  if (answer.decision !== "match") return say("identify.unknown");
  return answer.candidates.find(({ subject }) => subject === answer.subject)?.name || answer.subject;
}

function reasonOf(answer) {
  if (answer.decision === "match") return say("identify.reaches");
  return answer.score < answer.threshold ? say("identify.reaches_not") : say("identify.is_another");
}

function verdict(answer, strangers, milliseconds) {
  const { frames_used: used, frames_seen: seen, cycles } = answer.quality;
  const detail = answer.candidates.length
    ? say("identify.detail", {
      score: answer.score.toFixed(3), words: reasonOf(answer), size: answer.gallery_size,
      percent: percent(answer.target_fpir),
    })
    : say("identify.empty");
  const card = element("section", { className: "card" },
    element("h2", { textContent: say("identify.decision") }),
    element("div", { className: "verdict" },
      element("img", { className: "gei", src: answer.gei, alt: say("identify.gei") }),
      element("div", {},
        element("p", { className: `decision ${answer.decision}`, textContent: nameOf(answer) }),
        element("p", { className: "muted", textContent: detail }),
        element("p", { className: "muted", textContent: say("identify.used", {
          used, seen, cycles: cycles.toFixed(1), milliseconds: Math.round(milliseconds),
        }) }))),
    scoreScale(answer, strangers));
  if (strangers.length) card.append(element("p", { className: "muted", textContent: say("identify.strangers") }));
  card.append(...qualityOf(answer.quality));
  return card;
}

function qualityOf(quality) {
  const findings = quality.findings.map(({ sentence, advice }) =>
    element("li", { textContent: `${sentence} ${advice}` }));
  const words = element("p", { className: quality.level === "poor" ? "unknown" : "" },
    element("strong", { textContent: say(`identify.quality_${quality.level}`) }), " ",
    say("identify.quality", { percent: percent(quality.score, 2) }));
  return findings.length ? [words, element("ul", { className: "muted" }, ...findings)] : [words];
}

async function pictureCards(explained, file) {
  return [
    element("section", { className: "card" }, element("h2", { textContent: say("identify.clip") }),
      await clipWithMasks(file, explained)),
    element("section", { className: "card wide" }, element("h2", { textContent: say("identify.gait") }),
      await silhouetteStrip(explained),
      element("p", { className: "muted", textContent: say("identify.strip") }), gaitPlots(explained)),
  ];
}

async function walkerCards(answer, milliseconds, file) {
  const explained = answer.explanation ? await call(answer.explanation) : null;
  const cards = [verdict(answer, explained?.strangers ?? [], milliseconds)];
  if (explained) cards.push(...await pictureCards(explained, file));
  if (answer.candidates.length) cards.push(candidateCard(answer));
  return cards;
}

async function show(answer, file) {
  const walkers = answer.walkers ?? [answer];
  const parts = [];
  for (const one of walkers) {
    if (answer.walkers) parts.push(element("h2", { textContent: say("identify.walker", { number: one.walker.number }) }));
    parts.push(element("div", { className: "cards pair" }, ...await walkerCards(one, answer.timing.total, file)));
  }
  const lost = (answer.left_out ?? []).map(({ number, walks }) => element("p", {
    className: "muted", textContent: say("identify.left_out", { number, detail: walks[0].detail }),
  }));
  byId("identified").replaceChildren(...parts, ...lost);
  byId("told").textContent = walkers.map(nameOf).join(", ");
}

async function identify(event) {
  event.preventDefault();
  const button = form.querySelector("button[type=submit]");
  const body = new FormData(form);
  body.set("gallery", gallery());
  const file = files.files.length === 1 ? files.files[0] : null;
  clear();
  button.disabled = true;
  const stages = new Stages(byId("progress"));
  try {
    const answer = await submit("/identify", body, (stage, share) => stages.at(stage, share), offerReturn);
    byId("take-back")?.remove();
    stages.done(answer.timing);
    await show(answer, file);
  } catch (problem) {
    if (problem instanceof Error) throw problem; // a mistake of ours, for the browser's console
    byId("progress").replaceChildren();
    showProblem(byId("problem"), problem);
  } finally {
    button.disabled = false;
  }
}

// A job that takes a while can be taken back; its stream then says that it was.
function offerReturn(location) {
  const button = element("button", {
    id: "take-back", type: "button", className: "quiet danger small", textContent: say("identify.take_back"),
  });
  button.addEventListener("click", () => attempt(byId("problem"), () => change("DELETE", location)));
  byId("progress").append(button);
}

async function chooseSample({ target }) {
  const { sample } = target.dataset;
  const response = await fetch(`/console/samples/${sample}`);
  const chosen = new DataTransfer();
  chosen.items.add(new File([await response.blob()], sample, { type: response.headers.get("Content-Type") }));
  files.files = chosen.files;
  files.dispatchEvent(new Event("change"));
}

function clear() {
  for (const id of ["progress", "problem", "told", "identified"]) byId(id).replaceChildren();
}

dropInto(form.querySelector(".drop"));
form.addEventListener("submit", identify);
form.querySelectorAll("[data-sample]").forEach((button) => button.addEventListener("click", chooseSample));
openPage(clear);
