// The search of these pages runs in a worker, which a browser starts for no page that is opened as a
// file. There, a frame that nobody sees takes its place: the same script, the same messages.
// (Theme and plugin look for this file's name; without it they would load a like one from elsewhere.)
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.inside = frame.contentWindow;
      const load = (source) => new Promise((resolve, reject) => {
        const script = frame.contentDocument.createElement("script");
        Object.assign(script, { src: source, async: false, onload: resolve, onerror: reject });
        frame.contentDocument.body.append(script);
      });
      // What a worker calls by these names.
      this.inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      this.inside.importScripts = (...sources) => Promise.all(sources.map(load));
      this.started = load(new URL(address, location.href).href);
    }

    postMessage(data) {
      this.started.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
