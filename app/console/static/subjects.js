// Who is known in a gallery. `#subject` in the address leads to one of them; it never reaches a log.

import { gallery, openPage } from "./frame.js";
import { byId, call, element, kindOf, showProblem } from "./service.js";
import { preparePerson, showPerson } from "./subject.js";
import { say } from "./texts.js";
import { dayAndTime } from "./words.js";

const PAGE = 50;
const TYPING_MILLISECONDS = 250;
let nextCursor = null;

async function list({ more = false } = {}) {
  const query = new URLSearchParams({ gallery: gallery(), limit: PAGE });
  if (byId("search").value) query.set("search", byId("search").value);
  if (more && nextCursor) query.set("cursor", nextCursor);
  byId("problem").replaceChildren();
  try {
    const page = await call(`/subjects?${query}`);
    const rows = page.subjects.map(row);
    more ? byId("subjects").append(...rows) : byId("subjects").replaceChildren(...rows);
    nextCursor = page.next;
  } catch (problem) {
    nextCursor = null;
    byId("subjects").replaceChildren();
    // A gallery that nobody was enrolled in yet is no mistake.
    if (kindOf(problem) !== "unknown-gallery") showProblem(byId("problem"), problem);
  }
  const shown = byId("subjects").children.length;
  byId("more").hidden = !nextCursor;
  byId("table").hidden = !shown;
  byId("no-subjects").hidden = shown > 0 || byId("problem").children.length > 0;
  byId("count").textContent = shown ? `${shown}${nextCursor ? "+" : ""}` : "";
}

function row({ subject, name, walks, created_at }) {
  const link = element("a", { href: `#${encodeURIComponent(subject)}`, textContent: subject });
  return element("tr", {},
    element("th", { scope: "row" }, link),
    element("td", { textContent: name ?? "" }),
    element("td", { textContent: walks, className: "number" }),
    element("td", { textContent: dayAndTime(created_at), className: "aside" }));
}

async function show() {
  byId("problem").replaceChildren();
  const wanted = decodeURIComponent(location.hash.slice(1));
  byId("everybody").hidden = wanted !== "";
  byId("somebody").hidden = true;
  if (!wanted) return list();
  try {
    await showPerson(wanted);
    byId("somebody").hidden = false;
    byId("who").focus();
  } catch (problem) {
    showProblem(byId("problem"), problem);
    byId("problem").append(element("p", {}, element("a", { href: "#", textContent: say("subjects.back") })));
  }
}

let typing;
byId("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(list, TYPING_MILLISECONDS);
});
byId("more").addEventListener("click", () => list({ more: true }));
preparePerson(show);
addEventListener("hashchange", show);
openPage(show);
