// @ts-check
/** The head of the player: result and cause first, then the seats with their clocks. */

import { element, seatColour } from "./elements.js";
import { faultOf, movers } from "./replay.js";

/** @typedef {import("./replay.js").Replay} Replay */

/** @param {Replay} replay @param {(seat: number) => Node} piece */
export function scoreboard(replay, piece) {
  const clocks = replay.names.map(() => element("span", { className: "player-clock" }));
  const rows = replay.names.map((name, seat) => seatRow(replay, name, seat, piece(seat), clocks[seat]));
  const list = element("ul", { className: "player-seats" }, ...rows);
  const line = element("p", { className: "player-result" }, ...resultOf(replay));
  const node = element("header", { className: "player-head" }, line, list);
  return { node, update };

  /** @param {number} step @param {string} _text @param {string} turn whose turn it is, where one plays */
  function update(step, _text, turn) {
    line.replaceChildren(...(turn ? [element("strong", {}, turn)] : resultOf(replay)));
    updateSeats(replay, rows, clocks, step);
  }
}

/** @param {Replay} replay */
function resultOf(replay) {
  const { headline, cause, winner } = replay.result;
  const strong = element("strong", { dir: "auto" }, headline);
  if (winner !== null) strong.style.color = seatColour(winner);
  return [strong, " ", element("span", { dir: "auto" }, cause)];
}

/** @param {Replay} replay @param {string} name @param {number} seat @param {Node} piece
 * @param {HTMLElement} clock */
function seatRow(replay, name, seat, piece, clock) {
  const label = element("bdi", { className: "player-name", title: name }, name);
  const row = element("li", { className: "player-seat" }, piece, label, outcomeWord(replay, seat), clock);
  row.style.setProperty("--seat", seatColour(seat));
  return row;
}

/** @param {Replay} replay @param {number} seat */
function outcomeWord(replay, seat) {
  const { winner, headline } = replay.result;
  const word = winner === seat ? "won" : headline === "Draw" ? "draw" : winner === null ? "" : "lost";
  return element("span", { className: `player-outcome player-${word || "open"}` }, word);
}

/** @param {Replay} replay @param {HTMLElement[]} rows @param {HTMLElement[]} clocks @param {number} step */
function updateSeats(replay, rows, clocks, step) {
  const moved = movers(replay, step);
  rows.forEach((row, seat) => {
    row.classList.toggle("is-mover", moved.includes(seat));
    const fault = faultOf(replay, step, seat);
    const bank = replay.environment.steps[step][seat].observation?.remainingOverageTime;
    clocks[seat].classList.toggle("is-fault", Boolean(fault));
    clocks[seat].textContent = fault ? fault.status : typeof bank === "number" ? `bank ${bank.toFixed(1)} s` : "";
    clocks[seat].title = fault ? `Failed at move ${fault.step}` : "Time left beyond the move limit";
  });
}
