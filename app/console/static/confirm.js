// A question before something that cannot be taken back.

import { element } from "./service.js";
import { say } from "./texts.js";

// Resolves to whether they said yes; Escape and the focused button say no.
export function confirmed(question, yes) {
  const keep = element("button", { type: "button", className: "quiet", textContent: say("frame.cancel") });
  const agree = element("button", { type: "button", className: "danger", textContent: yes });
  const dialog = element("dialog", { "aria-label": question },
    element("p", { textContent: question }),
    element("div", { className: "row end" }, keep, agree));
  document.body.append(dialog);
  return new Promise((resolve) => {
    let answer = false;
    keep.addEventListener("click", () => dialog.close());
    agree.addEventListener("click", () => { answer = true; dialog.close(); });
    dialog.addEventListener("close", () => { dialog.remove(); resolve(answer); });
    dialog.showModal();
    keep.focus();
  });
}
