// @ts-check
/**
 * Draws one step of a ConnectX replay as SVG.
 *
 * @typedef {{configuration: {columns: number, rows: number, inarow: number}, steps: any[][]}} Environment
 * @typedef {{act: (action: number) => void, agents: {name: string}[], environment: Environment, frame: number,
 *   height: number, interactive: boolean, isInteractive: () => boolean, parent: Element, step: number,
 *   update: (changes: object) => void, width: number}} Context
 * @typedef {{root: SVGElement, pieces: SVGElement, lines: SVGElement, step: number, environment: Environment,
 *   falling: SVGElement | null, fallFrom: number, targets: SVGElement[]}} Scene
 */

/** @param {Context} context */
export function renderer(context) {
  const { environment, frame, parent, step } = context;
  let scene = SCENES.get(parent);
  if (!scene || scene.environment !== environment) scene = newScene(context);
  if (scene.step !== step) drawPosition(scene, context);
  scene.falling?.setAttribute("transform", `translate(0 ${(-scene.fallFrom * (1 - fallen(frame))).toFixed(1)})`);
  scene.lines.style.opacity = frame < 1 ? "0" : "1";
  scene.targets.forEach((target, column) => updateTarget(target, canDrop(context, column)));
}

/** A seat's piece for the legend. @param {number} seat */
export function piece(seat) {
  const root = svg("svg", { viewBox: "-48 -48 96 96", class: "piece", "aria-hidden": "true" });
  root.append(...disc(seat + 1));
  return root;
}

/** @param {number} action */
export function describe(action) {
  return `column ${action}`;
}

const CELL = 100;
const HOLE = 41;
const DISC = 45;
const EDGE = 12;
const MARGIN = 14;
const LABELS = 40;
const COLOURS = ["var(--seat-1, #1f66ad)", "var(--seat-2, #b4540a)"];
const DIRECTIONS = [[1, 0], [0, 1], [1, 1], [1, -1]];

/** @type {WeakMap<Element, Scene>} */
const SCENES = new WeakMap();

/** @param {string} tag @param {Record<string, string | number>} attributes */
function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

/** Back, pieces, face with holes, lines: pieces fall behind the face.
 * @param {Context} context @returns {Scene} */
function newScene(context) {
  const { environment, parent } = context;
  const { columns, rows } = environment.configuration;
  const [width, height] = [columns * CELL, rows * CELL];
  const viewBox = `${-MARGIN} ${-MARGIN} ${width + 2 * MARGIN} ${height + 2 * MARGIN + LABELS}`;
  const root = svg("svg", { viewBox, role: "img", width: "100%", height: "100%" });
  const box = { x: 0, y: 0, width, height };
  const back = svg("rect", { ...box, fill: "var(--bg, #f4f2ee)" });
  const pieces = svg("svg", box); // an inner svg clips what has not fallen in yet
  const lines = svg("g", { "stroke-linecap": "round" });
  const ghost = svg("g", { opacity: 0.45 });
  root.append(back, ghost, pieces, face(columns, rows), lines, ...columnLabels(columns, height));
  parent.replaceChildren(root);
  const targets = context.interactive ? columnTargets(context, ghost) : [];
  if (targets.length) root.setAttribute("role", "group");
  root.append(...targets);
  const scene = { root, pieces, lines, targets, step: -1, environment, falling: null, fallFrom: 0 };
  SCENES.set(parent, scene);
  return scene;
}

/** @param {number} columns @param {number} rows */
function face(columns, rows) {
  const [width, height] = [columns * CELL + 2 * EDGE, rows * CELL + 2 * EDGE];
  let path = `M${-EDGE + 24} ${-EDGE}h${width - 48}q24 0 24 24v${height - 48}q0 24 -24 24h${48 - width}q-24 0 -24 -24v${48 - height}q0 -24 24 -24z`;
  for (let cell = 0; cell < columns * rows; cell++) {
    const [x, y] = centre(cell, columns);
    path += `M${x - HOLE} ${y}a${HOLE} ${HOLE} 0 1 0 ${2 * HOLE} 0a${HOLE} ${HOLE} 0 1 0 ${-2 * HOLE} 0z`;
  }
  const look = { fill: "var(--raised, #e9e5dd)", stroke: "var(--line, #cfcabf)", "stroke-width": 2 };
  return svg("path", { d: path, "fill-rule": "evenodd", ...look });
}

