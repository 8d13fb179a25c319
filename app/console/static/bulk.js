// A folder of people: a folder for each, or a list that says whose each file is.

import { gallery, listGalleries } from "./frame.js";
import { byId, change, element, showProblem } from "./service.js";
import { say } from "./texts.js";

// As `walkprint enroll --from-folder` takes them; the service decides by content.
const WALK = /\.(mp4|mov|avi|mkv|webm|m4v|mpe?g|zip|tar|tgz|tar\.gz)$/i;
// Of one call; more walks of one person follow in further calls.
const MOST_WALKS = 32;
let stopped = false;

// From `file,subject` or `file,subject,name` to what stands there, by the file's path.
function readList(text) {
  const rows = text.replace(/^\uFEFF/, "").split(/\r?\n/).filter((line) => line.trim());
  const cells = rows.map((line) => [...line.matchAll(/(?:^|[,;])(?:"((?:[^"]|"")*)"|([^,;]*))/g)]
    .map(([, quoted, plain]) => (quoted === undefined ? plain : quoted.replaceAll('""', '"')).trim()));
  if (/^file$/i.test(cells[0]?.[0] ?? "")) cells.shift();
  const wrong = cells.findIndex(([file, subject]) => !file || !subject);
  if (wrong >= 0) throw { title: say("enrol.list_unreadable"), detail: say("enrol.list_line", { line: rows[wrong] }) };
  return new Map(cells.map(([file, subject, name]) => [file, { subject, name: name ?? "" }]));
}

// Who is there: subject, name, files.
function people(files, list) {
  const found = new Map();
  for (const file of files) {
    const path = file.webkitRelativePath.split("/").slice(1); // without the chosen folder itself
    if (path.at(-1).startsWith(".") || !WALK.test(file.name)) continue;
    const said = list?.get(path.join("/")) ?? list?.get(file.name);
    const subject = list ? said?.subject : path.length > 1 ? path[0] : undefined;
    if (!subject) continue;
    if (!found.has(subject)) found.set(subject, { subject, name: said?.name ?? "", files: [] });
    found.get(subject).files.push(file);
  }
  return [...found.values()].sort((one, other) => one.subject.localeCompare(other.subject, undefined, { numeric: true }));
}

function rowOf({ subject, files }) {
  const outcome = element("td", { className: "aside muted", textContent: say("enrol.waits") });
  byId("bulk-rows").append(element("tr", {},
    element("th", { scope: "row", textContent: subject }),
    element("td", { className: "number", textContent: files.length }), outcome));
  return outcome;
}

async function enrolOne({ subject, name, files }) {
  let walks = 0;
  const alike = new Set();
  for (let first = 0; first < files.length; first += MOST_WALKS) {
    const body = new FormData();
    for (const [field, value] of Object.entries({ subject, name, gallery: gallery() })) body.set(field, value);
    files.slice(first, first + MOST_WALKS).forEach((file) => body.append("walk", file, file.name));
    const answer = await change("POST", "/enroll", body);
    walks += answer.walks.length;
    answer.possible_duplicates.forEach((row) => alike.add(row.subject));
  }
  return { walks, alike: [...alike] };
}

async function enrolAll(wanted) {
  const places = wanted.map(rowOf);
  byId("bulk-table").hidden = false;
  let done = 0;
  for (const [at, person] of wanted.entries()) {
    if (stopped) return byId("bulk-told").textContent = say("enrol.stopped", { done, count: wanted.length });
    byId("bulk-told").textContent = say("enrol.progress", { number: at + 1, count: wanted.length });
    try {
      const { walks, alike } = await enrolOne(person);
      places[at].textContent = say("enrol.stored", { count: walks });
      places[at].className = "aside match";
      if (alike.length) places[at].append(element("p", { className: "unknown", textContent: say("enrol.alike", { people: alike.join(", ") }) }));
      done += 1;
    } catch (problem) {
      if (problem instanceof Error) throw problem; // a mistake of ours, for the browser's console
      showProblem(places[at], problem);
    }
  }
  byId("bulk-told").textContent = say("enrol.all_done", { done, count: wanted.length });
  listGalleries();
}

async function submit(event) {
  event.preventDefault();
  const form = byId("bulk");
  const { folder, list } = form.elements;
  for (const id of ["bulk-rows", "bulk-problem", "bulk-told"]) byId(id).replaceChildren();
  byId("bulk-table").hidden = true;
  stopped = false;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  byId("stop").hidden = false;
  try {
    const wanted = people([...folder.files], list.files.length ? readList(await list.files[0].text()) : null);
    if (!wanted.length) throw { title: say("enrol.nobody"), detail: say("enrol.nobody_hint") };
    await enrolAll(wanted);
  } catch (problem) {
    if (problem instanceof Error) throw problem;
    showProblem(byId("bulk-problem"), problem);
  } finally {
    button.disabled = false;
    byId("stop").hidden = true;
  }
}

export function openBulk() {
  byId("bulk").addEventListener("submit", submit);
  byId("stop").addEventListener("click", () => { stopped = true; });
}
