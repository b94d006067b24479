/**
 * Tells what of a suggestion was typed already and what goes on beyond it.
 *
 * Invariant: the parts joined are the text, unchanged. Case and accents do not matter: "cafe" is found in "Café".
 */

const IN_WORD = /[\p{L}\p{N}\p{M}]/u;

/**
 * @param {string} text
 * @param {string} typed
 * @returns {{ text: string, isNew: boolean }[]}
 */
export function parts(text, typed) {
  const words = typed.split(/[^\p{L}\p{N}\p{M}]+/u).map(plain).filter(Boolean);
  const characters = [...text];
  /** Of each character: does it go beyond what was typed? */
  const isNew = characters.map(() => words.length > 0);
  for (let at = 0; at < characters.length; at += 1) {
    if (!IN_WORD.test(characters[at]) || (at && IN_WORD.test(characters[at - 1]))) continue;
    const length = Math.max(0, ...words.map((word) => lengthOf(word, characters, at)));
    isNew.fill(false, at, at + length);
  }
  // A space between two words that were typed was typed too.
  characters.forEach((character, at) => {
    if (at && !IN_WORD.test(character)) isNew[at] = isNew[at - 1];
  });
  /** @type {{ text: string, isNew: boolean }[]} */
  const found = [];
  characters.forEach((character, at) => {
    const last = found.at(-1);
    if (last?.isNew === isNew[at]) last.text += character;
    else found.push({ text: character, isNew: isNew[at] });
  });
  return found;
}

/**
 * How many characters from here on are the word; 0 where it does not begin here.
 * @param {string} word
 * @param {string[]} characters
 * @param {number} from
 */
function lengthOf(word, characters, from) {
  let read = '';
  for (let at = from; at < characters.length && read.length < word.length; at += 1) {
    read += plain(characters[at]);
    if (!word.startsWith(read)) return 0;
    // A mark belongs to the letter before it.
    while (read === word && /\p{M}/u.test(characters[at + 1] ?? '')) at += 1;
    if (read === word) return at - from + 1;
  }
  return 0;
}

/** @param {string} text */
function plain(text) {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
