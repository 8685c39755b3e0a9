// @ts-check
/**
 * Draws one round of a rock, paper, scissors replay as SVG: both signs, the score, the lead over time.
 *
 * @typedef {{configuration: {signs: number, tieRewardThreshold: number}, steps: any[][]}} Environment
 * @typedef {{act: (action: number) => void, agents: {name: string}[], environment: Environment, frame: number,
 *   height: number, interactive: boolean, isInteractive: () => boolean, parent: Element, step: number,
 *   update: (changes: object) => void, width: number}} Context
 * @typedef {{lead: number, won: number[], tied: number}} Tally
 * @typedef {{root: SVGElement, round: SVGElement, curve: SVGElement, shown: SVGElement[], verdict: SVGElement | null,
 *   tallies: Tally[], step: number, environment: Environment}} Scene
 */

/** @param {Context} context */
export function renderer(context) {
  const { environment, frame, parent, step } = context;
  let scene = SCENES.get(parent);
  if (!scene || scene.environment !== environment) scene = newScene(context);
  if (scene.step !== step) drawRound(scene, context);
  const size = frame < 1 ? 1 - 0.4 * (1 - frame) ** 3 : 1;
  for (const node of scene.shown) node.setAttribute("transform", `scale(${size.toFixed(3)})`);
  if (scene.verdict) scene.verdict.style.opacity = frame < 0.5 ? "0" : "1";
}

/** A seat's mark for the legend. @param {number} seat */
export function piece(seat) {
  const root = svg("svg", { viewBox: "-48 -48 96 96", class: "piece", "aria-hidden": "true" });
  root.append(...chip(seat));
  return root;
}

/** @param {number} action */
export function describe(action) {
  return SIGNS[action]?.name.toLowerCase() ?? "no sign";
}

const SIGNS = [
  { name: "Rock", path: "M-30 12L-24 -16L0 -30L26 -18L32 10L14 28H-18zM-24 -16L-2 -6L26 -18M-2 -6L-4 28" },
  { name: "Paper", path: "M-22 -30H10L24 -16V30H-22zM10 -30V-16H24M-12 -4H14M-12 8H14M-12 20H6" },
  {
    name: "Scissors",
    path: "M-20 -30L12 13M20 -30L-12 13M-27 21a9 9 0 1 0 18 0a9 9 0 1 0 -18 0M9 21a9 9 0 1 0 18 0a9 9 0 1 0 -18 0",
  },
  { name: "Spock", path: "M-16 30V6L-28 -16M-16 6L-14 -28L-4 0L0 8L4 0L14 -28L16 6L28 -16M16 6V30H-16" },
  { name: "Lizard", path: "M-32 22C-26 0 -10 -6 4 -12C12 -26 30 -24 32 -12C30 0 16 0 8 4C0 14 -20 14 -32 22zM-6 6L-10 22M8 4L14 18M22 -14h.1" },
];
const COLOURS = ["var(--seat-1, #1f66ad)", "var(--seat-2, #b4540a)"];
const CENTRES = [105, 295];
const CHART = { left: 40, right: 386, top: 206, bottom: 292 };
const FAULTS = new Set(["ERROR", "INVALID", "TIMEOUT"]);

/** @type {WeakMap<Element, Scene>} */
const SCENES = new WeakMap();

/** @param {string} tag @param {Record<string, string | number>} attributes */
function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

/** @param {string} content @param {number} x @param {number} y @param {number} size @param {string} [fill] */
function text(content, x, y, size, fill = "var(--text, #22252a)") {
  const node = svg("text", { x, y, "text-anchor": "middle", "font-size": size, fill });
  node.textContent = content;
  return node;
}

/** Seats differ in shape too: a ring for the first, a diamond for the second.
 * @param {number} seat */
function chip(seat) {
  const inner = { fill: "none", stroke: "var(--surface, #fff)", "stroke-width": 7, "stroke-linejoin": "round" };
  const shape = seat === 0 ? svg("circle", { r: 20, ...inner }) : svg("path", { d: "M0 -24L24 0L0 24L-24 0z", ...inner });
  return [svg("circle", { r: 45, fill: COLOURS[seat] ?? "currentColor" }), shape];
}

