// What one can look up on the map: names of streets, what is under the pointer, layers of delay and danger.
const RAMP = ["#fdd49e", "#fdbb84", "#fc8d59", "#ef6548", "#d7301f", "#b30000", "#7f0000"]; // Brewer, OrRd
const NAMES_FROM = 2.2;

const looks = {
  setLayer(layer) { this.layer = layer && layer.shares ? new Uint8Array(buffer(layer.shares)) : null; this.dirtyRoads = true; },
  drawLayer(c, wide) { // over the grey of the streets, the worst last
    const s = this.streets, by = RAMP.map(() => []);
    for (let k = 0; k < s.n; k++) if (this.layer[k]) by[Math.min(RAMP.length - 1, (this.layer[k] * RAMP.length) >> 8)].push(k);
    by.forEach((streets, i) => { if (!streets.length) return; c.strokeStyle = RAMP[i]; c.lineWidth = (1.4 + 0.25 * i) * wide; c.beginPath(); for (const k of streets) this.trace(c, k); c.stroke(); });
  },
  setDifference(told) { this.difference = told && told.bounds ? { ...told, change: new Int32Array(buffer(told.change)) } : null; this.dirtyBase = true; },
  drawDifference(c) { // where more or fewer are left, in squares
    const d = this.difference, side = 65536 / d.n, size = side * this.view.k - 1;
    c.save(); c.globalAlpha = 0.85;
    d.change.forEach((v, at) => {
      if (v === d.none) return;
      c.fillStyle = CHANGE[d.bounds.filter((bound) => v > bound || (bound > 0 && v === bound)).length];
      c.fillRect(this.px((at % d.n) * side), this.py((Math.floor(at / d.n) + 1) * side), size, size);
    });
    c.restore();
  },
  drawChosen(c) { // zones put on an order
    for (const zone of this.town.zones) if (this.chosen && this.chosen.includes(zone.name)) for (const ring of zone.rings) {
      c.beginPath(); for (let i = 0; i < ring.length; i += 2) c.lineTo(this.px(ring[i]), this.py(ring[i + 1])); c.closePath();
      c.save(); c.globalAlpha = 0.12; c.fillStyle = COLOURS.mark; c.fill(); c.restore(); c.strokeStyle = COLOURS.mark; c.lineWidth = 2.5; c.stroke();
    }
  },
  drawWay(c) { // of the household picked: gone, a whole line; ahead, a broken one
    for (const [xy, dash] of [[this.way.ahead, [2, 7]], [this.way.gone, []]]) for (const [colour, width] of [["#fff", 7], [COLOURS.mark, 3.5]]) {
      if (!xy || xy.length < 4) continue;
      c.strokeStyle = colour; c.lineWidth = width; c.lineCap = "round"; c.lineJoin = "round"; c.setLineDash(colour === "#fff" ? [] : dash); c.beginPath();
      for (let i = 0; i < xy.length; i += 2) c.lineTo(this.px(xy[i]), this.py(xy[i + 1]));
      c.stroke();
    }
    c.setLineDash([]); c.lineCap = "butt";
  },
  drawNames(c) { // along the middle of long pieces, each name once in a while, none over another
    const zoom = this.view.k / this.view.k0, names = this.town.street_names;
    if (!names || zoom < NAMES_FROM || this.layers.names === false) return;
    const s = this.streets, of = this.town.street_name, taken = [], last = new Map();
    c.font = "11px system-ui, sans-serif"; c.textAlign = "center"; c.textBaseline = "middle"; c.lineJoin = "round"; c.lineWidth = 3; c.strokeStyle = "#fbfbf8"; c.fillStyle = "#3a3a3a";
    for (let level = 0; level < 5; level++) for (let k = 0; k < s.n && taken.length < 140; k++) {
      const name = names[of[k]];
      if (s.level[k] !== level || !name) continue;
      const a = s.first[k], b = s.first[k + 1], m = a + ((b - a - 1) >> 1), x0 = this.px(s.xy[2 * m]), y0 = this.py(s.xy[2 * m + 1]), x1 = this.px(s.xy[2 * m + 2]), y1 = this.py(s.xy[2 * m + 3]);
      const x = (x0 + x1) / 2, y = (y0 + y1) / 2;
      if (x < 0 || y < 0 || x > this.w || y > this.h || Math.hypot(this.px(s.xy[2 * b - 2]) - this.px(s.xy[2 * a]), this.py(s.xy[2 * b - 1]) - this.py(s.xy[2 * a + 1])) < 34) continue;
      const before = last.get(name); if (before && Math.hypot(before[0] - x, before[1] - y) < 260) continue;
      const half = c.measureText(name).width / 2;
      let turn = Math.atan2(y1 - y0, x1 - x0);
      const ux = half * Math.cos(turn), uy = half * Math.sin(turn), dots = [-1, -0.5, 0, 0.5, 1].map((t) => [x + t * ux, y + t * uy]);
      if (taken.some((other) => other.some(([ox, oy]) => dots.some(([dx, dy]) => Math.hypot(ox - dx, oy - dy) < 8 + half / 4)))) continue;
      if (turn > Math.PI / 2) turn -= Math.PI; if (turn < -Math.PI / 2) turn += Math.PI;
      c.save(); c.translate(x, y); c.rotate(turn); c.fillStyle = "#fbfbf8"; c.fillRect(-half, -3, 2 * half, 6); /* a street between two words reads as a hyphen */ c.fillStyle = "#3a3a3a"; c.strokeText(name, 0, 0); c.fillText(name, 0, 0); c.restore();
      taken.push(dots); last.set(name, [x, y]);
    }
    c.textAlign = "left";
  },
  cells() { // streets by cell of the map, for what is under the pointer
    if (this.streets.cells) return this.streets.cells;
    const s = this.streets, cells = (s.cells = new Map());
    for (let k = 0; k < s.n; k++) for (let i = s.first[k]; i < s.first[k + 1] - 1; i++) {
      const n = 1 + Math.floor(Math.max(Math.abs(s.xy[2 * i + 2] - s.xy[2 * i]), Math.abs(s.xy[2 * i + 3] - s.xy[2 * i + 1])) / 512);
      for (let j = 0; j <= n; j++) { const t = j / n, key = ((s.xy[2 * i] + t * (s.xy[2 * i + 2] - s.xy[2 * i])) >> 10) * 64 + ((s.xy[2 * i + 1] + t * (s.xy[2 * i + 3] - s.xy[2 * i + 1])) >> 10); const at = cells.get(key); if (!at) cells.set(key, [k]); else if (at[at.length - 1] !== k) at.push(k); }
    }
    return cells;
  },
  told(px, py) { // what is under the pointer, in words
    const near = (xy, reach) => Math.hypot(this.px(xy[0]) - px, this.py(xy[1]) - py) < reach, f = this.frame;
    const lines = (...parts) => parts.filter(Boolean).join("\n");
    const exit = this.town.exits.findIndex((e) => near(e.xy, 11));
    if (exit >= 0) { const [n, cars, open] = f ? f.exits.slice(3 * exit, 3 * exit + 3) : [0, 0, 1]; return lines(t("Exit: {name}, {n} out", { name: this.town.exits[exit].name, n: num(n) }), t("cars on its last kilometre: {n}", { n: num(cars) }), !open && t("closed")); }
    const place = this.town.shelters.findIndex((p) => near(p.xy, 9));
    if (place >= 0) {
      const p = this.town.shelters[place], [count, open] = f ? f.shelters.slice(2 * place, 2 * place + 2) : [0, 1], n = num(count);
      return p.is_stop ? lines(t("Pickup point: {name}, {n} wait", { name: p.name, n }), !open && t("closed at this hour")) : lines(t("Shelter: {name}, {n} of {capacity}", { name: p.name, n, capacity: num(p.capacity) }), !open && t("closed or destroyed"));
    }
    const x = (px - this.w / 2) / this.view.k + this.view.x, y = (this.h / 2 - py) / this.view.k + this.view.y, cells = this.cells(), s = this.streets; let best = -1, away = 8 / this.view.k;
    for (let i = -1; i <= 1; i++) for (let j = -1; j <= 1; j++) for (const k of cells.get(((x >> 10) + i) * 64 + (y >> 10) + j) || []) for (let p = s.first[k]; p < s.first[k + 1] - 1; p++) {
      const ax = s.xy[2 * p], ay = s.xy[2 * p + 1], dx = s.xy[2 * p + 2] - ax, dy = s.xy[2 * p + 3] - ay, t = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1))), d = Math.hypot(ax + t * dx - x, ay + t * dy - y);
      if (d < away) { away = d; best = k; }
    }
    if (best < 0) return this.zoneTold(x, y);
    let long = 0; for (let p = s.first[best]; p < s.first[best + 1] - 1; p++) long += Math.hypot(s.xy[2 * p + 2] - s.xy[2 * p], s.xy[2 * p + 3] - s.xy[2 * p + 1]);
    const name = (this.town.street_names && this.town.street_names[this.town.street_name[best]]) || t("street without a name"), kind = this.town.street_kinds[this.town.street_kind[best]];
    const shut = f && f.closed.find((v) => v >>> 1 === best);
    return lines(name, t("{kind}, {length} m long", { kind: t(kind), length: num(Math.round((long * this.town.side_m) / 65535)) }), shut !== undefined && shut !== false && shut !== null && (shut & 1 ? t("closed to cars and walkers") : t("closed to cars")));
  },
  zoneTold(x, y) { // where zones overlap, the one of fewest residents
    const holds = (ring) => { let inside = false; for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) if (ring[i + 1] > y !== ring[j + 1] > y && x < ((ring[j] - ring[i]) * (y - ring[i + 1])) / (ring[j + 1] - ring[i + 1]) + ring[i]) inside = !inside; return inside; };
    const zone = this.town.zones.filter((z) => z.rings.some(holds)).sort((a, b) => a.n - b.n)[0];
    return zone ? t("Zone: {name}, residents: {n}", { name: zone.name, n: num(zone.n) }) : "";
  },
};

