/**
 * One question to the server, and its answer or the reason why there is none.
 *
 * Invariant: it settles within its timeout. An answer that comes later is ignored, because by then the page
 * shows something else. It never retries: the next page asks anew.
 */

/** @import { DecideOptions, Surroundings } from './types.js' */

/** Why there is no answer. `code`: `timeout`, `aborted`, `network`, `unreadable`, or the server's problem code. */
export class DecideError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number} [status]
   */
  constructor(code, message, status) {
    super(message);
    this.name = 'DecideError';
    this.code = code;
    this.status = status;
  }
}

const aborted = () => new DecideError('aborted', 'The call was aborted.');

/**
 * @param {{ around: Surroundings, settings: { host: string, decideKey: string, decideTimeoutMs: number } }} place
 * @param {string} path
 * @param {string} list What a readable answer has: a list of this name.
 * @param {object} request
 * @param {DecideOptions} [options]
 * @returns {Promise<any>}
 */
export async function ask({ around, settings }, path, list, request, { timeoutMs = settings.decideTimeoutMs, signal } = {}) {
  if (signal?.aborted) throw aborted();
  const controller = new AbortController();
  const abort = () => controller.abort();
  signal?.addEventListener('abort', abort);
  let late = false;
  const cancelTimer = around.later(() => {
    late = true;
    abort();
  }, timeoutMs);
  try {
    const response = await around.fetch(settings.host + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${settings.decideKey}` },
      body: JSON.stringify(request),
      credentials: 'omit',
      signal: controller.signal,
    });
    return await read(response, list);
  } catch (error) {
    if (late) throw new DecideError('timeout', `No answer within ${timeoutMs} ms.`);
    if (signal?.aborted) throw aborted();
    if (error instanceof DecideError) throw error;
    throw new DecideError('network', `${path} could not be reached: ${error}`);
  } finally {
    cancelTimer();
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * @param {Response} response
 * @param {string} list
 */
async function read(response, list) {
  const { ok, status } = response;
  const body = await response.json().catch((error) => {
    // A cut connection is told apart from a wrong answer by whoever aborted it.
    if (error?.name === 'AbortError') throw error;
    return null;
  });
  if (!ok) throw new DecideError(body?.code ?? `http_${status}`, body?.detail ?? `The server answered ${status}.`, status);
  if (!Array.isArray(body?.[list])) throw new DecideError('unreadable', `The answer has no ${list}.`, status);
  return body;
}
