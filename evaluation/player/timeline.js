// @ts-check
/** Slider with marks for faults and the decisive move, and under it the seconds of each move as bars. */

import { element, seatColour, svg } from "./elements.js";
import { formatSeconds, movers, seconds } from "./replay.js";

/** @typedef {import("./replay.js").Replay} Replay
 * @typedef {{step: number, seat: number, value: number}} Move */

const THUMB = 20;
const HEIGHT = 36;
const FINEST_S = 0.01;

/** @param {Replay} replay @param {(step: number) => void} seek */
export function timeline(replay, seek) {
  const slider = stepSlider(replay, seek);
  const bars = moveBars(replay, seek);
  const node = element("div", { className: "player-timeline" }, marks(replay, seek), slider);
  if (bars) node.append(bars.node);
  const update = (/** @type {number} */ step, /** @type {string} */ text) => {
    slider.value = String(step);
    slider.setAttribute("aria-valuetext", `Step ${step} of ${replay.last}. ${text}`);
    bars?.update(step);
  };
  return { node, update, resize: () => bars?.resize() };
}

/** @param {Replay} replay @param {(step: number) => void} seek */
function stepSlider(replay, seek) {
  const slider = element("input", { type: "range", className: "player-slider", min: "0", step: "1" });
  slider.max = String(replay.last);
  slider.setAttribute("aria-label", "Step");
  slider.addEventListener("input", () => seek(Number(slider.value)));
  return slider;
}

/** @param {Replay} replay @param {(step: number) => void} seek */
function marks(replay, seek) {
  const { faults, result, last } = replay;
  const all = faults.map(({ step, seat, status }) => {
    return mark("fault", step, `Seat ${seat + 1} failed (${status}), move ${step}`);
  });
  if (result.decisive !== null && faults.every(({ step }) => step !== result.decisive)) {
    all.push(mark("decisive", result.decisive, `Decisive move ${result.decisive}`));
  }
  return element("div", { className: "player-marks" }, ...all);

  /** @param {string} kind @param {number} step @param {string} label */
  function mark(kind, step, label) {
    const properties = { type: "button", className: `player-mark player-${kind}`, title: label };
    const node = element("button", { ...properties, "aria-label": label, onclick: () => seek(step) });
    node.style.left = `${last ? (100 * step) / last : 0}%`;
    return node;
  }
}

/** @param {Replay} replay @returns {Move[]} */
function measuredMoves(replay) {
  const steps = replay.environment.steps.keys();
  return [...steps].flatMap((step) =>
    movers(replay, step).flatMap((seat) => {
      const value = seconds(replay, step, seat);
      return value === null ? [] : [{ step, seat, value }];
    }),
  );
}

/** Height of the scale in seconds: the limit where moves come near it, else the slowest move, but
 * not so fine that noise looks like thought.
 * @param {number} slowest @param {number | null} limitS */
function scaleTop(slowest, limitS) {
  if (limitS && slowest >= limitS / 10) return 1.1 * Math.max(slowest, limitS);
  return Math.max(FINEST_S, 1.1 * slowest);
}

/** @param {Replay} replay @param {(step: number) => void} seek */
function moveBars(replay, seek) {
  const moves = measuredMoves(replay);
  if (!moves.length) return null;
  const slowest = moves.reduce((a, b) => (b.value > a.value ? b : a));
  const top = scaleTop(slowest.value, replay.limitS);
  const paths = replay.names.map((_, seat) => seatPath(seat));
  const head = svg("path", { class: "player-playhead" });
  const limit = svg("path", { class: "player-limit" });
  const chart = svg("svg", { class: "player-bars", role: "img" }, ...paths, limit, head);
  const note = barsNote(replay, slowest, top);
  chart.setAttribute("aria-label", note);
  chart.addEventListener("click", (event) => seek(stepAt(chart, replay, event)));
  let current = 0;
  const node = element("div", { className: "player-seconds" }, chart, element("small", {}, note));
  return { node, resize, update };

  /** @param {number} step */
  function update(step) {
    current = step;
    head.setAttribute("d", `M${stepX(step, replay.last, chart.clientWidth)} 0v${HEIGHT}`);
  }

  function resize() {
    const width = chart.clientWidth;
    paths.forEach((path, seat) => path.setAttribute("d", barsPath(moves, seat, top, replay, width)));
    const y = HEIGHT * (1 - (replay.limitS ?? Infinity) / top);
    limit.setAttribute("d", y >= 0 ? `M0 ${y.toFixed(1)}H${width}` : "");
    update(current);
  }
}

/** @param {number} seat */
function seatPath(seat) {
  const path = /** @type {SVGPathElement} */ (svg("path", {}));
  path.style.fill = seatColour(seat);
  return path;
}

/** @param {Replay} replay @param {Move} slowest @param {number} top */
function barsNote(replay, slowest, top) {
  const { limitS, names } = replay;
  const slow = `Seconds per move; slowest ${formatSeconds(slowest.value)}, ${names[slowest.seat]}, move ${slowest.step}`;
  if (!limitS) return slow;
  return `${slow}; limit ${limitS} s${limitS > top ? ", above this scale" : ""}`;
}

/** Centre of the slider's thumb at a step, in pixels.
 * @param {number} step @param {number} last @param {number} width */
function stepX(step, last, width) {
  return THUMB / 2 + (last ? step / last : 0) * (width - THUMB);
}

/** Bars of one seat; seats that move at the same time stand side by side.
 * @param {Move[]} moves @param {number} seat @param {number} top @param {Replay} replay
 * @param {number} width */
function barsPath(moves, seat, top, replay, width) {
  const bar = Math.max(1, Math.min(THUMB / 2, (0.7 * (width - THUMB)) / (replay.last || 1)));
  const shared = moves.length > new Set(moves.map(({ step }) => step)).size;
  const wide = shared ? bar / replay.names.length : bar;
  return moves
    .filter((move) => move.seat === seat)
    .map(({ step, value }) => {
      const high = Math.max(1.5, (HEIGHT * value) / top);
      const x = stepX(step, replay.last, width) - bar / 2 + (shared ? seat * wide : 0);
      return `M${x.toFixed(1)} ${HEIGHT}v${-high.toFixed(1)}h${wide.toFixed(1)}V${HEIGHT}z`;
    })
    .join("");
}

/** @param {Element} chart @param {Replay} replay @param {Event} event */
function stepAt(chart, replay, event) {
  const { left, width } = chart.getBoundingClientRect();
  const share = (/** @type {MouseEvent} */ (event).clientX - left - THUMB / 2) / (width - THUMB);
  return Math.round(Math.min(1, Math.max(0, share)) * replay.last);
}
