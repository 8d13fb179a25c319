// Galleries: how large, what is kept and for how long. `#name` in the address leads to one of them.

import { openPage } from "./frame.js";
import { prepareGallery, rulesOf, showGallery } from "./gallery.js";
import { attempt, byId, call, change, element, showProblem } from "./service.js";
import { dayAndTime } from "./words.js";

async function list() {
  const { galleries } = await call("/galleries");
  byId("galleries").replaceChildren(...galleries.map((gallery) => element("tr", {},
    element("th", { scope: "row" }, element("a", { href: `#${gallery.name}`, textContent: gallery.name })),
    element("td", { className: "number", textContent: gallery.subjects.toLocaleString() }),
    element("td", { textContent: rulesOf(gallery) }),
    element("td", { className: "aside", textContent: dayAndTime(gallery.created_at) }))));
  byId("table").hidden = galleries.length === 0;
  byId("no-galleries").hidden = galleries.length > 0;
}

async function show() {
  byId("problem").replaceChildren();
  const wanted = decodeURIComponent(location.hash.slice(1));
  byId("all").hidden = wanted !== "";
  byId("one").hidden = true;
  try {
    if (!wanted) return await list();
    await showGallery(wanted);
    byId("which").focus();
  } catch (problem) {
    byId("one").hidden = true;
    byId("all").hidden = false;
    if (wanted) await list();
    showProblem(byId("problem"), problem);
  }
}

byId("new").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(byId("problem"), async () => {
    await change("POST", "/galleries", { name: byId("new").elements.name.value });
    byId("new").reset();
    await list();
  });
});
prepareGallery();
addEventListener("hashchange", show);
openPage(show);
