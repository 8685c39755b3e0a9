// @ts-check
/**
 * The replay player: clock, drawing, address. Mounts on every `<section data-player>`:
 *   data-replay    address of the replay JSON, or `#id` of an element that holds it
 *   data-renderer  address of the game's drawing module
 *   data-title     accessible name        data-step      step to open at
 *   data-autoplay  play when loaded       data-compact   small board: plays in a loop, no controls
 *   data-limit-s   move limit in seconds  data-logs      address of the owner's logs
 *   data-share     page that links lead to, where that is not this page (whose address then stays)
 *   data-embed     address for the embed snippet
 *   data-fill      take the whole window
 */

import { controls, handleKey, SPEEDS } from "./controls.js";
import { button, element, icon, seatColour } from "./elements.js";
import { logPanel } from "./logs.js";
import * as plain from "./plain.js";
import { actionText, caption, decode, load } from "./replay.js";
import { scoreboard } from "./scoreboard.js";
import { timeline } from "./timeline.js";

/**
 * @typedef {{renderer: (context: any) => any, piece?: (seat: number) => Node,
 *   describe?: (action: any) => string}} Drawing
 * @typedef {{node: HTMLElement, update: (step: number, text: string) => void, resize?: () => void}} Part
 */

const STEP_MS = 700;
const MOTION_MS = 320;
const LOOP_PAUSE_MS = 3000;
const SETTLE_MS = 300;

/** Players with controls; keys go to the one used last.
 * @type {Player[]} */
let players = [];

export class Player {
  /** @param {HTMLElement} section @param {import("./replay.js").Replay} replay
   * @param {Drawing} drawing */
  constructor(section, replay, drawing) {
    this.section = section;
    this.replay = replay;
    this.drawing = drawing;
    this.last = replay.last;
    this.current = 0;
    this.speed = 1;
    this.playing = false;
    this.compact = "compact" in section.dataset;
    this.ownsAddress = !this.compact && !section.dataset.share && /^(https?|file):$/.test(location.protocol);
    this.agents = replay.names.map((name, index) => ({ id: index, index, name, color: "", image: "" }));
    this.changes = {};
    this.timers = { clock: 0, settle: 0, motion: 0 };
    this.stage = element("div", { className: "player-stage" });
    this.counter = element("span", { className: "player-counter" });
    this.caption = element("p", { className: "player-caption", dir: "auto" });
    this.live = element("p", { className: "player-live", "aria-live": "polite" });
    /** @type {Part[]} */
    this.parts = this.compact ? [pauseCorner(this)] : this.fullParts();
  }

  /** @returns {Part[]} */
  fullParts() {
    const buttons = controls(this);
    this.logs = logPanel(this.replay);
    return [
      scoreboard(this.replay, (seat) => this.drawing.piece?.(seat) ?? seatChip(seat)),
      timeline(this.replay, (step) => this.seek(step)),
      buttons,
      this.logs,
    ];
  }

  start() {
    this.section.classList.add("player");
    this.section.setAttribute("aria-label", this.section.dataset.title ?? "Replay");
    this.arrange();
    const asked = this.compact ? null : new URL(location.href).searchParams.get("step");
    this.show(Number(asked ?? this.section.dataset.step) || 0);
    this.fitStage();
    new ResizeObserver(() => this.resize()).observe(this.stage);
    if (this.compact) this.playWhileVisible();
    else if (asked === null && this.section.dataset.autoplay && !prefersStillness()) this.play();
  }

  arrange() {
    const [head, ...rest] = this.parts.map((part) => part.node);
    if (this.compact) return this.section.replaceChildren(this.stage, head);
    const status = element("div", { className: "player-status" }, this.counter, this.caption);
    const panel = element("div", { className: "player-panel" }, status, ...rest.slice(0, 2));
    this.section.replaceChildren(head, this.stage, panel, rest[2], this.live);
    players.unshift(this);
    for (const kind of ["pointerdown", "focusin"]) this.section.addEventListener(kind, () => takeKeys(this));
    return undefined;
  }

  /** Gives the stage the proportions of the drawing, so that the board gets all the room. */
  fitStage() {
    const box = /** @type {SVGSVGElement | null} */ (this.stage.querySelector(":scope > svg"))?.viewBox.baseVal;
    if (box?.width) this.stage.style.setProperty("--player-aspect", `${box.width} / ${box.height}`);
  }

