// What the console can do more with JavaScript: live events, previews while typing, shortcuts, the palette, copying.
// Every page works without it. Text from the shop only ever enters the page as text.

const pages = [...document.querySelectorAll('.menu a')].map((link) => ({
  name: link.textContent, key: link.dataset.key, go: () => location.assign(link.href),
}));

palette();
shortcuts();
copyButtons();
busyForms();
addRows();
livePreview();
liveEvents();
trainingProgress();
judging();

// ---- Palette -------------------------------------------------------------------------------------------------

function palette() {
  const opener = document.querySelector('[data-palette]');
  if (!opener) return;
  opener.hidden = false;
  const dialog = element('dialog', { id: 'palette', 'aria-label': 'Go to' });
  const input = element('input', {
    type: 'text', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'palette-list', 'aria-autocomplete': 'list',
    'aria-label': 'A page, a customer, or words to search for', placeholder: 'A page, a customer, a product…',
    autocomplete: 'off', spellcheck: 'false',
  });
  const list = element('ul', { id: 'palette-list', role: 'listbox', 'aria-label': 'Places to go', class: 'palette-list' });
  const field = element('div', { class: 'palette-field' });
  field.append(input);
  const foot = element('p', { class: 'palette-foot' });
  foot.textContent = 'Anywhere: g and then the letter; / to search; Ctrl K for this.';
  dialog.append(field, list, foot);
  document.body.append(dialog);
  let choices = [];
  let chosen = 0;

  const show = () => {
    choices = matching(input.value);
    chosen = 0;
    list.replaceChildren(...choices.map((choice, index) => {
      const item = element('li', { role: 'option', id: `palette-${index}` });
      item.append(choice.name);
      if (choice.key) {
        const key = element('kbd', {});
        key.textContent = `g ${choice.key}`;
        item.append(key);
      }
      item.addEventListener('click', () => choice.go());
      return item;
    }));
    mark();
  };
  const mark = () => {
    [...list.children].forEach((item, index) => item.setAttribute('aria-selected', String(index === chosen)));
    input.setAttribute('aria-activedescendant', `palette-${chosen}`);
    list.children[chosen]?.scrollIntoView({ block: 'nearest' });
  };
  const open = () => {
    if (dialog.open) return;
    input.value = '';
    show();
    dialog.showModal();
    input.focus();
  };
  input.addEventListener('input', show);
  input.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && choices.length) {
      event.preventDefault();
      chosen = (chosen + step + choices.length) % choices.length;
      mark();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      choices[chosen]?.go();
    }
  });
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  opener.addEventListener('click', open);
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      open();
    }
  });
}

function matching(typed) {
  const wanted = typed.trim().toLowerCase();
  const found = pages.filter((page) => page.name.toLowerCase().includes(wanted));
  if (!wanted) return found;
  const text = typed.trim();
  const to = (name, address) => ({ name, go: () => location.assign(address + encodeURIComponent(text)) });
  return [
    ...found,
    to(`Customer ${text}`, '/console/customers/'),
    to(`Customers whose id or e-mail begins with “${text}”`, '/console/customers?q='),
    to(`Product ${text}`, '/console/catalog/'),
    to(`Products for “${text}”`, '/console/catalog?q='),
  ];
}

// ---- Shortcuts -----------------------------------------------------------------------------------------------

function shortcuts() {
  let afterG = 0;
  document.addEventListener('keydown', (event) => {
    const isTyping = event.target.closest('input, textarea, select, dialog, [contenteditable]');
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '/') {
      const search = document.querySelector('[data-search]');
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === 'g') {
      afterG = event.timeStamp;
    } else if (afterG && event.timeStamp - afterG < 1500) {
      afterG = 0;
      pages.find((page) => page.key === event.key)?.go();
    }
  });
}

// ---- Small things --------------------------------------------------------------------------------------------

function copyButtons() {
  for (const input of document.querySelectorAll('[data-copy]')) {
    const button = element('button', { type: 'button' });
    button.textContent = 'Copy';
    const said = element('span', { role: 'status', class: 'soft' });
    button.addEventListener('click', async () => {
      input.select();
      try {
        await navigator.clipboard.writeText(input.value);
        said.textContent = 'Copied';
      } catch {
        said.textContent = 'Marked; copy it with your keyboard';
      }
    });
    input.addEventListener('focus', () => input.select());
    input.after(button, said);
  }
}

/** Long work: one click, and a word that it runs. */
function busyForms() {
  for (const form of document.querySelectorAll('form[data-busy]')) {
    form.addEventListener('submit', () => {
      const button = form.querySelector('button');
      button.textContent = form.dataset.busy;
      // After this turn: a button that is off sends nothing.
      setTimeout(() => { button.disabled = true; });
    });
    window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  }
}

