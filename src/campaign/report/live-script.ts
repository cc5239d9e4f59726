/** Keeps a page that is served up to date: what was open stays open. Without it the page is as it was when it was asked for. */
export const LIVE_SCRIPT = `
'use strict';
const query = location.search;
let shown;
async function refresh() {
  const text = await (await fetch('/' + query)).text();
  const next = new DOMParser().parseFromString(text, 'text/html');
  const open = new Set([...document.querySelectorAll('details[open] > summary')].map((one) => one.textContent));
  for (const one of next.querySelectorAll('details > summary')) if (open.has(one.textContent)) one.parentElement.open = true;
  document.querySelector('header').replaceWith(next.querySelector('header'));
  document.querySelector('main').replaceWith(next.querySelector('main'));
}
new EventSource('/events' + query).addEventListener('message', ({ data }) => {
  if (shown !== undefined && shown !== data) refresh();
  shown = data;
});
`;
