// A gallery's templates on a plane. Points that lie close walk alike; one that is pointed at, or
// reached with the arrow keys, shows its gait energy image.

import { svg } from "./drawing.js";
import { gallery, openPage } from "./frame.js";
import { byId, call, element, kindOf, showProblem } from "./service.js";
import { say } from "./texts.js";

const SIZE = 560, MARGIN = 16, RADIUS = 6;
const COLOURS = 8;
// Beyond eight people colours begin again, with another shape.
const SHAPES = [
  "M-6 0A6 6 0 1 0 6 0A6 6 0 1 0 -6 0", "M-5 -5H5V5H-5Z", "M0 -7L7 0L0 7L-7 0Z", "M0 -7L6.5 5H-6.5Z",
];
// A picture that is asked for is noted in the audit log: only where somebody rests.
const RESTING_MILLISECONDS = 150;
let marks = [];
let resting;

function scaleOf(points) {
  const xs = points.map(({ x }) => x), ys = points.map(({ y }) => y);
  const low = [Math.min(...xs), Math.min(...ys)];
  // One scale for both: distances mean the same in every direction.
  const span = Math.max(Math.max(...xs) - low[0], Math.max(...ys) - low[1]) || 1;
  const size = SIZE - 2 * (MARGIN + RADIUS);
  const place = (value, n) => MARGIN + RADIUS + ((value - low[n]) / span) * size;
  return ({ x, y }) => [place(x, 0), SIZE - place(y, 1)];
}

const nameOf = ({ subject, name }) => (name ? `${name} (${subject})` : subject);
const viewOf = ({ direction }) => say(`map.view_${direction ?? "unknown"}`);

function draw({ points }) {
  const numbers = new Map();
  for (const { subject } of points) if (!numbers.has(subject)) numbers.set(subject, numbers.size);
  const at = scaleOf(points);
  // The arrow keys lead from walk to walk, one person after the other.
  const inOrder = [...points].sort((a, b) => numbers.get(a.subject) - numbers.get(b.subject));
  marks = inOrder.map((point, n) => {
    const number = numbers.get(point.subject);
    const [x, y] = at(point);
    const mark = svg("path", {
      class: `point c${number % COLOURS}`, d: SHAPES[Math.floor(number / COLOURS) % SHAPES.length],
      transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, role: "img", tabindex: n ? -1 : 0,
      "aria-label": say("map.point", { who: nameOf(point), view: viewOf(point) }),
    });
    mark.addEventListener("pointerenter", () => choose(n));
    mark.addEventListener("focus", () => choose(n));
    return { mark, point };
  });
  const plane = svg("svg", {
    class: "plane", viewBox: `0 0 ${SIZE} ${SIZE}`, role: "group", "aria-label": say("map.plane"),
  }, ...marks.map(({ mark }) => mark));
  plane.addEventListener("keydown", walkOn);
  byId("plane").replaceChildren(plane);
}

function walkOn(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const here = marks.findIndex(({ mark }) => mark === document.activeElement);
  const next = (here + step + marks.length) % marks.length;
  for (const { mark } of marks) mark.setAttribute("tabindex", -1);
  marks[next].mark.setAttribute("tabindex", 0);
  marks[next].mark.focus();
}

function choose(n) {
  const { point } = marks[n];
  marks.forEach(({ mark, point: other }, m) => {
    mark.classList.toggle("same", other.subject === point.subject);
    mark.classList.toggle("chosen", m === n);
  });
  clearTimeout(resting);
  resting = setTimeout(() => show(point), RESTING_MILLISECONDS);
}

function show(point) {
  const walks = marks.filter(({ point: other }) => other.subject === point.subject).length;
  const link = element("a", {
    href: `/console/subjects?gallery=${encodeURIComponent(gallery())}#${encodeURIComponent(point.subject)}`,
    textContent: nameOf(point),
  });
  byId("shown").replaceChildren(
    element("img", { className: "gei", src: `/walks/${point.walk}/gei.png`, alt: say("map.gei") }),
    element("p", {}, link),
    element("p", { className: "muted", textContent: viewOf(point) }),
    element("p", { className: "muted", textContent: say("map.walks", { count: walks }) }));
}

function find() {
  const wanted = byId("find").value.trim().toLowerCase();
  for (const { mark, point } of marks) {
    mark.classList.toggle("faint", wanted !== "" && !nameOf(point).toLowerCase().includes(wanted));
  }
}

async function open() {
  byId("problem").replaceChildren();
  byId("shown").replaceChildren(element("p", { className: "muted", textContent: say("map.choose") }));
  let answer = { points: [], templates: 0 };
  try {
    answer = await call(`/galleries/${encodeURIComponent(gallery())}/map`);
  } catch (problem) {
    // A gallery that nobody was enrolled in yet is no mistake.
    if (kindOf(problem) !== "unknown-gallery") showProblem(byId("problem"), problem);
  }
  const { points, templates, share_x, share_y } = answer;
  byId("drawn").hidden = points.length === 0;
  byId("none").hidden = points.length > 0 || byId("problem").children.length > 0;
  if (!points.length) return;
  byId("facts").textContent = say(points.length < templates ? "map.facts_newest" : "map.facts", {
    shown: points.length, templates, share: Math.round((share_x + share_y) * 100),
  });
  draw(answer);
  find();
}

byId("find").addEventListener("input", find);
openPage(open);
