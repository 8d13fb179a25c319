// Who did what: the audit log, page by page, and its signed end.

import { openPage } from "./frame.js";
import { byId, call, element, showProblem } from "./service.js";
import { say } from "./texts.js";
import { dayAndTime } from "./words.js";

const PAGE = 50;
let nextAfter = null;

async function list({ more = false } = {}) {
  const query = new URLSearchParams({ limit: PAGE });
  for (const name of ["action", "actor", "gallery", "subject"]) {
    const wanted = byId("filter").elements[name].value.trim();
    if (wanted) query.set(name, wanted);
  }
  if (more) query.set("after", nextAfter);
  byId("problem").replaceChildren();
  let page = { entries: [], next_after: null, head: null };
  try {
    page = await call(`/audit?${query}`);
  } catch (problem) {
    showProblem(byId("problem"), problem);
  }
  const rows = page.entries.map(row);
  more ? byId("entries").append(...rows) : byId("entries").replaceChildren(...rows);
  nextAfter = page.next_after;
  const shown = byId("entries").children.length;
  byId("more").hidden = nextAfter === null;
  byId("table").hidden = shown === 0;
  byId("no-entries").hidden = shown > 0 || byId("problem").children.length > 0;
  if (page.head) showHead(page.head);
}

function row({ seq, time, action, actor, details }) {
  const words = Object.entries(details).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return element("tr", {},
    element("td", { textContent: seq, className: "number" }),
    element("td", { className: "whole", textContent: dayAndTime(time) }),
    element("th", { textContent: action, scope: "row" }),
    element("td", { className: "whole" }, element("code", { textContent: actor })),
    element("td", { className: "aside" }, element("code", { className: "muted", textContent: words.join(" · ") })));
}

function showHead(head) {
  const facts = ["seq", "hash", "signature", "signer"].filter((name) => head[name] !== null);
  byId("head").replaceChildren(...facts.flatMap((name) => [
    element("dt", { textContent: say(`audit.head_${name}`) }),
    element("dd", {}, element("code", { textContent: head[name] })),
  ]));
}

byId("filter").addEventListener("submit", (event) => {
  event.preventDefault();
  list();
});
byId("more").addEventListener("click", () => list({ more: true }));
openPage(() => list());
