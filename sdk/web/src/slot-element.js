/**
 * `<mercer-slot>`: a place on the page that Mercer fills.
 *
 * Invariant: a visitor sees one thing in it per navigation, the decided items or the default, and never one
 * replaced by the other; the height that was reserved stays. It sends no request; `page-call.js` does, for all slots.
 */

/** @import { Mercer, PlacementDecision } from './types.js' */
/** @import { PageCall } from './page-call.js' */
/** @import { Seen } from './seen.js' */

import { make } from './built-in-tile.js';
import { closeReasons } from './tile.js';
import { focusIn, makeTile, productOf, statusLine, TILE, toggleReasons } from './tiles.js';

/**
 * What the slots of a page share.
 * @typedef {object} SlotPage
 * @property {Pick<Mercer, 'track' | 'flush' | 'consent'>} mercer
 * @property {PageCall} call
 * @property {Seen} seen
 * @property {IntersectionObserver | undefined} near
 * @property {SlotTexts} texts
 * @property {() => string} locale
 */

/** @typedef {{ why: string, dismiss: string, removed: string }} SlotTexts */

// On a server there is no HTMLElement; the module must still load there.
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? Object);

let lastId = 0;

export class SlotElement extends Base {
  /** Set by `defineSlots`. @type {SlotPage} */
  static page;

  static observedAttributes = ['height'];

  /** @type {'new' | 'waiting' | 'default' | 'decided'} */
  #state = 'new';
  #decisionId = '';
  /** Tiles that are fading out. @type {WeakSet<Element>} */
  #leaving = new WeakSet();
  /** @type {HTMLElement | null} */
  #status = null;
  /** @type {HTMLSlotElement | null} */
  #defaultSlot = null;

  get page() {
    return /** @type {typeof SlotElement} */ (this.constructor).page;
  }

  get placement() {
    return this.getAttribute('placement') ?? '';
  }