/** @param {number} sign @param {string} stroke */
function drawing(sign, stroke) {
  const look = { fill: "none", stroke, "stroke-width": 4, "stroke-linecap": "round", "stroke-linejoin": "round" };
  return svg("path", { d: SIGNS[sign]?.path ?? "M-14 -14L14 14M14 -14L-14 14", ...look });
}

/** @param {Context} context @returns {Scene} */
function newScene(context) {
  const { environment, interactive, parent } = context;
  const root = svg("svg", { viewBox: "0 0 400 300", role: "img", width: "100%", height: "100%" });
  const [round, curve] = [svg("g", {}), svg("g", {})];
  root.append(round, ...(interactive ? choices(context) : [curve]));
  parent.replaceChildren(root);
  const scene = { root, round, curve, shown: [], verdict: null, tallies: [], step: -1, environment };
  SCENES.set(parent, scene);
  return scene;
}

/** What a person can play, in place of the chart.
 * @param {Context} context */
function choices({ act, environment, isInteractive }) {
  const count = environment.configuration.signs;
  return SIGNS.slice(0, count).map(({ name }, sign) => {
    const x = 200 + (sign - (count - 1) / 2) * 72;
    const choice = svg("g", { transform: `translate(${x} 246)`, role: "button", tabindex: 0, "aria-label": name });
    const look = { fill: "var(--raised, #e9e5dd)", stroke: "var(--line, #cfcabf)", "stroke-width": 2 };
    const mark = svg("g", { transform: "scale(0.6)" });
    mark.append(drawing(sign, "var(--text, #22252a)"));
    choice.append(svg("circle", { r: 32, ...look }), mark);
    choice.style.cursor = "pointer";
    const play = () => isInteractive() && act(sign);
    choice.addEventListener("click", play);
    choice.addEventListener("keydown", (event) => /** @type {KeyboardEvent} */ (event).key === "Enter" && play());
    return choice;
  });
}

/** Counts the rounds up to the end of what is there: an episode may still be growing.
 * @param {Scene} scene @returns {Tally[]} */
function tally({ environment, tallies }) {
  for (let step = tallies.length; step < environment.steps.length; step++) {
    const seats = environment.steps[step];
    const before = tallies[step - 1] ?? { lead: 0, won: [0, 0], tied: 0 };
    const lead = seats[0].observation.reward ?? 0;
    const isRound = step > 0 && !seats.some((seat) => FAULTS.has(seat.status));
    tallies.push({
      lead,
      won: [before.won[0] + Number(lead > before.lead), before.won[1] + Number(lead < before.lead)],
      tied: before.tied + Number(isRound && lead === before.lead),
    });
  }
  return tallies;
}

/** @param {Scene} scene @param {Context} context */
function drawRound(scene, { agents, environment, interactive, step }) {
  const seats = environment.steps[step] ?? [];
  const tallies = tally(scene);
  const winner = winnerOf(seats, tallies, step);
  scene.shown = [];
  scene.verdict = step ? text([">", "<"][winner] ?? "=", 200, 98, 44, "var(--muted, #5d636b)") : null;
  scene.round.replaceChildren(
    ...CENTRES.map((x, seat) => hand(scene, { x, seat, state: seats[seat], step, winner })),
    ...CENTRES.map((x, seat) => text(`won ${tallies[step].won[seat]}`, x, 188, 16)),
    text(`tied ${tallies[step].tied}`, 200, 188, 16, "var(--muted, #5d636b)"),
    ...(scene.verdict ? [scene.verdict] : []),
  );
  if (!interactive) scene.curve.replaceChildren(...chart(environment, tallies, step));
  scene.step = step;
  scene.root.setAttribute("aria-label", position(seats, agents, tallies[step], step));
}

