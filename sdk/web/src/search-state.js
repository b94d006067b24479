/**
 * What a page's address says about a search, and the address that says it.
 *
 * Invariant: reading what was written gives the same state; parameters of others stay as they are. An address can be
 * made by anybody, so what the server would refuse is left out.
 */

/** @import { Refinement, SearchRequest, SearchSort } from './types.js' */

/**
 * @typedef {object} SearchState
 * @property {string} q
 * @property {string} category
 * @property {Refinement[]} refine
 * @property {string[]} ignore
 * @property {SearchSort} sort
 * @property {number} page How many pages are shown, one below the other.
 */

/** @type {SearchSort[]} */
export const SORTS = ['relevance', 'popular', 'newest', 'price_up', 'price_down'];

/** `ignore` with this id means: look for the words as they were typed. */
export const CORRECTED = 'corrected';

/** Before a field's name: what a rule of the shop chose in it. */
export const PRESET = 'preset:';

const REFINE = 'refine.';
const LONGEST_TEXT = 1_000;
const LONGEST_FIELD = 200;
const MOST_LISTED = 16;
const MOST_CHOSEN = 50;
const MOST_PAGES = 50;

/**
 * @param {string} search The part of an address after the question mark.
 * @param {string} name The parameter with the words.
 * @returns {SearchState}
 */
export function readState(search, name) {
  const params = new URLSearchParams(search);
  /** @param {string} key */
  const text = (key) => (params.get(key) ?? '').trim().slice(0, LONGEST_TEXT);
  /** @type {Map<string, Set<string>>} */
  const chosen = new Map();
  for (const [key, value] of params) {
    const field = key.startsWith(REFINE) ? key.slice(REFINE.length) : '';
    if (!field || !value || field.length > LONGEST_FIELD || value.length > LONGEST_TEXT) continue;
    chosen.set(field, (chosen.get(field) ?? new Set()).add(value));
  }
  const refine = [...chosen].slice(0, MOST_LISTED).map(([field, values]) => ({ field, values: [...values].slice(0, MOST_CHOSEN) }));
  const ignore = [...new Set(params.getAll('ignore'))].filter((id) => id && id.length <= LONGEST_TEXT).slice(0, MOST_LISTED);
  const sort = SORTS.find((one) => one === params.get('sort')) ?? 'relevance';
  const page = Math.min(Math.max(Math.trunc(Number(params.get('page'))) || 1, 1), MOST_PAGES);
  return { q: text(name), category: text('category'), refine, ignore, sort, page };
}

/**
 * @param {SearchState} state
 * @param {string} search The present one, for the parameters of others.
 * @param {string} name
 */
export function writeState(state, search, name) {
  const params = new URLSearchParams();
  if (state.q) params.set(name, state.q);
  if (state.category) params.set('category', state.category);
  for (const { field, values } of state.refine) for (const value of values) params.append(REFINE + field, value);
  for (const id of state.ignore) params.append('ignore', id);
  if (state.sort !== 'relevance') params.set('sort', state.sort);
  if (state.page > 1) params.set('page', String(state.page));
  const ours = [name, 'category', 'ignore', 'sort', 'page'];
  for (const [key, value] of new URLSearchParams(search)) {
    if (!ours.includes(key) && !key.startsWith(REFINE)) params.append(key, value);
  }
  return String(params) && `?${params}`;
}

/**
 * @param {SearchState} state
 * @param {string} field
 * @param {string} value
 * @param {boolean} isChosen
 * @returns {SearchState}
 */
export function choose(state, field, value, isChosen) {
  const before = state.refine.find((one) => one.field === field)?.values ?? [];
  const values = before.filter((one) => one !== value);
  if (isChosen) values.push(value);
  const isNew = !state.refine.some((one) => one.field === field);
  const all = isNew ? [...state.refine, { field, values }] : state.refine.map((one) => (one.field === field ? { field, values } : one));
  return { ...state, refine: all.filter((one) => one.values.length), page: 1 };
}

/**
 * What the visitor chooses in a facet in which the shop had chosen beforehand: from then on all of it is their choice.
 * @param {SearchState} state
 * @param {{ field: string, values: { value: string, is_chosen?: boolean }[] } | undefined} facet
 * @param {string} value
 * @param {boolean} isChosen
 * @returns {SearchState}
 */
export function chooseBeside(state, facet, value, isChosen) {
  const field = facet?.field ?? '';
  const preset = state.refine.some((one) => one.field === field) ? [] : (facet?.values ?? []).filter((one) => one.is_chosen).map((one) => one.value);
  if (!preset.length) return choose(state, field, value, isChosen);
  const values = preset.filter((one) => one !== value);
  if (isChosen) values.push(value);
  if (values.length) return { ...state, refine: [...state.refine, { field, values }], page: 1 };
  return { ...state, ignore: [...state.ignore, PRESET + field], page: 1 };
}

/**
 * @param {SearchState} state
 * @returns {SearchRequest}
 */
export function requestOf({ q, category, refine, ignore, sort }) {
  return {
    q: q || undefined,
    category: category || undefined,
    refine: refine.length ? refine : undefined,
    ignore: ignore.length ? ignore : undefined,
    sort: sort === 'relevance' ? undefined : sort,
  };
}
