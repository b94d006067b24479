/**
 * `<mercer-search-results>`: the products for what the page's address asks, and ways to narrow them down.
 *
 * Invariant: the address is the truth. Whatever a visitor chooses becomes an address first and is shown after; "back"
 * shows what was there. It sends no request; `found.js` does. Where the shop sends a search elsewhere, this page is no
 * step to go back to.
 */

/** @import { Facet, Mercer, SearchAnswer, SearchSort } from './types.js' */
/** @import { Found } from './found.js' */
/** @import { Seen } from './seen.js' */
/** @import { Around } from './search-parts.js' */
/** @import { SearchState } from './search-state.js' */
/** @import { Text } from './say.js' */

import { make } from './built-in-tile.js';
import { openFound } from './found.js';
import { say } from './say.js';
import { build } from './search-frame.js';
import { drawBanners, drawChips, drawFacets, drawUnderstood, drawWays, inOrder } from './search-parts.js';
import { chooseBeside, readState, requestOf, writeState } from './search-state.js';
import { attempt } from './surroundings.js';
import { closeReasons, safeUrl } from './tile.js';
import { focus, focusIn, makeTile, productOf, TILE, toggleReasons } from './tiles.js';

/**
 * @typedef {object} ResultsPage
 * @property {Pick<Mercer, 'search' | 'track' | 'on'>} mercer
 * @property {{ later: (work: () => void, delayMs: number) => () => void, listen: (type: string, listener: (event: Event) => void) => () => void }} around
 * @property {Seen} seen
 * @property {Record<string, Text> & { why: string }} resultsTexts
 * @property {() => string} locale
 * @property {string[]} [fields]
 */

const PAGE_SIZE = 24;
const LARGEST_PAGE = 200;
/** An answer that is there sooner needs no sign that it is awaited. */
const BUSY_MS = 300;
const WIDE = '(min-width: 48rem)';
const KEY = 'data-mercer-key';

// On a server there is no HTMLElement; the module must still load there.
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? Object);

let lastId = 0;

export class SearchResultsElement extends Base {
  /** Set by `defineSearch`. @type {ResultsPage} */
  static page;

  #id = `mercer-results-${++lastId}`;
  /** @type {ReturnType<typeof build> | null} */
  #parts = null;
  /** @type {ReturnType<typeof openFound> | undefined} */
  #found;
  /** @type {Found | null} */
  #shown = null;
  /** @type {SearchState} */
  #state = readState('', 'q');
  #path = '';
  #search = '';
  /** The order of facets for these words. */
  #order = { q: '', fields: /** @type {string[]} */ ([]) };
  /** Every facet that was ever answered: a chosen value keeps its label when its facet is gone. @type {Map<string, Facet>} */
  #facets = new Map();
  /** @type {WeakMap<Element, SearchState>} */
  #leads = new WeakMap();
  /** @type {WeakMap<Element, string>} */
  #decisions = new WeakMap();
  /** @type {(() => void)[]} */
  #unlisten = [];
  #cancelBusy = () => {};

  get page() {
    return /** @type {typeof SearchResultsElement} */ (this.constructor).page;
  }

