/**
 * What the shop adds in the browser: buttons that turn a row's pages for the mouse, impressions and clicks of the
 * rows that the server has rendered, suggestions in the search, and results that change without a new page.
 *
 * Invariant: the page works without this file. All settings stand in attributes of the body.
 */

for (const row of document.querySelectorAll('.row')) {
  const shelf = row.querySelector('.shelf');
  if (shelf) turnable(row, shelf);
}

// The results follow the words without a new page; so does the heading above them.
document.addEventListener('mercer-answered', ({ detail: { query } }) => {
  const heading = document.querySelector('[data-searched]');
  if (!heading || !query.text) return;
  heading.textContent = `“${query.text}”`;
  document.title = `${query.text} · Wren & Ribbon`;
});

const { mercerModule, mercerSlots, mercerSearch, mercerHost, mercerKey, mercerDecideKey, mercerPersonalization } = document.body.dataset;

if (mercerModule && mercerSlots && mercerSearch) {
  const modules = [mercerModule, mercerSlots, mercerSearch].map((url) => import(url));
  const [{ createMercer }, { defineSlots }, { defineSearch }] = await Promise.all(modules);
  // The server sets the cookie with the anonymous id first, so that page and server mean one visitor.
  const mercer = createMercer({
    host: mercerHost || undefined,
    key: mercerKey,
    decideKey: mercerDecideKey,
    cookie: true,
  });
  mercer.consent.set({ analytics: true, personalization: mercerPersonalization === 'on' });
  defineSlots(mercer);
  // As much of a product as the server asks for, too.
  defineSearch(mercer, { fields: ['id', 'title', 'category', 'price', 'availability', 'url', 'image_url'] });
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