  connectedCallback() {
    this.#build();
    if (this.#state === 'default') return;
    if (this.#state === 'decided') return this.#watchTiles();
    if (this.hasAttribute('decision-id')) return this.#adopt();
    if (this.#state === 'new' && defaultIsSeen(this)) return this.showDefault('seen');
    this.#wait();
  }

  disconnectedCallback() {
    const { call, near, seen } = this.page;
    call.leave(this);
    near?.unobserve(this);
    for (const tile of this.querySelectorAll(TILE)) seen.unwatch(tile);
  }

  attributeChangedCallback() {
    const height = this.getAttribute('height');
    if (height) this.style.minHeight = /^\d+$/.test(height) ? `${height}px` : height;
  }

  /** The next navigation of a page that does not reload: ask again, whatever is shown. */
  navigate() {
    this.disconnectedCallback();
    if (!this.hasAttribute('decision-id')) this.#wait();
  }

  /** @param {PlacementDecision | undefined} decision */
  receive(decision) {
    if (this.#state !== 'waiting') return;
    if (!decision?.items.length) return this.showDefault('empty');
    this.#decisionId = decision.decision_id;
    this.append(this.#render(decision));
    this.#enter('decided');
    this.#watchTiles();
    this.#announce('mercer-decided', decision);
  }

  /** @param {'late' | 'failed' | 'empty' | 'seen'} reason */
  showDefault(reason) {
    this.#enter('default');
    this.#announce('mercer-default', { reason });
  }

  #build() {
    if (this.#defaultSlot) return;
    const shadow = this.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(':host{display:block}:host([hidden]),[hidden]{display:none}');
    shadow.adoptedStyleSheets = [sheet];
    this.#defaultSlot = document.createElement('slot');
    const decided = document.createElement('slot');
    decided.name = 'decided';
    shadow.append(this.#defaultSlot, decided);
    this.addEventListener('click', (event) => this.#clicked(event));
    this.addEventListener('auxclick', (event) => this.#clicked(event));
  }

  #wait() {
    const { call, near } = this.page;
    this.querySelector(':scope > [slot=decided]')?.remove();
    this.#enter('waiting');
    call.join(this);
    if (near && this.getAttribute('loading') !== 'eager') near.observe(this);
    else call.ask();
  }

  /** The server has rendered the tiles already. */
  #adopt() {
    this.#decisionId = this.getAttribute('decision-id') ?? '';
    this.#status = this.appendChild(statusLine());
    for (const tile of this.querySelectorAll(TILE)) closeReasons(tile);
    this.#enter('decided');
    this.#watchTiles();
  }

  /** @param {'waiting' | 'default' | 'decided'} state */
  #enter(state) {
    const { call, near } = this.page;
    this.#state = state;
    this.setAttribute('state', state);
    this.toggleAttribute('aria-busy', false);
    if (state === 'waiting') this.setAttribute('aria-busy', 'true');
    const rendered = this.querySelector(':scope > [slot=decided]');
    if (this.#defaultSlot) this.#defaultSlot.hidden = state === 'waiting' || rendered !== null;
    if (state === 'waiting') return;
    call.leave(this);
    near?.unobserve(this);
  }

  /** @param {PlacementDecision} decision */
  #render({ title, items }) {
    const level = this.getAttribute('heading') ?? '2';
    const id = `mercer-slot-${++lastId}`;
    const how = { texts: this.page.texts, locale: this.page.locale() };
    const list = make('ul', { class: 'mercer-list', role: 'list' }, ...items.map((item) => makeTile(this, item, how)));
    this.#status = statusLine();
    const box = make('div', { class: 'mercer-decided', slot: 'decided' }, list, this.#status);
    if (title && /^[2-6]$/.test(level)) {
      const heading = make(`h${level}`, { class: 'mercer-heading', id });
      heading.textContent = title;
      box.prepend(heading);
      list.setAttribute('aria-labelledby', id);
    } else if (title) {
      list.setAttribute('aria-label', title);
    }
    return box;
  }

  #watchTiles() {
    const decision = this.#decisionId;
    /** @param {string[]} products */
    const report = (products) => this.#tell('Recommendation Viewed', { product_ids: products });
    for (const tile of this.querySelectorAll(TILE)) {
      this.page.seen.watch(tile, { decision, product: productOf(tile), report });
    }
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    const tile = /** @type {HTMLElement | null} */ (target.closest(TILE));
    if (!tile || this.#state !== 'decided' || event.button > 1) return;
    const button = /** @type {HTMLButtonElement | null} */ (target.closest('[data-mercer-why], [data-mercer-dismiss]'));
    if (button?.hasAttribute('data-mercer-why')) return toggleReasons(event, tile, button);
    if (button) return this.#dismiss(event, tile, button);
    if (!target.closest('a[href], [data-mercer-click]')) return;
    this.page.seen.now(tile);
    const product = productOf(tile);
    const position = [...this.querySelectorAll(TILE)].indexOf(tile) + 1;
    this.#tell('Recommendation Clicked', { product_id: product, product_ids: [product], position });
  }

  /**
   * @param {Event} event
   * @param {HTMLElement} tile
   * @param {HTMLButtonElement} button
   */
  async #dismiss(event, tile, button) {
    // Where nothing may be recorded, a server-rendered page's own form still obeys.
    if (button.form && !this.page.mercer.consent.get().analytics) return;
    event.preventDefault();
    if (this.#leaving.has(tile)) return;
    this.#leaving.add(tile);
    this.#tell('Product Dismissed', { product_id: productOf(tile) });
    void this.page.mercer.flush();
    this.page.seen.unwatch(tile);
    this.style.minHeight = `${this.offsetHeight}px`;
    const hadFocus = tile.contains(document.activeElement);
    await fade(tile);
    const next = neighbour(tile);
    const list = tile.parentElement;
    tile.remove();
    if (hadFocus) focusIn(next ?? list);
    const title = tile.dataset.mercerTitle || tile.getAttribute('aria-label') || '';
    if (this.#status) this.#status.textContent = this.page.texts.removed.replace('{title}', title);
    this.#announce('mercer-dismissed', { product_id: productOf(tile) });
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} properties
   */
  #tell(name, properties) {
    this.page.mercer.track(name, { decision_id: this.#decisionId, placement: this.placement, ...properties });
  }

  /**
   * @param {string} name
   * @param {unknown} detail
   */
  #announce(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
  }
}

/**
 * The visitor has the default before the eyes already: replacing it now would flicker.
 * @param {HTMLElement} slot
 */
function defaultIsSeen(slot) {
  if (!performance.getEntriesByType('paint').length) return false;
  const content = [...slot.children].some((child) => child.localName !== 'template') || slot.textContent?.trim();
  if (!content || getComputedStyle(slot).visibility === 'hidden') return false;
  const { top, bottom, height } = slot.getBoundingClientRect();
  return height > 0 && bottom > 0 && top < innerHeight;
}

/** @param {Element} tile */
async function fade(tile) {
  const still = globalThis.matchMedia?.('(prefers-reduced-motion: reduce)').matches ?? true;
  if (!still) await tile.animate?.({ opacity: [1, 0] }, { duration: 150 }).finished.catch(() => {});
}

/** @param {Element} tile */
function neighbour(tile) {
  const { nextElementSibling: next, previousElementSibling: previous } = tile;
  return [next, previous].find((one) => one?.matches(TILE)) ?? null;
}
