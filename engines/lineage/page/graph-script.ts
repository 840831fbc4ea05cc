/** The graph of the page: boxes in layers, curves between them, and the way of one column through them. */
export const GRAPH_SCRIPT = String.raw`
const SVG = 'http://www.w3.org/2000/svg';
function s(tag, attributes, ...content) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...content.flat(9).filter((each) => each !== null && each !== ''));
  return made;
}
const BOX = 190, GAP_X = 70, GAP_Y = 14, TITLE = 30, ROW = 18;
const keyOf = (at, column) => at + '/' + column.toLowerCase();
let readers = null;
/* column -> columns that are made of it */
function readersOf(key) {
  if (!readers) {
    readers = new Map();
    nodes.forEach((node, at) => node.columns.forEach((column) => column.sources.forEach(([from, name, use]) => {
      const source = keyOf(from, name);
      if (!readers.has(source)) readers.set(source, []);
      readers.get(source).push([at, column.name, use]);
    })));
  }
  return readers.get(key) || [];
}
const IN_GRAPH = new Set(['model', 'seed', 'snapshot', 'source', 'exposure', 'metric', 'semantic_model', 'saved_query', 'analysis']);

class Graph {
  constructor(focus) {
    this.focus = focus;
    this.depth = focus === null ? Infinity : 2;
    this.chosen = null;
    this.svg = s('svg', { role: 'group', 'aria-label': 'Lineage graph' });
    this.frame = h('div', { class: focus === null ? 'graph tall' : 'graph' }, this.svg);
    this.say = h('span', { class: 'say', role: 'status' });
    const depths = focus === null ? [] : [['1 step', 1], ['2 steps', 2], ['All', Infinity]].map(([label, depth]) => h('button', { type: 'button', 'aria-pressed': String(depth === this.depth), onclick: (event) => { this.depth = depth; for (const each of event.target.parentNode.querySelectorAll('[aria-pressed]')) each.setAttribute('aria-pressed', String(each === event.target)); this.draw(); } }, label));
    const zoom = [['+', 0.8, 'Zoom in'], ['−', 1.25, 'Zoom out']].map(([label, factor, title]) => h('button', { type: 'button', title, 'aria-label': title, onclick: () => this.zoom(factor) }, label));
    this.element = h('div', {}, h('div', { class: 'bar' }, depths, this.say, h('span', { class: 'gap' }), zoom, h('button', { type: 'button', onclick: () => this.fit() }, 'Fit')), this.frame);
    this.move();
    this.draw();
  }
  members() {
    if (this.focus === null) return new Set(nodes.flatMap((node, at) => IN_GRAPH.has(node.kind) && node.kind !== 'analysis' ? [at] : []));
    const found = new Set([this.focus]);
    const walk = (next) => {
      let edge = [this.focus];
      const seen = new Set(edge);
      for (let step = 0; step < this.depth && edge.length; step++) {
        edge = edge.flatMap(next).filter((at) => IN_GRAPH.has(nodes[at].kind) && !seen.has(at) && seen.add(at));
        edge.forEach((at) => found.add(at));
      }
    };
    walk((at) => nodes[at].parents);
    walk((at) => children[at]);
    if (this.chosen) for (const key of this.way.keys()) found.add(Number(key.split('/')[0]));
    return found;
  }
  /* the columns that the chosen one is made of, and those made of it */
  trace(at, column) {
    const way = new Map(), edges = [];
    const start = keyOf(at, column);
    way.set(start, column);
    const up = [[at, column]];
    while (up.length) {
      const [node, name] = up.pop();
      const found = nodes[node].columns.find((each) => each.name.toLowerCase() === name.toLowerCase());
      for (const [from, source, use] of found ? found.sources : []) {
        edges.push([keyOf(from, source), keyOf(node, name), use]);
        if (!way.has(keyOf(from, source))) { way.set(keyOf(from, source), source); up.push([from, source]); }
      }
    }
    const down = [[at, column]], seen = new Set([start]);
    while (down.length) {
      const [node, name] = down.pop();
      for (const [to, target, use] of readersOf(keyOf(node, name))) {
        edges.push([keyOf(node, name), keyOf(to, target), use]);
        way.set(keyOf(to, target), target);
        if (!seen.has(keyOf(to, target))) { seen.add(keyOf(to, target)); down.push([to, target]); }
      }
    }
    return { way, edges };
  }
  choose(at, column) {
    const same = this.chosen && keyOf(...this.chosen) === keyOf(at, column);
    this.chosen = same ? null : [at, column];
    if (this.chosen) Object.assign(this, this.trace(at, column));
    for (const row of document.querySelectorAll('tr[data-column]')) row.classList.toggle('on', !same && at === this.focus && row.dataset.column === column.toLowerCase());
    this.say.textContent = this.chosen ? nodes[at].name + '.' + column + ': ' + (this.way.size - 1) + ' columns up and down. Dashed: only decides about the value.' : '';
    this.draw();
  }
  columnsOf(at) {
    if (this.chosen) return nodes[at].columns.filter((column) => this.way.has(keyOf(at, column.name))).map((column) => column.name).concat([...this.way].filter(([key]) => key.startsWith(at + '/') && !nodes[at].columns.some((column) => keyOf(at, column.name) === key)).map(([, name]) => name));
    return at === this.focus ? nodes[at].columns.slice(0, 14).map((column) => column.name) : [];
  }
  layout() {
    const members = [...this.members()];
    const inside = new Set(members);
    const rank = new Map();
    const rankOf = (at, open) => {
      if (rank.has(at)) return rank.get(at);
      if (open.has(at)) return 0;
      open.add(at);
      const above = nodes[at].parents.filter((parent) => inside.has(parent)).map((parent) => rankOf(parent, open) + 1);
      rank.set(at, Math.max(0, ...above));
      return rank.get(at);
    };
    members.forEach((at) => rankOf(at, new Set()));
    /* what nothing reads stands beside what it is near, not at the far left */
    for (const at of members) { const below = children[at].filter((child) => inside.has(child)); if (!nodes[at].parents.some((parent) => inside.has(parent)) && below.length) rank.set(at, Math.min(...below.map((child) => rank.get(child))) - 1); }
    const layers = [];
    for (const at of members) (layers[rank.get(at)] ||= []).push(at);
    for (let index = 0; index < layers.length; index++) layers[index] ||= [];
    const place = new Map();
    const settle = () => layers.forEach((layer) => layer.forEach((at, index) => place.set(at, index - layer.length / 2)));
    const alone = new Set(members.filter((at) => ![...nodes[at].parents, ...children[at]].some((each) => inside.has(each))));
    layers.forEach((layer) => layer.sort((a, b) => alone.has(a) - alone.has(b) || (nodes[a].name < nodes[b].name ? -1 : 1)));
    settle();
    const middle = (list, otherwise) => list.length ? list.reduce((sum, at) => sum + place.get(at), 0) / list.length : otherwise;
    for (let sweep = 0; sweep < 6; sweep++) {
      const ordered = sweep % 2 ? [...layers].reverse() : layers;
      for (const layer of ordered) {
        const wish = new Map(layer.map((at) => [at, middle((sweep % 2 ? children[at] : nodes[at].parents).filter((each) => inside.has(each)), place.get(at))]));
        layer.sort((a, b) => alone.has(a) - alone.has(b) || wish.get(a) - wish.get(b));
        layer.forEach((at, index) => place.set(at, index - layer.length / 2));
      }
    }
    const boxes = new Map();
    const total = layers.map((layer) => layer.reduce((sum, at) => sum + this.height(at) + GAP_Y, 0));
    layers.forEach((layer, x) => {
      let y = -total[x] / 2;
      for (const at of layer) { const height = this.height(at); boxes.set(at, { x: x * (BOX + GAP_X), y, height }); y += height + GAP_Y; }
    });
    /* pull towards what is read, without changing the order */
    for (let round = 0; round < 8; round++) layers.forEach((layer) => {
      const centre = (at) => boxes.get(at).y + boxes.get(at).height / 2;
      const wish = layer.map((at) => { const near = [...nodes[at].parents, ...children[at]].filter((each) => inside.has(each)); return near.length ? near.reduce((sum, each) => sum + centre(each), 0) / near.length - boxes.get(at).height / 2 : boxes.get(at).y; });
      let floor = -Infinity;
      layer.forEach((at, index) => { if (alone.has(at) && floor > -Infinity) wish[index] = floor; const y = Math.max(wish[index], floor); boxes.get(at).y = y; floor = y + boxes.get(at).height + GAP_Y; });
      const shift = layer.reduce((sum, at, index) => sum + wish[index] - boxes.get(at).y, 0) / (layer.length || 1);
      layer.forEach((at) => { boxes.get(at).y += shift; });
    });
    return { boxes, members };
  }
  height(at) { const rows = this.columnsOf(at).length + (this.more(at) ? 1 : 0); return TITLE + (rows ? rows * ROW + 6 : 0); }
  more(at) { return !this.chosen && at === this.focus && nodes[at].columns.length > 14; }
  draw() {
    const { boxes, members } = this.layout();
    this.boxes = boxes;
    const inside = new Set(members);
    const onWay = this.chosen ? new Set([...this.way.keys()].map((key) => Number(key.split('/')[0]))) : null;
    const curve = (x1, y1, x2, y2) => { const bend = Math.max(30, (x2 - x1) / 2); return 'M' + x1 + ' ' + y1 + 'C' + (x1 + bend) + ' ' + y1 + ' ' + (x2 - bend) + ' ' + y2 + ' ' + x2 + ' ' + y2; };
    const edges = members.flatMap((at) => nodes[at].parents.filter((parent) => inside.has(parent)).map((parent) => {
      const from = boxes.get(parent), to = boxes.get(at);
      return s('path', { class: 'edge' + (onWay ? ' dim' : at === this.focus || parent === this.focus ? ' near' : ''), d: curve(from.x + BOX, from.y + TITLE / 2, to.x, to.y + TITLE / 2), 'data-from': parent, 'data-to': at });
    }));
    const drawn = members.map((at) => this.box(at, boxes.get(at), onWay));
    const lines = this.chosen ? this.edges.map(([from, to, use]) => { const a = this.spot(from), b = this.spot(to); return a && b ? s('path', { class: 'cedge ' + use, d: curve(a.x + BOX, a.y, b.x, b.y) }) : ''; }) : [];
    this.svg.replaceChildren(s('g', {}, edges), s('g', {}, drawn), s('g', { 'pointer-events': 'none' }, lines));
    this.fit();
  }
  spot(key) {
    const at = Number(key.split('/')[0]);
    const box = this.boxes.get(at);
    const row = this.columnsOf(at).findIndex((name) => keyOf(at, name) === key);
    return box && row >= 0 ? { x: box.x, y: box.y + TITLE + row * ROW + ROW / 2 } : null;
  }
  box(at, box, onWay) {
    const node = nodes[at];
    const go = () => { location.hash = '#/' + encodeURIComponent(node.id); };
    const short = (text, length) => text.length > length ? text.slice(0, length - 1) + '…' : text;
    const rows = this.columnsOf(at).map((name, index) => s('g', { class: 'colrow' + (this.chosen && this.way.has(keyOf(at, name)) ? ' on' : ''), transform: 'translate(0 ' + (TITLE + index * ROW) + ')', tabindex: 0, role: 'button', 'aria-label': 'Column ' + name, onclick: (event) => { event.stopPropagation(); this.choose(at, name); }, onkeydown: (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); event.stopPropagation(); this.choose(at, name); } } }, s('rect', { x: 2, width: BOX - 4, height: ROW, rx: 4 }), s('text', { class: 'col', x: 14, y: 13 }, short(name, 24))));
    if (this.more(at)) rows.push(s('text', { class: 'col', x: 14, y: TITLE + rows.length * ROW + 13 }, '… ' + (node.columns.length - 14) + ' more'));
    return s('g', { class: 'box' + (at === this.focus ? ' focus' : '') + (onWay && !onWay.has(at) ? ' dim' : ''), transform: 'translate(' + box.x + ' ' + box.y + ')', style: '--c:' + colour(node.kind), tabindex: 0, role: 'link', 'aria-label': node.kind + ' ' + node.name, 'data-id': node.id, onclick: () => { if (!this.dragged) go(); }, onkeydown: (event) => { if (event.key === 'Enter') go(); }, onmouseenter: () => this.near(at, true), onmouseleave: () => this.near(at, false) },
      s('title', {}, node.kind + ' ' + node.name), s('rect', { class: 'body', width: BOX, height: box.height, rx: 7 }), s('rect', { class: 'mark', x: 9, y: 10, width: 10, height: 10, rx: 3 }), s('text', { x: 27, y: 19.5 }, short(node.name, 24)), rows);
  }
  near(at, on) {
    if (this.chosen) return;
    for (const edge of this.svg.querySelectorAll('[data-from="' + at + '"],[data-to="' + at + '"]')) edge.classList.toggle('near', on || this.focus === Number(edge.dataset.from) || this.focus === Number(edge.dataset.to));
  }
  fit() {
    const all = [...this.boxes.values()];
    if (all.length === 0) { this.say.textContent = 'Nothing to draw.'; return; }
    const x = Math.min(...all.map((box) => box.x)) - 24, y = Math.min(...all.map((box) => box.y)) - 24;
    const width = Math.max(...all.map((box) => box.x)) + BOX + 24 - x, height = Math.max(...all.map((box) => box.y + box.height)) + 24 - y;
    const around = Math.max(0, 640 - width);
    this.view = { x: x - around / 2, y, width: width + around, height };
    this.show();
  }
  show() { const { x, y, width, height } = this.view; this.svg.setAttribute('viewBox', [x, y, width, height].join(' ')); }
  zoom(factor, px = 0.5, py = 0.5) { const view = this.view; view.x += view.width * (1 - factor) * px; view.y += view.height * (1 - factor) * py; view.width *= factor; view.height *= factor; this.show(); }
  move() {
    let from = null;
    this.svg.addEventListener('pointerdown', (event) => { from = { x: event.clientX, y: event.clientY, view: { ...this.view } }; this.dragged = false; });
    this.svg.addEventListener('pointermove', (event) => {
      if (!from || !(event.buttons & 1)) return;
      const scale = Math.max(this.view.width / this.svg.clientWidth, this.view.height / this.svg.clientHeight);
      const dx = event.clientX - from.x, dy = event.clientY - from.y;
      if (Math.abs(dx) + Math.abs(dy) > 4) this.dragged = true;
      this.view.x = from.view.x - dx * scale; this.view.y = from.view.y - dy * scale;
      this.show();
    });
    window.addEventListener('pointerup', () => { from = null; });
    this.svg.addEventListener('wheel', (event) => { if (!event.ctrlKey && !event.metaKey) return; event.preventDefault(); const area = this.svg.getBoundingClientRect(); this.zoom(event.deltaY > 0 ? 1.12 : 0.89, (event.clientX - area.left) / area.width, (event.clientY - area.top) / area.height); }, { passive: false });
  }
}
`;
