// @ts-check
/** The submit page: a drop area, line numbers, and a word before an upload that is too large. */

const form = /** @type {HTMLFormElement} */ (document.querySelector("form[data-submit]"));
const drop = /** @type {HTMLElement} */ (form.querySelector("[data-drop]"));
const input = /** @type {HTMLInputElement} */ (drop.querySelector("input[type=file]"));
const chosen = /** @type {HTMLElement} */ (drop.querySelector("[data-chosen]"));
const source = /** @type {HTMLTextAreaElement} */ (form.querySelector(".editor textarea"));
const lines = /** @type {HTMLElement} */ (form.querySelector(".editor-lines"));
const limit = Number(form.dataset.submit);

/** @param {number} bytes */
function size(bytes) {
  return bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1024))} kB`;
}

function showFile() {
  const [file] = input.files ?? [];
  const isTooLarge = Boolean(file && file.size > limit);
  input.setCustomValidity(isTooLarge ? `This file has ${size(file.size)}; the limit is ${size(limit)}.` : "");
  chosen.textContent = file ? `${file.name}, ${size(file.size)}` : "";
  if (isTooLarge) input.reportValidity();
}

/** @param {DragEvent} event */
function take(event) {
  event.preventDefault();
  drop.classList.remove("is-over");
  if (!event.dataTransfer?.files.length) return;
  input.files = event.dataTransfer.files;
  showFile();
}

function number() {
  const count = source.value.split("\n").length;
  lines.textContent = Array.from({ length: count }, (_, i) => i + 1).join("\n");
  lines.scrollTop = source.scrollTop;
}

/** What is not chosen is neither checked nor sent. */
function choose() {
  const way = new FormData(form).get("way");
  for (const panel of form.querySelectorAll("[data-way]")) {
    /** @type {HTMLFieldSetElement} */ (panel).disabled = /** @type {HTMLElement} */ (panel).dataset.way !== way;
  }
}

input.addEventListener("change", showFile);
form.addEventListener("change", choose);
for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
}
drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
drop.addEventListener("drop", take);
source.addEventListener("input", number);
source.addEventListener("scroll", () => { lines.scrollTop = source.scrollTop; });
choose();
number();
