// Calls to the public HTTP API, and their errors. Text reaches the page as text nodes, never as HTML.

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// Dispatches "stranger" on the document when the service no longer knows who works here.
export async function call(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw { title: "The service does not answer", detail: "Is it still running?", advice: "" };
  }
  if (response.status === 204) return null;
  const body = await response.json();
  if (response.status === 401 && path !== "/session") document.dispatchEvent(new Event("stranger"));
  if (!response.ok) throw body;
  return response.status === 202 ? outcomeOf(response.headers.get("Location")) : body;
}

async function outcomeOf(location) {
  for (;;) {
    const job = await call(location);
    if (job.state === "succeeded") return job.result;
    if (job.state === "failed") throw job.problem;
    await new Promise((resume) => setTimeout(resume, 1000));
  }
}

export function showProblem(place, problem) {
  const lines = [problem.detail, problem.advice].filter(Boolean);
  const title = element("strong", { textContent: problem.title ?? "Something went wrong" });
  const paragraphs = lines.map((line) => element("p", { textContent: line }));
  place.replaceChildren(element("div", { className: "problem" }, title, ...paragraphs));
}
