// What surrounds every page: the menu, whether the service is ready, the gallery that pages are about.

import { byId, call, element } from "./service.js";
import { isFor, may, startSession } from "./session.js";

const STARTING_MILLISECONDS = 1000;
// Kept for this tab only, and forgotten at the end of the session.
const CHOSEN = "walkprint-gallery";

export const gallery = () => byId("gallery")?.value.trim() || "default";
export { isFor, may };

async function showService() {
  const place = byId("service");
  try {
    const ready = await call("/readyz");
    place.textContent = ready.checkpoint;
    place.className = "ready";
  } catch (problem) {
    place.textContent = problem.detail;
    place.className = "";
    setTimeout(showService, STARTING_MILLISECONDS);
  }
}

function openMenu() {
  const button = byId("menu");
  button.hidden = false;
  button.addEventListener("click", () => {
    const isOpen = byId("pages").classList.toggle("open");
    button.setAttribute("aria-expanded", String(isOpen));
  });
}

// Names to choose from; a name that is typed is taken too, for enrolling makes galleries.
export async function listGalleries() {
  if (!byId("gallery") || !may("subjects:read")) return [];
  let names;
  try {
    names = (await call("/galleries")).galleries.map(({ name }) => name);
  } catch {
    return []; // the list only saves typing; what is wrong is said where the page's own calls fail
  }
  byId("gallery-names").replaceChildren(...names.map((name) => element("option", { value: name })));
  return names;
}

async function chooseGallery({ galleries }, changed) {
  const input = byId("gallery");
  const chosen = new URLSearchParams(location.search).get("gallery") ?? sessionStorage.getItem(CHOSEN);
  if (chosen) input.value = chosen;
  const listed = listGalleries();
  // Nobody begins with a gallery that they may not see, or that is not there.
  const offered = galleries ?? (chosen ? [] : await listed);
  if (offered.length && !offered.includes(input.value)) input.value = offered[0];
  byId("gallery-choice").hidden = false;
  sessionStorage.setItem(CHOSEN, gallery());
  input.onchange = () => {
    if (!input.checkValidity()) return input.reportValidity();
    sessionStorage.setItem(CHOSEN, gallery());
    changed();
  };
}

// Starts a page: `show` is called when somebody comes in who may use it, and again whenever they
// choose another gallery.
export function openPage(show) {
  openMenu();
  showService();
  startSession(async (caller) => {
    if (byId("gallery")) await chooseGallery(caller, () => show(caller));
    show(caller);
  });
}
