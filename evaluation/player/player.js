// @ts-check
/**
 * The replay player: clock, drawing, address. Mounts on every `<section data-player>`:
 *   data-replay    address of the replay JSON, or `#id` of an element that holds it
 *   data-renderer  address of the game's drawing module
 *   data-frame     instead of that: address of the document with a drawing from elsewhere, or `#id`
 *   data-title     accessible name        data-step      step to open at
 *   data-autoplay  play when loaded       data-compact   small board: plays in a loop, no controls
 *   data-limit-s   move limit in seconds  data-logs      address of the owner's logs
 *   data-share     page that links lead to, where that is not this page (whose address then stays)
 *   data-embed     address for the embed snippet
 *   data-fill      take the whole window
 *   data-controls, data-header   "0" leaves them out
 *   data-step-ms   milliseconds of a step at normal speed
 *   data-play      address that takes the actions of a person who plays
 *   data-seat      the seat of that person
 */

import { controls, handleKey, press, SPEEDS } from "./controls.js";
import { button, element, icon, seatColour } from "./elements.js";
import { framed } from "./frame.js";
import { interaction } from "./interaction.js";
import { logPanel } from "./logs.js";
import * as plain from "./plain.js";
import { actionText, caption, decode, load, seedOf } from "./replay.js";
import { scoreboard } from "./scoreboard.js";
import { Stage } from "./stage.js";
import { timeline } from "./timeline.js";

/**
 * @typedef {import("./stage.js").Drawing} Drawing
 * @typedef {{node: HTMLElement, update: (step: number, text: string, turn: string) => void,
 *   resize?: () => void}} Part
 */

