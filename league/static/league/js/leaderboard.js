// @ts-check
/** Hovering or focusing a row of the leaderboard shows those it cannot be told apart from. */

/** @param {HTMLElement} row @returns {(rank: number) => boolean} */
function levelWith(row) {
  const runs = (row.dataset.level ?? "").split(",").map((run) => run.split("-").map(Number));
  return (rank) => runs.some(([low, high]) => low <= rank && rank <= high);
}

/** @param {Event} event */
function show(event) {
  const row = /** @type {HTMLElement | null} */ (
    /** @type {Element} */ (event.target).closest("tr[data-level]")
  );
  const table = row?.closest("table");
  if (!row || !table) return;
  const isLevel = levelWith(row);
  for (const element of table.querySelectorAll("tr[data-rank]")) {
    const other = /** @type {HTMLElement} */ (element);
    other.classList.toggle("near", other !== row && isLevel(Number(other.dataset.rank || NaN)));
  }
}

/** @param {Event} event */
function clear(event) {
  const table = /** @type {Element} */ (event.target).closest("table");
  for (const row of table?.querySelectorAll("tr.near") ?? []) row.classList.remove("near");
}

for (const name of ["pointerover", "focusin"]) document.addEventListener(name, show);
for (const name of ["pointerout", "focusout"]) document.addEventListener(name, clear);