  connectedCallback() {
    const { around, mercer } = this.page;
    this.#path = location.pathname;
    this.#unlisten = [
      around.listen('popstate', () => location.pathname === this.#path && location.search !== this.#search && this.#return()),
      around.listen('pagehide', () => this.#rememberPlace()),
    ];
    if (this.#parts) return this.#watchTiles(this.querySelectorAll(TILE));
    this.#found = openFound(mercer);
    this.addEventListener('click', (event) => this.#clicked(event));
    this.addEventListener('auxclick', (event) => this.#clicked(event));
    if (this.hasAttribute('data-answered')) return this.#adopt();
    this.#return();
  }

  disconnectedCallback() {
    for (const stop of this.#unlisten) stop();
    this.#found?.stop();
    this.#cancelBusy();
    for (const tile of this.querySelectorAll(TILE)) this.page.seen.unwatch(tile);
  }

  /** Reads the address again: for pages that change it themselves. */
  refresh() {
    this.#read();
    void this.#load();
  }

  /** This step was there before, perhaps: then the visitor stands where they stood. */
  #return() {
    this.#read();
    void this.#load(history.state?.mercerPlace);
  }

  // ---- The address

  get #name() {
    return this.getAttribute('query-name') ?? 'q';
  }

  get #size() {
    return Math.min(Math.max(Math.trunc(Number(this.getAttribute('limit'))) || PAGE_SIZE, 1), LARGEST_PAGE);
  }

  get #request() {
    const category = this.getAttribute('category') ?? undefined;
    const own = { filter: this.getAttribute('filter') ?? undefined, fields: this.page.fields };
    return { ...requestOf(this.#state), ...(category && { category }), ...own };
  }

  #read() {
    this.#search = location.search;
    this.#state = readState(location.search, this.#name);
  }

  /**
   * @param {SearchState} state
   * @param {boolean} [isSamePlace] More of the same: no step to go back to.
   */
  #write(state, isSamePlace) {
    const url = `${location.pathname}${writeState(state, location.search, this.#name)}`;
    if (isSamePlace) history.replaceState(history.state, '', url);
    else {
      this.#rememberPlace();
      history.pushState(null, '', url);
    }
    this.#read();
  }

  /** @param {SearchState} state */
  #go(state) {
    this.#write(state);
    void this.#load();
  }