/** "More rows" without a round trip: the last row again, empty and with the next number. */
function addRows() {
  for (const button of document.querySelectorAll('[data-add-row]')) {
    button.addEventListener('click', (event) => {
      const before = button.previousElementSibling;
      const last = before.matches('ol') ? before.lastElementChild : before;
      if (!last || !last.querySelector('input, select')) return;
      event.preventDefault();
      const row = last.cloneNode(true);
      const next = (text) => text.replace(/\[(\d+)\]/, (_, number) => `[${Number(number) + 1}]`);
      for (const part of row.querySelectorAll('[id], [name], [for]')) {
        for (const name of ['id', 'name', 'for']) {
          if (part.hasAttribute(name)) part.setAttribute(name, next(part.getAttribute(name)));
        }
        part.removeAttribute('aria-invalid');
        part.removeAttribute('aria-describedby');
        if (part.matches('input, textarea')) part.value = '';
        if (part.matches('select')) part.selectedIndex = 0;
      }
      row.querySelectorAll('.fault').forEach((fault) => fault.remove());
      for (const name of row.querySelectorAll('legend, label.hidden')) {
        name.textContent = name.textContent.replace(/\d+$/, (number) => Number(number) + 1);
      }
      last.after(row);
      row.querySelector('input, select').focus();
    });
  }
}

// ---- Preview while typing ------------------------------------------------------------------------------------

function livePreview() {
  const form = document.querySelector('[data-preview-form]');
  if (!form) return;
  const box = form.querySelector('[data-preview]');
  const status = form.querySelector('[data-preview-status]');
  let waiting;
  let running;
  let isChanged = false;
  const refresh = async () => {
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    const body = new URLSearchParams(new FormData(form));
    body.set('do', 'preview');
    box.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(form.action, { method: 'POST', body, signal });
      if (answer.redirected) return location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.querySelector('[data-preview]');
      if (!fresh) return;
      const open = [...box.querySelectorAll('details')].map((part) => part.open);
      forgetFaults(form, page);
      box.replaceChildren(...document.importNode(fresh, true).childNodes);
      box.querySelectorAll('details').forEach((part, index) => { part.open = open[index] ?? false; });
      status.textContent = box.querySelector('[data-preview-said]')?.textContent ?? '';
      box.removeAttribute('aria-busy');
    } catch (error) {
      if (error.name !== 'AbortError') {
        status.textContent = 'The preview could not be loaded.';
        box.removeAttribute('aria-busy');
      }
    }
  };
  form.addEventListener('input', () => {
    isChanged = true;
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 350);
  });
  form.addEventListener('submit', (event) => {
    clearTimeout(waiting);
    if (event.submitter?.value === 'preview') {
      event.preventDefault();
      refresh();
    } else {
      isChanged = false;
    }
  });
  window.addEventListener('beforeunload', (event) => { if (isChanged) event.preventDefault(); });
}

/** Faults that were put right go; new ones are listed in the preview, where they disturb nobody's typing. */
function forgetFaults(form, fresh) {
  for (const fault of form.querySelectorAll('.fault[id]')) {
    if (fresh.getElementById(fault.id)) continue;
    document.getElementById(fault.id.replace(/-fault$/, ''))?.removeAttribute('aria-invalid');
    fault.remove();
  }
  if (!fresh.getElementById('faults')) document.getElementById('faults')?.remove();
}

// ---- Judging -------------------------------------------------------------------------------------------------

