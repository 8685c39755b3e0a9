// @ts-check
/** Drawing for games that bring none: what each seat saw and did at a step, as text. */

import { element } from "./elements.js";
import { actionText } from "./replay.js";

/** @param {{agents: {name: string}[], environment: import("./replay.js").Environment, parent: HTMLElement,
 *   step: number}} context */
export function renderer({ agents, environment, parent, step }) {
  const seats = environment.steps[step].map((state, seat) => {
    const facts = `${state.status}, reward ${state.reward ?? "none"}, action ${actionText(state.action)}`;
    const fields = Object.entries(state.observation ?? {});
    const text = fields.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join("\n");
    const seen = element("pre", { tabIndex: 0 }, text);
    seen.setAttribute("aria-label", `Observation of ${agents[seat].name}`);
    return element("div", {}, element("h3", { dir: "auto" }, agents[seat].name), element("p", {}, facts), seen);
  });
  parent.replaceChildren(element("div", { className: "player-plain" }, ...seats));
}
