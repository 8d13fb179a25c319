// One person, with one or more walks: checked first, or enrolled at once.

import { openBulk } from "./bulk.js";
import { dropInto } from "./drop.js";
import { gallery, listGalleries, openPage } from "./frame.js";
import { byId, change, element, showProblem } from "./service.js";
import { say } from "./texts.js";
import { percent } from "./words.js";

const form = byId("enrol");
const PICTURE = /\.(png|jpe?g|bmp)$/i;

// Pictures are the frames of one walk; every other file is a walk.
function recordings(files) {
  const pictures = files.filter(({ name }) => PICTURE.test(name));
  const others = files.filter(({ name }) => !PICTURE.test(name)).map((file) => [file]);
  return pictures.length ? [...others, pictures] : others;
}

function bodyOf(files, more = {}) {
  const body = new FormData();
  const { subject, name } = form.elements;
  for (const [field, value] of Object.entries({ subject: subject.value, name: name.value, gallery: gallery(), ...more })) {
    body.set(field, value);
  }
  files.forEach((file) => body.append("walk", file, file.name));
  return body;
}

function alike(duplicates) {
  if (!duplicates.length) return [];
  const people = duplicates.map((row) => `${row.subject} (${row.score.toFixed(3)})`).join(", ");
  return [element("p", { className: "unknown", textContent: say("enrol.alike", { people }) })];
}

function checkedWalk(walk) {
  const { quality } = walk;
  const findings = quality.findings.map(({ sentence, advice }) => element("li", { textContent: `${sentence} ${advice}` }));
  return element("li", { className: "walk" },
    element("img", { className: "gei", src: walk.gei, alt: say("enrol.gei_checked") }),
    element("div", {},
      element("p", {},
        element("strong", { className: walk.good_enough ? "match" : "wrong", textContent: say(walk.good_enough ? "enrol.good_enough" : "enrol.too_poor") }),
        " ", say("enrol.quality", { percent: percent(quality.score, 2), cycles: quality.cycles.toFixed(1) })),
      findings.length ? element("ul", { className: "muted" }, ...findings) : ""));
}

// Each recording by itself, so that one that cannot be used says nothing against the others.
async function check(files) {
  const all = recordings(files);
  for (const [number, some] of all.entries()) {
    byId("told").textContent = say("enrol.checking", { number: number + 1, count: all.length });
    const place = element("section", { className: "checked" },
      element("h3", { textContent: some.length === 1 ? some[0].name : say("frame.files", { count: some.length }) }));
    byId("enrolled").append(place);
    try {
      const found = await change("POST", "/enroll", bodyOf(some, { check: "true" }));
      place.append(element("ul", { className: "walks" }, ...found.walks.map(checkedWalk)),
        ...leftOut(found), ...alike(found.possible_duplicates));
    } catch (problem) {
      if (problem instanceof Error) throw problem; // a mistake of ours, for the browser's console
      const told = element("div");
      place.append(told);
      showProblem(told, problem);
    }
  }
  byId("told").textContent = say("enrol.checked");
}

const leftOut = ({ left_out: passes }) => passes.map(({ direction, detail }) => element("p", {
  className: "muted", textContent: say(direction ? "enrol.left_out_direction" : "enrol.left_out", { direction, detail }),
}));

async function enrol(files) {
  byId("told").textContent = say("frame.working");
  const answer = await change("POST", "/enroll", bodyOf(files));
  const said = say(answer.created ? "enrol.enrolled" : "enrol.added", { subject: answer.subject });
  byId("enrolled").append(
    element("p", { className: "decision match", textContent: said }),
    element("div", { className: "row" }, ...answer.walks.map((walk) =>
      element("img", { className: "gei", src: walk.gei, alt: say("enrol.gei") }))),
    ...leftOut(answer), ...alike(answer.possible_duplicates));
  if (answer.replaced.length) {
    byId("enrolled").append(element("p", { className: "muted", textContent: say("enrol.replaced", { count: answer.replaced.length }) }));
  }
  byId("told").textContent = said;
  listGalleries();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const files = [...form.elements.walk.files];
  const buttons = form.querySelectorAll("button");
  clear();
  buttons.forEach((button) => { button.disabled = true; });
  try {
    await (event.submitter?.value === "check" ? check(files) : enrol(files));
  } catch (problem) {
    if (problem instanceof Error) throw problem; // a mistake of ours, for the browser's console
    byId("told").textContent = "";
    showProblem(byId("problem"), problem);
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
});

function clear() {
  for (const id of ["problem", "told", "enrolled"]) byId(id).replaceChildren();
}

dropInto(document.querySelector(".drop"));
openBulk();
openPage(clear);
