/**
 * A browser in memory for the tests: clock, timers, storage, network, tabs.
 *
 * Invariant: nothing happens by itself; time passes only when a test lets it.
 */

/** One origin's storage, shared by its tabs. */
export class FakeStorage {
  #values = new Map();
  /** Characters that fit; as browsers do, `setItem` throws beyond. */
  quota = Infinity;

  get length() {
    return this.#values.size;
  }

  key(index) {
    return [...this.#values.keys()][index] ?? null;
  }

  getItem(key) {
    return this.#values.get(key) ?? null;
  }

  setItem(key, value) {
    const used = [...this.#values].reduce((sum, [name, text]) => sum + name.length + text.length, 0);
    if (used + key.length + value.length > this.quota) throw new Error('QuotaExceededError');
    this.#values.set(key, String(value));
  }

  removeItem(key) {
    this.#values.delete(key);
  }

  names() {
    return [...this.#values.keys()];
  }
}

/** Web Locks: one holder a name, the others wait in line. */
export function fakeLocks() {
  const tails = new Map();
  return {
    request(name, work) {
      const result = (tails.get(name) ?? Promise.resolve()).then(work);
      tails.set(name, result.catch(() => {}));
      return result;
    },
  };
}

/** Time for all tabs of a test. */
export class Clock {
  time = Date.UTC(2026, 6, 1, 12);
  #timers = new Map();
  #last = 0;

  later = (work, delayMs) => {
    const id = ++this.#last;
    this.#timers.set(id, { work, at: this.time + delayMs });
    return () => this.#timers.delete(id);
  };

  /** Lets time pass, running what falls due, in order. */
  async pass(durationMs) {
    const end = this.time + durationMs;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
      if (!due) break;
      const [id, { work, at }] = due;
      this.#timers.delete(id);
      this.time = Math.max(this.time, at);
      work();
      await settle();
    }
    this.time = end;
    await settle();
  }
}

/** Lets everything run that waits for nothing but promises. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/**
 * One tab. `answer(request)` is the server: it returns `{ status, body, headers }` or throws like a lost network.
 */
export function fakeTab({ clock = new Clock(), storage = new FakeStorage(), locks = fakeLocks(), answer, ...changes } = {}) {
  const listeners = new Map();
  const tab = {
    clock,
    storage,
    requests: [],
    beacons: [],
    cookie: new Map(),
    /** What the browser says to `sendBeacon`. */
    takesBeacons: true,
    answer: answer ?? (() => ({ status: 200, body: { success: true } })),
    emit(type, event = {}) {
      for (const listener of listeners.get(type) ?? []) listener(event);
    },
    isHidden: false,
  };
  let ids = 0;
  const name = Math.random().toString(36).slice(2, 8);
  tab.around = {
    async fetch(url, init) {
      const request = { url, init, body: JSON.parse(init.body), bytes: Buffer.byteLength(init.body) };
      tab.requests.push(request);
      const aborted = new Promise((_, reject) => {
        init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
      });
      const { status = 200, body, headers } = await Promise.race([tab.answer(request), aborted]);
      return new Response(typeof body === 'string' ? body : JSON.stringify(body ?? {}), { status, headers });
    },
    beacon(url, body) {
      const takes = typeof tab.takesBeacons === 'function' ? tab.takesBeacons(body) : tab.takesBeacons;
      if (takes) tab.beacons.push({ url, body: JSON.parse(body), bytes: Buffer.byteLength(body) });
      return takes;
    },
    storage,
    cookies: () => [...tab.cookie].map(([key, value]) => `${key}=${value}`).join('; '),
    setCookie(text) {
      tab.lastCookie = text;
      const [pair, ...attributes] = text.split('; ');
      const [key, value] = pair.split('=');
      if (attributes.includes('Max-Age=0')) tab.cookie.delete(key);
      else tab.cookie.set(key, value);
    },
    locks,
    now: () => clock.time,
    random: () => 0.5,
    uuid: () => `${name}-${++ids}`,
    later: clock.later,
    listen(type, listener) {
      listeners.set(type, [...(listeners.get(type) ?? []), listener]);
      return () => listeners.set(type, listeners.get(type).filter((one) => one !== listener));
    },
    hidden: () => tab.isHidden,
    online: () => true,
    gpc: () => false,
    page: () => ({
      url: 'https://shop.example/mugs?utm_campaign=summer&utm_source=mail',
      path: '/mugs',
      search: '?utm_campaign=summer&utm_source=mail',
      referrer: 'https://search.example/',
      title: 'Mugs',
      locale: 'en-GB',
      secure: true,
    }),
    ...changes,
  };
  return tab;
}

/** All events that reached the server, in order. */
export const sentEvents = (tab) => tab.requests.filter(({ url }) => url.endsWith('/v1/batch')).flatMap(({ body }) => body.batch);

/** Options for a client in this tab. */
export const optionsFor = (tab, more = {}) => ({
  host: 'https://mercer.example',
  key: 'write-key',
  consent: 'granted',
  surroundings: tab.around,
  ...more,
});
