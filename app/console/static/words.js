// Times and numbers, as the browser's language writes them.

import { say } from "./texts.js";

const WHEN = { dateStyle: "medium", timeStyle: "short" };

export const dayAndTime = (iso) => new Date(iso).toLocaleString(undefined, WHEN);

// A share as a percentage, with as many digits as it needs.
export const percent = (share, digits = 3) =>
  `${(share * 100).toLocaleString(undefined, { maximumSignificantDigits: digits })}\u00a0%`;

// A share as a percentage with one decimal, for columns of shares that are read against each other.
export const tenths = (share) => `${(share * 100).toLocaleString(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 })}\u00a0%`;

// A share that may be tiny: one in so many, from a tenth of a percent down.
export const oneIn = (share) => (share > 0.002 ? percent(share)
  : say("plot.one_in", { count: (1 / share).toLocaleString(undefined, { notation: "compact", maximumSignificantDigits: 2 }) }));
