/**
 * What the page can do beside being read: filters, chains where the reader is, and a map that zooms. All of it works by the keyboard, and nothing needs it.
 */
export const SCRIPT = `
'use strict';
const all = (what, from) => [...(from ?? document).querySelectorAll(what)];
const form = document.querySelector('form');
const count = document.querySelector('#count');
form.hidden = false;
function filter() {
  const text = form.elements.text.value.toLowerCase();
  const status = form.elements.status.value;
  const kernel = form.elements.kernel.value;
  let shown = 0;
  for (const row of all('[data-n]')) {
    const results = all('.r', row);
    for (const result of results) result.hidden = kernel !== '' && !result.dataset.k.split(' ').includes(kernel);
    const mine = results.length === 0 || kernel === '' ? row.dataset.s.split(' ') : results.filter((r) => !r.hidden).map((r) => r.dataset.s);
    const fits = status === '' || (status === 'differs' ? row.dataset.s.includes(' ') : mine.includes(status));
    row.hidden = !row.dataset.n.toLowerCase().includes(text) || mine.length === 0 || !fits;
    if (row.tagName === 'DETAILS' && !row.hidden) shown++;
  }
  count.textContent = 'scenarios shown: ' + shown;
}
form.addEventListener('input', filter);
form.addEventListener('reset', () => setTimeout(filter));
form.addEventListener('submit', (event) => event.preventDefault());
form.elements.open.addEventListener('click', () => all('details[data-n]').forEach((one) => { if (!one.hidden) one.open = true; }));
form.elements.close.addEventListener('click', () => all('details[data-n]').forEach((one) => { one.open = false; }));
filter();
document.addEventListener('click', (event) => {
  const link = event.target.closest?.('.l a');
  if (!link) return;
  event.preventDefault();
  const cell = link.parentElement;
  const there = cell.querySelector('ol');
  link.setAttribute('aria-expanded', String(!there));
  if (there) return there.remove();
  const chain = document.querySelector(link.getAttribute('href')).cloneNode(true);
  chain.removeAttribute('id');
  chain.className = 'in';
  cell.append(chain);
});
function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === 'DETAILS') target.open = true;
}
addEventListener('hashchange', openTarget);
openTarget();
function zoom(svg, factor, shift) {
  const box = svg.viewBox.baseVal;
  svg.dataset.full ??= String(box.width);
  const full = Number(svg.dataset.full);
  const width = Math.min(full, Math.max(2, box.width * factor));
  const x = box.x + (box.width - width) / 2 + shift * width;
  svg.setAttribute('viewBox', [Math.min(full - 4 - width, Math.max(-4, x)), 0, width, box.height].join(' '));
  const shrink = width / full;
  for (const text of all('text', svg)) {
    const at = Number(text.getAttribute('x'));
    text.setAttribute('transform', 'translate(' + at * (1 - shrink) + ' 0) scale(' + shrink + ' 1)');
  }
}
const MOVES = { '+': [0.5, 0], '=': [0.5, 0], '-': [2, 0], ArrowLeft: [1, -0.25], ArrowRight: [1, 0.25], 0: [1e6, 0] };
const BUTTONS = [['+', 'zoom in'], ['-', 'zoom out'], ['ArrowLeft', 'to lower addresses'], ['ArrowRight', 'to higher addresses'], ['0', 'all']];
for (const svg of all('.map svg')) {
  svg.addEventListener('keydown', (event) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    zoom(svg, ...move);
  });
  const bar = document.createElement('div');
  for (const [key, label] of BUTTONS) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.addEventListener('click', () => zoom(svg, ...MOVES[key]));
    bar.append(button, ' ');
  }
  svg.after(bar);
}
`;
