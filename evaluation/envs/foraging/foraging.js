// @ts-check
/**
 * Draws one step of a foraging replay as SVG: the map with its pheromone field, and counts over time.
 * The field is not recorded: it follows from where agents were, by the same sums as in the rules.
 *
 * @typedef {[slot: number, id: number, parent: number, row: number, column: number, energy: number, state: number]} Agent
 * @typedef {{agents: Agent[], food: number[], deaths: [id: number, row: number, column: number][]}} World
 * @typedef {{configuration: Record<string, number>, steps: any[][]}} Environment
 * @typedef {{agents: {name: string}[], environment: Environment, frame: number, height: number, parent: Element, step: number, width: number}} Context
 * @typedef {{rows: number, columns: number, wraps: boolean, nests: number[][]}} Area
 * @typedef {{colony: number, family: number}} Person
 * @typedef {{people: Map<number, Person>, living: number[][], delivered: number[][], families: number[]}} Census
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {{node: SVGElement, load: SVGElement, from: number[], to: number[]}} Figure
 * @typedef {{root: SVGElement, environment: Environment, area: Area, size: number, step: number, length: number,
 *   census: Census, field: (step: number) => Float32Array[], isShown: boolean[], heat: SVGElement[][], food: SVGElement,
 *   events: SVGElement, crowd: SVGElement, figures: Map<number, Figure>, charts: ((step: number) => void)[]}} Scene
 */

