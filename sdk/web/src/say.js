/**
 * Puts values into the texts that a person reads.
 *
 * Invariant: the shop can say everything in its own language, with that language's plurals.
 */

import { attempt } from './surroundings.js';

/** @typedef {string | Partial<Record<Intl.LDMLPluralRule, string>>} Text In it, `{name}` stands for a value. */

/**
 * @param {Text} text With several forms, `values.count` chooses among them.
 * @param {Record<string, string | number>} [values]
 * @param {string} [locale]
 */
export function say(text, values = {}, locale = '') {
  const rule = () => new Intl.PluralRules(locale || undefined).select(Number(values.count));
  const form = typeof text === 'string' ? text : (text[attempt(rule, 'other')] ?? text.other ?? '');
  return form.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = Object.hasOwn(values, name) ? values[name] : whole;
    return typeof value === 'number' ? attempt(() => value.toLocaleString(locale || undefined), String(value)) : value;
  });
}
