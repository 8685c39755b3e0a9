// @ts-check
/**
 * A drawing from elsewhere, in a frame that has scripts and nothing else: no origin, no storage, no
 * network, no way up. What it posts is taken for hostile: only the four words below, and no markup.
 */

import { element } from "./elements.js";

/**
 * @typedef {{onKey: (key: string) => void, onAction: (action: any) => void, onFailure: () => void}} Listener
 */

export const FRAME_KEYS = new Set([" ", "ArrowLeft", "ArrowRight", "Home", "End"]);

/** @param {{address?: string, document?: string}} source where the frame's document stands, or its text
 * @param {Listener} listener */
export function framed(source, listener) {
  const node = element("iframe", { className: "player-frame", title: "Drawing of the game", loading: "eager" });
  node.setAttribute("sandbox", "allow-scripts");
  /** @type {any} */
  let latest = null;
  /** @type {any} */
  let sent = null;
  addEventListener("message", receive);
  return { renderer };

  /** @param {any} context */
  function renderer(context) {
    const isNew = latest === null;
    latest = context;
    if (isNew) open(context.parent);
    else if (sent) post(changesOf(sent, latest));
  }

  /** @param {Element} parent */
  function open(parent) {
    if (source.document) node.srcdoc = source.document;
    else node.src = source.address ?? "";
    parent.replaceChildren(node);
  }

  /** @param {object} message */
  function post(message) {
    sent = { step: latest.step, length: latest.environment.steps.length };
    // The frame has no origin that could be named; what is posted is public.
    node.contentWindow?.postMessage(message, "*");
  }

  /** @param {MessageEvent} event */
  function receive({ data, origin, source: sender }) {
    if (latest && !node.isConnected) return removeEventListener("message", receive);
    if (sender !== node.contentWindow || origin !== "null" || typeof data !== "object") return undefined;
    if (data?.drawing === "ready") return post(opening(latest));
    if (data?.drawing === "failed") return listener.onFailure();
    if (data?.drawing === "key" && FRAME_KEYS.has(data.key)) return listener.onKey(data.key);
    return data?.drawing === "act" ? listener.onAction(data.action) : undefined;
  }
}

/** All that a drawing may show, in the words that viewers of kaggle-environments listen for. Dark,
 * because that is what their drawings are made for.
 * @param {any} context */
function opening({ agents, environment, frame, interactive, isInteractive, step }) {
  const viewer = { parentHandlesUi: true, playing: false, theme: "dark" };
  return { ...viewer, agents, environment, frame, interactive, active: isInteractive(), step };
}

/** @param {any} before @param {any} now */
function changesOf(before, now) {
  const grown = before.length === now.environment.steps.length ? {} : { environment: now.environment };
  const moved = before.step === now.step ? {} : { step: now.step };
  return { ...grown, ...moved, frame: now.frame, active: now.isInteractive() };
}
