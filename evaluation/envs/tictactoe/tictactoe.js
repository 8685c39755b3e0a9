// @ts-check
/**
 * Draws one step of a tic-tac-toe replay as SVG.
 *
 * @typedef {{steps: any[][]}} Environment
 * @typedef {{act: (action: number) => void, agents: {name: string}[], environment: Environment, frame: number,
 *   height: number, interactive: boolean, isInteractive: () => boolean, parent: Element, step: number,
 *   update: (changes: object) => void, width: number}} Context
 * @typedef {{root: SVGElement, marks: SVGElement, step: number, environment: Environment,
 *   drawn: SVGElement | null, won: SVGElement, targets: SVGElement[]}} Scene
 */

/** @param {Context} context */
export function renderer(context) {
  const { environment, frame, parent, step } = context;
  let scene = SCENES.get(parent);
  if (!scene || scene.environment !== environment) scene = newScene(context);
  if (scene.step !== step) drawPosition(scene, context);
  const left = frame < 1 ? 1 - Math.min(1, frame * 1.4) : 0;
  scene.drawn?.setAttribute("stroke-dashoffset", left.toFixed(3));
  scene.won.style.opacity = frame < 1 ? "0" : "1";
  scene.targets.forEach((target, cell) => updateTarget(target, canMark(context, cell)));
}

/** A seat's mark for the legend. @param {number} seat */
export function piece(seat) {
  const root = svg("svg", { viewBox: "-44 -44 88 88", class: "piece", "aria-hidden": "true" });
  root.append(stroke(seat + 1));
  return root;
}

/** @param {number} action */
export function describe(action) {
  return `square ${action}`;
}

const CELL = 100;
const LINES = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]];
const COLOURS = ["var(--seat-1, #1f66ad)", "var(--seat-2, #b4540a)"];
const SHAPES = ["M-26 -26L26 26M26 -26L-26 26", "M0 -28a28 28 0 1 1 -0.01 0z"];

/** @type {WeakMap<Element, Scene>} */
const SCENES = new WeakMap();

/** @param {string} tag @param {Record<string, string | number>} attributes */
function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

/** @param {Context} context @returns {Scene} */
function newScene(context) {
  const { environment, parent } = context;
  const root = svg("svg", { viewBox: "-10 -10 320 320", role: "img", width: "100%", height: "100%" });
  const [marks, won] = [svg("g", {}), svg("g", {})];
  const look = { stroke: "var(--line, #cfcabf)", "stroke-width": 4, "stroke-linecap": "round" };
  const grid = svg("path", { d: "M100 6V294M200 6V294M6 100H294M6 200H294", ...look });
  root.append(won, marks, grid);
  parent.replaceChildren(root);
  const targets = context.interactive ? squareTargets(context) : [];
  if (targets.length) root.setAttribute("role", "group");
  root.append(...targets);
  const scene = { root, marks, step: -1, environment, drawn: null, won, targets };
  SCENES.set(parent, scene);
  return scene;
}

/** @param {Environment} environment @param {number} step @returns {number[]} */
function boardAt({ steps }, step) {
  return steps[step]?.[0]?.observation?.board ?? [];
}

/** @param {number} cell */
function centre(cell) {
  return [((cell % 3) + 0.5) * CELL, (Math.floor(cell / 3) + 0.5) * CELL];
}

/** @param {Scene} scene @param {Context} context */
function drawPosition(scene, { agents, environment, step }) {
  const [board, before] = [boardAt(environment, step), boardAt(environment, step - 1)];
  const last = step ? board.findIndex((mark, cell) => mark && !before[cell]) : -1;
  const won = LINES.filter(([a, b, c]) => board[a] && board[a] === board[b] && board[a] === board[c]);
  const cells = new Set(won.flat());
  scene.marks.replaceChildren();
  scene.drawn = null;
  if (last >= 0) scene.marks.append(frameOf(last));
  for (let cell = 0; cell < 9; cell++) {
    addCell(scene, { cell, mark: board[cell], isLast: cell === last, fades: cells.size > 0 && !cells.has(cell) });
  }
  scene.won.replaceChildren(...[...cells].map((cell) => wonSquare(cell, board[cell])));
  scene.step = step;
  scene.root.setAttribute("aria-label", position(board, agents, step));
}

/** Marks the square of the last move. @param {number} cell */
function frameOf(cell) {
  return square(cell, { fill: "none", stroke: "var(--muted, #5d636b)", "stroke-width": 2.5 });
}

