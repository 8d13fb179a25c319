// The console: one page over the public HTTP API.

import { byId, call, element, showProblem } from "./service.js";
import { may, startSession } from "./session.js";

const gallery = () => byId("gallery").value.trim() || "default";

function scale(score, threshold) {
  // From 0 to 1; scores below 0 are shown at the left edge.
  const x = (value) => Math.max(0, Math.min(1, value)) * 300;
  const svg = (tag, attributes, text = "") => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = text;
    return node;
  };
  const picture = svg("svg", { class: "scale", viewBox: "0 0 300 34", role: "img" });
  picture.append(
    svg("rect", { class: "track", x: 0, y: 16, width: 300, height: 8, rx: 4 }),
    svg("rect", { class: "score", x: 0, y: 16, width: x(score), height: 8, rx: 4 }),
    svg("line", { class: "limit", x1: x(threshold), x2: x(threshold), y1: 12, y2: 28 }),
    svg("text", { x: Math.min(x(threshold), 235), y: 9 }, `threshold ${threshold.toFixed(3)}`),
  );
  picture.setAttribute("aria-label", `score ${score.toFixed(3)}, threshold ${threshold.toFixed(3)}`);
  return picture;
}

function qualityOf(quality) {
  const findings = quality.findings.map(({ sentence, advice }) =>
    element("li", { textContent: `${sentence} ${advice}` }));
  const words = element("p", {
    className: quality.level === "poor" ? "unknown" : "muted",
    textContent: `Quality ${quality.level} (${quality.score.toFixed(2)})`,
  });
  return findings.length ? [words, element("ul", { className: "muted" }, ...findings)] : [words];
}

function showIdentified(answer) {
  const walkers = answer.walkers ?? [answer];
  const parts = walkers.flatMap((one) => [
    ...(answer.walkers
      ? [element("h3", { textContent: `Walker ${one.walker.number}` })] : []),
    ...identifiedWalker(one, answer.timing.total),
  ]);
  const lost = (answer.left_out ?? []).map(({ number, walks }) =>
    element("p", { className: "muted", textContent: `Walker ${number}: ${walks[0].detail}` }));
  byId("identified").replaceChildren(...parts, ...lost);
}

function identifiedWalker(answer, milliseconds) {
  const isMatch = answer.decision === "match";
  const score = answer.score ?? 0;
  const best = answer.candidates.find(({ subject }) => subject === answer.subject);
  const who = isMatch ? best?.name || answer.subject : "Unknown";
  const percent = `${+(answer.target_fpir * 100).toPrecision(3)} %`;
  const words = isMatch ? "the score reaches the threshold"
    : score < answer.threshold ? "no score reaches the threshold"
    : "whom it reaches is another walker in this recording";
  const detail = answer.candidates.length
    ? `Score ${score.toFixed(3)}: ${words} for ${percent} false positives among ` +
      `${answer.gallery_size} subjects.`
    : "The gallery is empty.";
  const rows = answer.candidates.map((candidate) =>
    element("tr", {},
      element("td", { textContent: candidate.subject }),
      element("td", { textContent: candidate.name ?? "" }),
      element("td", { textContent: candidate.score.toFixed(3), className: "number" })));
  const head = element("tr", {}, ...["Candidate", "Name", "Score"].map((text) =>
    element("th", { textContent: text })));
  const { frames_used, frames_seen, cycles } = answer.quality;
  const parts = [
    element("div", { className: "verdict" },
      element("img", { className: "gei", src: answer.gei, alt: "Gait energy image of this walk" }),
      element("div", {},
        element("p", { className: `decision ${answer.decision}`, textContent: who }),
        scale(score, answer.threshold),
        element("p", { className: "muted", textContent: detail }),
        element("p", {
          className: "muted",
          textContent: `${frames_used} of ${frames_seen} frames, ${cycles.toFixed(1)} gait cycles, ` +
            `${Math.round(milliseconds)} ms`,
        }),
        ...qualityOf(answer.quality)))];
  if (rows.length) {
    parts.push(element("table", {},
      element("thead", {}, head), element("tbody", {}, ...rows)));
  }
  return parts;
}

function showEnrolled(answer) {
  const walks = answer.walks.map((walk) =>
    element("img", { className: "gei", src: walk.gei, alt: "Gait energy image of a stored walk" }));
  const alike = answer.possible_duplicates.map((row) => `${row.subject} (${row.score.toFixed(3)})`);
  const said = answer.created ? "Enrolled" : "Added to";
  byId("enrolled").replaceChildren(
    element("p", { className: "decision match", textContent: `${said} ${answer.subject}` }),
    element("div", { className: "row" }, ...walks));
  for (const { direction, detail } of answer.left_out) {
    const text = `A pass${direction ? ` walking ${direction}` : ""} was left out: ${detail}`;
    byId("enrolled").append(element("p", { className: "muted", textContent: text }));
  }
  if (answer.replaced.length) {
    const text = `Earlier walks erased to make room: ${answer.replaced.length}.`;
    byId("enrolled").append(element("p", { className: "muted", textContent: text }));
  }
  if (alike.length) {
    const text = `Walks much like: ${alike.join(", ")}. Is this the same person?`;
    byId("enrolled").append(element("p", { className: "unknown", textContent: text }));
  }
}

