// Sends a recording and follows its job: `told(stage, share)` hears how far it is, `accepted(location)`
// where the job is, if it takes a while.

import { noAnswer, outcomeOf } from "./service.js";

// Somebody waits here: a quick job answers at once, and goes before those that nobody waits for.
const PREFER = "wait=1";

export function submit(path, body, told, accepted) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much has been sent
    request.open("POST", path);
    request.responseType = "json";
    request.setRequestHeader("Idempotency-Key", crypto.randomUUID());
    request.setRequestHeader("Prefer", PREFER);
    request.upload.addEventListener("progress", ({ loaded, total }) => told("receive", loaded / total));
    request.upload.addEventListener("load", () => told("queue"));
    request.addEventListener("error", () => reject(noAnswer()));
    request.addEventListener("load", () => {
      const { status, response } = request;
      if (status === 401) document.dispatchEvent(new Event("stranger"));
      if (status === 202) {
        const location = request.getResponseHeader("Location");
        accepted(location);
        follow(location, told).then(resolve, reject);
      } else if (status < 300) resolve(response);
      else reject(response ?? noAnswer());
    });
    told("receive", 0);
    request.send(body);
  });
}

// A browser opens a stream again by itself where it ended; where it may not, the job is asked for.
function follow(location, told) {
  return new Promise((resolve, reject) => {
    const stream = new EventSource(`${location}/events`);
    const hear = ({ data }) => {
      const job = JSON.parse(data);
      if (job.state === "queued") told("queue");
      if (job.state === "running" && job.stage) told(job.stage);
      if (job.state === "succeeded") resolve(job.result);
      if (job.state === "failed") reject(job.problem);
      if (["succeeded", "failed"].includes(job.state)) stream.close();
    };
    for (const state of ["queued", "running", "succeeded", "failed"]) stream.addEventListener(state, hear);
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) outcomeOf(location).then(resolve, reject);
    });
  });
}
