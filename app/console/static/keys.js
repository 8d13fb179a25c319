// Who may call: keys are made, shown once, and revoked.

import { confirmed } from "./confirm.js";
import { openPage } from "./frame.js";
import { attempt, byId, call, change, element } from "./service.js";
import { say } from "./texts.js";
import { dayAndTime } from "./words.js";

async function list() {
  const { keys } = await call("/keys");
  byId("keys").replaceChildren(...keys.reverse().map(item));
  byId("no-keys").hidden = keys.length > 0;
}

const isOver = ({ expires_at }) => expires_at !== null && new Date(expires_at) < new Date();

function stateOf(key) {
  if (key.revoked_at) return ["wrong", say("keys.revoked", { when: dayAndTime(key.revoked_at) })];
  if (isOver(key)) return ["wrong", say("keys.over", { when: dayAndTime(key.expires_at) })];
  if (key.expires_at) return ["match", say("keys.holds_until", { when: dayAndTime(key.expires_at) })];
  return ["match", say("keys.holds")];
}

function item(key) {
  const [className, state] = stateOf(key);
  const limits = [
    key.galleries === null ? say("keys.all_galleries") : key.galleries.join(", "),
    key.requests_per_minute === null ? null : say("keys.limited", { count: key.requests_per_minute }),
  ].filter(Boolean);
  const used = key.last_used_at ? say("keys.used", { when: dayAndTime(key.last_used_at) }) : say("keys.unused");
  const made = say("keys.made_by", { when: dayAndTime(key.created_at), who: key.created_by });
  const scopes = key.scopes.length ? key.scopes : [say("keys.no_scope")];
  const line = element("li", {},
    element("div", {},
      element("strong", { textContent: key.label }), " ",
      element("code", { textContent: key.id, className: "muted" }), " ",
      element("span", { className, textContent: state })),
    element("div", {}, ...scopes.map((scope) => element("span", { className: "tag", textContent: scope })),
      ` ${limits.join(" · ")}`),
    element("div", { className: "muted", textContent: `${made} ${used}` }));
  if (!key.revoked_at) {
    const revoke = element("button", {
      type: "button", className: "quiet danger small", textContent: say("keys.revoke"),
      "aria-label": say("keys.revoke_which", { label: key.label }),
    });
    revoke.addEventListener("click", () => revokeKey(key));
    line.append(revoke);
  }
  return line;
}

async function revokeKey({ id, label }) {
  if (!await confirmed(say("keys.revoke_question", { label }), say("keys.revoke"))) return;
  await attempt(byId("problem"), async () => {
    await change("DELETE", `/keys/${encodeURIComponent(id)}`);
    await list();
  });
}

function wish({ label, galleries, requests_per_minute, expires_at }, form) {
  const named = galleries.value.split(/[\s,]+/).filter(Boolean);
  return {
    label: label.value.trim(),
    scopes: new FormData(form).getAll("scopes"),
    ...(named.length ? { galleries: named } : {}),
    ...(requests_per_minute.value ? { requests_per_minute: requests_per_minute.valueAsNumber } : {}),
    // To the end of the chosen day, here.
    ...(expires_at.value ? { expires_at: new Date(`${expires_at.value}T23:59:59`).toISOString() } : {}),
  };
}

// In a dialog, which stays when the first key of all ends the open house behind it.
function showOnce({ key, label }) {
  const field = element("input", { value: key, readOnly: true, id: "made-key", spellcheck: false });
  const copy = element("button", { type: "button", className: "quiet", textContent: say("keys.copy") });
  const done = element("button", { type: "button", textContent: say("keys.kept") });
  const dialog = element("dialog", { "aria-labelledby": "made-title" },
    element("h2", { id: "made-title", textContent: say("keys.shown_once", { label }) }),
    element("label", { htmlFor: "made-key", textContent: say("keys.hint") }), field,
    element("div", { className: "row end" }, copy, done));
  document.body.append(dialog);
  copy.addEventListener("click", async () => {
    field.select();
    await navigator.clipboard?.writeText(key); // not there without TLS, where it stays selected
    if (navigator.clipboard) copy.textContent = say("keys.copied");
  });
  done.addEventListener("click", () => dialog.close());
  dialog.addEventListener("cancel", (event) => event.preventDefault()); // Escape loses nothing
  dialog.showModal();
  field.select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => { dialog.remove(); resolve(); });
  });
}

byId("new").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = byId("new");
  attempt(byId("problem"), async () => {
    await showOnce(await change("POST", "/keys", wish(form.elements, form)));
    form.reset();
    await list();
  });
});
openPage(({ access }) => {
  byId("open").hidden = access !== "open";
  attempt(byId("problem"), list);
});