/** @param {Context} context */
export function renderer(context) {
  const { environment, frame, parent, step } = context;
  let scene = SCENES.get(parent);
  if (!scene || scene.environment !== environment) scene = newScene(context);
  if (scene.step !== step || scene.length !== environment.steps.length) drawStep(scene, context);
  for (const { node, from, to } of scene.figures.values()) {
    const [x, y] = to.map((end, axis) => end + (from[axis] - end) * (1 - frame));
    node.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${scene.size})`);
  }
}

/** A colony's mark for the legend. @param {number} seat */
export function piece(seat) {
  return svg("svg", { viewBox: "-1.4 -1.4 2.8 2.8", class: "piece", "aria-hidden": "true" }, mark(seat));
}

/** @param {any} action */
export function describe(action) {
  return Array.isArray(action) ? `${action.filter(Boolean).length} move` : "no list of moves";
}

/** What agents have written into the field, computed onwards from the nearest step that is kept.
 * @param {Environment} environment
 * @returns {(step: number) => Float32Array[]} values of the trail and of the territory, row by row */
export function fields(environment) {
  const area = areaOf(environment);
  const copy = (/** @type {Float32Array[]} */ values) => values.map((channel) => channel.slice());
  const kept = [firstField(area, environment.configuration)];
  let [at, now] = [0, copy(kept[0])];
  return (step) => {
    const nearest = Math.min(Math.floor(step / KEPT_EVERY), kept.length - 1);
    if (step < at || nearest * KEPT_EVERY > at) [at, now] = [nearest * KEPT_EVERY, copy(kept[nearest])];
    while (at < step) {
      at += 1;
      for (const values of now) spread(values, area, environment.configuration);
      write(now, area, environment, at);
      if (at === kept.length * KEPT_EVERY) kept.push(copy(now));
    }
    return now;
  };
}

const KEPT_EVERY = 50;
const LARGEST = 64;
const LAYOUTS = [[1, 1], [1, 2], [1, 3], [2, 2]]; // home ranges down and across
const WRITES = 2; // state of an agent that carries and marks its cell
const CHANNELS = [
  { name: "Trail", strength: "trail_strength", colour: "light-dark(#d01c6f, #ff5c9e)", densest: 0.75 },
  { name: "Territory", strength: "territory_strength", colour: "light-dark(#6c7480, #aab4c2)", densest: 0.45 },
];
const LEVELS = 10;
const COLOURS = ["1, #1f66ad", "2, #b4540a", "3, #8447a8", "4, #0b7169"].map((name) => `var(--seat-${name})`);
const SHAPES = ["M-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z", "M0-1.25L1.25 0L0 1.25L-1.25 0z", "M-.9-.9H.9V.9H-.9z", "M0-1.2L1.2.9H-1.2z"];
const TINTS = ["#fff 0%", "#fff 45%", "#000 40%", "#ff0 30%", "#f0f 30%", "#fff 70%", "#0ff 30%", "#000 60%"];
const STAR = [0.3, 0.7, 0.7, 0.3, -0.7, 0.3, -0.3, 0.7, -0.3, -0.7, -0.7, -0.3, 0.7, -0.3];
const FOOD = { fill: "#f7cb15", stroke: "light-dark(#4d3d00, #16181b)", "stroke-linejoin": "round" };
const LOAD = { d: star(0, 0, 0.85), ...FOOD, "stroke-width": 0.15 };
/** @type {Record<string, string>} */
const EVENTS = { born: "M-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0z", died: "M-1.3-1.3L1.3 1.3M1.3-1.3L-1.3 1.3" };
const TEXT = "var(--text, #22252a)";
const MUTED = "var(--muted, #5d636b)";
const GROUND = { fill: "var(--surface, #fffefc)", stroke: "var(--line, #cfcabf)" };
const [GAP, ROW] = [8, 28];

/** @type {WeakMap<Element, Scene>} */
const SCENES = new WeakMap();

/** @param {string} tag @param {Record<string, string | number>} attributes @param {...Element} children */
function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** @param {string} content @param {number} x @param {number} y @param {Record<string, string | number>} [more] */
function text(content, x, y, more = {}) {
  const node = svg("text", { x, y, "font-size": 12, fill: MUTED, ...more });
  node.textContent = content;
  return node;
}

/** Colonies differ in shape too. @param {number} colony @param {string} [fill] */
function mark(colony, fill = COLOURS[colony]) {
  return svg("path", { d: SHAPES[colony], fill });
}

/** Path data of a piece of food. @param {number} x @param {number} y @param {number} size */
function star(x, y, size) {
  return `M${x} ${(y - size).toFixed(2)}l${STAR.map((value) => (value * size).toFixed(2)).join(" ")}z`;
}

/** A birth or a death. @param {string} kind @param {number} x @param {number} y @param {number} size @param {string} stroke */
function eventMark(kind, x, y, size, stroke) {
  const place = { transform: `translate(${x} ${y}) scale(${size})`, class: kind };
  return svg("path", { d: EVENTS[kind], fill: "none", stroke, "stroke-width": 0.55, "stroke-linecap": "round", ...place });
}

/** @param {Environment} environment @returns {Area} */
function areaOf({ configuration: { grid_size: size }, steps }) {
  if (!(size >= 1 && size <= LARGEST) || !LAYOUTS[steps[0].length - 1]) throw new RangeError("There is no such map.");
  const [down, across] = LAYOUTS[steps[0].length - 1];
  const middle = (/** @type {number} */ range) => Math.floor((range + 0.5) * size);
  const nests = steps[0].map((_, colony) => [middle(Math.floor(colony / across)), middle(colony % across)]);
  return { rows: down * size, columns: across * size, wraps: nests.length > 1, nests };
}

/** @param {Environment} environment @param {number} step @returns {World} */
function worldAt({ steps }, step) {
  return { agents: [], food: [], deaths: [], ...steps[step]?.[0].observation.world };
}

/** Who was not there the step before. @param {Environment} environment @param {number} step */
function newcomers(environment, step) {
  const there = new Set(worldAt(environment, step - 1).agents.map(([, id]) => id));
  return worldAt(environment, step).agents.filter(([, id]) => !there.has(id));
}

/** Counts up to the end of what is there: an episode may still be growing. A family has one founder.
 * @param {Census} census @param {Environment} environment */
function count({ people, living, delivered, families }, environment) {
  for (let step = living.length; step < environment.steps.length; step++) {
    living.push(environment.steps[step].map(() => 0));
    delivered.push(environment.steps[step].map(({ observation }) => observation.delivered ?? 0));
    for (const [slot, id, parent] of worldAt(environment, step).agents) {
      const colony = Math.floor(slot / environment.configuration.max_agents);
      living[step][colony] += 1;
      if (people.has(id)) continue;
      people.set(id, { colony, family: people.get(parent)?.family ?? families[colony]++ });
    }
  }
}

/** Nothing but the territory of the nests: all that fits within a cell of them.
 * @param {Area} area @param {Record<string, number>} configuration */
function firstField({ rows, columns, nests }, { nest_radius: radius, field_cap: cap }) {
  const [trail, territory] = CHANNELS.map(() => new Float32Array(rows * columns));
  for (const [row, column] of nests) {
    for (let down = row - radius - 1; down <= row + radius + 1; down++) {
      territory.fill(cap, down * columns + column - radius - 1, down * columns + column + radius + 2);
    }
  }
  return [trail, territory];
}

/** One step of diffusion and decay, in place.
 * @param {Float32Array} values @param {Area} area @param {Record<string, number>} configuration */
function spread(values, { rows, columns, wraps }, { diffusion_rate: rate, decay_rate: decay }) {
  const means = blur(blur(values, columns, 1, wraps), rows, columns, wraps);
  means.forEach((mean, cell) => (values[cell] = (1 - decay) * ((1 - rate) * values[cell] + rate * mean)));
}

/** Means with weights 1, 2, 1 along an axis, around or up to the edge.
 * @param {Float32Array} values @param {number} size @param {number} stride of the axis @param {boolean} wraps */
function blur(values, size, stride, wraps) {
  const turn = wraps ? (size - 1) * stride : 0;
  return values.map((value, cell) => {
    const at = Math.floor(cell / stride) % size;
    const [back, forth] = [at ? cell - stride : cell + turn, at < size - 1 ? cell + stride : cell - turn];
    return (values[back] + 2 * value + values[forth]) / 4;
  });
}

/** Who was there before the step marks the ground, also who dies in it; newcomers do not yet.
 * @param {Float32Array[]} field @param {Area} area @param {Environment} environment @param {number} step */
function write([trail, territory], { columns }, environment, step) {
  const { field_cap: cap, trail_strength, territory_strength } = environment.configuration;
  const { agents, deaths } = worldAt(environment, step);
  const fresh = new Set(newcomers(environment, step));
  const there = agents.filter((agent) => !fresh.has(agent)).map(([, , , row, column, , state]) => [row, column, state]);
  for (const [row, column, state] of [...there, ...deaths.map(([, ...place]) => place)]) {
    const cell = row * columns + column;
    territory[cell] = Math.min(cap, territory[cell] + territory_strength);
    if (state === WRITES) trail[cell] = Math.min(cap, trail[cell] + trail_strength);
  }
}

/** The board, and below it (beside a square one on a wide stage) legend and counts; small boards stand alone.
 * @param {Context} context @returns {Scene} */
function newScene(context) {
  const { environment, parent } = context;
  const area = areaOf(environment);
  const isBare = parent.closest("[data-compact]") !== null;
  const isBeside = !isBare && area.rows === area.columns && context.width > 1.6 * context.height;
  const width = isBeside ? 400 : context.width < 480 ? 356 : 560;
  const cell = width / area.columns;
  const scene = emptyScene(environment, area, 0.4 * Math.min(1.7, Math.max(1, 9 / cell)));
  const board = svg("g", { transform: `scale(${cell})` }, ...boardLayers(scene));
  board.setAttribute("aria-hidden", "true");
  scene.root.append(board);
  const bottom = area.rows * cell;
  const box = isBeside ? { x: width + 20, y: 0, width: 220, height: 140 } : { x: 0, y: bottom + GAP, width, height: 86 };
  const end = isBare ? bottom : addPanel(scene, box, isBeside);
  const [right, low] = [isBeside ? box.x + box.width : width, Math.max(bottom, end)];
  scene.root.setAttribute("viewBox", `-1 -1 ${right + 2} ${(low + 2).toFixed(1)}`);
  scene.root.setAttribute("role", isBare ? "img" : "group");
  parent.replaceChildren(scene.root);
  SCENES.set(parent, scene);
  return scene;
}

/** @param {Environment} environment @param {Area} area @param {number} size of an agent, in cells @returns {Scene} */
function emptyScene(environment, area, size) {
  const levels = Array.from({ length: LEVELS }, (_, level) => (level + 1) / LEVELS);
  return {
    ...{ environment, area, size, step: -1, length: 0, figures: new Map(), charts: [], isShown: [true, true] },
    census: { people: new Map(), living: [], delivered: [], families: [0, 0, 0, 0] },
    field: fields(environment),
    root: svg("svg", { width: "100%", height: "100%" }),
    heat: CHANNELS.map(({ colour, densest }) => levels.map((level) => svg("path", { fill: colour, opacity: densest * level }))),
    food: svg("path", { ...FOOD, "stroke-width": size / 4 }),
    crowd: svg("g", { class: "crowd" }),
    events: svg("g", { class: "events" }),
  };
}

/** From the ground up; lengths in cells. @param {Scene} scene */
function boardLayers({ area, environment, heat, food, events, crowd }) {
  const { rows, columns, wraps, nests } = area;
  const edge = { width: columns, height: rows, "stroke-width": 0.12, "stroke-dasharray": wraps ? "0.5 0.5" : "none" };
  const ground = heat.map((paths, channel) => svg("g", { "shape-rendering": "crispEdges", class: CHANNELS[channel].name }, ...paths));
  const homes = nests.map((centre, colony) => nest(centre, colony, environment.configuration.nest_radius));
  return [svg("rect", { ...edge, ...GROUND }), ...ground.reverse(), ...homes, food, crowd, events];
}

/** @param {number[]} centre @param {number} colony @param {number} radius */
function nest([row, column], colony, radius) {
  const [corner, side] = [-radius - 0.5, 2 * radius + 1];
  const look = { fill: COLOURS[colony], "fill-opacity": 0.14, stroke: COLOURS[colony], "stroke-width": 0.18 };
  const body = svg("rect", { x: corner, y: corner, width: side, height: side, rx: 0.5, ...look });
  const sign = svg("g", { transform: `scale(${0.3 * side})`, opacity: 0.3 }, mark(colony));
  return svg("g", { transform: `translate(${column + 0.5} ${row + 0.5})` }, body, sign);
}

/** Switches, legend and charts; answers where they end. @param {Scene} scene @param {Box} box of the first chart, less
 * what stands above @param {boolean} isStacked */
function addPanel(scene, box, isStacked) {
  let [x, y] = [0, 0];
  for (const [node, length] of [...CHANNELS.map((_, channel) => toggle(scene, channel)), ...legend()]) {
    if (x + length > box.width) [x, y] = [0, y + ROW];
    scene.root.append(svg("g", { transform: `translate(${box.x + x} ${box.y + y})` }, node));
    x += length;
  }
  const top = box.y + y + ROW + GAP;
  const width = isStacked ? box.width : (box.width - 2 * GAP) / 2;
  const second = isStacked ? { x: box.x, y: top + box.height + 2 * GAP } : { x: box.x + width + 2 * GAP, y: top };
  addChart(scene, "delivered", { ...box, y: top, width });
  addChart(scene, "living", { ...box, ...second, width });
  return second.y + box.height;
}

/** A button that shows or hides a channel of the field.
 * @param {Scene} scene @param {number} channel @returns {[SVGElement, number]} and its length */
function toggle(scene, channel) {
  const { name, colour } = CHANNELS[channel];
  const width = 30 + 6.3 * name.length;
  const box = svg("rect", { width, height: 24, rx: 12, ...GROUND, fill: "var(--raised, #e9e5dd)" });
  const swatch = svg("path", { d: "M8 6h12v12h-12z", fill: colour, stroke: colour, "stroke-linejoin": "round", "stroke-width": 2 });
  const role = { role: "button", tabindex: 0, "aria-label": `${name} field` };
  const reach = svg("rect", { y: -8, width, height: 40, fill: "transparent" }); // room for a finger
  const node = svg("g", role, reach, box, swatch, text(name, 25, 16, { fill: TEXT }));
  node.style.cursor = "pointer";
  const show = () => {
    node.setAttribute("aria-pressed", String(scene.isShown[channel]));
    swatch.setAttribute("fill-opacity", String(Number(scene.isShown[channel])));
  };
  const press = (/** @type {Event} */ event) => {
    if (event instanceof KeyboardEvent && ![" ", "Enter"].includes(event.key)) return;
    event.preventDefault();
    scene.isShown[channel] = !scene.isShown[channel];
    show();
    drawHeat(scene);
  };
  for (const kind of ["click", "keydown"]) node.addEventListener(kind, press);
  show();
  return [node, width + 6];
}

/** What the marks on the board mean. @returns {[SVGElement, number][]} each with its length */
function legend() {
  const marks = {
    "carries food": svg("g", { transform: "scale(6)" }, mark(0, MUTED), svg("path", LOAD)),
    born: eventMark("born", 0, 0, 3, TEXT),
    died: eventMark("died", 0, 0, 4, TEXT),
  };
  return Object.entries(marks).map(([word, node]) => {
    const item = svg("g", { "aria-hidden": "true" }, svg("g", { transform: "translate(8 12)" }, node), text(word, 18, 16));
    return [item, 25 + 6 * word.length];
  });
}

/** Counts of each colony over time, veiled where they are still to come.
 * @param {Scene} scene @param {"living" | "delivered"} series @param {Box} box */
function addChart({ census, charts, environment, root }, series, { x, y, width, height }) {
  const [top, count] = [36, environment.steps[0].length];
  const colonies = COLOURS.slice(0, count).map((_, colony) => colonyParts(colony, Math.min(60, width / count)));
  const parts = (/** @type {"curve" | "head" | "number" | "sign"} */ name) => colonies.map((colony) => colony[name]);
  const back = svg("rect", { y: top, width, height: height - top, ...GROUND });
  const veil = svg("rect", { y: top + 1, height: height - top - 2, fill: GROUND.fill, opacity: 0.75 });
  const cursor = svg("g", { transform: "" }, veil, svg("path", { d: `M0 ${top}V${height}`, stroke: TEXT, opacity: 0.6 }));
  const highest = text("", width, 10, { "text-anchor": "end" });
  const title = text(series === "living" ? "Living" : "Delivered", 0, 10);
  const under = [title, ...parts("sign"), ...parts("number"), back, ...parts("curve"), cursor, highest];
  const place = { transform: `translate(${x} ${y})`, class: series, "aria-hidden": "true" };
  root.append(svg("g", place, ...under, ...parts("head")));
  const counts = census[series];
  let [drawn, most] = [0, 1];
  const xOf = (/** @type {number} */ step) => (5 + ((width - 10) * step) / Math.max(1, counts.length - 1)).toFixed(1);
  const yOf = (/** @type {number} */ value) => (height - 5 - (value / most) * (height - top - 10)).toFixed(1);
  charts.push((step) => {
    if (drawn !== counts.length) drawCurves();
    cursor.setAttribute("transform", `translate(${xOf(step)} 0)`);
    veil.setAttribute("width", String(width - 1 - Number(xOf(step))));
    colonies.forEach(({ head, number }, colony) => {
      head.setAttribute("transform", `translate(${xOf(step)} ${yOf(counts[step][colony])}) scale(4)`);
      number.textContent = String(counts[step][colony]);
    });
  });

  function drawCurves() {
    drawn = counts.length;
    most = counts.flat().reduce((larger, value) => Math.max(larger, value), 1);
    highest.textContent = `top ${most}`;
    colonies.forEach(({ curve }, colony) => {
      curve.setAttribute("d", `M${counts.map((all, step) => `${xOf(step)} ${yOf(all[colony])}`).join("L")}`);
    });
  }
}

/** What a chart shows of a colony. @param {number} colony @param {number} share of the width */
function colonyParts(colony, share) {
  return {
    curve: svg("path", { stroke: COLOURS[colony], fill: "none", "stroke-width": 2, "stroke-linejoin": "round" }),
    head: svg("g", {}, mark(colony)),
    number: text("", share * colony + 15, 27, { "font-weight": 600, fill: TEXT }),
    sign: svg("g", { transform: `translate(${share * colony + 6} 23) scale(5)` }, mark(colony)),
  };
}

/** @param {Scene} scene @param {Context} context */
function drawStep(scene, { agents, environment, step }) {
  const { area, charts, food } = scene;
  Object.assign(scene, { step, length: environment.steps.length });
  count(scene.census, environment);
  drawHeat(scene);
  const [before, world] = [worldAt(environment, step - 1), worldAt(environment, step)];
  const lying = world.food.filter((cell) => cell >= 0).map((cell) => [cell % area.columns, Math.floor(cell / area.columns)]);
  food.setAttribute("d", lying.map(([x, y]) => star(x + 0.5, y + 0.5, 1.1 * scene.size)).join(""));
  drawCrowd(scene, world.agents, places(before.agents), places(world.agents));
  drawEvents(scene, world);
  for (const draw of charts) draw(step);
  scene.root.setAttribute("aria-label", told(scene, world, agents));
}

/** Cells of about the same value are one path. @param {Scene} scene */
function drawHeat({ area, environment: { configuration }, field, heat, isShown, step }) {
  const values = field(step);
  CHANNELS.forEach(({ strength }, channel) => {
    const full = Math.min(configuration.field_cap, 20 * configuration[strength]);
    const paths = isShown[channel] ? levelPaths(values[channel], full, area.columns) : [];
    heat[channel].forEach((path, level) => path.setAttribute("d", paths[level] ?? ""));
  });
}

/** Path data of each level; faint values are raised a little, to be seen.
 * @param {Float32Array} values @param {number} full what the highest level stands for @param {number} columns */
function levelPaths(values, full, columns) {
  const paths = Array(LEVELS).fill("");
  const levelOf = (/** @type {number} */ cell) => Math.min(LEVELS, Math.round(LEVELS * (values[cell] / full) ** 0.7)) - 1;
  for (let cell = 0, length = 1; cell < values.length; cell += length) {
    const [level, room] = [levelOf(cell), columns - (cell % columns)];
    for (length = 1; length < room && levelOf(cell + length) === level; ) length++;
    if (level >= 0) paths[level] += `M${cell % columns} ${Math.floor(cell / columns)}h${length}v1h-${length}z`;
  }
  return paths;
}

/** Where each agent is drawn: the first in a cell at its middle, more of them around.
 * @param {Agent[]} agents @returns {Map<number, number[]>} */
function places(agents) {
  const [crowds, found] = [new Map(), new Map()];
  for (const [, id, , row, column] of agents) {
    const cell = `${row} ${column}`;
    const before = crowds.get(cell) ?? 0;
    crowds.set(cell, before + 1);
    const [away, turn] = [before ? 0.3 : 0, before * 2.4];
    found.set(id, [column + 0.5 + away * Math.cos(turn), row + 0.5 + away * Math.sin(turn)]);
  }
  return found;
}

/** @param {Scene} scene @param {Agent[]} agents @param {Map<number, number[]>} before @param {Map<number, number[]>} now */
function drawCrowd({ census, crowd, figures }, agents, before, now) {
  for (const [id, { node }] of figures) {
    if (now.has(id)) continue;
    node.remove();
    figures.delete(id);
  }
  for (const [, id, , , , , state] of agents) {
    const figure = figures.get(id) ?? newFigure(/** @type {Person} */ (census.people.get(id)));
    if (!figures.has(id)) crowd.append(figure.node);
    figures.set(id, figure);
    figure.load.setAttribute("visibility", state ? "visible" : "hidden");
    const to = /** @type {number[]} */ (now.get(id));
    const from = before.get(id) ?? to;
    const isNear = from.every((start, axis) => Math.abs(start - to[axis]) < 2); // not around the edge
    Object.assign(figure, { from: isNear ? from : to, to });
  }
}

/** The colony's colour and shape, tinted by the founder from whom it descends. @param {Person} person @returns {Figure} */
function newFigure({ colony, family }) {
  const body = mark(colony, `color-mix(in oklab, ${COLOURS[colony]}, ${TINTS[family % TINTS.length]})`);
  body.setAttribute("stroke", COLOURS[colony]);
  body.setAttribute("stroke-width", "0.35");
  const load = svg("path", LOAD);
  return { node: svg("g", {}, body, load), load, from: [], to: [] };
}

/** Births and deaths of the step. @param {Scene} scene @param {World} world */
function drawEvents({ census, environment, events, figures, size, step }, { deaths }) {
  const born = (step ? newcomers(environment, step) : []).map(([, id]) => {
    const [x, y] = /** @type {Figure} */ (figures.get(id)).to;
    return eventMark("born", x, y, size, TEXT);
  });
  const died = deaths.map(([id, row, column]) => {
    return eventMark("died", column + 0.5, row + 0.5, size, COLOURS[census.people.get(id)?.colony ?? 0]);
  });
  events.replaceChildren(...born, ...died);
}

/** The step in words. @param {Scene} scene @param {World} world @param {{name: string}[]} names */
function told({ census, environment, step }, { agents, deaths }, names) {
  const lists = {
    carrying: agents.filter(([, , , , , , state]) => state).map(([, id]) => id),
    born: step ? newcomers(environment, step).map(([, id]) => id) : [],
    died: deaths.map(([id]) => id),
  };
  const colonies = census.living[step].map((living, colony) => {
    const isOwn = (/** @type {number} */ id) => census.people.get(id)?.colony === colony;
    const more = Object.entries(lists).map(([word, ids]) => [ids.filter(isOwn).length, word]);
    const counts = [[living, "living"], [census.delivered[step][colony], "delivered"], ...more.filter(([count]) => count)];
    return `${names[colony]?.name ?? `Seat ${colony + 1}`}: ${counts.map((each) => each.join(" ")).join(", ")}`;
  });
  return `Step ${step}. ${colonies.join("; ")}.`;
}
