// @ts-check
/** Buttons under the board, and the keys that do the same. */

import { copy, showKeys, showText } from "./dialogs.js";
import { button, element, icon } from "./elements.js";
import { seedOf } from "./replay.js";

/**
 * What buttons and keys may do to the player.
 * @typedef {{section: HTMLElement, replay: import("./replay.js").Replay, last: number, current: number,
 *   speed: number, playing: boolean, toggle: () => void, seek: (step: number) => void,
 *   step: (by: number) => void, faster: (by: number) => void, setSpeed: (speed: number) => void,
 *   say: (text: string) => void, again: () => void, interaction: object | null}} Player
 */

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];

/** @param {Player} player */
export function controls(player) {
  const play = button("play", "Play", () => player.toggle());
  play.classList.add("player-play");
  const speed = speedMenu(player);
  const transport = element(
    "div",
    { className: "player-transport" },
    button("first", "First step", () => player.seek(0)),
    button("back", "Step back", () => player.step(-1)),
    play,
    button("forward", "Step forward", () => player.step(1)),
    button("last", "Last step", () => player.seek(player.last)),
  );
  const node = element("div", { className: "player-controls" }, speed, transport, tools(player));
  return { node, update };

  function update() {
    speed.value = String(player.speed);
    const label = player.playing ? "Pause" : "Play";
    if (play.title === label) return;
    play.title = label;
    play.setAttribute("aria-label", label);
    play.replaceChildren(icon(player.playing ? "pause" : "play"));
  }
}

/** @param {Player} player */
function speedMenu(player) {
  const options = SPEEDS.map((speed) => element("option", { value: String(speed) }, `${speed}×`));
  const menu = element("select", { className: "player-speed", title: "Speed" }, ...options);
  menu.setAttribute("aria-label", "Speed");
  menu.addEventListener("change", () => player.setSpeed(Number(menu.value)));
  return menu;
}

/** @param {Player} player */
function tools(player) {
  const { section } = player;
  const embed = embedAddress(section);
  return element(
    "div",
    { className: "player-tools" },
    player.interaction && button("again", "New game", () => player.again()),
    shareAddress(player) && button("share", "Copy a link to this step", () => share(player)),
    embed && button("embed", "Embed on another site", () => showText(section, "Embed", snippet(player, embed))),
    canDownload() ? button("download", "Download the replay", () => download(player)) : null,
    document.fullscreenEnabled ? button("full", "Full screen", () => fullScreen(section)) : null,
    button("keys", "Keys", () => showKeys(section)),
  );
}

/** The page a link should lead to: `data-share`, else this page; nothing for a file or a notebook.
 * @param {Player} player */
function shareAddress({ section, current, replay: { environment } }) {
  const base = section.dataset.share ?? location.href;
  if (!/^https?:$/.test(location.protocol)) return null;
  const address = new URL(base, location.href);
  address.searchParams.set("step", String(current));
  const seed = seedOf(environment);
  if (seed !== undefined) address.searchParams.set("seed", String(seed));
  return address.href;
}

/** @param {Player} player */
async function share(player) {
  const address = shareAddress(player) ?? "";
  if (await copy(address)) player.say(`Link to step ${player.current} copied`);
  else showText(player.section, "Link to this step", address);
}

/** `data-embed`, else the embed page that belongs to an episode's page.
 * @param {HTMLElement} section */
function embedAddress(section) {
  if (section.dataset.embed) return new URL(section.dataset.embed, location.href);
  const page = /^\/episodes\/[^/]+\/$/.test(location.pathname);
  return page ? new URL("embed/", location.origin + location.pathname) : null;
}

/** @param {Player} player @param {URL} embed */
function snippet(player, embed) {
  const address = new URL(embed);
  address.searchParams.set("step", String(player.current));
  const frame = element("iframe", { width: "640", height: "720" });
  frame.setAttribute("src", address.href);
  frame.setAttribute("title", player.section.dataset.title ?? "Replay");
  frame.setAttribute("loading", "lazy");
  frame.setAttribute("allow", "fullscreen");
  return frame.outerHTML;
}

/** A frame without an origin, as a notebook shows the page in, may not save files. */
function canDownload() {
  return window.parent === window || window.origin !== "null";
}

/** @param {Player} player */
function download(player) {
  const { environment } = player.replay;
  const file = new Blob([JSON.stringify(environment)], { type: "application/json" });
  const link = element("a", { href: URL.createObjectURL(file) });
  link.download = `${environment.name ?? "replay"}-${environment.id ?? "episode"}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** @param {HTMLElement} section */
export function fullScreen(section) {
  if (document.fullscreenElement) document.exitFullscreen();
  else section.requestFullscreen?.();
}

/** @type {Record<string, (player: Player) => void>} */
const KEYS = {
  " ": (player) => player.toggle(),
  ArrowLeft: (player) => player.step(-1),
  ArrowRight: (player) => player.step(1),
  Home: (player) => player.seek(0),
  End: (player) => player.seek(player.last),
  "+": (player) => player.faster(1),
  "=": (player) => player.faster(1),
  "-": (player) => player.faster(-1),
  f: (player) => fullScreen(player.section),
  "?": (player) => showKeys(player.section),
};

/** Whether the focused element wants this key for itself.
 * @param {KeyboardEvent} event */
function isTaken(event) {
  const target = /** @type {Element} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return true;
  if (target.closest("select, textarea, input:not([type=range]), [contenteditable]")) return true;
  return event.key === " " && Boolean(target.closest("button, a, summary, [role=button]"));
}

/** A key that the frame of a drawing passed on. @param {string} key @param {Player | undefined} player */
export function press(key, player) {
  if (player) KEYS[key]?.(player);
}

/** @param {KeyboardEvent} event @param {Player} player */
export function handleKey(event, player) {
  const act = KEYS[event.key];
  if (!act || isTaken(event)) return;
  event.preventDefault();
  act(player);
}