  /** So that a visitor who comes back by "back" stands where they stood. */
  #rememberPlace() {
    const place = Math.round(globalThis.scrollY ?? 0);
    attempt(() => history.replaceState({ ...history.state, mercerPlace: place }, ''), undefined);
  }

  // ---- Asking

  /** @param {number} [place] Where to scroll to when the answer is there. */
  async #load(place = 0) {
    const found = /** @type {ReturnType<typeof openFound>} */ (this.#found);
    const request = this.#request;
    const count = this.#state.page * this.#size;
    const known = found.known(request, count);
    if (known) {
      found.stop();
      return this.#show(known);
    }
    this.#wait();
    const isMoved = this.#watchHands();
    const facets = this.hasAttribute('facets') ? Number(this.getAttribute('facets')) || 0 : undefined;
    /** @type {Found | null} */
    let answer;
    try {
      answer = await found.fetch(request, count, facets);
    } catch (error) {
      isMoved();
      return this.#fail(error, () => void this.#load());
    }
    if (!answer) return void isMoved();
    this.#show(answer);
    if (place > 0 && !isMoved()) scrollTo({ top: place, behavior: 'instant' });
  }

  /** Whoever scrolls by now is not moved about. */
  #watchHands() {
    let isMoved = false;
    const stops = ['wheel', 'touchmove', 'keydown', 'pointerdown'].map((type) => this.page.around.listen(type, () => (isMoved = true)));
    return () => {
      for (const stop of stops) stop();
      return isMoved;
    };
  }

  async #more() {
    const parts = this.#draw();
    const before = parts.list.children.length;
    // While it waits the button keeps its place and the focus; a second press asks for nothing more.
    if (parts.more.getAttribute('aria-disabled') === 'true') return;
    parts.more.setAttribute('aria-disabled', 'true');
    const { page } = this.#state;
    try {
      const request = this.#request;
      const answer = await this.#found?.fetch(request, (page + 1) * this.#size, undefined);
      if (!answer) return;
      this.#write({ ...this.#state, page: page + 1 }, true);
      this.#show(answer);
      focusIn(parts.list.children[before]);
    } catch (error) {
      this.#fail(error, () => void this.#more(), true);
    } finally {
      parts.more.removeAttribute('aria-disabled');
    }
  }

  #wait() {
    const { alert, box, content, list, main, skeletons } = this.#draw();
    const focused = this.#focusedKey();
    this.#cancelBusy();
    // What was chosen or taken away shows at once, before its products do.
    if (this.#shown?.first.query.text === this.#state.q && focused?.match(/^(chip|refine)/)) {
      this.#showChips(this.#shown.first, this.#around());
      if (focused.startsWith('chip')) this.#refocus(focused);
    }
    alert.hidden = true;
    this.setAttribute('aria-busy', 'true');
    if (this.getAttribute('state') !== 'answered') this.setAttribute('state', 'waiting');
    this.#cancelBusy = this.page.around.later(() => {
      this.toggleAttribute('data-slow', true);
      skeletons.hidden = list.children.length > 0;
      (content.hidden ? box : main).prepend(skeletons);
    }, BUSY_MS);
  }

  #rest() {
    this.#cancelBusy();
    this.removeAttribute('aria-busy');
    this.removeAttribute('data-slow');
    this.#draw().skeletons.hidden = true;
  }

  /**
   * @param {unknown} error
   * @param {() => void} again
   * @param {boolean} [isMore] What is there stays.
   */
  #fail(error, again, isMore) {
    const { alert, box, content, list, main, status, shown, more, ways } = this.#draw();
    const texts = this.page.resultsTexts;
    this.#rest();
    if (!isMore) {
      this.#shown = null;
      this.setAttribute('state', 'failed');
      for (const part of [list, ways]) part.replaceChildren();
      for (const part of [status, shown]) part.textContent = '';
      more.hidden = true;
    }
    const button = make('button', { type: 'button', class: 'mercer-retry' }, say(texts.retry));
    button.addEventListener('click', () => {
      alert.hidden = true;
      if (!content.hidden) focus(isMore ? more : status);
      again();
    });
    (content.hidden ? box : main).append(alert);
    alert.replaceChildren(make('p', {}, say(texts.failed)), button);
    alert.hidden = false;
    this.dispatchEvent(new CustomEvent('mercer-failed', { bubbles: true, composed: true, detail: { error } }));
  }

  // ---- Showing

  /** The server has answered already: by its data, or by finished tiles. */
  #adopt() {
    this.#read();
    const data = this.querySelector('script[type="application/json"]')?.textContent;
    /** @type {SearchAnswer | undefined} */
    const answer = attempt(() => JSON.parse(data ?? ''), undefined);
    const found = answer && Array.isArray(answer.items) && this.#found?.learn(this.#request, answer);
    if (found) return this.#show(found);
    const decision = this.getAttribute('data-answered') || this.getAttribute('decision-id') || '';
    const tiles = this.querySelectorAll(TILE);
    for (const tile of tiles) {
      this.#decisions.set(tile, decision);
      closeReasons(tile);
    }
    this.setAttribute('state', 'answered');
    this.#watchTiles(tiles);
  }

  /** The parts of the element; drawn when they are first needed. */
  #draw() {
    if (this.#parts) return this.#parts;
    const parts = build(this.#id, this.page.resultsTexts);
    this.#parts = parts;
    this.append(parts.box);
    parts.sort.addEventListener('change', (event) => {
      const sort = /** @type {SearchSort} */ (/** @type {HTMLSelectElement} */ (event.target).value);
      this.#go({ ...this.#state, sort, page: 1 });
    });
    parts.form.addEventListener('submit', (event) => event.preventDefault());
    parts.form.addEventListener('change', (event) => {
      const { name, value, checked } = /** @type {HTMLInputElement} */ (event.target);
      const field = name.slice('refine.'.length);
      this.#go(chooseBeside(this.#state, this.#facets.get(field) ?? { field, values: [] }, value, checked));
    });
    parts.more.addEventListener('click', (event) => {
      if (isPlain(event)) {
        event.preventDefault();
        void this.#more();
      }
    });
    parts.done.addEventListener('click', () => {
      parts.filters.removeAttribute('open');
      focus(parts.status);
      this.scrollIntoView?.({ block: 'start', behavior: 'instant' });
    });
    const wide = globalThis.matchMedia?.(WIDE);
    const fit = () => parts.filters.toggleAttribute('open', wide?.matches ?? true);
    wide?.addEventListener?.('change', fit);
    fit();
    return parts;
  }

  /** @param {Found} found */
  #show(found) {
    const parts = this.#draw();
    const { first, listed, next } = found;
    if (this.#follow(first)) return;
    const focused = this.#focusedKey();
    parts.content.hidden = false;
    const isMore = this.#shown?.first === first && this.#shown.listed.length <= listed.length;
    this.#rest();
    parts.alert.hidden = true;
    // What stood inside for those without scripts has had its time.
    for (const child of [...this.children]) if (child !== parts.box && child.localName !== 'template') child.remove();
    const around = this.#around();
    if (!isMore) this.#showAround(first, around);
    this.#showTiles(found, isMore);
    this.#shown = found;
    const more = writeState({ ...this.#state, page: this.#state.page + 1 }, location.search, this.#name);
    parts.more.setAttribute('href', location.pathname + more);
    parts.more.hidden = !next;
    const shown = say(around.texts.shown, { shown: listed.length, count: first.total }, around.locale);
    parts.shown.textContent = next ? shown : '';
    if (isMore) parts.spoken.textContent = shown;
    this.setAttribute('state', 'answered');
    if (!isMore) this.#refocus(focused);
    this.dispatchEvent(new CustomEvent('mercer-answered', { bubbles: true, composed: true, detail: first }));
  }

  /**
   * Goes where the shop wants who searches for this. Never to what would run, nor to where it is already.
   * @param {SearchAnswer} answer
   */
  #follow({ redirect }) {
    const url = safeUrl(redirect, document.baseURI);
    if (!url || url.split('#')[0] === location.href.split('#')[0]) return false;
    const event = new CustomEvent('mercer-redirect', { bubbles: true, composed: true, cancelable: true, detail: { url } });
    if (!this.dispatchEvent(event)) return false;
    location.replace(url);
    return true;
  }

  /** @returns {Around} */
  #around() {
    return {
      state: this.#state,
      texts: this.page.resultsTexts,
      locale: this.page.locale(),
      id: this.#id,
      ownCategory: this.getAttribute('category') ?? '',
      categoryHref: this.getAttribute('category-href'),
      link: (state, content, attributes) => {
        const href = `${location.pathname}${writeState(state, location.search, this.#name)}`;
        const element = make('a', { ...attributes, href }, ...content);
        this.#leads.set(element, state);
        return element;
      },
    };
  }

  /**
   * Everything but the products.
   * @param {SearchAnswer} answer
   * @param {Around} around
   */
  #showAround(answer, around) {
    const parts = this.#draw();
    const { texts, locale, state } = around;
    const facets = this.#ordered(answer.facets ?? []);
    for (const facet of facets) this.#facets.set(facet.field, facet);
    parts.banners.replaceChildren(...drawBanners(answer));
    parts.understood.replaceChildren(...drawUnderstood(answer, around));
    this.#showChips(answer, around);
    this.#showFacets(facets, around);
    parts.sort.value = state.sort;
    const text = answer.query.corrected ?? answer.query.text;
    const total = answer.total ? (text ? texts.total_for : texts.total) : text ? texts.none_for : texts.none;
    const said = say(total, { count: answer.total, text }, locale);
    parts.status.textContent = parts.spoken.textContent = said;
    parts.done.textContent = say(texts.done, { count: answer.total }, locale);
    parts.ways.replaceChildren(...drawWays(answer.ways_on ?? [], answer.query, around));
  }

  /**
   * @param {SearchAnswer} answer
   * @param {Around} around
   */
  #showChips(answer, around) {
    const parts = this.#draw();
    const chips = drawChips(answer, [...this.#facets.values()], around);
    parts.chips.replaceChildren(...chips);
    parts.chips.hidden = !chips.length;
  }

  /**
   * @param {Facet[]} facets
   * @param {Around} around
   */
  #showFacets(facets, around) {
    const { columns, form, name } = this.#draw();
    const isOpen = (/** @type {Element} */ details) => details.getAttribute('data-mercer-field');
    const open = new Set([...form.querySelectorAll('details[open]')].map(isOpen));
    form.replaceChildren(...drawFacets(facets, around));
    for (const details of form.querySelectorAll('details')) details.toggleAttribute('open', open.has(isOpen(details)));
    const chosen = around.state.refine.reduce((sum, { values }) => sum + values.length, 0);
    name.textContent = chosen ? say(around.texts.filters_chosen, { count: chosen }, around.locale) : say(around.texts.filters);
    columns.classList.toggle('mercer-without-filters', !facets.length);
  }

  /** @param {Facet[]} facets */
  #ordered(facets) {
    const { q } = this.#state;
    if (q !== this.#order.q) this.#order = { q, fields: [] };
    const all = inOrder(facets, this.#order.fields);
    this.#order.fields = [...new Set([...this.#order.fields, ...all.map(({ field }) => field)])];
    return all;
  }

  /**
   * @param {Found} found
   * @param {boolean} isMore
   */
  #showTiles({ listed }, isMore) {
    const { list } = this.#draw();
    const before = isMore ? list.querySelectorAll(TILE).length : 0;
    const how = { texts: { why: this.page.resultsTexts.why }, locale: this.page.locale() };
    const tiles = listed.slice(before).map(({ item, decision }) => {
      const tile = makeTile(this, item, how);
      // A search is asked anew each time: what is sent away belongs to slots.
      for (const button of tile.querySelectorAll('[data-mercer-dismiss]')) button.remove();
      this.#decisions.set(tile, decision);
      return tile;
    });
    if (!before) {
      for (const tile of list.querySelectorAll(TILE)) this.page.seen.unwatch(tile);
      list.replaceChildren();
    }
    list.append(...tiles);
    this.#watchTiles(tiles);
  }

  // ---- Focus

  #focusedKey() {
    const active = document.activeElement;
    if (!active || !this.contains(active)) return null;
    return active.getAttribute(KEY) ?? (active.closest(TILE) || active.matches('.mercer-way, .mercer-instead, .mercer-retry') ? '' : null);
  }

  /**
   * What had the focus may have been drawn anew, or be gone.
   * @param {string | null} key Null: the focus is elsewhere; empty: on something that no answer has again.
   */
  #refocus(key) {
    if (key === null) return;
    const { box, chips, status } = this.#draw();
    const same = key && [...box.querySelectorAll(`[${KEY}]`)].find((element) => element.getAttribute(KEY) === key);
    if (same && same === document.activeElement) return;
    if (same) return focus(same);
    focus(key.startsWith('chip') ? (chips.querySelector('a') ?? status) : status);
  }

  // ---- Impressions and clicks

  /** @param {Iterable<Element>} tiles */
  #watchTiles(tiles) {
    /** @type {Map<string, (products: string[]) => void>} */
    const reports = new Map();
    for (const tile of tiles) {
      const decision = this.#decisions.get(tile) ?? '';
      const report = reports.get(decision) ?? ((products) => this.#tell('Recommendation Viewed', decision, { product_ids: products }));
      reports.set(decision, report);
      this.page.seen.watch(tile, { decision, product: productOf(tile), report });
    }
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    if (event.button > 1) return;
    const target = /** @type {Element} */ (event.target);
    const link = target.closest('a');
    const state = link && this.#leads.get(link);
    if (state && isPlain(event)) {
      event.preventDefault();
      if (link.matches('.mercer-way')) this.scrollIntoView?.({ block: 'start', behavior: 'instant' });
      return this.#go(state);
    }
    const tile = target.closest(TILE);
    if (!tile) return;
    const button = target.closest('[data-mercer-why]');
    if (button) return toggleReasons(event, tile, button);
    if (!target.closest('a[href], [data-mercer-click]')) return;
    this.page.seen.now(tile);
    this.#rememberPlace();
    const product = productOf(tile);
    const position = [...this.querySelectorAll(TILE)].indexOf(tile) + 1;
    this.#tell('Recommendation Clicked', this.#decisions.get(tile) ?? '', { product_id: product, product_ids: [product], position });
  }

  /**
   * @param {string} name
   * @param {string} decision
   * @param {Record<string, unknown>} properties
   */
  #tell(name, decision, properties) {
    if (decision) this.page.mercer.track(name, { decision_id: decision, ...properties });
  }
}

/** No other tab, no other window. @param {MouseEvent} event */
function isPlain({ button, ctrlKey, metaKey, shiftKey, altKey }) {
  return !button && !ctrlKey && !metaKey && !shiftKey && !altKey;
}
