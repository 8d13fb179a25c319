// How far a recording is on its way to an answer.

import { element } from "./service.js";
import { say } from "./texts.js";

const STAGES = ["receive", "queue", "capture", "gei", "encode", "search", "explain"];

export class Stages {
  constructor(place) {
    this.bar = element("progress", { max: 1, value: 0, "aria-label": say("identify.sending") });
    this.rows = STAGES.map((stage) => element("li", { textContent: say(`identify.stage_${stage}`) }));
    this.time = STAGES.map(() => element("span", { className: "number" }));
    this.rows.forEach((row, at) => row.append(this.time[at]));
    place.replaceChildren(this.bar, element("ol", { className: "stages" }, ...this.rows));
  }

  // `share` is known of the sending only.
  at(stage, share) {
    const now = STAGES.indexOf(stage);
    if (now < 0) return; // the answer is being written: the last stage is still shown
    this.rows.forEach((row, at) => {
      row.className = at < now ? "done" : at === now ? "now" : "";
      if (at === now) row.setAttribute("aria-current", "step");
      else row.removeAttribute("aria-current");
    });
    this.bar.value = share ?? 1;
    this.bar.hidden = share === undefined;
  }

  // Milliseconds by stage, as the answer has them.
  done(timing) {
    this.bar.hidden = true;
    this.rows.forEach((row, at) => {
      row.className = "done";
      row.removeAttribute("aria-current");
      const spent = timing[STAGES[at]];
      if (spent !== undefined) this.time[at].textContent = say("identify.milliseconds", { count: Math.round(spent) });
    });
  }
}
