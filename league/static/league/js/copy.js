// @ts-check
/** `<button data-copy="ID">` copies the text of an element; without a clipboard it selects it. */

const SHOWN_MS = 1500;

/** @param {HTMLElement} button */
async function copy(button) {
  const source = document.getElementById(button.dataset.copy ?? "");
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.textContent ?? "");
    say(button, "Copied");
  } catch {
    getSelection()?.selectAllChildren(source);
    say(button, "Press Ctrl+C");
  }
}

/** @param {HTMLElement} button @param {string} text */
function say(button, text) {
  const before = button.dataset.text ?? button.textContent ?? "";
  button.dataset.text = before;
  button.textContent = text;
  setTimeout(() => { button.textContent = before; }, SHOWN_MS);
}

export function startCopying() {
  document.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-copy]");
    if (button) copy(/** @type {HTMLElement} */ (button));
  });
  for (const button of document.querySelectorAll("[data-copy]")) button.removeAttribute("hidden");
}
