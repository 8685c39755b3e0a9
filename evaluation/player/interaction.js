// @ts-check
/**
 * A person plays a seat: their action goes to the environment, what it answers is appended.
 * Two ways lead there. The page around this one may carry it (a notebook's, over the kernel's own
 * connection: it answers our greeting); else it is posted to the loopback server of the notebook.
 */

const GREETING_MS = 1000;

/**
 * @typedef {{from: number, steps: any[][], rewards: any[], statuses: string[], info: object, error?: string}} Answer
 * @typedef {(message: object) => Promise<Answer>} Way
 */

/** @param {string} address the server's, whose last part is the secret of this play */
export function interaction(address) {
  const secret = address.split("/").pop() ?? "";
  /** @type {Promise<Way> | null} */
  let way = null;
  return { send };

  /** @param {object} message `{action}`, or `{again: true}` for a new episode
   * @returns {Promise<Answer>} */
  async function send(message) {
    way ??= greet(secret).then((carrier) => carrier ?? ((asked) => posted(address, asked)));
    const answer = await (await way)(message);
    if (answer.error) throw new Error(answer.error);
    return answer;
  }
}

/** @param {string} address @param {object} message @returns {Promise<Answer>} */
async function posted(address, message) {
  try {
    return await (await fetch(address, { method: "POST", body: JSON.stringify(message) })).json();
  } catch {
    throw new Error("The notebook's kernel does not answer: run the cell again");
  }
}

/** The way through the page around, if it knows this play.
 * @param {string} secret @returns {Promise<Way | null>} */
function greet(secret) {
  if (window.parent === window) return Promise.resolve(null);
  return Promise.race([
    carried(secret, 0, { greeting: true }).then(() => carrier(secret)),
    new Promise((resolve) => setTimeout(() => resolve(null), GREETING_MS)),
  ]);
}

/** @param {string} secret @returns {Way} */
function carrier(secret) {
  let number = 0;
  return (message) => carried(secret, (number += 1), message);
}

/** Hands a message to the page around and waits for the answer with the same number.
 * @param {string} secret @param {number} number @param {object} message @returns {Promise<any>} */
function carried(secret, number, message) {
  return new Promise((resolve) => {
    addEventListener("message", receive);
    window.parent.postMessage({ play: secret, number, message }, "*");

    /** @param {MessageEvent} event */
    function receive({ data, source }) {
      if (source !== window.parent || data?.play !== secret || data.number !== number) return;
      removeEventListener("message", receive);
      resolve(data.answer);
    }
  });
}
