// One person: their walks, what they are called, where they belong, and the way out.

import { confirmed } from "./confirm.js";
import { gallery, may } from "./frame.js";
import { showReceipt } from "./receipt.js";
import { attempt, byId, call, change, element } from "./service.js";
import { say } from "./texts.js";
import { dayAndTime } from "./words.js";

const VIEWS = ["left", "right", "towards", "away"];
let person = null;
let again = () => {};

const address = (rest = "") =>
  `/subjects/${encodeURIComponent(person.subject)}${rest}?gallery=${encodeURIComponent(person.gallery)}`;

// Raises the problem where there is no such subject.
export async function showPerson(subject) {
  person = { subject, gallery: gallery() };
  person = await call(address());
  byId("who").textContent = person.name || person.subject;
  byId("facts").textContent = say("subjects.facts", {
    subject: person.subject, gallery: person.gallery,
    enrolled: dayAndTime(person.created_at), changed: dayAndTime(person.updated_at),
  });
  byId("rename").elements.name.value = person.name ?? "";
  byId("rename").elements.metadata.value = JSON.stringify(person.metadata);
  for (const form of ["merge", "move"]) byId(form).reset();
  const [{ walks }, { merges }] = await Promise.all([call(address("/walks")), call(address("/merges"))]);
  showWalks(walks);
  byId("merges").hidden = merges.length === 0;
  byId("merge-list").replaceChildren(...merges.map(mergeRow));
}

function showWalks(walks) {
  const groups = [...VIEWS, null].map((view) => [view, walks.filter(({ direction }) => direction === view)]);
  const shown = groups.filter(([, some]) => some.length).map(([view, some]) =>
    element("div", {},
      element("h3", { textContent: say(`subjects.view_${view ?? "unknown"}`) }),
      element("div", { className: "pictures" }, ...some.map(walkFigure))));
  byId("walks").replaceChildren(...shown);
  if (!walks.length) byId("walks").append(element("p", { className: "muted", textContent: say("subjects.no_walks") }));
}

function walkFigure(walk) {
  const when = dayAndTime(walk.created_at);
  const { level, score } = walk.quality;
  const caption = element("figcaption", { className: "muted" }, when);
  if (level) caption.append(element("br"), say("subjects.quality", { level, score: score.toFixed(2) }));
  if (!walk.checkpoints.length) caption.append(element("br"), say("subjects.not_embedded"));
  const figure = element("figure", {},
    element("img", { className: "gei", src: walk.gei, alt: say("subjects.gei", { when }), loading: "lazy" }),
    caption);
  if (may("subjects:write")) {
    const erase = element("button", {
      type: "button", className: "quiet danger small", textContent: say("subjects.erase"),
      "aria-label": say("subjects.erase_walk", { when }),
    });
    erase.addEventListener("click", () => eraseWalk(walk, when));
    figure.append(erase);
  }
  return figure;
}

function mergeRow(merge) {
  const text = say("subjects.merged", {
    absorbed: merge.absorbed_name ? `${merge.absorbed} (${merge.absorbed_name})` : merge.absorbed,
    walks: merge.walks.length, when: dayAndTime(merge.created_at), until: dayAndTime(merge.undo_until),
  });
  const line = element("p", {}, `${text} `);
  if (may("subjects:write")) {
    const undo = element("button", { type: "button", className: "quiet small", textContent: say("subjects.undo") });
    undo.addEventListener("click", () => attempt(byId("problem"), async () => {
      await change("POST", `/merges/${merge.id}/undo`);
      await showPerson(person.subject);
    }));
    line.append(undo);
  }
  return line;
}

async function eraseWalk(walk, when) {
  if (!await confirmed(say("subjects.erase_walk_question", { when }), say("subjects.erase_for_good"))) return;
  await attempt(byId("problem"), async () => {
    showReceipt(byId("receipt"), await change("DELETE", `/walks/${walk.id}`));
    await showPerson(person.subject);
  });
}

async function eraseSubject() {
  const question = say("subjects.erase_question", { subject: person.subject, walks: person.walks });
  if (!await confirmed(question, say("subjects.erase_for_good"))) return;
  await attempt(byId("problem"), async () => {
    showReceipt(byId("receipt"), await change("DELETE", address()));
    leave();
  });
}

function leave(subject = "") {
  const target = subject ? `#${encodeURIComponent(subject)}` : "#";
  if (location.hash === target || (!subject && !location.hash)) again();
  else location.hash = target;
}

async function describe({ name, metadata }) {
  let parsed;
  try {
    parsed = JSON.parse(metadata.value || "{}");
  } catch {
    throw { title: say("subjects.metadata_wrong"), detail: say("subjects.metadata_advice") };
  }
  await change("PATCH", address(), { name: name.value.trim() || null, metadata: parsed });
  await showPerson(person.subject);
}

async function mergeInto({ into }) {
  const question = say("subjects.merge_question", { subject: person.subject, into: into.value });
  if (!await confirmed(question, say("subjects.merge"))) return;
  await change("POST", address("/merge"), { into: into.value });
  leave(into.value);
}

async function moveTo(fields) {
  await change("POST", address("/move"), { gallery: fields.gallery.value.trim() });
  leave();
}

// `show` shows the page again, for whoever is named in the address.
export function preparePerson(show) {
  again = show;
  for (const [id, deed] of Object.entries({ rename: describe, merge: mergeInto, move: moveTo })) {
    byId(id).addEventListener("submit", (event) => {
      event.preventDefault();
      attempt(byId("problem"), () => deed(byId(id).elements));
    });
  }
  byId("erase").addEventListener("click", eraseSubject);
}
