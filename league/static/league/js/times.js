// @ts-check
/** Relative times that stay true while a page is open; the exact one on hover, in the visitor's zone. */

const UNITS = /** @type {const} */ ([[31536000, "year"], [2592000, "month"], [86400, "day"], [3600, "h"], [60, "min"], [1, "s"]]);
const REFRESH_MS = 10000;
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** @param {number} seconds */
function span(seconds) {
  const [size, name] = UNITS.find(([unit]) => seconds >= unit) ?? [1, "s"];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count > 1 && size >= 86400 ? "s" : ""}`;
}

/** @param {HTMLTimeElement} time */
function refresh(time) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  time.title = exact.format(moment);
  const seconds = (moment.getTime() - Date.now()) / 1000;
  const text = span(Math.abs(seconds));
  if (time.dataset.form === "span") time.textContent = text;
  else time.textContent = seconds > 0 ? `in ${text}` : Math.abs(seconds) < 1 ? "now" : `${text} ago`;
}

function refreshAll() {
  if (!document.hidden) document.querySelectorAll("time").forEach(refresh);
}

export function startTimes() {
  refreshAll();
  setInterval(refreshAll, REFRESH_MS);
  document.addEventListener("visibilitychange", refreshAll);
  document.addEventListener("htmx:afterSettle", refreshAll);
}
