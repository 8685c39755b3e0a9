// @ts-check
/** The player's one dialog: list of keys, and texts to copy. */

import { element } from "./elements.js";

const KEYS = [
  ["Space", "play or pause"],
  ["← →", "step back, step forward"],
  ["Home End", "first step, last step"],
  ["+ −", "faster, slower"],
  ["F", "full screen"],
  ["?", "this list"],
];

/** @param {HTMLElement} section @param {string} title @param {...Node} content */
function open(section, title, ...content) {
  const close = element("button", { type: "button", className: "player-close" }, "Close");
  const heading = element("h2", {}, title);
  const dialog = element("dialog", { className: "player-dialog" }, heading, ...content, close);
  dialog.setAttribute("aria-label", title);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  section.append(dialog);
  dialog.showModal();
}

/** @param {HTMLElement} section */
export function showKeys(section) {
  const rows = KEYS.flatMap(([keys, does]) => [
    element("dt", {}, ...keys.split(" ").map((key) => element("kbd", {}, key))),
    element("dd", {}, does),
  ]);
  open(section, "Keys", element("dl", {}, ...rows));
}

/** Shows a text to copy by hand, for where the clipboard is refused and for longer snippets.
 * @param {HTMLElement} section @param {string} title @param {string} text */
export function showText(section, title, text) {
  const field = element("textarea", { readOnly: true, rows: 4, value: text });
  field.setAttribute("aria-label", title);
  open(section, title, field);
  field.select();
}

/** Copies, and says whether the browser allowed it.
 * @param {string} text @returns {Promise<boolean>} */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
