/**
 * `<mercer-search-box>`: a shop's search form that suggests while one types.
 *
 * Invariant: without it, or when no suggestion comes, the form works as it did. The focus never leaves the input; the
 * list is a combobox's popup as WAI-ARIA describes it. It sends no request; `suggestions.js` does.
 */

/** @import { Mercer, SuggestAnswer } from './types.js' */
/** @import { Text } from './say.js' */
/** @import { Choice, Kind } from './suggestion-list.js' */

import { make } from './built-in-tile.js';
import { say } from './say.js';
import { drawSuggestions } from './suggestion-list.js';
import { openSuggestions } from './suggestions.js';
import { safeUrl } from './tile.js';
import { statusLine } from './tiles.js';

/**
 * @typedef {object} BoxTexts
 * @property {string} query
 * @property {string} recent
 * @property {string} popular
 * @property {string} category
 * @property {string} brand
 * @property {string} product
 * @property {string} list Names the list.
 * @property {Text} suggestions What is spoken when there are some.
 */

/**
 * What the search elements of a page share.
 * @typedef {object} BoxPage
 * @property {Pick<Mercer, 'suggest' | 'track' | 'on'>} mercer
 * @property {{ later: (work: () => void, delayMs: number) => () => void, now: () => number }} around
 * @property {BoxTexts} texts
 * @property {() => string} locale
 */

const FIELDS = ['title', 'price', 'image_url', 'url'];
const INPUT = 'input[type=search], input[type=text], input:not([type])';
const WAIT_MS = 120;
/** Pixels between the list and the edge of the view, and how little room is too little. */
const EDGE = 8;
const LEAST_ROOM = 160;
/** A second press of Enter before the next page is there is no second search. */
const SAME_SEARCH_MS = 2_000;

// On a server there is no HTMLElement; the module must still load there.
const Base = /** @type {typeof HTMLElement} */ (globalThis.HTMLElement ?? Object);

let lastId = 0;

export class SearchBoxElement extends Base {
  /** Set by `defineSearch`. @type {BoxPage} */
  static page;

  #id = `mercer-search-${++lastId}`;
  /** @type {HTMLInputElement | null} */
  #input = null;
  /** @type {HTMLFormElement | null} */
  #form = null;
  #list = make('div', { class: 'mercer-suggestions', role: 'listbox', id: this.#id });
  #status = statusLine();
  /** @type {Map<Element, Choice>} */
  #choices = new Map();
  /** @type {Element | null} */
  #active = null;
  /** @type {ReturnType<typeof openSuggestions> | undefined} */
  #suggestions;
  #told = { query: '', at: -Infinity };
  /** Where the shop wants who searches for just this text. */
  #elsewhere = { query: '', url: '' };

  get page() {
    return /** @type {typeof SearchBoxElement} */ (this.constructor).page;
  }

