// Shows /openapi.json as a page, offline: every call with its parameters, body and answers.

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

const code = (text) => element("code", { textContent: text });
const shown = (value) => element("pre", { textContent: JSON.stringify(value, null, 2) });

function resolve(api, schema) {
  const name = schema?.$ref?.split("/").pop();
  return name ? api.components.schemas[name] : schema;
}

function typeOf(api, schema) {
  const whole = resolve(api, schema) ?? {};
  if (whole.anyOf) return whole.anyOf.map((one) => typeOf(api, one)).join(" or ");
  if (whole.enum) return whole.enum.map((one) => JSON.stringify(one)).join(" or ");
  if (whole.const !== undefined) return JSON.stringify(whole.const);
  if (whole.type === "array") return `list of ${typeOf(api, whole.items)}`;
  return schema.$ref ? whole.title : whole.format ?? whole.type ?? "any value";
}

function fieldTable(api, rows) {
  const body = rows.map(({ name, schema, required, description, place }) =>
    element("tr", {},
      element("td", {}, code(name)),
      element("td", { textContent: place }),
      element("td", { textContent: typeOf(api, schema) + (required ? "" : ", optional") }),
      element("td", { textContent: description ?? schema.description ?? "" })));
  const head = ["Name", "In", "Type", "What it is"].map((text) =>
    element("th", { textContent: text }));
  return element("table", {},
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
  return Object.entries(operation.responses).map(([status, response]) => {
    const content = Object.values(response.content ?? {})[0];
    const type = content?.schema ? typeOf(api, content.schema) : "no JSON";
    const line = element("p", {}, code(status), ` ${response.description}: ${type} `);
    const named = Object.values(content?.examples ?? {}).map((example) => example.value);
    for (const example of content?.example ? [content.example] : named) line.append(shown(example));
    return line;
  });
}

function operationDetails(api, path, method, operation) {
  const rows = (operation.parameters ?? []).map((parameter) => ({ ...parameter, place: parameter.in }))
    .concat(bodyRows(api, operation));
  const summary = element("summary", {},
    element("span", { className: "method", textContent: method.toUpperCase() }), code(path));
  const details = element("details", {}, summary,
    element("p", { textContent: operation.description ?? "" }));
  if (rows.length) details.append(fieldTable(api, rows));
  details.append(...answers(api, operation));
  return details;
}

const api = await (await fetch("/openapi.json")).json();
const bySection = new Map();
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const section = operation.tags?.[0] ?? "other";
    if (!bySection.has(section)) bySection.set(section, []);
    bySection.get(section).push(operationDetails(api, path, method, operation));
  }
}
const about = element("section", {}, element("p", { textContent: api.info.description }));
document.querySelector("main").replaceChildren(about,
  ...[...bySection].map(([name, entries]) =>
    element("section", {}, element("h2", { textContent: name }), ...entries)));
