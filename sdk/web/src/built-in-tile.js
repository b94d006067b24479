/**
 * The tile of a slot without a template: picture, title, price, and the buttons.
 *
 * Invariant: it uses the same `data-mercer-*` attributes as a shop's template, so there is one way to fill both.
 */

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
export function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @param {{ why: string, dismiss?: string }} texts Without `dismiss` there is no button for it. */
export function builtInTile({ why, dismiss }) {
  const picture = make('img', { class: 'mercer-image', 'data-mercer-src': 'image_url', alt: '', loading: 'lazy' });
  const title = make('span', { class: 'mercer-title', 'data-mercer-text': 'title' });
  const price = make('span', { class: 'mercer-price', 'data-mercer-text': 'price' });
  const actions = make('div', { class: 'mercer-actions' }, make('button', { type: 'button', 'data-mercer-why': '' }, why));
  if (dismiss) actions.append(make('button', { type: 'button', 'data-mercer-dismiss': '' }, dismiss));
  const fragment = document.createDocumentFragment();
  fragment.append(make('a', { class: 'mercer-link', 'data-mercer-href': 'url' }, picture, title, price), actions);
  return fragment;
}