  connectedCallback() {
    document.addEventListener('mercer-answered', this.#follow);
    if (this.#input) return;
    const input = /** @type {HTMLInputElement | null} */ (this.querySelector(INPUT));
    if (!input?.form) return;
    this.#input = input;
    this.#form = input.form;
    this.#suggestions = openSuggestions(this.page.mercer, this.page.around.later);
    this.#build(input);
    this.#fillIn(input);
    this.#listen(input, input.form);
  }

  disconnectedCallback() {
    document.removeEventListener('mercer-answered', this.#follow);
    this.#close();
  }

  /** @param {HTMLInputElement} input */
  #build(input) {
    this.#list.hidden = true;
    this.#list.setAttribute('aria-label', this.page.texts.list);
    const combobox = { role: 'combobox', 'aria-autocomplete': 'list', 'aria-haspopup': 'listbox', 'aria-expanded': 'false', 'aria-controls': this.#id };
    for (const [name, value] of Object.entries({ ...combobox, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' })) {
      input.setAttribute(name, value);
    }
    this.append(this.#list, this.#status);
  }

  /**
   * On the page of the results the words are in the address, also where no server writes them into the form.
   * @param {HTMLInputElement} input
   */
  #fillIn(input) {
    if (input.value || document.activeElement === input) return;
    if (new URL(this.#formUrl('', {})).pathname === location.pathname) {
      input.value = new URLSearchParams(location.search).get(input.name || 'q') ?? '';
    }
  }

  /**
   * @param {HTMLInputElement} input
   * @param {HTMLFormElement} form
   */
  #listen(input, form) {
    input.addEventListener('input', () => this.#ask(this.#waitMs));
    // A focus that the page itself set at its start opens nothing over the page.
    input.addEventListener('focus', () => !input.value.trim() && this.#ask(0));
    input.addEventListener('pointerdown', () => document.activeElement === input && !this.#isOpen && this.#ask(0));
    input.addEventListener('keydown', (event) => this.#pressed(event));
    this.addEventListener('focusout', (event) => {
      if (!this.contains(/** @type {Node | null} */ (event.relatedTarget))) this.#close();
    });
    // The focus stays in the input, so that a phone's keyboard stays and the list does not close under the finger.
    this.#list.addEventListener('mousedown', (event) => event.preventDefault());
    this.#list.addEventListener('click', (event) => this.#clicked(event));
    form.addEventListener('submit', (event) => this.#submitted(event));
  }

  get #isOpen() {
    return !this.#list.hidden;
  }

  get #waitMs() {
    const said = Number(this.getAttribute('wait') ?? WAIT_MS);
    return said >= 0 ? said : WAIT_MS;
  }

  get #typed() {
    return (this.#input?.value ?? '').trim().replace(/\s+/g, ' ');
  }

  /** @param {number} waitMs */
  #ask(waitMs) {
    const typed = this.#typed;
    const count = (/** @type {string} */ name) => (this.hasAttribute(name) ? Number(this.getAttribute(name)) || 0 : undefined);
    const request = { q: typed, queries: count('queries'), places: count('places'), products: count('products'), fields: FIELDS };
    this.#suggestions?.ask(request, waitMs, (answer) => this.#receive(typed, answer));
  }

  /**
   * @param {string} typed
   * @param {SuggestAnswer | null} answer
   */
  #receive(typed, answer) {
    if (answer) this.#elsewhere = { query: typed, url: safeUrl(answer.redirect, document.baseURI) ?? '' };
    if (!answer || document.activeElement !== this.#input) return this.#close();
    const { texts, locale } = this.page;
    const { groups, choices } = drawSuggestions(answer, {
      id: this.#id,
      typed,
      locale: locale(),
      labels: texts,
      url: (kind, value, label, own) => this.#url(kind, value, label, own),
    });
    if (!choices.size) return this.#close();
    this.#choices = choices;
    this.#list.replaceChildren(...groups);
    this.#list.hidden = false;
    this.#list.scrollTop = 0;
    this.#fit();
    this.#input?.setAttribute('aria-expanded', 'true');
    this.#activate(null);
    this.#status.textContent = say(texts.suggestions, { count: choices.size }, locale());
  }

  /** Above a phone's keyboard: that takes room of the view which no stylesheet knows. */
  #fit() {
    const height = globalThis.visualViewport?.height ?? globalThis.innerHeight;
    const room = Math.floor(height - this.#list.getBoundingClientRect().top - EDGE);
    if (room >= LEAST_ROOM) this.#list.style.setProperty('--_room', `${room}px`);
    else this.#list.style.removeProperty('--_room');
  }

  #close() {
    this.#suggestions?.stop();
    this.#activate(null);
    this.#list.hidden = true;
    this.#input?.setAttribute('aria-expanded', 'false');
    this.#status.textContent = '';
  }

  /** @param {Element | null | undefined} option */
  #activate(option) {
    this.#active?.setAttribute('aria-selected', 'false');
    this.#active = option ?? null;
    if (!option) return this.#input?.removeAttribute('aria-activedescendant');
    option.setAttribute('aria-selected', 'true');
    this.#input?.setAttribute('aria-activedescendant', option.id);
    option.scrollIntoView?.({ block: 'nearest' });
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    // While an input method composes, the keys are its own.
    if (event.isComposing) return;
    const { key, altKey } = event;
    if (key === 'ArrowDown' || key === 'ArrowUp') return this.#arrow(event, key === 'ArrowDown' ? 1 : -1, altKey);
    if (!this.#isOpen) return;
    const options = [...this.#choices.keys()];
    if (this.#active && (key === 'Home' || key === 'End')) {
      event.preventDefault();
      this.#activate(options.at(key === 'Home' ? 0 : -1));
    } else if (this.#active && (key === 'ArrowLeft' || key === 'ArrowRight')) {
      this.#activate(null);
    } else if (key === 'Enter' && this.#active) {
      event.preventDefault();
      const { ctrlKey, metaKey, shiftKey } = event;
      this.#active.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, ctrlKey, metaKey, shiftKey }));
    } else if (key === 'Escape') {
      event.preventDefault();
      this.#close();
    } else if (key === 'Tab') {
      this.#close();
    }
  }

  /**
   * @param {KeyboardEvent} event
   * @param {1 | -1} step
   * @param {boolean} isAlt Opens or closes, and moves nothing.
   */
  #arrow(event, step, isAlt) {
    event.preventDefault();
    if (isAlt && this.#isOpen && step < 0) return this.#close();
    if (!this.#isOpen) return this.#ask(0);
    if (isAlt) return;
    // Between the last option and the first the input itself has its turn.
    const stops = [null, ...this.#choices.keys()];
    const next = (stops.indexOf(this.#active) + step + stops.length) % stops.length;
    this.#activate(stops[next]);
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const option = /** @type {Element} */ (event.target).closest('[role=option]');
    const choice = option && this.#choices.get(option);
    if (!option || !choice) return;
    const detail = { kind: choice.kind, value: choice.value, label: choice.label, url: option.getAttribute('href') };
    const chosen = new CustomEvent('mercer-suggestion-chosen', { bubbles: true, composed: true, cancelable: true, detail });
    // In another tab or window the browser goes by itself, and this page stays.
    const isElsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
    if (!this.dispatchEvent(chosen) || (choice.kind === 'query' && !isElsewhere)) event.preventDefault();
    if (isElsewhere) return;
    this.#close();
    if (choice.kind !== 'query' || chosen.defaultPrevented || !this.#input) return;
    this.#input.value = choice.value;
    this.#form?.requestSubmit();
  }

  /** @param {Event} event */
  #submitted(event) {
    this.#close();
    const query = this.#typed;
    const { query: known, url } = this.#elsewhere;
    if (url && query === known && !event.defaultPrevented) {
      event.preventDefault();
      location.assign(url);
    }
    const now = this.page.around.now();
    if (!query || (query === this.#told.query && now - this.#told.at < SAME_SEARCH_MS)) return;
    this.#told = { query, at: now };
    if (!this.hasAttribute('silent')) this.page.mercer.track('Products Searched', { query });
  }

  /** The results on this page answer other words now: by "back", or because a word was left out. */
  #follow = (/** @type {Event} */ event) => {
    const text = /** @type {CustomEvent} */ (event).detail?.query?.text;
    if (typeof text === 'string' && this.#input && document.activeElement !== this.#input) this.#input.value = text;
  };

  /**
   * Where a choice leads: the product's own address, the shop's template, else the form with other values.
   * @param {Kind} kind
   * @param {string} value
   * @param {string} label
   * @param {unknown} [own]
   */
  #url(kind, value, label, own) {
    if (typeof own === 'string' && own) return own;
    const template = kind === 'query' ? null : this.getAttribute(`${kind}-href`);
    if (template) {
      /** @type {Record<string, string>} */
      const values = { value, id: value, label };
      return template.replace(/\{(value|id|label)\}/g, (_, name) => encodeURIComponent(values[name]));
    }
    if (kind === 'category') return this.#formUrl('', { category: value });
    if (kind === 'brand') return this.#formUrl('', { 'refine.brand': value });
    return this.#formUrl(label, {});
  }

  /**
   * What submitting would ask for.
   * @param {string} query
   * @param {Record<string, string>} more
   */
  #formUrl(query, more) {
    const form = /** @type {HTMLFormElement} */ (this.#form);
    // By the attribute: a field that is called `action` would stand in the property's way.
    const url = new URL(form.getAttribute('action') || location.href, document.baseURI);
    const values = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (typeof value === 'string' && name !== this.#input?.name) values.append(name, value);
    }
    if (query) values.set(this.#input?.name || 'q', query);
    for (const [name, value] of Object.entries(more)) values.set(name, value);
    url.search = String(values);
    url.hash = '';
    return url.href;
  }
}
