// @ts-check
/**
 * Draws one step of an identity replay as SVG: a bar for the sum of each seat.
 *
 * @typedef {{steps: any[][]}} Environment
 * @typedef {{act: (action: number) => void, agents: {name: string}[], environment: Environment, frame: number,
 *   height: number, interactive: boolean, isInteractive: () => boolean, parent: Element, step: number,
 *   update: (changes: object) => void, width: number}} Context
 * @typedef {{root: SVGElement, bars: SVGElement[], sums: SVGElement[], environment: Environment}} Scene
 */

/** @param {Context} context */
export function renderer(context) {
  const { agents, environment, frame, parent, step } = context;
  let scene = SCENES.get(parent);
  if (!scene || scene.environment !== environment) scene = newScene(context);
  const most = greatest(environment);
  const [seats, before] = [environment.steps[step], environment.steps[step - 1] ?? environment.steps[0]];
  seats.forEach((seat, index) => {
    const [now, then] = [seat.reward ?? 0, before[index].reward ?? 0];
    const width = (BAR * Math.max(0, then + (now - then) * Math.min(1, frame))) / most;
    scene.bars[index].setAttribute("width", width.toFixed(1));
    scene.sums[index].setAttribute("x", (LEFT + width + 8).toFixed(1));
    scene.sums[index].textContent = sumOf(seat);
  });
  const told = seats.map((seat, index) => `${agents[index]?.name ?? `Seat ${index + 1}`}: ${sumOf(seat)}`);
  scene.root.setAttribute("aria-label", `After action ${step}. ${told.join("; ")}.`);
}

/** @param {any} action */
export function describe(action) {
  return `action ${JSON.stringify(action)}`;
}

const ROW = 34;
const LEFT = 36;
const BAR = 270;

/** @type {WeakMap<Element, Scene>} */
const SCENES = new WeakMap();

/** @param {string} tag @param {Record<string, string | number>} attributes */
function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

/** @param {Context} context @returns {Scene} */
function newScene({ environment, parent }) {
  const count = environment.steps[0].length;
  const height = Math.max(4, count) * ROW + 20;
  const root = svg("svg", { viewBox: `0 0 400 ${height}`, role: "img", width: "100%", height: "100%" });
  const top = (height - count * ROW) / 2;
  const rows = environment.steps[0].map((_, seat) => row(seat, top + seat * ROW));
  root.append(...rows.flat());
  parent.replaceChildren(root);
  const scene = { root, bars: rows.map(([, bar]) => bar), sums: rows.map(([, , sum]) => sum), environment };
  SCENES.set(parent, scene);
  return scene;
}

/** The seat's number, its bar, its sum. @param {number} seat @param {number} y */
function row(seat, y) {
  const middle = y + ROW / 2 + 5;
  const label = svg("text", { x: LEFT - 10, y: middle, "text-anchor": "end", "font-size": 16, fill: "var(--muted, #5d636b)" });
  label.textContent = String(seat + 1);
  const bar = svg("rect", { x: LEFT, y: y + 4, width: 0, height: ROW - 8, rx: 3, fill: `var(--seat-${(seat % 4) + 1}, #1f66ad)` });
  const sum = svg("text", { x: LEFT, y: middle, "font-size": 16, fill: "var(--text, #22252a)" });
  return [label, bar, sum];
}

/** The greatest sum of the episode, so that all its steps are drawn to one scale.
 * @param {Environment} environment */
function greatest({ steps }) {
  return steps.flat().reduce((most, seat) => Math.max(most, seat.reward ?? 0), 1);
}

/** @param {any} seat */
function sumOf(seat) {
  return seat.reward === null ? "failed" : String(Math.round(seat.reward * 100) / 100);
}
