// @ts-check
/** Small makers of DOM elements. Text is always set as text, so nothing in a replay becomes markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, any>} [properties]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) /** @type {any} */ (node)[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** @param {string} tag @param {Record<string, string | number>} attributes @param {...Element} children */
export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

const ICONS = {
  first: "M18 5l-7 7 7 7M6 5v14",
  back: "M15 5l-7 7 7 7",
  play: "M8 5l11 7-11 7z",
  pause: "M9 5v14M15 5v14",
  forward: "M9 5l7 7-7 7",
  last: "M6 5l7 7-7 7M18 5v14",
  share: "M12 15V4M8 8l4-4 4 4M5 12v7h14v-7",
  embed: "M8 7l-5 5 5 5M16 7l5 5-5 5",
  again: "M5 12a7 7 0 1 1 2 5M5 12V7M5 12h5",
  download: "M12 4v11M8 11l4 4 4-4M5 19h14",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  keys: "M9 9a3 3 0 1 1 4.6 2.6c-1 .6-1.6 1.2-1.6 2.4M12 17.5v.5",
};

/** @param {keyof typeof ICONS} name */
export function icon(name) {
  const attributes = { viewBox: "0 0 24 24", class: "player-icon", "aria-hidden": "true" };
  return svg("svg", attributes, svg("path", { d: ICONS[name] }));
}

/** @param {keyof typeof ICONS} name @param {string} label @param {() => void} onclick */
export function button(name, label, onclick) {
  const properties = { type: "button", className: "player-button", title: label, onclick };
  return element("button", { ...properties, "aria-label": label }, icon(name));
}

/** @param {number} seat */
export function seatColour(seat) {
  return `var(--seat-${(seat % 4) + 1})`;
}