/** Columns are numbered as agents number them.
 * @param {number} columns @param {number} height */
function columnLabels(columns, height) {
  return Array.from({ length: columns }, (_, column) => {
    const place = { x: (column + 0.5) * CELL, y: height + EDGE + 30, "text-anchor": "middle" };
    const label = svg("text", { ...place, "font-size": 24, fill: "var(--muted, #5d636b)" });
    label.textContent = String(column);
    return label;
  });
}

/** @param {number} cell @param {number} columns */
function centre(cell, columns) {
  return [((cell % columns) + 0.5) * CELL, (Math.floor(cell / columns) + 0.5) * CELL];
}

/** @param {Environment} environment @param {number} step @returns {number[]} */
function boardAt({ steps }, step) {
  return steps[step]?.[0]?.observation?.board ?? [];
}

/** @param {Scene} scene @param {Context} context */
function drawPosition(scene, { agents, environment, step }) {
  const { columns, rows, inarow } = environment.configuration;
  const [board, before] = [boardAt(environment, step), boardAt(environment, step - 1)];
  const last = step ? board.findIndex((mark, cell) => mark && !before[cell]) : -1;
  const runs = winningRuns(board, columns, rows, inarow);
  const won = new Set(runs.flat());
  scene.pieces.replaceChildren();
  scene.falling = null;
  board.forEach((mark, cell) => {
    if (mark) addPiece(scene, { mark, cell, columns, isLast: cell === last, fades: won.size > 0 && !won.has(cell) });
  });
  scene.lines.replaceChildren(...runs.flatMap((run) => strikeThrough(run, columns)));
  scene.step = step;
  scene.root.setAttribute("aria-label", position(board, columns, agents, step));
}

/** @param {Scene} scene
 * @param {{mark: number, cell: number, columns: number, isLast: boolean, fades: boolean}} piece */
function addPiece(scene, { mark, cell, columns, isLast, fades }) {
  const [x, y] = centre(cell, columns);
  const place = svg("g", { transform: `translate(${x} ${y})`, opacity: fades ? 0.4 : 1 });
  const body = svg("g", {});
  body.append(...disc(mark));
  if (isLast) {
    body.append(svg("circle", { r: HOLE - 4, fill: "none", stroke: "var(--text, #22252a)", "stroke-width": 6 }));
    scene.falling = body;
    scene.fallFrom = y + DISC;
  }
  place.append(body);
  scene.pieces.append(place);
}

/** Seats differ in shape too: a ring for the first, a diamond for the second.
 * @param {number} mark */
function disc(mark) {
  const inner = { fill: "none", stroke: "var(--surface, #fff)", "stroke-width": 7, "stroke-linejoin": "round" };
  const shape = mark === 1 ? svg("circle", { r: 20, ...inner }) : svg("path", { d: "M0 -24L24 0L0 24L-24 0z", ...inner });
  return [svg("circle", { r: DISC, fill: COLOURS[mark - 1] ?? "currentColor" }), shape];
}

/** Share of the way down: free fall, then one small bounce.
 * @param {number} frame */
function fallen(frame) {
  if (frame < 0.7) return (frame / 0.7) ** 2;
  const bounce = (frame - 0.7) / 0.3;
  return 1 - 0.2 * bounce * (1 - bounce);
}

/** Cells of each line of at least `inarow` equal marks.
 * @param {number[]} board @param {number} columns @param {number} rows @param {number} inarow */
function winningRuns(board, columns, rows, inarow) {
  return DIRECTIONS.flatMap(([dx, dy]) =>
    board.map((_, cell) => runFrom(board, cell, columns, rows, dx, dy)).filter((run) => run.length >= inarow),
  );
}

/** The whole line that begins at a cell; none where the cell continues one.
 * @param {number[]} board @param {number} start @param {number} columns @param {number} rows
 * @param {number} dx @param {number} dy @returns {number[]} */
function runFrom(board, start, columns, rows, dx, dy) {
  const mark = board[start];
  const at = (/** @type {number} */ distance) => {
    const [x, y] = [(start % columns) + distance * dx, Math.floor(start / columns) + distance * dy];
    return x >= 0 && x < columns && y >= 0 && y < rows ? y * columns + x : -1;
  };
  if (!mark || board[at(-1)] === mark) return [];
  const run = [];
  for (let distance = 0; board[at(distance)] === mark; distance++) run.push(at(distance));
  return run;
}

