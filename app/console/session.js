// Who uses the console: a key becomes a session, whose cookie no script can read.

import { byId, call, showProblem } from "./service.js";

let scopes = [];

export const may = (scope) => scopes.includes(scope) || scopes.includes("admin");

function showDoor(problem = null) {
  document.querySelectorAll(".signed-in").forEach((part) => { part.hidden = true; });
  byId("door").hidden = false;
  if (problem) showProblem(byId("door-problem"), problem);
  byId("key").focus();
}

function showWork(caller) {
  ({ scopes } = caller);
  byId("door").hidden = true;
  document.querySelectorAll(".signed-in").forEach((part) => { part.hidden = false; });
  document.querySelectorAll("[data-needs]").forEach((part) => {
    part.hidden = !may(part.dataset.needs);
  });
  byId("caller").textContent = caller.label ?? "";
  byId("sign-out").hidden = !caller.session;
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
    showWork(caller);
    byId("gallery").focus();
    enter(caller);
  } catch (problem) {
    const advice = "Copy the key again, or ask whoever runs this service for another one.";
    showDoor(problem.status === 401 ? { ...problem, advice } : problem);
  } finally {
    button.disabled = false;
  }
}

async function signOut() {
  try {
    await call("/session", { method: "DELETE" });
  } finally {
    location.reload(); // so that nothing of what was seen stays in the page
  }
}

// Calls `enter` with who they are whenever somebody comes in.
export async function startSession(enter) {
  byId("sign-in").addEventListener("submit", (event) => signIn(event, enter));
  byId("sign-out").addEventListener("click", signOut);
  document.addEventListener("stranger", () => showDoor({
    title: "Your session has ended", detail: "Sign in again to go on.",
  }));
  try {
    const caller = await call("/session");
    showWork(caller);
    enter(caller);
  } catch (problem) {
    showDoor(problem.status === 401 ? null : problem);
  }
}
