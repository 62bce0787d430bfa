// The server makes and escapes all HTML.
const byId = (id) => document.getElementById(id);
const all = (selector) => [...document.querySelectorAll(selector)];

function parsed(html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  return template.content;
}

/** Keeps what is equal, and with it the focus. */
function patch(old, fresh) {
  if (old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
  if (old.nodeType === 3) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  for (const name of old.getAttributeNames()) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  // This script writes these.
  if (!/^(TH|TIME)$/.test(old.nodeName)) patchChildren(old, fresh);
}

function patchChildren(old, fresh) {
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  for (const [at, node] of after.entries()) {
    if (before[at]) patch(before[at], node);
    else old.append(node);
  }
  for (const node of before.slice(after.length)) node.remove();
}

/** A row that is moved loses the focus. */
function arrange(table, rows) {
  for (const body of Array.from(table.tBodies)) if (!rows.includes(body)) body.remove();
  const fixed = rows.findIndex((body) => body.contains(document.activeElement));
  for (const body of rows.slice(0, Math.max(0, fixed))) rows[fixed].before(body);
  table.append(...rows.slice(fixed + 1));
}

let ahead = document.body.dataset.now - Date.now();

function span(seconds) {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const [total, size, large, small] =
    minutes < 1440 ? [minutes, 60, 'h', 'min'] : [Math.round(seconds / 3600), 24, 'd', 'h'];
  return `${Math.floor(total / size)} ${large}${total % size ? ` ${total % size} ${small}` : ''}`;
}

function tick() {
  for (const time of all('time')) {
    const left = Date.parse(time.dateTime) - Date.now() - ahead;
    const text = span(Math.round(Math.abs(left) / 1000));
    const said = left > 0 ? `in ${text}` : `${text} ago`;
    if (time.textContent !== said) time.textContent = said;
  }
}

function show({ data }) {
  const { now, sections, tables, order = {} } = JSON.parse(data);
  ahead = now - Date.now();
  for (const id in sections) patchChildren(byId(id), parsed(sections[id]));
  const known = new Map(all('[data-p] th').map((name) => [name.textContent, name.closest('tbody')]));
  const said = [];
  for (const { table, phase, html } of tables) {
    const fresh = parsed(html).firstChild;
    const old = known.get(table) ?? fresh;
    known.set(table, old);
    if (old.dataset.p !== phase) said.push(`${table}: ${phase}`);
    if (old !== fresh) patch(old, fresh);
  }
  for (const id in order)
    arrange(
      byId(id),
      order[id].map((name) => known.get(name)),
    );
  if (said.length) byId('said').textContent = said.join(', ');
  if (token) offer();
  tick();
}

let events;
function listen() {
  events?.close();
  // Nobody looks at a hidden page.
  if (document.hidden) return;
  events = new EventSource('events');
  events.onopen = () => (byId('live').textContent = 'live');
  events.onerror = () => {
    byId('live').textContent = 'not connected';
    if (events.readyState === 2) setTimeout(listen, 15000);
  };
  events.onmessage = show;
}

let token; // in memory alone
let chosen;
const unlock = byId('unlock');
const dialog = byId('act');

function offer() {
  for (const name of all('#tables [data-p] th:not(:has(button))')) {
    const button = document.createElement('button');
    button.textContent = name.textContent;
    button.ariaHasPopup = 'dialog';
    name.replaceChildren(button);
  }
}

async function act(verb) {
  const value = (id) => byId(id).value || undefined;
  const answer = await fetch(`api/v1/tables/${encodeURIComponent(chosen)}/${verb}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(verb === 'pause' ? { for: value('for'), reason: value('reason') } : {}),
  });
  if (answer.ok) return dialog.close();
  const { message, remedy } = await answer.json();
  byId('refused').textContent = `${message} ${remedy}`;
}

if (unlock) {
  unlock.onsubmit = (event) => {
    event.preventDefault();
    token = byId('token').value;
    unlock.reset();
    offer();
  };
  byId('tables').onclick = ({ target }) => {
    if (target.nodeName !== 'BUTTON') return;
    byId('act-title').textContent = chosen = target.textContent;
    byId('refused').textContent = '';
    dialog.showModal();
  };
  dialog.onsubmit = (event) => {
    const verb = event.submitter.value;
    if (!verb) return;
    event.preventDefault();
    act(verb).catch(() => (byId('refused').textContent = 'There is no answer.'));
  };
}

document.onvisibilitychange = listen;
setInterval(tick, 1000);
tick();
listen();