/** Judgments without loading the page, by keys too; the next product has the focus then. */
function judging() {
  const lists = [...document.querySelectorAll('[data-judging]')];
  if (!lists.length) return;
  const said = document.querySelector('[data-judging-said]');
  const forms = () => lists.flatMap((list) => [...list.querySelectorAll('form')]);
  const buttons = (form) => [...form.querySelectorAll('.grades button:enabled')];
  const enter = (form) => {
    const all = form ? buttons(form) : [];
    (all.find((button) => button.getAttribute('aria-pressed') === 'true') ?? all[0])?.focus();
    form?.scrollIntoView({ block: 'nearest' });
  };
  const enterNamed = () => enter(document.getElementById(location.hash.slice(1))?.querySelector('form'));
  document.querySelector('[data-judging-keys]').hidden = false;
  window.addEventListener('hashchange', enterNamed);
  enterNamed();

  const judge = async (form, button) => {
    const place = form.closest('li');
    const id = form.elements.product_id.value;
    const title = form.querySelector('[data-title]').textContent;
    const number = forms().indexOf(form);
    form.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form, button)) });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.getElementById(place.id)?.querySelector('form');
      const fault = page.querySelector('[role="alert"] p, .slip p');
      if (answer.ok && fresh?.elements.product_id.value === id) {
        place.replaceChildren(document.importNode(fresh, true));
        const count = page.querySelector('[data-judging-count]').textContent;
        document.querySelector('[data-judging-count]').textContent = count;
        said.textContent = `${title}: ${button.value === 'none' ? 'taken back' : button.textContent}. ${count}`;
        enter(button.value === 'none' ? place.querySelector('form') : forms()[number + 1] ?? place.querySelector('form'));
        return;
      }
      // What is found has changed meanwhile, or the session is over.
      if (answer.ok) return location.assign(answer.url);
      said.textContent = fault?.textContent ?? 'It was not saved.';
      said.classList.remove('hidden');
    } catch {
      said.textContent = 'It was not saved: the server could not be reached.';
      said.classList.remove('hidden');
    }
    form.removeAttribute('aria-busy');
  };
  for (const list of lists) {
    list.addEventListener('submit', (event) => {
      event.preventDefault();
      judge(event.target, event.submitter);
    });
    list.addEventListener('keydown', (event) => {
      const form = event.target.closest('form');
      if (!form || event.ctrlKey || event.metaKey || event.altKey) return;
      const all = forms();
      const own = buttons(form);
      const at = own.indexOf(event.target);
      const act = {
        ArrowDown: () => enter(all[all.indexOf(form) + 1]),
        ArrowUp: () => enter(all[all.indexOf(form) - 1]),
        ArrowRight: () => own[at + 1]?.focus(),
        ArrowLeft: () => own[at - 1]?.focus(),
        Delete: () => own.find((button) => button.value === 'none')?.click(),
      }[event.key] ?? (/^[0-3]$/.test(event.key) && (() => own[Number(event.key)].click()));
      if (!act) return;
      event.preventDefault();
      act();
    });
  }
}

// ---- Live events ---------------------------------------------------------------------------------------------

function liveEvents() {
  const box = document.querySelector('[data-live]');
  if (!box) return;
  const most = 200;
  const body = box.querySelector('tbody');
  const state = document.querySelector('[data-live-state]');
  const pause = document.querySelector('[data-live-pause]');
  let waiting = [];
  let isPaused = false;
  let unsaid = 0;
  const say = (text, isOn) => {
    state.textContent = text;
    state.classList.toggle('is-on', Boolean(isOn));
  };
  const stream = new EventSource(box.dataset.live);
  stream.addEventListener('open', () => { if (!isPaused) say('Live', true); });
  stream.addEventListener('error', () => say(stream.readyState === EventSource.CLOSED ? 'Not live; load the page again' : 'Reconnecting…'));
  stream.addEventListener('message', (message) => {
    waiting.push(JSON.parse(message.data));
    if (waiting.length > most) waiting.shift();
  });
  // Rows come in twice a second, words about them every ten: a list that jumps is hard to read and to hear.
  setInterval(() => {
    if (isPaused || !waiting.length) return;
    const rows = waiting;
    waiting = [];
    unsaid += rows.length;
    const known = Number(body.querySelector('td')?.textContent ?? 0);
    for (const row of rows) if (row.position > known) body.prepend(eventRow(row));
    while (body.children.length > most) body.lastElementChild.remove();
    box.hidden = false;
    const empty = document.querySelector('[data-live-empty]');
    if (empty) empty.hidden = true;
  }, 500);
  setInterval(() => {
    if (isPaused || !unsaid) return;
    say(`Live, ${unsaid} new`, true);
    unsaid = 0;
  }, 10_000);
  pause.hidden = false;
  pause.addEventListener('click', () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? 'Go on' : 'Pause';
    say(isPaused ? 'Paused' : 'Live', !isPaused);
  });
}

// ---- Training ------------------------------------------------------------------------------------------------

/** Shows how far the run is, and the page anew once it has ended. */
function trainingProgress() {
  const box = document.querySelector('[data-progress]');
  if (!box?.querySelector('[data-running]')) return;
  const look = async () => {
    try {
      const answer = await fetch('/console/models');
      if (answer.redirected) return location.reload();
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.querySelector('[data-progress]');
      if (!fresh?.querySelector('[data-running]')) return location.assign('/console/models');
      box.replaceChildren(...document.importNode(fresh, true).childNodes);
    } catch {
      // The server may be starting again; the run goes on with it.
    }
    setTimeout(look, 1000);
  };
  setTimeout(look, 1000);
}

function eventRow(row) {
  const line = element('tr', { class: 'is-new' });
  const cell = (content, name) => {
    const cell = element('td', name ? { class: name } : {});
    cell.append(content);
    line.append(cell);
  };
  const time = element('time', {});
  time.textContent = row.at;
  cell(String(row.position), 'number soft');
  cell(time, 'nowrap');
  cell(row.what, 'nowrap');
  if (row.who) {
    const link = element('a', { href: `/console/customers/${encodeURIComponent(row.who)}` });
    link.textContent = row.who;
    cell(link, 'who');
  } else {
    cell('');
  }
  cell(row.about);
  cell(row.source, 'soft nowrap');
  return line;
}

function element(name, attributes) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
