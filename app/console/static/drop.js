// Places to drop files on.

import { say } from "./texts.js";

export function dropInto(label) {
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
      : files.length === 1 ? files[0].name : say("frame.files", { count: files.length });
  });
}
