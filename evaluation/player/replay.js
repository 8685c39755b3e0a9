// @ts-check
/** Loads a replay in the JSON form of kaggle-environments and derives the facts that are shown of it. */

/**
 * @typedef {{action: any, reward: number | null, status: string, observation: Record<string, any>}} SeatState
 * @typedef {{duration?: number, stdout?: string, stderr?: string}} Log
 * @typedef {{configuration: Record<string, any>, steps: SeatState[][], rewards?: (number | null)[],
 *   info?: Record<string, any>, logs?: Log[][], id?: string, name?: string, title?: string}} Environment
 * @typedef {{step: number, seat: number, status: string}} Fault
 * @typedef {{winner: number | null, headline: string, cause: string, decisive: number | null}} Result
 * @typedef {{environment: Environment, names: string[], last: number, faults: Fault[], result: Result,
 *   logs: Log[][], limitS: number | null}} Replay
 */

const SOUND = new Set(["ACTIVE", "INACTIVE", "DONE"]);

/** An element's text for `#id`, else whatever the address answers with.
 * @param {string} source
 * @returns {Promise<any>} */
export async function load(source) {
  if (source.startsWith("#")) return JSON.parse(document.querySelector(source)?.textContent ?? "");
  const response = await fetch(source, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.json();
}

/** @param {Environment} environment @param {number} [limitS]
 * @returns {Replay} */
export function decode(environment, limitS) {
  const steps = environment.steps;
  if (!steps?.[0]?.length) throw new Error("it holds no steps");
  const names = steps[0].map((_, seat) => teamName(environment, seat));
  const faults = findFaults(steps);
  return {
    environment,
    names,
    last: steps.length - 1,
    faults,
    result: resultOf(environment, names, faults),
    logs: alignLogs(environment.logs, steps.length),
    limitS: limitS || environment.configuration?.actTimeout || null,
  };
}

/** @param {Environment} environment @param {number} seat */
function teamName(environment, seat) {
  const name = environment.info?.TeamNames?.[seat];
  return name ? String(name) : `Seat ${seat + 1}`;
}

/** The first step at which each seat left the statuses of a sound game.
 * @param {SeatState[][]} steps @returns {Fault[]} */
function findFaults(steps) {
  return steps[0].flatMap((_, seat) => {
    const step = steps.findIndex((seats) => !SOUND.has(seats[seat].status));
    return step < 0 ? [] : [{ step, seat, status: steps[step][seat].status }];
  });
}

/** Logs by step. Some writers begin with the first move; kaggle-environments keeps an entry for each
 * reset, of which there may be two.
 * @param {Log[][] | undefined} logs @param {number} length @returns {Log[][]} */
export function alignLogs(logs, length) {
  if (!Array.isArray(logs)) return [];
  return logs.length === length - 1 ? [[], ...logs] : logs.slice(-length);
}

/** @param {Environment} environment @param {string[]} names @param {Fault[]} faults
 * @returns {Result} */
function resultOf(environment, names, faults) {
  const stated = environment.info?.result ?? {};
  const last = environment.steps.length - 1;
  const { winner, headline } = outcome(environment, names, stated.winner);
  const decided = Number.isInteger(stated.decisive_step) ? stated.decisive_step : null;
  const decisive = decided ?? (winner !== null && !faults.length ? last : null);
  const isTold = stated.cause && stated.cause !== headline;
  const cause = isTold ? String(stated.cause) : derivedCause(faults, last);
  return { winner, headline, cause, decisive };
}

/** @param {Fault[]} faults @param {number} last */
function derivedCause(faults, last) {
  if (!faults.length) return `After ${last} ${last === 1 ? "move" : "moves"}`;
  return faults
    .map(({ seat, status, step }) => `Seat ${seat + 1}'s agent failed (${status}) at move ${step}`)
    .join(". ");
}

/** @param {Environment} environment @param {string[]} names @param {unknown} stated
 * @returns {{winner: number | null, headline: string}} */
function outcome(environment, names, stated) {
  const seats = environment.steps[environment.steps.length - 1];
  if (seats.some((seat) => seat.status === "ACTIVE")) return { winner: null, headline: "Not finished" };
  const rewards = environment.rewards ?? seats.map((seat) => seat.reward);
  if (rewards.length === 1) return { winner: null, headline: `Reward ${rewards[0] ?? "none"}` };
  const best = leaders(rewards, stated);
  if (best.length === 1) return { winner: best[0], headline: `${names[best[0]]} won` };
  if (best.length === rewards.length) return { winner: null, headline: "Draw" };
  return { winner: null, headline: `${best.map((seat) => names[seat]).join(", ")} tied for first` };
}

/** Seats with the best reward; a failed agent has none.
 * @param {(number | null)[]} rewards @param {unknown} stated */
function leaders(rewards, stated) {
  if (Number.isInteger(stated) && Number(stated) in rewards) return [Number(stated)];
  const values = rewards.map((reward) => reward ?? -Infinity);
  const best = Math.max(...values);
  return values.flatMap((value, seat) => (value === best ? [seat] : []));
}

/** Seats whose action led to this step.
 * @param {Replay} replay @param {number} step @returns {number[]} */
export function movers(replay, step) {
  const before = replay.environment.steps[step - 1] ?? [];
  return before.flatMap((seat, index) => (seat.status === "ACTIVE" ? [index] : []));
}

/** Seconds that a seat took for the move to this step; null where nobody measured: a failed move that
 * "took" nothing was cut off, not fast.
 * @param {Replay} replay @param {number} step @param {number} seat @returns {number | null} */
export function seconds(replay, step, seat) {
  const value = replay.logs[step]?.[seat]?.duration;
  if (typeof value !== "number") return null;
  return value || SOUND.has(replay.environment.steps[step][seat].status) ? value : null;
}

/** @param {Replay} replay @param {number} step @param {number} seat */
export function faultOf(replay, step, seat) {
  return replay.faults.find((fault) => fault.seat === seat && fault.step <= step);
}

/** A duration for people: three digits are enough.
 * @param {number} value */
export function formatSeconds(value) {
  if (value < 0.001) return "< 1 ms";
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${Number(value.toPrecision(3))} s`;
}

/** The seed that the episode can be played again from, if one was given.
 * @param {Environment} environment @returns {unknown} */
export function seedOf({ configuration, info }) {
  return configuration?.seed ?? info?.seed ?? undefined;
}

/** What happened at a step, in one line; `describe` words an action where the game can.
 * @param {Replay} replay @param {number} step @param {(action: any) => string} describe */
export function caption(replay, step, describe) {
  if (step === 0) {
    const seed = seedOf(replay.environment);
    return seed === undefined ? "Start position" : `Start position, seed ${seed}`;
  }
  return movers(replay, step).map((seat) => moveText(replay, step, seat, describe)).join(" · ");
}

/** @param {Replay} replay @param {number} step @param {number} seat
 * @param {(action: any) => string} describe */
function moveText(replay, step, seat, describe) {
  const state = replay.environment.steps[step][seat];
  const took = seconds(replay, step, seat);
  const move = SOUND.has(state.status) ? describe(state.action) : `failed (${state.status})`;
  return `${replay.names[seat]}: ${move}` + (took === null ? "" : `, ${formatSeconds(took)}`);
}

/** @param {any} action */
export function actionText(action) {
  const text = JSON.stringify(action) ?? "no action";
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
