/** The page's script: the list, the search, and a page for each thing. It builds elements and never parses HTML. */
export const APP_SCRIPT = String.raw`

const data = JSON.parse(document.getElementById('data').textContent);
const nodes = data.nodes;
const COLOURS = { model: 'model', source: 'source', seed: 'seed', snapshot: 'snapshot', exposure: 'exposure', metric: 'metric', semantic_model: 'metric', saved_query: 'metric' };
const KINDS = [['source', 'Sources'], ['seed', 'Seeds'], ['model', 'Models'], ['snapshot', 'Snapshots'], ['exposure', 'Exposures'], ['metric', 'Metrics'], ['semantic_model', 'Semantic models'], ['saved_query', 'Saved queries'], ['analysis', 'Analyses'], ['group', 'Groups'], ['macro', 'Macros']];
const colour = (kind) => 'var(--' + (COLOURS[kind] || 'other') + ')';
const byId = new Map(nodes.map((node, at) => [node.id, at]));
const children = nodes.map(() => []);
nodes.forEach((node, at) => node.parents.forEach((parent) => children[parent].push(at)));

function h(tag, attributes, ...content) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...content.flat(9).filter((each) => each !== null && each !== undefined && each !== ''));
  return made;
}
const link = (at, text) => h('a', { href: '#/' + encodeURIComponent(nodes[at].id) }, text || nodes[at].name);
const dot = (kind) => h('span', { class: 'dot', style: '--c:' + colour(kind), 'aria-hidden': 'true' });

/* a little of Markdown: paragraphs, lists, tables, code, bold, links */
function inline(text) {
  const parts = [];
  const pattern = /\x60([^\x60]+)\x60|\*\*([^*]+)\*\*|\[([^\]]+)\]\((https?:[^)\s]+)\)/g;
  let at = 0;
  for (const found of text.matchAll(pattern)) {
    parts.push(text.slice(at, found.index));
    at = found.index + found[0].length;
    if (found[1]) parts.push(h('code', {}, found[1]));
    else if (found[2]) parts.push(h('strong', {}, found[2]));
    else parts.push(h('a', { href: found[4], rel: 'noreferrer' }, found[3]));
  }
  return [...parts, text.slice(at)];
}
function markdown(text) {
  const blocks = text.replace(/\r/g, '').split(/\n\s*\n/).filter((block) => block.trim() !== '');
  return h('div', { class: 'text' }, blocks.map((block) => {
    const lines = block.trim().split('\n');
    if (lines.every((line) => /^\s*[-*] /.test(line))) return h('ul', {}, lines.map((line) => h('li', {}, inline(line.replace(/^\s*[-*] /, '')))));
    if (lines.length > 1 && lines.every((line) => /^\s*\|/.test(line))) {
      const cells = (line) => line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => inline(cell.trim()));
      return h('table', {}, h('thead', {}, h('tr', {}, cells(lines[0]).map((cell) => h('th', {}, cell)))), h('tbody', {}, lines.slice(2).map((line) => h('tr', {}, cells(line).map((cell) => h('td', {}, cell))))));
    }
    const title = /^(#{1,6}) (.*)/.exec(lines[0]);
    if (title) return [h('h3', {}, inline(title[2])), lines.length > 1 ? h('p', {}, inline(lines.slice(1).join('\n'))) : ''];
    return h('p', {}, inline(block));
  }));
}

const WORDS = new Set('select from where group by order having limit with as join left right full inner outer cross on using union all distinct case when then else end and or not in is null like between exists over partition rows range window qualify insert into update delete create table view values asc desc lateral interval cast true false except exclude replace filter recursive materialized'.split(' '));
function code(text) {
  const made = h('pre', { tabindex: '0' });
  const pattern = /(--[^\n]*|\/\*[\s\S]*?\*\/|\{#[\s\S]*?#\})|('(?:[^']|'')*')|(\b\d+(?:\.\d+)?\b)|([A-Za-z_]+)|([\s\S])/g;
  for (const [all, comment, string, number, word] of text.matchAll(pattern)) {
    const kind = comment ? 'c' : string ? 's' : number ? 'n' : word && WORDS.has(word.toLowerCase()) ? 'k' : '';
    if (kind) made.append(h('span', { class: kind }, all));
    else if (made.lastChild && made.lastChild.nodeType === 3) made.lastChild.appendData(all);
    else made.append(all);
  }
  return made;
}
function copyButton(text) {
  const button = h('button', { type: 'button', onclick: () => navigator.clipboard.writeText(text).then(() => { button.textContent = 'Copied'; setTimeout(() => { button.textContent = 'Copy'; }, 1500); }) }, 'Copy');
  return button;
}
function sqlSection(node) {
  const texts = [['Source', node.raw], ['Compiled', node.compiled]].filter(([, text]) => text);
  if (texts.length === 0) return null;
  const place = h('div');
  const buttons = texts.map(([label, text]) => h('button', { type: 'button', 'aria-pressed': 'false', onclick: () => show(label, text) }, label));
  function show(label, text) {
    buttons.forEach((button) => button.setAttribute('aria-pressed', String(button.textContent === label)));
    place.replaceChildren(h('div', { class: 'bar' }, h('span', { class: 'gap' }), copyButton(text)), code(text));
  }
  show(...texts[texts.length - 1]);
  return [h('h2', {}, node.kind === 'macro' ? 'Jinja' : 'SQL'), texts.length > 1 ? h('div', { class: 'bar' }, buttons) : '', place];
}

const USES = { identity: '', transformation: ' (worked out)', aggregation: ' (over rows)', condition: ' (decides)' };
function columnsSection(node, graph) {
  if (node.columns.length === 0) return null;
  const rows = node.columns.map((column) => h('tr', { 'data-column': column.name.toLowerCase() },
    h('td', { class: 'mono' }, graph ? h('button', { type: 'button', title: 'Show where it comes from', onclick: () => { graph.choose(byId.get(node.id), column.name); document.querySelector('.graph').scrollIntoView({ block: 'center' }); } }, column.name) : column.name),
    h('td', { class: 'mono' }, column.type),
    h('td', {}, column.description ? inline(column.description) : '', column.tests.length ? h('div', {}, column.tests.map((test) => h('span', { class: 'chip' }, test))) : ''),
    h('td', { class: 'from' }, column.sources.map(([at, name, use], index) => [index ? ', ' : '', link(at, nodes[at].name + '.' + name), USES[use]]), column.unknown ? h('span', { class: 'unknown' }, ' not known: ' + column.unknown) : '')));
  return [h('h2', {}, 'Columns'), h('div', { class: 'scroll' }, h('table', { class: 'grid' }, h('thead', {}, h('tr', {}, ['Name', 'Type', 'Description and tests', 'Comes from'].map((title) => h('th', { scope: 'col' }, title)))), h('tbody', {}, rows)))];
}
const testsSection = (node) => node.tests.length === 0 ? null : [h('h2', {}, 'Tests'), node.tests.map((test) => h('details', {}, h('summary', {}, h('span', { class: 'mono' }, test.name), ' ', h('span', { class: 'badge' }, test.severity)), code(test.sql)))];
function neighbours(title, list) {
  if (list.length === 0) return null;
  return [h('dt', {}, title), h('dd', {}, list.map((at, index) => [index ? ', ' : '', link(at)]))];
}

function nodePage(at) {
  const node = nodes[at];
  const graph = ['group', 'macro'].includes(node.kind) ? null : new Graph(at);
  const members = node.kind === 'group' ? nodes.flatMap((each, index) => each.facts.some(([name, value]) => name === 'Group' && value === node.name) ? [index] : []) : [];
  document.title = node.name + ' – ' + data.project;
  return [
    h('h1', {}, node.name),
    h('div', { class: 'sub' }, h('span', { class: 'badge', style: '--c:' + colour(node.kind) }, node.how === node.kind ? node.kind.replace('_', ' ') : node.kind.replace('_', ' ') + ', ' + node.how), node.relation ? h('span', { class: 'mono' }, node.relation) : '', h('span', {}, node.package + ' · ' + node.path), node.tags.map((tag) => h('span', { class: 'chip' }, tag))),
    node.description ? markdown(node.description) : '',
    h('dl', {}, node.facts.map(([name, value]) => [h('dt', {}, name), h('dd', {}, /^https?:/.test(value) ? h('a', { href: value, rel: 'noreferrer' }, value) : value)]), neighbours('Reads', node.parents), neighbours('Read by', children[at]), neighbours('Members', members)),
    graph ? [h('h2', {}, 'Lineage'), graph.element] : '',
    columnsSection(node, graph), testsSection(node), sqlSection(node),
    Object.keys(node.config).length ? [h('h2', {}, 'Config'), code(JSON.stringify(node.config, null, 2))] : '',
  ];
}
function overview() {
  document.title = data.project;
  return [
    h('h1', {}, data.project),
    h('div', { class: 'sub' }, 'dbt ' + data.version + ' · ' + data.generated + ' UTC'),
    data.about ? markdown(data.about) : '',
    h('div', { class: 'tiles' }, KINDS.map(([kind, title]) => [kind, title, nodes.filter((node) => node.kind === kind).length]).filter(([, , count]) => count).map(([kind, title, count]) => h('div', { class: 'tile', style: '--c:' + colour(kind) }, h('b', {}, String(count)), h('span', {}, title)))),
    new Graph(null).element,
  ];
}

const list = document.getElementById('list');
function showList(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (node) => words.every((word) => node.haystack.includes(word));
  nodes.forEach((node) => { node.haystack ||= [node.name, node.kind, node.path, node.description, node.tags.join(' '), node.columns.map((column) => column.name).join(' ')].join(' ').toLowerCase(); });
  const here = current();
  const sections = KINDS.flatMap(([kind, title]) => {
    const found = nodes.flatMap((node, at) => node.kind === kind && fits(node) ? [at] : []).sort((a, b) => nodes[a].name < nodes[b].name ? -1 : 1);
    if (found.length === 0) return [];
    return [h('h2', {}, title + ' ' + found.length), ...found.map((at) => h('a', { href: '#/' + encodeURIComponent(nodes[at].id), title: nodes[at].name, 'aria-current': at === here ? 'page' : null, 'data-at': String(at) }, dot(kind), h('span', {}, nodes[at].name)))];
  });
  list.replaceChildren(...(sections.length ? sections : [h('p', { class: 'empty' }, 'Nothing has all these words.')]));
}
function current() {
  const id = decodeURIComponent(location.hash.replace(/^#\/?/, '').split('?')[0]);
  return byId.get(id);
}
const main = document.getElementById('main');
function route() {
  const at = current();
  main.replaceChildren(h('div', {}, at === undefined ? overview() : nodePage(at)));
  main.scrollTop = 0;
  for (const each of list.querySelectorAll('a')) {
    if (each.dataset.at === String(at)) { each.setAttribute('aria-current', 'page'); each.scrollIntoView({ block: 'nearest' }); }
    else each.removeAttribute('aria-current');
  }
}
const search = document.getElementById('search');
search.addEventListener('input', () => showList(search.value));
search.addEventListener('keydown', (event) => { if (event.key === 'Enter') { const first = list.querySelector('a'); if (first) location.hash = first.getAttribute('href').slice(1); } });
document.addEventListener('keydown', (event) => { if (event.key === '/' && !/INPUT|TEXTAREA/.test(document.activeElement.tagName)) { event.preventDefault(); search.focus(); } });
const theme = document.getElementById('theme');
function setTheme(dark) { document.documentElement.dataset.theme = dark ? 'dark' : 'light'; theme.textContent = dark ? 'Light' : 'Dark'; }
const dark = matchMedia('(prefers-color-scheme: dark)');
setTheme(dark.matches);
dark.addEventListener('change', () => setTheme(dark.matches));
theme.addEventListener('click', () => setTheme(document.documentElement.dataset.theme !== 'dark'));
window.addEventListener('hashchange', () => { route(); main.focus({ preventScroll: true }); });
showList('');
route();
`;
