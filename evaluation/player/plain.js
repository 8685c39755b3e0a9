// @ts-check
/** Drawing for games that bring none: what each seat saw and did at a step, as text. A person who
 * plays writes the action down. */

import { element } from "./elements.js";
import { actionText } from "./replay.js";

/** @typedef {{agents: {name: string}[], environment: import("./replay.js").Environment, parent: HTMLElement,
 *   step: number, interactive: boolean, isInteractive: () => boolean, act: (action: any) => void}} Context */

/** @param {Context} context */
export function renderer(context) {
  const { agents, environment, parent, step } = context;
  const seats = environment.steps[step].map((state, seat) => {
    const facts = `${state.status}, reward ${state.reward ?? "none"}, action ${actionText(state.action)}`;
    const fields = Object.entries(state.observation ?? {});
    const text = fields.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join("\n");
    const seen = element("pre", { tabIndex: 0 }, text);
    seen.setAttribute("aria-label", `Observation of ${agents[seat].name}`);
    return element("div", {}, element("h3", { dir: "auto" }, agents[seat].name), element("p", {}, facts), seen);
  });
  listIn(parent, context).replaceChildren(...seats);
}

/** Where the seats stand; made once, so that what a person is writing stays.
 * @param {HTMLElement} parent @param {Context} context */
function listIn(parent, context) {
  const found = parent.querySelector(".player-plain");
  if (found) return found;
  const list = element("div", { className: "player-plain" });
  parent.replaceChildren(context.interactive ? element("div", {}, actionField(context), list) : list);
  return list;
}

/** No form: a frame without an origin may not send one. @param {Context} context */
function actionField({ act, isInteractive }) {
  const field = element("input", { autocomplete: "off" });
  const play = () => isInteractive() && act(actionFrom(field.value));
  const button = element("button", { type: "button", className: "player-close", onclick: play }, "Send");
  field.addEventListener("keydown", ({ key }) => key === "Enter" && play());
  return element("p", {}, element("label", {}, "Your action, as JSON or text: ", field), " ", button);
}

/** @param {string} text */
function actionFrom(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
