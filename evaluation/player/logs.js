// @ts-check
/** What the agents printed at a step: shown to those who were given the logs. */

import { element } from "./elements.js";
import { alignLogs } from "./replay.js";

/** @typedef {import("./replay.js").Replay} Replay @typedef {import("./replay.js").Log} Log */

/** @param {Replay} replay */
export function logPanel(replay) {
  const body = element("div", { className: "player-printed" });
  const node = element("aside", { className: "player-logs" }, element("h3", {}, "Printed at this step"), body);
  node.setAttribute("aria-label", "Agent logs");
  node.hidden = true;
  return { node, add, update };

  /** Adds the owner's logs to the public ones.
   * @param {any} answer */
  function add(answer) {
    const logs = alignLogs(answer?.logs ?? answer, replay.last + 1);
    replay.logs = logs.map((seats, step) =>
      seats.map((log, seat) => ({ ...replay.logs[step]?.[seat], ...log })),
    );
  }

  /** @param {number} step */
  function update(step) {
    node.hidden = !replay.logs.some((seats) => seats?.some(hasText));
    const printed = (replay.logs[step] ?? []).flatMap((log, seat) =>
      hasText(log) ? [entry(replay.names[seat] ?? "Environment", log)] : [],
    );
    body.replaceChildren(...(printed.length ? printed : [element("p", {}, "Nothing at this step.")]));
  }
}

/** @param {Log | null | undefined} log */
function hasText(log) {
  return Boolean(log?.stdout || log?.stderr);
}

/** @param {string} name @param {Log} log */
function entry(name, { stdout, stderr }) {
  return element(
    "div",
    {},
    element("h4", { dir: "auto" }, name),
    stdout ? output("stdout", stdout) : null,
    stderr ? output("stderr", stderr) : null,
  );
}

/** @param {string} stream @param {string} text */
function output(stream, text) {
  const node = element("pre", { className: `player-${stream}`, tabIndex: 0 }, String(text));
  node.setAttribute("aria-label", stream);
  return node;
}
