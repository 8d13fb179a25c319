// Shows /openapi.json as a page, offline: every call with its parameters, body and answers.

import { openPage } from "./frame.js";
import { byId, element } from "./service.js";
import { say } from "./texts.js";

const code = (text) => element("code", { textContent: text });
// Descriptions set names between backticks.
const told = (text = "") => text.split("`").map((part, n) => (n % 2 ? code(part) : part));
const shown = (value) => element("pre", { textContent: JSON.stringify(value, null, 2) });

function resolve(api, schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? api.components.schemas[name] : schema;
}

function typeOf(api, schema) {
  const whole = resolve(api, schema) ?? {};
  if (whole.anyOf) return whole.anyOf.map((one) => typeOf(api, one)).join(` ${say("docs.or")} `);
  if (whole.enum) return whole.enum.map((one) => JSON.stringify(one)).join(` ${say("docs.or")} `);
  if (whole.const !== undefined) return JSON.stringify(whole.const);
  if (whole.type === "array") return say("docs.list_of", { what: typeOf(api, whole.items) });
  return schema.$ref ? whole.title : whole.format ?? whole.type ?? say("docs.any_value");
}

function fieldTable(api, rows) {
  const body = rows.map(({ name, schema, required, description, place }) =>
    element("tr", {},
      element("td", {}, code(name)),
      element("td", { textContent: place }),
      element("td", { textContent: required ? typeOf(api, schema)
        : say("docs.optional", { what: typeOf(api, schema) }) }),
      element("td", { className: "aside" }, ...told(description ?? schema.description))));
  const head = ["name", "place", "type", "meaning"].map((name) =>
    element("th", { textContent: say(`docs.${name}`), scope: "col" }));
  return element("table", { className: "stack" },
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
}

function bodyRows(api, operation) {
  const content = Object.entries(operation.requestBody?.content ?? {})[0];
  if (!content) return [];
  const [place, { schema }] = content;
  const whole = resolve(api, schema);
  return Object.entries(whole.properties ?? {}).map(([name, one]) =>
    ({ name, schema: one, required: whole.required?.includes(name), place }));
}

function answers(api, operation) {
  return Object.entries(operation.responses).flatMap(([status, response]) => {
    const content = Object.values(response.content ?? {})[0];
    const type = content?.schema ? typeOf(api, content.schema) : say("docs.no_json");
    const line = element("p", {}, code(status), " ", ...told(response.description), `: ${type} `);
    const named = Object.values(content?.examples ?? {}).map((example) => example.value);
    const examples = content?.example ? [content.example] : named;
    return [line, ...examples.map(shown)];
  });
}

function operationDetails(api, path, method, operation) {
  const rows = (operation.parameters ?? []).map((parameter) => ({ ...parameter, place: parameter.in }))
    .concat(bodyRows(api, operation));
  const summary = element("summary", {},
    element("span", { className: "method", textContent: method.toUpperCase() }), code(path));
  const details = element("details", {}, summary,
    element("p", {}, ...told(operation.description)));
  if (rows.length) details.append(fieldTable(api, rows));
  details.append(...answers(api, operation));
  return details;
}

openPage(() => {});
const api = await (await fetch("/openapi.json")).json();
const bySection = new Map();
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const section = operation.tags?.[0] ?? say("docs.other");
    if (!bySection.has(section)) bySection.set(section, []);
    bySection.get(section).push(operationDetails(api, path, method, operation));
  }
}
const about = element("section", { className: "card" }, element("p", {}, ...told(api.info.description)));
byId("api").replaceChildren(about,
  ...[...bySection].map(([name, entries]) =>
    element("section", { className: "card" }, element("h2", { textContent: name }), ...entries)));