  playWhileVisible() {
    if (prefersStillness()) return this.show(this.last);
    const watch = new IntersectionObserver(([entry]) => (entry.isIntersecting ? this.play() : this.pause()));
    return watch.observe(this.stage);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.current === this.last) this.show(0);
    this.playing = true;
    this.refresh();
    this.wait();
  }

  pause() {
    clearTimeout(this.timers.clock);
    this.playing = false;
    this.refresh();
  }

  wait() {
    clearTimeout(this.timers.clock);
    const pause = this.current === this.last ? LOOP_PAUSE_MS : STEP_MS / this.speed;
    this.timers.clock = window.setTimeout(() => this.advance(), pause);
  }

  advance() {
    if (!this.section.isConnected) return;
    this.show(this.current === this.last ? 0 : this.current + 1);
    if (this.current === this.last && !this.compact) this.pause();
    else this.wait();
  }

  /** @param {number} step */
  seek(step) {
    this.pause();
    this.show(step);
  }

  /** @param {number} by */
  step(by) {
    this.seek(this.current + by);
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.speed = speed;
    if (this.playing) this.wait();
    this.refresh();
  }

  /** @param {number} by */
  faster(by) {
    const place = SPEEDS.indexOf(this.speed) + by;
    this.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, place))]);
  }

  /** @param {number} step */
  show(step) {
    const target = Math.min(this.last, Math.max(0, Math.trunc(step)));
    const isNext = target === this.current + 1;
    this.current = target;
    this.refresh();
    cancelAnimationFrame(this.timers.motion);
    if (isNext && this.canMove()) this.animate(performance.now());
    else this.draw(1);
  }

  /** Updates all that stands around the board; address and live region follow when it has settled. */
  refresh() {
    const text = caption(this.replay, this.current, this.drawing.describe ?? actionText);
    this.counter.textContent = `${this.current} / ${this.last}`;
    this.caption.textContent = text;
    for (const part of this.parts) part.update(this.current, text);
    clearTimeout(this.timers.settle);
    this.timers.settle = window.setTimeout(() => this.settle(text), SETTLE_MS);
  }

  /** @param {string} text */
  settle(text) {
    if (this.ownsAddress && this.section.isConnected) keepStep(this.current);
    if (this.playing) return;
    const { headline, cause } = this.replay.result;
    const end = this.current === this.last ? ` ${headline}. ${cause}.` : "";
    this.live.textContent = `Step ${this.current} of ${this.last}. ${text}.${end}`;
  }

  /** @param {string} text */
  say(text) {
    this.caption.textContent = text;
    this.live.textContent = text;
  }

  canMove() {
    return !prefersStillness() && !document.hidden && this.speed <= 4;
  }

  /** @param {number} began */
  animate(began) {
    const length = Math.min(MOTION_MS, (0.6 * STEP_MS) / this.speed);
    const frame = Math.min(1, Math.max(0, (performance.now() - began) / length));
    this.draw(frame);
    if (frame < 1) this.timers.motion = requestAnimationFrame(() => this.animate(began));
  }

  /** @param {number} frame progress of the motion into this step, 0 to 1 */
  async draw(frame) {
    try {
      await this.drawing.renderer(this.context(frame));
    } catch (error) {
      console.error(error);
      this.say("The drawing of this game failed at this step.");
    }
  }

  /** What a renderer of kaggle-environments gets. @param {number} frame */
  context(frame) {
    return {
      act: () => {},
      agents: this.agents,
      environment: this.replay.environment,
      frame,
      height: this.stage.clientHeight,
      interactive: false,
      isInteractive: () => false,
      parent: this.stage,
      step: this.current,
      update: (/** @type {object} */ changes) => Object.assign(this.changes, changes),
      width: this.stage.clientWidth,
      ...this.changes,
    };
  }

  resize() {
    for (const part of this.parts) part.resize?.();
    this.draw(1);
  }

  /** @param {string} address */
  async addLogs(address) {
    this.logs?.add(await load(address));
    this.refresh();
  }
}

/** @param {Player} player */
function takeKeys(player) {
  players = [player, ...players.filter((other) => other !== player && other.section.isConnected)];
}

function prefersStillness() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** @param {number} step */
function keepStep(step) {
  const address = new URL(location.href);
  if (Number(address.searchParams.get("step")) === step) return;
  address.searchParams.set("step", String(step));
  history.replaceState(history.state, "", address);
}

/** @param {number} seat */
function seatChip(seat) {
  const chip = element("span", { className: "player-chip" }, String(seat + 1));
  chip.style.backgroundColor = seatColour(seat);
  return chip;
}

/** The one button of a compact player: what moves by itself can be stopped.
 * @param {Player} player @returns {Part} */
function pauseCorner(player) {
  const node = button("pause", "Pause", () => player.toggle());
  node.classList.add("player-corner");
  const update = () => {
    node.replaceChildren(icon(player.playing ? "pause" : "play"));
    node.title = player.playing ? "Pause" : "Play";
    node.setAttribute("aria-label", node.title);
  };
  return { node, update };
}

/** Starts a player in a section; its content stays until the replay is there.
 * @param {HTMLElement} section @param {Drawing} [drawing] */
export async function mount(section, drawing) {
  const { replay, renderer, limitS, logs } = section.dataset;
  section.dataset.state = "loading";
  try {
    const [environment, module] = await Promise.all([load(replay ?? ""), drawing ?? drawingAt(renderer)]);
    const player = new Player(section, decode(environment, Number(limitS)), module);
    player.start();
    section.dataset.state = "ready";
    if (logs) await player.addLogs(logs);
  } catch (error) {
    fail(section, error instanceof Error ? error.message : String(error), drawing);
  }
}

/** @param {string | undefined} address @returns {Promise<Drawing>} */
async function drawingAt(address) {
  return address ? import(address) : plain;
}

/** @param {HTMLElement} section @param {string} reason @param {Drawing} [drawing] */
function fail(section, reason, drawing) {
  section.dataset.state = "failed";
  const again = element("button", { type: "button", className: "player-close" }, "Try again");
  const note = element("p", { role: "alert", className: "player-alert" });
  note.append(`The replay could not be shown: ${reason}. `, again);
  again.addEventListener("click", () => {
    note.remove();
    mount(section, drawing);
  });
  section.append(note);
}

/** Mounts what is not mounted yet. */
export function mountAll() {
  for (const section of document.querySelectorAll("section[data-player]:not([data-state])")) {
    mount(/** @type {HTMLElement} */ (section));
  }
}

document.addEventListener("keydown", (event) => {
  const player = players.find(({ section }) => section.isConnected);
  if (player) handleKey(event, player);
});
document.addEventListener("htmx:afterSettle", mountAll);
mountAll();
