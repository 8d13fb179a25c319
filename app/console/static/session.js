// Who uses the console: a key becomes a session, whose cookie no script can read.

import { byId, call, showProblem } from "./service.js";
import { say } from "./texts.js";

let scopes = [];
let isLimited = false;

export const may = (scope) => scopes.includes(scope) || scopes.includes("admin");

// Of any element with `data-scope` and `data-everywhere`: whether it is of use to this caller.
export function isFor({ dataset }) {
  return (!dataset.scope || may(dataset.scope)) && !("everywhere" in dataset && isLimited);
}

function showDoor(problem = null) {
  byId("work").hidden = !("public" in document.body.dataset);
  byId("refused").hidden = true;
  document.querySelectorAll("#pages li").forEach((item) => {
    item.hidden = !("public" in item.dataset);
  });
  byId("door").hidden = !byId("work").hidden;
  if (problem) showProblem(byId("door-problem"), problem);
  if (!byId("door").hidden) byId("key").focus();
}

// True where the page is of use to them.
function letIn(caller) {
  ({ scopes } = caller);
  isLimited = caller.galleries !== null;
  byId("door").hidden = true;
  byId("door-problem").replaceChildren();
  document.querySelectorAll("#pages li").forEach((item) => { item.hidden = !isFor(item); });
  byId("caller").textContent = caller.label ?? (caller.access === "open" ? say("frame.open") : "");
  byId("sign-out").hidden = !caller.session;
  const mayWork = isFor(document.body);
  byId("work").hidden = !mayWork;
  byId("refused").hidden = mayWork;
  if (mayWork) document.querySelectorAll("#work [data-scope]").forEach((part) => { part.hidden = !isFor(part); });
  else showRefusal(document.body.dataset.scope);
  return mayWork;
}

function showRefusal(scope) {
  const detail = may(scope) ? say("frame.needs_everywhere") : say("frame.needs_scope", { scope });
  showProblem(byId("refused"), { title: say("frame.not_allowed"), detail });
}

async function signIn(event, enter) {
  event.preventDefault();
  const button = byId("sign-in").querySelector("button");
  const body = JSON.stringify({ key: byId("key").value.trim() });
  byId("key").value = "";
  byId("door-problem").replaceChildren();
  button.disabled = true;
  try {
    const headers = { "Content-Type": "application/json" };
    const caller = await call("/session", { method: "POST", body, headers });
    if (letIn(caller)) enter(caller);
    byId("main").focus();
  } catch (problem) {
    showDoor(problem.status === 401 ? { ...problem, advice: say("door.copy_again") } : problem);
  } finally {
    button.disabled = false;
  }
}

async function signOut() {
  try {
    await call("/session", { method: "DELETE" });
  } finally {
    sessionStorage.clear();
    location.reload(); // so that nothing of what was seen stays in the page
  }
}

// Calls `enter` with who they are whenever somebody comes in who may use this page.
export async function startSession(enter) {
  byId("sign-in").addEventListener("submit", (event) => signIn(event, enter));
  byId("sign-out").addEventListener("click", signOut);
  document.addEventListener("stranger", () => {
    showDoor({ title: say("door.ended"), detail: say("door.again") });
  });
  try {
    const caller = await call("/session");
    if (letIn(caller)) enter(caller);
  } catch (problem) {
    showDoor(problem.status === 401 ? null : problem);
  }
}
