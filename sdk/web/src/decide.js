/**
 * Asks `POST /v1/decide` what a page should show.
 *
 * Invariant: it settles within its timeout. An answer that comes later is ignored, because by then the page
 * shows something else. It never retries: the next page asks anew.
 */

/** @import { DecideOptions, DecideRequest, PageDecision, Surroundings } from './types.js' */
/** @import { Consent } from './consent.js' */
/** @import { Identity } from './identity.js' */
/** @import { Emit } from './occasions.js' */

/** Why there is no decision. `code`: `timeout`, `aborted`, `network`, `unreadable`, or the server's problem code. */
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

/**
 * @param {object} parts
 * @param {Surroundings} parts.around
 * @param {Consent} parts.consent
 * @param {Identity} parts.identity
 * @param {{ host: string, decideKey: string, decideTimeoutMs: number }} parts.settings
 * @param {Emit} parts.emit
 */
export function openDecide({ around, consent, identity, settings, emit }) {
  const visitor = () => ({
    customer: identity.customer(),
    anonymous_id: identity.anonymousId(),
    session: identity.session(),
  });

  /**
   * Without consent it asks as nobody, for what suits the page alone.
   * @param {DecideRequest} request
   * @param {DecideOptions} [options]
   */
  return async (request, options) => {
    const who = consent.mayIdentify() ? visitor() : {};
    const page = { locale: around.page().locale, ...request.page };
    const objects = !consent.get().personalization || request.no_personalization;
    const whole = { ...who, ...request, page, no_personalization: objects || undefined };
    const decision = await ask(around, settings, whole, options);
    emit('decision', decision);
    return decision;
  };
}

/**
 * @param {Surroundings} around
 * @param {{ host: string, decideKey: string, decideTimeoutMs: number }} settings
 * @param {DecideRequest} request
 * @param {DecideOptions} [options]
 */
async function ask(around, settings, request, { timeoutMs = settings.decideTimeoutMs, signal } = {}) {
  if (signal?.aborted) throw new DecideError('aborted', 'The call was aborted before it began.');
  const controller = new AbortController();
  const abort = () => controller.abort();
  signal?.addEventListener('abort', abort);
  let late = false;
  const cancelTimer = around.later(() => {
    late = true;
    abort();
  }, timeoutMs);
  try {
    const response = await around.fetch(`${settings.host}/v1/decide`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${settings.decideKey}` },
      body: JSON.stringify(request),
      credentials: 'omit',
      signal: controller.signal,
    });
    return await read(response);
  } catch (error) {
    if (late) throw new DecideError('timeout', `No decision within ${timeoutMs} ms.`);
    if (signal?.aborted) throw new DecideError('aborted', 'The call was aborted.');
    if (error instanceof DecideError) throw error;
    throw new DecideError('network', `${settings.host}/v1/decide could not be reached: ${error}`);
  } finally {
    cancelTimer();
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * @param {Response} response
 * @returns {Promise<PageDecision>}
 */
async function read(response) {
  const { ok, status } = response;
  const body = await response.json().catch((error) => {
    // A cut connection is told apart from a wrong answer by whoever aborted it.
    if (error?.name === 'AbortError') throw error;
    return null;
  });
  if (!ok) throw new DecideError(body?.code ?? `http_${status}`, body?.detail ?? `The server answered ${status}.`, status);
  if (!Array.isArray(body?.placements)) throw new DecideError('unreadable', 'The answer is no page decision.', status);
  return body;
}