function submitWith(form, place, path, show) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    const body = new FormData(form);
    body.set("gallery", gallery());
    button.disabled = true;
    place.replaceChildren(element("p", { className: "muted", textContent: "Working…" }));
    try {
      const headers = { "Idempotency-Key": crypto.randomUUID() };
      show(await call(path, { method: "POST", body, headers }));
      if (path === "/enroll") await Promise.all([listSubjects(), listGalleries()]);
    } catch (problem) {
      showProblem(place, problem);
    } finally {
      button.disabled = false;
    }
  });
}

function dropInto(label) {
  const input = label.querySelector("input");
  const text = label.querySelector(".drop-text");
  const invitation = text.textContent;
  for (const kind of ["dragenter", "dragover"]) {
    label.addEventListener(kind, () => label.classList.add("over"));
  }
  for (const kind of ["dragleave", "drop"]) {
    label.addEventListener(kind, () => label.classList.remove("over"));
  }
  input.addEventListener("change", () => {
    const { files } = input;
    text.textContent = files.length === 0 ? invitation
      : files.length === 1 ? files[0].name : `${files.length} files`;
  });
}

let nextCursor = null;

async function listSubjects({ more = false } = {}) {
  if (!may("subjects:read")) return;
  const query = new URLSearchParams({ gallery: gallery(), limit: "50" });
  if (byId("search").value) query.set("search", byId("search").value);
  if (more && nextCursor) query.set("cursor", nextCursor);
  try {
    const page = await call(`/subjects?${query}`);
    const rows = page.subjects.map(subjectRow);
    more ? byId("subjects").append(...rows) : byId("subjects").replaceChildren(...rows);
    nextCursor = page.next;
    byId("subjects-problem").replaceChildren();
  } catch (problem) {
    nextCursor = null;
    byId("subjects").replaceChildren();
    if (!String(problem.type).endsWith("/unknown-gallery")) {
      showProblem(byId("subjects-problem"), problem);
    }
  }
  byId("more").hidden = !nextCursor;
  const shown = byId("subjects").children.length;
  byId("no-subjects").hidden = shown > 0;
  byId("count").textContent = shown ? `${shown}${nextCursor ? "+" : ""}` : "";
}

function subjectRow(subject) {
  const erase = element("button", { type: "button", className: "quiet", textContent: "Erase…" });
  erase.addEventListener("click", () => eraseSubject(subject));
  return element("tr", {},
    element("td", { textContent: subject.subject }),
    element("td", { textContent: subject.name ?? "" }),
    element("td", { textContent: subject.walks, className: "number" }),
    element("td", { textContent: new Date(subject.created_at).toLocaleString() }),
    element("td", {}, ...(may("subjects:write") ? [erase] : [])));
}

async function eraseSubject(subject) {
  const dialog = byId("confirm");
  byId("confirm-text").textContent =
    `Erase ${subject.subject} with ${subject.walks} walk(s), images and templates?`;
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((resume) => dialog.addEventListener("close", resume, { once: true }));
  if (dialog.returnValue !== "yes") return;
  const query = new URLSearchParams({ gallery: subject.gallery });
  try {
    await call(`/subjects/${encodeURIComponent(subject.subject)}?${query}`, { method: "DELETE" });
  } catch (problem) {
    showProblem(byId("subjects-problem"), problem);
    return;
  }
  await listSubjects();
}

async function listGalleries() {
  let names;
  try {
    names = (await call("/galleries")).galleries.map(({ name }) => name);
  } catch {
    return; // the list only saves typing; what is wrong is said where subjects are listed
  }
  byId("galleries").replaceChildren(...names.map((name) => element("option", { value: name })));
}

async function showService() {
  try {
    const ready = await call("/readyz");
    byId("service").textContent = ready.checkpoint;
    byId("service").className = "ready";
  } catch (problem) {
    byId("service").textContent = problem.detail;
    byId("service").className = "";
    setTimeout(showService, 1000);
  }
}

let typing;
byId("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(listSubjects, 250);
});
byId("gallery").addEventListener("change", () => listSubjects());
byId("more").addEventListener("click", () => listSubjects({ more: true }));
document.querySelectorAll(".drop").forEach(dropInto);
submitWith(byId("identify"), byId("identified"), "/identify", showIdentified);
submitWith(byId("enroll"), byId("enrolled"), "/enroll", showEnrolled);
showService();
startSession(({ galleries }) => {
  // Whoever sees some galleries only begins with one of them.
  if (galleries?.length && !galleries.includes(gallery())) byId("gallery").value = galleries[0];
  for (const place of ["identified", "enrolled", "subjects", "subjects-problem"]) {
    byId(place).replaceChildren();
  }
  listGalleries();
  listSubjects();
});
