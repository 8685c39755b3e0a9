// @ts-check
/** Where the game is drawn: calls the drawing with the context that kaggle-environments gives. */

import { element } from "./elements.js";

/**
 * @typedef {{renderer: (context: any) => any, piece?: (seat: number) => Node,
 *   describe?: (action: any) => string}} Drawing
 * @typedef {{environment: import("./replay.js").Environment, step: number, agents: object[],
 *   interactive: boolean, isInteractive: () => boolean, act: (action: any) => void}} View
 */

const MOTION_MS = 320;

export class Stage {
  /** @param {Drawing} drawing @param {() => void} onFailure */
  constructor(drawing, onFailure) {
    this.drawing = drawing;
    this.onFailure = onFailure;
    this.node = element("div", { className: "player-stage" });
    this.changes = {};
    this.drawings = 0;
    this.motion = 0;
  }

  /** Draws a view at once, or as the motion into it.
   * @param {View} view @param {number} lengthMs how long the motion may take; 0 for none */
  show(view, lengthMs) {
    cancelAnimationFrame(this.motion);
    if (lengthMs > 0) this.move(view, performance.now(), Math.min(MOTION_MS, lengthMs));
    else this.draw(view, 1);
  }

  /** @param {View} view @param {number} began @param {number} lengthMs */
  move(view, began, lengthMs) {
    const frame = Math.min(1, Math.max(0, (performance.now() - began) / lengthMs));
    this.draw(view, frame);
    if (frame < 1) this.motion = requestAnimationFrame(() => this.move(view, began, lengthMs));
  }

  /** A drawing may take its time (`async`): the frames of a motion that come meanwhile are left out.
   * @param {View} view @param {number} frame progress of the motion into this step, 0 to 1 */
  async draw(view, frame) {
    if (this.drawings && frame < 1) return;
    this.drawings += 1;
    try {
      await this.drawing.renderer(this.context(view, frame));
    } catch (error) {
      console.error(error);
      this.onFailure();
    }
    this.drawings -= 1;
  }

  /** @param {View} view @param {number} frame */
  context(view, frame) {
    return {
      ...view,
      frame,
      height: this.node.clientHeight,
      parent: this.node,
      update: (/** @type {object} */ changes) => Object.assign(this.changes, changes),
      width: this.node.clientWidth,
      ...this.changes,
    };
  }

  /** Takes the proportions of the drawing, so that the board gets all the room. */
  fit() {
    const box = /** @type {SVGSVGElement | null} */ (this.node.querySelector(":scope > svg"))?.viewBox.baseVal;
    if (box?.width) this.node.style.setProperty("--player-aspect", `${box.width} / ${box.height}`);
  }
}
