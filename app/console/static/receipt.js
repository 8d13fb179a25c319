// The signed receipt of an erasure, which the service does not keep.

import { element } from "./service.js";
import { say } from "./texts.js";

export function showReceipt(place, { walks, templates, receipt }) {
  const file = new Blob([JSON.stringify(receipt, null, 2)], { type: "application/json" });
  const link = element("a", {
    href: URL.createObjectURL(file), download: "walkprint-receipt.json", className: "button",
    textContent: say("receipt.download"),
  });
  place.replaceChildren(
    element("p", {}, element("strong", { textContent: say("receipt.erased", { walks, templates }) })),
    element("p", { className: "muted", textContent: say("receipt.hint") }),
    element("p", {}, link));
  place.hidden = false;
}
