// @ts-check
/**
 * Relative times that stay true while a page is open; the exact one on hover, in the visitor's zone.
 * Countdowns go by the server's clock, which alone decides what comes too late.
 */

const UNITS = /** @type {const} */ ([[31536000, "year"], [2592000, "month"], [86400, "day"], [3600, "h"], [60, "min"], [1, "s"]]);
const REFRESH_MS = 10000;
const SECOND_MS = 1000;
const COUNTDOWN = 'time[data-form="countdown"]';
// The server's clock is read to the second: a smaller difference is none.
const SMALLEST_SKEW_MS = 2000;
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** Milliseconds by which the server's clock is ahead of the visitor's. */
let skew = 0;

/** @param {number} count @param {number} size @param {string} name */
function words(count, size, name) {
  return `${count} ${name}${count > 1 && size >= 86400 ? "s" : ""}`;
}

/** @param {number} seconds */
function span(seconds) {
  const [size, name] = UNITS.find(([unit]) => seconds >= unit) ?? [1, "s"];
  return words(Math.floor(seconds / size), size, name);
}

/** The largest unit, which is at most a day, and the one below it. @param {number} seconds */
function preciseSpan(seconds) {
  const units = UNITS.slice(2);
  const found = units.findIndex(([unit]) => seconds >= unit);
  const place = found < 0 ? units.length - 1 : found;
  const parts = [];
  let rest = Math.floor(seconds);
  for (const [size, name] of units.slice(place, place + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count || !parts.length) parts.push(words(count, size, name));
  }
  return parts.join(" ");
}

/** @param {string | undefined} form @param {number} seconds until then */
function text(form, seconds) {
  if (form === "countdown") return seconds > 0 ? `in ${preciseSpan(seconds)}` : "now";
  const size = span(Math.abs(seconds));
  if (form === "span") return size;
  return seconds > 0 ? `in ${size}` : Math.abs(seconds) < 1 ? "now" : `${size} ago`;
}

/** @param {HTMLTimeElement} time */
function refresh(time) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  time.title = exact.format(moment);
  const shown = text(time.dataset.form, (moment.getTime() - Date.now() - skew) / SECOND_MS);
  if (time.textContent !== shown) time.textContent = shown;
}

function refreshAll(selector = "time") {
  if (document.hidden) return;
  for (const time of document.querySelectorAll(selector)) refresh(/** @type {HTMLTimeElement} */ (time));
}

async function readServersClock() {
  const asked = Date.now();
  const answer = await fetch("/healthz", { method: "HEAD", cache: "no-store" });
  const served = Date.parse(answer.headers.get("Date") ?? "");
  const difference = served + SECOND_MS / 2 - (asked + Date.now()) / 2;
  if (Math.abs(difference) >= SMALLEST_SKEW_MS) skew = difference;
}

function startCountdowns() {
  if (!document.querySelector(COUNTDOWN)) return;
  setInterval(() => refreshAll(COUNTDOWN), SECOND_MS);
  // Without an answer the visitor's own clock has to do.
  readServersClock().then(() => refreshAll(), () => undefined);
}

export function startTimes() {
  refreshAll();
  setInterval(refreshAll, REFRESH_MS);
  document.addEventListener("visibilitychange", () => refreshAll());
  document.addEventListener("htmx:afterSettle", () => refreshAll());
  startCountdowns();
}
