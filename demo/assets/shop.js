/**
 * What the shop adds in the browser: buttons that turn a row's pages for the mouse, and impressions and clicks of the
 * rows that the server has rendered.
 *
 * Invariant: the page works without this file. All settings stand in attributes of the body.
 */

for (const row of document.querySelectorAll('.row')) {
  const shelf = row.querySelector('.shelf');
  if (shelf) turnable(row, shelf);
}

const { mercerModule, mercerSlots, mercerHost, mercerKey, mercerDecideKey, mercerPersonalization } = document.body.dataset;

if (mercerModule && mercerSlots) {
  const [{ createMercer }, { defineSlots }] = await Promise.all([import(mercerModule), import(mercerSlots)]);
  // The server sets the cookie with the anonymous id first, so that page and server mean one visitor.
  const mercer = createMercer({
    host: mercerHost || undefined,
    key: mercerKey,
    decideKey: mercerDecideKey,
    cookie: true,
  });
  mercer.consent.set({ analytics: true, personalization: mercerPersonalization === 'on' });
  defineSlots(mercer);
}

/** Two buttons for the mouse. Keyboards walk from tile to tile, and the shelf follows. */
function turnable(row, shelf) {
  const box = document.createElement('div');
  box.className = 'turns';
  box.setAttribute('aria-hidden', 'true');
  const [back, on] = [-1, 1].map((direction) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.tabIndex = -1;
    button.append(arrow(direction));
    button.addEventListener('click', () => shelf.scrollBy({ left: direction * shelf.clientWidth * 0.85 }));
    return button;
  });
  const update = () => {
    const rest = shelf.scrollWidth - shelf.clientWidth;
    box.hidden = rest < 2;
    back.disabled = shelf.scrollLeft < 2;
    on.disabled = shelf.scrollLeft > rest - 2;
  };
  box.append(back, on);
  row.append(box);
  shelf.addEventListener('scroll', update, { passive: true });
  row.addEventListener('mercer-dismissed', update);
  addEventListener('resize', update, { passive: true });
  update();
}

function arrow(direction) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  line.setAttribute('d', direction < 0 ? 'M10 3 5 8l5 5' : 'm6 3 5 5-5 5');
  svg.append(line);
  return svg;
}