const STEP_MS = 700;
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
    this.stage = new Stage(drawing, () => this.say("The drawing of this game failed at this step."));
    this.stepMs = Number(section.dataset.stepMs) || STEP_MS;
    this.interaction = section.dataset.play ? interaction(section.dataset.play) : null;
    this.isWaiting = false;
    this.last = replay.last;
    this.current = 0;
    this.speed = 1;
    this.playing = false;
    this.compact = "compact" in section.dataset;
    this.ownsAddress = !this.compact && !section.dataset.share && /^(https?|file):$/.test(location.protocol);
    this.agents = replay.names.map((name, index) => ({ id: index, index, name, color: "", image: "" }));
    this.timers = { clock: 0, settle: 0 };
    this.counter = element("span", { className: "player-counter" });
    this.caption = element("p", { className: "player-caption", dir: "auto" });
    this.live = element("p", { className: "player-live", "aria-live": "polite" });
    /** @type {Part | undefined} */
    this.buttons = undefined;
    /** @type {Part[]} */
    this.parts = this.compact ? [pauseCorner(this)] : this.fullParts();
  }

  /** @returns {Part[]} */
  fullParts() {
    this.buttons ??= controls(this);
    this.logs = logPanel(this.replay);
    return [
      scoreboard(this.replay, (seat) => this.drawing.piece?.(seat) ?? seatChip(seat)),
      timeline(this.replay, (step) => this.seek(step)),
      this.buttons,
      this.logs,
    ];
  }

  start() {
    this.section.classList.add("player");
    this.section.setAttribute("aria-label", this.section.dataset.title ?? "Replay");
    this.arrange();
    const asked = this.compact ? null : new URL(location.href).searchParams.get("step");
    this.show(Number(asked ?? this.section.dataset.step) || 0);
    this.stage.fit();
    new ResizeObserver(() => this.resize()).observe(this.stage.node);
    if (this.compact) this.playWhileVisible();
    else if (asked === null && this.section.dataset.autoplay && !prefersStillness()) this.play();
  }

  arrange() {
    const [head, ...rest] = this.parts.map((part) => part.node);
    if (this.compact) return this.section.replaceChildren(this.stage.node, head);
    const status = element("div", { className: "player-status" }, this.counter, this.caption);
    const panel = element("div", { className: "player-panel" }, status, ...rest.slice(0, 2));
    this.section.replaceChildren(head, this.stage.node, panel, rest[2], this.live);
    players.unshift(this);
    for (const kind of ["pointerdown", "focusin"]) this.section.addEventListener(kind, () => takeKeys(this));
    return undefined;
  }

  playWhileVisible() {
    if (prefersStillness()) return this.show(this.last);
    const watch = new IntersectionObserver(([entry]) => (entry.isIntersecting ? this.play() : this.pause()));
    return watch.observe(this.stage.node);
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
    const pause = this.current === this.last ? LOOP_PAUSE_MS : this.stepMs / this.speed;
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
    this.stage.show(this.view(), isNext && this.canMove() ? (0.6 * this.stepMs) / this.speed : 0);
  }

  /** Updates all that stands around the board; address and live region follow when it has settled. */
  refresh() {
    const text = caption(this.replay, this.current, this.drawing.describe ?? actionText);
    this.counter.textContent = `${this.current} / ${this.last}`;
    this.caption.textContent = text;
    for (const part of this.parts) part.update(this.current, text, this.turn());
    clearTimeout(this.timers.settle);
    this.timers.settle = window.setTimeout(() => this.settle(text), SETTLE_MS);
  }

  /** @param {string} text */
  settle(text) {
    if (this.ownsAddress && this.section.isConnected) keepPlace(this.current, seedOf(this.replay.environment));
    if (this.playing) return;
    const { headline, cause } = this.replay.result;
    const end = this.current === this.last ? ` ${headline}. ${cause}.` : "";
    this.live.textContent = `Step ${this.current} of ${this.last}. ${text}.${this.turn() ? ` ${this.turn()}.` : end}`;
  }

  /** @param {string} text */
  say(text) {
    this.caption.textContent = text;
    this.live.textContent = text;
  }

  canMove() {
    return !prefersStillness() && !document.hidden && this.speed <= 4;
  }

  /** What the stage is to show. */
  view() {
    return {
      act: (/** @type {any} */ action) => this.act(action),
      agents: this.agents,
      environment: this.replay.environment,
      interactive: Boolean(this.interaction),
      isInteractive: () => this.isMyTurn(),
      step: this.current,
    };
  }

  isMyTurn() {
    const seat = this.replay.environment.steps[this.last][Number(this.section.dataset.seat)];
    return Boolean(this.interaction) && !this.isWaiting && this.current === this.last && seat?.status === "ACTIVE";
  }

  /** Whose turn it is in an episode that a person plays. */
  turn() {
    const others = this.replay.names.filter((_, seat) => seat !== Number(this.section.dataset.seat));
    const isTheirs = this.isWaiting || (this.interaction && this.playing);
    if (isTheirs) return `Waiting for ${others.join(", ") || "the environment"}`;
    return this.isMyTurn() ? "Your turn" : "";
  }

  /** A person's action, from the drawing. @param {any} action */
  async act(action) {
    if (this.isMyTurn()) await this.take({ action });
  }

  /** A new episode with the same agents. */
  async again() {
    if (!this.isWaiting) await this.take({ again: true });
  }

  /** @param {object} message */
  async take(message) {
    this.await(true);
    try {
      const answer = await /** @type {ReturnType<typeof interaction>} */ (this.interaction).send(message);
      this.isWaiting = false;
      this.extend(answer);
    } catch (error) {
      this.await(false);
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {boolean} isWaiting */
  await(isWaiting) {
    this.isWaiting = isWaiting;
    this.refresh();
    this.stage.show(this.view(), 0);
  }

  /** Appends steps and plays on to the newest. A new episode is a new object to the drawing.
   * @param {import("./interaction.js").Answer} answer */
  extend({ from, steps, ...more }) {
    const before = this.replay.environment;
    const environment = Object.assign(from ? before : { ...before }, more);
    environment.steps = from ? before.steps : [];
    environment.steps.splice(from, Infinity, ...steps);
    this.replay = decode(environment, Number(this.section.dataset.limitS));
    this.last = this.replay.last;
    const old = this.parts;
    this.parts = this.fullParts();
    old.forEach(({ node }, index) => node.replaceWith(this.parts[index].node));
    this.resize();
    this.show(from || this.last);
    if (this.current < this.last) this.play();
  }

  resize() {
    for (const part of this.parts) part.resize?.();
    this.stage.show(this.view(), 0);
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

/** The address names the episode by its seed and the step that is shown.
 * @param {number} step @param {unknown} seed */
function keepPlace(step, seed) {
  const address = new URL(location.href);
  address.searchParams.set("step", String(step));
  if (seed !== undefined) address.searchParams.set("seed", String(seed));
  if (address.href !== location.href) history.replaceState(history.state, "", address);
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
  const { replay, limitS, logs } = section.dataset;
  section.dataset.state = "loading";
  try {
    /** @type {Player | undefined} */
    let player;
    const loaded = [load(replay ?? ""), drawing ?? drawingOf(section, () => player)];
    const [environment, module] = await Promise.all(loaded);
    player = new Player(section, decode(environment, Number(limitS)), module);
    player.start();
    section.dataset.state = "ready";
    if (logs) await player.addLogs(logs);
  } catch (error) {
    fail(section, error instanceof Error ? error.message : String(error), drawing);
  }
}

/** @param {HTMLElement} section @param {() => Player | undefined} player @returns {Promise<Drawing>} */
async function drawingOf({ dataset: { frame, renderer } }, player) {
  if (!frame) return renderer ? import(renderer) : plain;
  return framed(frame.startsWith("#") ? { document: await load(frame) } : { address: frame }, {
    onKey: (key) => press(key, player()),
    onAction: (action) => player()?.act(action),
    onFailure: () => player()?.stage.onFailure(),
  });
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
