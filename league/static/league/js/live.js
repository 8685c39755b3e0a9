// @ts-check
/**
 * Elements that update by themselves: `<div data-live="SECONDS" hx-get="…" hx-trigger="live">`.
 * Nothing is asked for in a hidden tab or a closed part of a page, and nothing is replaced that has
 * the pointer or the focus.
 */

const TICK_MS = 500;
const canHover = matchMedia("(hover: hover)");

/** @type {WeakMap<Element, number>} */
const asked = new WeakMap();

/** @param {Element} element */
function isInUse(element) {
  return element.contains(document.activeElement) || (canHover.matches && element.matches(":hover"));
}

/** @param {HTMLElement} element @param {number} now */
function visit(element, now) {
  const held = isInUse(element);
  element.classList.toggle("is-held", held);
  const since = asked.get(element);
  // A fresh element has just been drawn by the server: its time begins now.
  if (since === undefined) asked.set(element, now);
  else if (!held && now - since >= Number(element.dataset.live) * 1000) {
    asked.set(element, now);
    element.dispatchEvent(new CustomEvent("live"));
  }
}

function tick() {
  if (document.hidden) return;
  const now = performance.now();
  for (const element of document.querySelectorAll("[data-live]")) {
    if (element.checkVisibility()) visit(/** @type {HTMLElement} */ (element), now);
  }
}

/** The pointer may have arrived while the answer was on its way. @param {any} event */
function holdBack(event) {
  const { target, requestConfig } = event.detail;
  if (requestConfig?.triggeringEvent?.type === "live" && isInUse(target)) {
    event.detail.shouldSwap = false;
  }
}

/** @param {any} event */
function mark(event) {
  event.detail.elt.classList?.toggle("is-stale", !event.detail.successful);
}

export function startLive() {
  setInterval(tick, TICK_MS);
  document.addEventListener("visibilitychange", tick);
  document.addEventListener("htmx:beforeSwap", holdBack);
  document.addEventListener("htmx:afterRequest", mark);
}
