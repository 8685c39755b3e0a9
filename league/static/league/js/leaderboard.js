// @ts-check
/** Hovering or focusing a row of the leaderboard shows those it cannot be told apart from. */

/** @param {Element | null} row */
function bounds(row) {
  const { low, high } = /** @type {HTMLElement} */ (row).dataset;
  return [Number(low), Number(high)];
}

/** @param {Event} event */
function show(event) {
  const row = /** @type {Element} */ (event.target).closest("tr[data-low]");
  const table = row?.closest("table");
  if (!row || !table) return;
  const [low, high] = bounds(row);
  for (const other of table.querySelectorAll("tr[data-low]")) {
    const [otherLow, otherHigh] = bounds(other);
    other.classList.toggle("near", other !== row && otherLow <= high && otherHigh >= low);
  }
}

/** @param {Event} event */
function clear(event) {
  const table = /** @type {Element} */ (event.target).closest("table");
  for (const row of table?.querySelectorAll("tr.near") ?? []) row.classList.remove("near");
}

for (const name of ["pointerover", "focusin"]) document.addEventListener(name, show);
for (const name of ["pointerout", "focusout"]) document.addEventListener(name, clear);
