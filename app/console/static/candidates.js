// Who comes closest, picture beside picture.

import { difference, legend } from "./difference.js";
import { may } from "./frame.js";
import { element } from "./service.js";
import { say } from "./texts.js";

export function candidateCard(answer) {
  const rows = answer.candidates.map((candidate) => row(candidate, answer));
  const notes = may("subjects:read")
    ? [legend()]
    : [element("p", { className: "muted", textContent: say("identify.no_pictures") })];
  return element("section", { className: "card wide" },
    element("h2", { textContent: say("identify.candidates") }), ...notes,
    element("ol", { className: "candidates" }, ...rows));
}

function row(candidate, answer) {
  const isMatch = candidate.subject === answer.subject;
  const reaches = candidate.score >= answer.threshold;
  const words = element("div", { className: "who" },
    element("h3", { textContent: candidate.name || candidate.subject }),
    element("p", { className: "muted", textContent: candidate.name ? candidate.subject : "" }),
    element("p", { className: isMatch ? "match" : "muted" },
      element("strong", { className: "number", textContent: candidate.score.toFixed(3) }), " ",
      say(reaches ? "identify.above" : "identify.below")));
  const item = element("li", {}, words);
  if (may("subjects:read")) item.append(pictures(candidate, answer));
  return item;
}

function pictures(candidate, answer) {
  const stored = `/walks/${candidate.walk}/gei.png`;
  const place = element("div", { className: "pictures" },
    pictured(answer.gei, say("identify.this_walk")),
    pictured(stored, say("identify.stored_walk")));
  difference(answer.gei, stored).then((figure) => {
    if (figure) place.append(figure);
  }, () => {}); // erased a moment ago: the broken picture says so
  return place;
}

const pictured = (src, alt) => element("figure", {},
  element("img", { className: "gei", src, alt }),
  element("figcaption", { className: "muted", textContent: alt }));