/** @param {number[]} run @param {number} columns */
function strikeThrough(run, columns) {
  const [[x1, y1], [x2, y2]] = [centre(run[0], columns), centre(run[run.length - 1], columns)];
  const ends = { x1, y1, x2, y2 };
  return [
    svg("line", { ...ends, stroke: "var(--surface, #fff)", "stroke-width": 14 }),
    svg("line", { ...ends, stroke: "var(--text, #22252a)", "stroke-width": 6 }),
  ];
}

/** The position in words, each column from the bottom up.
 * @param {number[]} board @param {number} columns @param {{name: string}[]} agents @param {number} step */
function position(board, columns, agents, step) {
  const filled = Array.from({ length: columns }, (_, column) => {
    const marks = board.filter((mark, cell) => mark && cell % columns === column).reverse();
    return marks.length ? `column ${column}: ${marks.map((mark) => agents[mark - 1]?.name ?? mark).join(", ")}` : "";
  });
  const text = filled.filter(Boolean).join("; ");
  return `Board after move ${step}. ${text ? `From the bottom up, ${text}.` : "Empty."}`;
}

/** A button over each column: for the pointer, and with the arrow keys from one to the next.
 * @param {Context} context @param {SVGElement} ghost shows where the piece would come to lie */
function columnTargets(context, ghost) {
  const { columns, rows } = context.environment.configuration;
  const targets = Array.from({ length: columns }, (_, column) => columnTarget(column, rows));
  targets.forEach((target, column) => {
    const drop = () => canDrop(context, column) && context.act(column);
    const preview = () => ghost.replaceChildren(...ghostAt(context, column));
    target.addEventListener("click", drop);
    target.addEventListener("keydown", (event) => onKey(event, targets, column, drop));
    for (const kind of ["pointerenter", "focus"]) target.addEventListener(kind, preview);
    for (const kind of ["pointerleave", "blur", "click"]) target.addEventListener(kind, () => ghost.replaceChildren());
  });
  targets[Math.floor(columns / 2)].setAttribute("tabindex", "0");
  return targets;
}

/** @param {number} column @param {number} rows */
function columnTarget(column, rows) {
  const place = { x: column * CELL, y: 0, width: CELL, height: rows * CELL + LABELS };
  const look = { fill: "transparent", rx: 12, role: "button", tabindex: -1, "aria-label": `Drop in column ${column}` };
  return svg("rect", { ...place, ...look });
}

/** @param {SVGElement} target @param {boolean} isOpen */
function updateTarget(target, isOpen) {
  target.setAttribute("aria-disabled", String(!isOpen));
  target.style.cursor = isOpen ? "pointer" : "default";
}

/** @param {Event} event @param {SVGElement[]} targets @param {number} column @param {() => void} drop */
function onKey(event, targets, column, drop) {
  const { key } = /** @type {KeyboardEvent} */ (event);
  const next = column + Number(key === "ArrowRight") - Number(key === "ArrowLeft");
  if (key === "Enter" || key === " ") drop();
  else if (next === column) return;
  else moveFocus(targets, column, next);
  event.preventDefault();
  event.stopPropagation(); // the player has other uses for these keys
}

/** @param {SVGElement[]} targets @param {number} from @param {number} to */
function moveFocus(targets, from, to) {
  if (!targets[to]) return;
  targets[from].setAttribute("tabindex", "-1");
  targets[to].setAttribute("tabindex", "0");
  targets[to].focus();
}

/** Whether a person may drop a piece there now. @param {Context} context @param {number} column */
function canDrop({ environment, isInteractive }, column) {
  return isInteractive() && landing(environment, column) >= 0;
}

/** The cell where a piece would come to lie now; -1 in a full column.
 * @param {Environment} environment @param {number} column */
function landing(environment, column) {
  const { columns } = environment.configuration;
  const board = boardAt(environment, environment.steps.length - 1);
  return board.reduce((lowest, mark, cell) => (!mark && cell % columns === column ? cell : lowest), -1);
}

/** @param {Context} context @param {number} column */
function ghostAt(context, column) {
  const { environment } = context;
  if (!canDrop(context, column)) return [];
  const seats = environment.steps[environment.steps.length - 1];
  const [x, y] = centre(landing(environment, column), environment.configuration.columns);
  const place = svg("g", { transform: `translate(${x} ${y})` });
  place.append(...disc(seats.findIndex((seat) => seat.status === "ACTIVE") + 1));
  return [place];
}
