/**
 * One request with a batch of events, and what its answer means.
 *
 * Invariant: it never throws, and it keeps no state: when to try again is decided in `sender.js`.
 */

/** @import { Surroundings } from './types.js' */
/** @import { Entry } from './outbox.js' */

export const LONGEST_RETRY_MS = 300_000;
const REQUEST_TIMEOUT_MS = 15_000;

/**
 * @typedef {object} Outcome
 * @property {Entry[]} answered The server has answered for these: they may go.
 * @property {Verdict[]} [verdicts] In the order of `answered`.
 * @property {boolean} [retry] Later, the same again.
 * @property {number} [waitMs] Not before the server wants it.
 * @property {number} [split] Too large: at most so many events a request.
 * @property {number} [stop] The status that says that trying again is no use.
 */

/** @typedef {{ status: string, code?: string, field?: string, message?: string }} Verdict */
/** @typedef {{ host: string, key: string }} Target */

/**
 * @param {Surroundings} around
 * @param {Target} target
 * @param {Entry[]} batch
 * @returns {Promise<Outcome>}
 */
export async function post(around, target, batch) {
  const controller = new AbortController();
  const cancel = around.later(() => controller.abort(), REQUEST_TIMEOUT_MS);
  try {
    // As text/plain and with the key in the body it is a simple request: no preflight before each batch.
    const response = await around.fetch(`${target.host}/v1/batch`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: bodyOf(around, target, batch),
      keepalive: true,
      credentials: 'omit',
      signal: controller.signal,
    });
    return await read(response, batch, around.now());
  } catch {
    return { answered: [], retry: true };
  } finally {
    cancel();
  }
}

/**
 * @param {Surroundings} around
 * @param {Target} target
 * @param {Entry[]} batch
 */
export function bodyOf(around, { key }, batch) {
  const sentAt = new Date(around.now()).toISOString();
  const events = batch.map((entry) => entry.text).join(',');
  return `{"writeKey":${JSON.stringify(key)},"sentAt":"${sentAt}","batch":[${events}]}`;
}

/**
 * @param {Response} response
 * @param {Entry[]} batch
 * @param {number} now
 * @returns {Promise<Outcome>}
 */
async function read(response, batch, now) {
  const { ok, status, headers } = response;
  const body = await response.json().catch(() => null);
  if (ok) return { answered: batch, verdicts: body?.verdicts };
  if (status === 408 || status === 429 || status >= 500) {
    return { answered: [], retry: true, waitMs: retryAfterMs(headers.get('retry-after'), now) };
  }
  if (status === 401 || status === 403 || status === 404) return { answered: [], stop: status };
  if (status === 413 && batch.length > 1) return { answered: [], split: Math.ceil(batch.length / 2) };
  const message = body?.detail ?? `The server answered ${status}.`;
  const verdict = { status: 'rejected', code: body?.code ?? `http_${status}`, message };
  return { answered: batch, verdicts: batch.map(() => verdict) };
}

/**
 * @param {string | null} header Seconds, or an HTTP date.
 * @param {number} now
 */
function retryAfterMs(header, now) {
  if (!header) return 0;
  const seconds = Number(header);
  const wait = Number.isNaN(seconds) ? Date.parse(header) - now : seconds * 1000;
  return Math.min(Math.max(wait || 0, 0), LONGEST_RETRY_MS);
}