const findMethods = { // the search of the page: streets, exits, shelters, stops, zones here; households are asked for
  places() {
    const town = this.towns[0], middle = (ring) => { let x = 0, y = 0; for (let i = 0; i < ring.length; i += 2) { x += ring[i]; y += ring[i + 1]; } return [(2 * x) / ring.length, (2 * y) / ring.length]; };
    const found = [...town.exits.map((e) => [e.name, "exit", e.xy]), ...town.shelters.map((s) => [s.name, s.is_stop ? "pickup point" : "shelter", s.xy]), ...town.zones.filter((z) => z.rings.length).map((z) => [z.name, "zone", middle(z.rings[0])])];
    const s = this.maps[0].streets, seen = new Map(); // of a street the longest piece stands for it
    (town.street_name || []).forEach((n, k) => { const name = town.street_names[n]; if (!name) return; const long = s.first[k + 1] - s.first[k], had = seen.get(name); if (!had || long > had[0]) seen.set(name, [long, k]); });
    for (const [name, [, k]] of seen) { const m = (s.first[k] + s.first[k + 1]) >> 1; found.push([name, "street", [s.xy[2 * m], s.xy[2 * m + 1]]]); }
    return found;
  },
  hits() {
    const text = this.sought.trim().toLowerCase(); if (text.length < 2 || !this.maps.length) return [];
    if (this.placesOf !== this.epoch) { this.placesOf = this.epoch; this.known = this.places(); }
    const number = /^(?:household |\D+ )?(\d+)$/.exec(text), first = number ? [[`household ${number[1]}`, "home", number[1]]] : [];
    return [...first, ...this.known.filter(([name]) => name.toLowerCase().includes(text)).sort((a, b) => a[0].length - b[0].length).slice(0, 7)];
  },
  go([name, kind, at]) {
    this.sought = "";
    if (kind === "home") { this.find(at); return; }
    this.maps.forEach((m) => m.centre(at)); this.pick({ x: at[0], y: at[1], r: 700, which: 0 }); this.live = `${t(kind)} ${name}`;
  },
  hover(event, i) { // a tip beside the pointer, at most every 60 ms
    if (event.buttons || performance.now() - (this.hoveredAt || 0) < 60 || !this.maps[i]) return;
    this.hoveredAt = performance.now();
    const box = this.maps[i].over.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top, text = event.target === this.maps[i].over ? this.maps[i].told(x, y) : "";
    this.tip = text ? { i, text, style: { left: `${x + (x > box.width - 170 ? -12 : 14)}px`, top: `${y + 14}px`, transform: x > box.width - 170 ? "translateX(-100%)" : "none" } } : null;
  },
};
