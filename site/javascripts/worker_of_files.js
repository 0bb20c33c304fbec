// Browsers start no workers in pages opened from disk. There, a hidden frame takes the place of the worker in which the
// site's search runs, so that it works without any server. The theme looks for the name IFrameWorker.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inner = frame.contentWindow;
      const tell = (data) => {
        const message = new MessageEvent("message", { data });
        this.dispatchEvent(message);
        this.onmessage?.(message);
      };
      const load = (address) => new Promise((done, failed) => {
        const script = inner.document.createElement("script");
        Object.assign(script, { src: address, onload: done, onerror: failed });
        inner.document.head.append(script);
      });
      inner.postMessage = tell;
      inner.importScripts = (...addresses) => addresses.reduce((loaded, next) => loaded.then(() => load(next)), Promise.resolve());
      this.inner = inner;
      this.ready = load(new URL(url, location));
      this.ready.catch((error) => this.onerror?.(error));
    }

    postMessage(data) {
      this.ready.then(() => {
        const message = new MessageEvent("message", { data });
        this.inner.dispatchEvent(message);
      });
    }
  };
}
