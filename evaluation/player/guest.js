// @ts-check
/**
 * Runs in the sandboxed frame, before a drawing that somebody else wrote. The player outside posts
 * what to show, in the words of kaggle-environments; this hands it to a drawing function, or opens a
 * whole viewer and lets it listen; both find the episode in `window.kaggle`. Out go "ready", "failed", keys
 * for the player and a person's action.
 */
(() => {
  const KEYS = new Set([" ", "ArrowLeft", "ArrowRight", "Home", "End"]);
  const { script, type, viewer } = JSON.parse(document.getElementById("drawing")?.textContent ?? "");
  /** @type {Record<string, any>} what the player wants shown */
  const shown = { agents: [], environment: null, frame: 1, step: 0, interactive: false, active: false };
  /** @type {Record<string, any>} what the drawing changed in its context */
  const changes = {};
  let drawings = 0;

  listen();
  if (!viewer) addScript();
  new ResizeObserver(() => draw(1)).observe(document.documentElement);
  post({ drawing: "ready" });

  function listen() {
    addEventListener("message", receive, true);
    addEventListener("keydown", forwardKey, true);
  }

  /** @param {object} message */
  function post(message) {
    parent.postMessage(message, "*");
  }

  /** @param {MessageEvent} event */
  function receive(event) {
    if (event.source !== parent) return;
    const isFirst = !shown.environment;
    Object.assign(shown, event.data);
    /** @type {any} */ (globalThis).kaggle = { ...shown, playing: false, controls: false };
    if (!viewer) draw(shown.frame);
    else if (isFirst) openViewer();
  }

  function addScript() {
    const node = Object.assign(document.createElement("script"), { async: false, type });
    node.textContent = script;
    document.head.append(node);
  }

  /** @param {number} frame */
  async function draw(frame) {
    if (!shown.environment || viewer || (drawings && frame < 1)) return;
    drawings += 1;
    try {
      await /** @type {any} */ (globalThis).drawing.renderer(context(frame));
    } catch (error) {
      console.error(error);
      post({ drawing: "failed" });
    }
    drawings -= 1;
  }

  /** What a drawing function of kaggle-environments gets. @param {number} frame */
  function context(frame) {
    const { agents, environment, interactive, step } = shown;
    return {
      act,
      agents,
      environment,
      frame,
      height: innerHeight,
      interactive,
      isInteractive: () => shown.active,
      parent: document.getElementById("stage"),
      step,
      update: (/** @type {object} */ more) => Object.assign(changes, more),
      width: innerWidth,
      ...changes,
    };
  }

  /** @param {any} action */
  function act(action) {
    if (shown.active) post({ drawing: "act", action });
  }

  /** `open` empties the window of listeners, not of its names. */
  function openViewer() {
    silence();
    document.open();
    document.write(viewer);
    document.close();
    listen();
    tellLateListeners();
  }

  /** The policy refuses what stands elsewhere; not to ask for it keeps the console readable. */
  function silence() {
    const { prototype } = HTMLLinkElement;
    const href = Object.getOwnPropertyDescriptor(prototype, "href");
    /** @this {HTMLLinkElement} @param {string} value */
    function set(value) {
      if (/^(data|blob):/.test(value)) href?.set?.call(this, value);
    }
    Object.defineProperty(prototype, "href", { ...href, set });
  }

  /** A viewer begins to listen when it has started, which is after we were told what to show. */
  function tellLateListeners() {
    const add = window.addEventListener;
    window.addEventListener = (/** @type {any[]} */ ...given) => {
      add.apply(window, /** @type {any} */ (given));
      const [kind, listener] = given;
      if (kind !== "message" || typeof listener !== "function") return;
      const { environment, agents, ...data } = shown;
      setTimeout(() => listener.call(window, new MessageEvent("message", { data, source: parent })));
    };
  }

  /** Keys of the player work while the drawing has the focus, unless a person plays on it.
   * @param {KeyboardEvent} event */
  function forwardKey(event) {
    const busy = event.key === " " ? "input, select, textarea, button, a" : "input, select, textarea";
    if (shown.interactive || !KEYS.has(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/** @type {Element} */ (event.target).closest?.(busy)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    post({ drawing: "key", key: event.key });
  }
})();