/** The seat that won the round; -1 for none. @param {any[]} seats @param {Tally[]} tallies @param {number} step */
function winnerOf(seats, tallies, step) {
  const failed = seats.map((seat) => FAULTS.has(seat.status));
  if (failed.includes(true)) return failed.indexOf(false);
  const gained = step ? tallies[step].lead - tallies[step - 1].lead : 0;
  return gained > 0 ? 0 : gained < 0 ? 1 : -1;
}

/** @param {Scene} scene
 * @param {{x: number, seat: number, state: any, step: number, winner: number}} hand */
function hand(scene, { x, seat, state, step, winner }) {
  const place = svg("g", { transform: `translate(${x} 80)`, opacity: winner === 1 - seat ? 0.55 : 1 });
  const colour = COLOURS[seat];
  const ring = { stroke: colour, "stroke-width": winner === seat ? 9 : 4 };
  place.append(svg("circle", { r: 64, fill: "var(--raised, #e9e5dd)", ...ring }));
  if (step) {
    const sign = svg("g", {});
    sign.append(drawing(SIGNS[state.action] ? state.action : -1, colour));
    const enlarged = svg("g", { transform: "scale(1.25)" });
    enlarged.append(sign);
    place.append(enlarged, text(signOf(state), 0, 86, 18));
    scene.shown.push(sign);
  }
  return place;
}

/** @param {any} state */
function signOf(state) {
  return FAULTS.has(state.status) ? "failed" : (SIGNS[state.action]?.name ?? "no sign");
}

/** The lead of the first seat upwards, of the second downwards; within the band it is a tie.
 * @param {Environment} environment @param {Tally[]} tallies @param {number} step */
function chart({ configuration }, tallies, step) {
  const { left, right, top, bottom } = CHART;
  const tie = configuration.tieRewardThreshold;
  const most = tallies.reduce((widest, { lead }) => Math.max(widest, Math.abs(lead)), tie) * 1.1;
  const x = (/** @type {number} */ at) => left + ((right - left) * at) / Math.max(1, tallies.length - 1);
  const y = (/** @type {number} */ lead) => (top + bottom) / 2 - ((bottom - top) / 2) * (lead / most);
  const line = (/** @type {Tally[]} */ part, /** @type {number} */ from) =>
    part.map(({ lead }, index) => `${index ? "L" : "M"}${x(from + index).toFixed(1)} ${y(lead).toFixed(1)}`).join("");
  const band = { x: left, y: y(tie), width: right - left, height: y(-tie) - y(tie), fill: "var(--raised, #e9e5dd)" };
  const look = { fill: "none", stroke: "var(--text, #22252a)", "stroke-width": 2, "stroke-linejoin": "round" };
  return [
    svg("rect", band),
    svg("path", { d: `M${left} ${y(0)}H${right}`, stroke: "var(--line, #cfcabf)", "stroke-width": 1.5 }),
    svg("path", { d: line(tallies.slice(step), step), ...look, opacity: 0.25 }),
    svg("path", { d: line(tallies.slice(0, step + 1), 0), ...look }),
    svg("circle", { cx: x(step), cy: y(tallies[step].lead), r: 4, fill: "var(--text, #22252a)" }),
    ...[0, 1].map((seat) => side(seat, seat ? bottom - 12 : top + 12)),
  ];
}

/** Whose side of the chart it is. @param {number} seat @param {number} y */
function side(seat, y) {
  const mark = svg("g", { transform: `translate(20 ${y}) scale(0.24)` });
  mark.append(...chip(seat));
  return mark;
}

/** @param {any[]} seats @param {{name: string}[]} agents @param {Tally} tally @param {number} step */
function position(seats, agents, { won, tied }, step) {
  if (!step) return "No round played.";
  const shown = seats.map((state, seat) => `${agents[seat]?.name ?? `Seat ${seat + 1}`}: ${signOf(state)}`);
  return `Round ${step}. ${shown.join(", ")}. Rounds won: ${won[0]} and ${won[1]}, tied: ${tied}.`;
}