/** @param {number} cell @param {Record<string, string | number>} look */
function square(cell, look) {
  const [x, y] = centre(cell);
  return svg("rect", { x: x - 43, y: y - 43, width: 86, height: 86, rx: 12, ...look });
}

/** An empty square shows its number, as agents name it.
 * @param {Scene} scene @param {{cell: number, mark: number, isLast: boolean, fades: boolean}} cell */
function addCell(scene, { cell, mark, isLast, fades }) {
  const [x, y] = centre(cell);
  const place = svg("g", { transform: `translate(${x} ${y})`, opacity: mark && fades ? 0.4 : 1 });
  if (mark) {
    const shape = stroke(mark);
    if (isLast) scene.drawn = shape;
    place.append(shape);
  } else {
    const number = svg("text", { y: 5, "text-anchor": "middle", "font-size": 15, fill: "var(--muted, #5d636b)" });
    number.textContent = String(cell);
    place.append(number);
  }
  scene.marks.append(place);
}

/** @param {number} mark */
function stroke(mark) {
  const look = { fill: "none", stroke: COLOURS[mark - 1] ?? "currentColor", "stroke-width": 12, "stroke-linecap": "round" };
  return svg("path", { d: SHAPES[mark - 1] ?? "", pathLength: 1, "stroke-dasharray": "1 1", ...look });
}

/** @param {number} cell @param {number} mark */
function wonSquare(cell, mark) {
  return square(cell, { fill: COLOURS[mark - 1] ?? "currentColor", opacity: 0.2 });
}

/** @param {number[]} board @param {{name: string}[]} agents @param {number} step */
function position(board, agents, step) {
  const squares = board.flatMap((mark, cell) => (mark ? [`square ${cell}: ${agents[mark - 1]?.name ?? mark}`] : []));
  return `Board after move ${step}. ${squares.length ? `${squares.join("; ")}.` : "Empty."}`;
}

/** A button over each square: for the pointer, and with the arrow keys from one to the next.
 * @param {Context} context */
function squareTargets(context) {
  const targets = Array.from({ length: 9 }, (_, cell) => {
    const name = { role: "button", tabindex: cell === 4 ? 0 : -1, "aria-label": `Mark square ${cell}` };
    return square(cell, { ...name, fill: "transparent" });
  });
  targets.forEach((target, cell) => {
    const mark = () => canMark(context, cell) && context.act(cell);
    const shade = (/** @type {string} */ fill) => () => target.setAttribute("fill", canMark(context, cell) ? fill : "transparent");
    target.addEventListener("click", mark);
    target.addEventListener("keydown", (event) => onKey(event, targets, cell, mark));
    for (const kind of ["pointerenter", "focus"]) target.addEventListener(kind, shade("#8883"));
    for (const kind of ["pointerleave", "blur"]) target.addEventListener(kind, shade("transparent"));
  });
  return targets;
}

/** @param {SVGElement} target @param {boolean} isOpen */
function updateTarget(target, isOpen) {
  target.setAttribute("aria-disabled", String(!isOpen));
  target.style.cursor = isOpen ? "pointer" : "default";
  if (!isOpen) target.setAttribute("fill", "transparent");
}

/** @param {Event} event @param {SVGElement[]} targets @param {number} cell @param {() => void} mark */
function onKey(event, targets, cell, mark) {
  const { key } = /** @type {KeyboardEvent} */ (event);
  const next = neighbour(cell, key);
  if (key === "Enter" || key === " ") mark();
  else if (next === null) return;
  else moveFocus(targets, cell, next);
  event.preventDefault();
  event.stopPropagation(); // the player has other uses for these keys
}

/** The square that an arrow key leads to; null for other keys, the same square at the edge.
 * @param {number} cell @param {string} key */
function neighbour(cell, key) {
  const [column, row] = [cell % 3, Math.floor(cell / 3)];
  if (key === "ArrowLeft") return column > 0 ? cell - 1 : cell;
  if (key === "ArrowRight") return column < 2 ? cell + 1 : cell;
  if (key === "ArrowUp") return row > 0 ? cell - 3 : cell;
  if (key === "ArrowDown") return row < 2 ? cell + 3 : cell;
  return null;
}

/** @param {SVGElement[]} targets @param {number} from @param {number} to */
function moveFocus(targets, from, to) {
  targets[from].setAttribute("tabindex", "-1");
  targets[to].setAttribute("tabindex", "0");
  targets[to].focus();
}

/** Whether a person may mark the square now. @param {Context} context @param {number} cell */
function canMark({ environment, isInteractive }, cell) {
  return isInteractive() && !boardAt(environment, environment.steps.length - 1)[cell];
}
