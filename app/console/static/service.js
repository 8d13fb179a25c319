// Calls to the public HTTP API, and their errors. Text reaches the page as text nodes, never as HTML.

import { say } from "./texts.js";

export const byId = (id) => document.getElementById(id);

// Properties by name; those that only exist as attributes (`aria-label`, `data-…`) as such.
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// Dispatches "stranger" on the document when the service no longer knows who works here.
export async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw noAnswer();
  }
  if (response.status === 204) return null;
  const body = await response.json();
  if (response.status === 401 && path !== "/session") document.dispatchEvent(new Event("stranger"));
  if (!response.ok) throw body;
  const location = response.headers.get("Location");
  return response.status === 202 && location?.startsWith("/jobs/") ? outcomeOf(location) : body;
}

// What is thrown where the service cannot be reached.
export const noAnswer = () => ({ title: say("frame.no_answer"), detail: say("frame.is_it_running") });

// A call that changes something; sent twice, by whatever accident, it is done once.
export function change(method, path, body) {
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  if (body !== undefined && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  return call(path, { method, headers, body });
}

// The result of a job, once it has one; throws the problem that it failed with.
export async function outcomeOf(location) {
  for (;;) {
    const job = await call(location);
    if (job.state === "succeeded") return job.result;
    if (job.state === "failed") throw job.problem;
    await new Promise((resume) => setTimeout(resume, 1000));
  }
}

// `what-it-is` at the end of a problem's type, which programs may branch on.
export const kindOf = (problem) => String(problem.type ?? "").split("/").pop();

export function showProblem(place, problem) {
  const lines = [problem.detail, problem.advice].filter(Boolean);
  const field = problem.field ? `: ${problem.field}` : "";
  const title = element("strong", { textContent: (problem.title ?? say("frame.went_wrong")) + field });
  const paragraphs = lines.map((line) => element("p", { textContent: line }));
  place.replaceChildren(element("div", { className: "problem" }, title, ...paragraphs));
}

// Does something, and says in `place` what kept it from being done.
export async function attempt(place, deed) {
  place.replaceChildren();
  try {
    await deed();
  } catch (problem) {
    if (problem instanceof Error) throw problem; // a mistake of ours, for the browser's console
    showProblem(place, problem);
    place.scrollIntoView({ block: "nearest" });
  }
}
