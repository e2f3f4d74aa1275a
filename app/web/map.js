// One map on one opaque canvas. Streets, and streets with homes, are drawn once and kept as pixels; each picture is these
// pixels, the dots set among them, and what lies over both: browsers without a graphics card pay for every layer.
const STREET = [["#8c8c8c", 2.2], ["#a6a6a6", 1.7], ["#b8b8b8", 1.2], ["#cfcfcf", 0.9], ["#dde3dd", 0.6]];
// KINDS: words and colour of each kind of party on the map; safepassage.app.map writes it.
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const EXIT = COLOURS.exit, IMPACT = rgb(COLOURS.impact), HOME = [0, 60, 110], SHELTER = COLOURS.shelter, STOP = COLOURS.stop, FRONT = COLOURS.front;
const KIND_RGBA = KINDS.map(([, c]) => {
  const v = parseInt(c.slice(1), 16);
  return (255 << 24) | ((v & 255) << 16) | (((v >> 8) & 255) << 8) | (v >> 16);
});
const MANY = 200000, LABEL = "600 11px system-ui, sans-serif", SMALL = "11px system-ui, sans-serif";

class TownMap {
  constructor(root, town, streets, view, onPick, onView) {
    Object.assign(this, { root, town, streets, view, onPick, onView });
    this.over = root.querySelector(".sp-over"); this.c = this.over.getContext("2d", { alpha: false });
    this.roads = document.createElement("canvas"); this.base = document.createElement("canvas");
    this.homes = null; this.frame = null; this.mark = null; this.mode = "auto"; this.layers = { homes: true, zones: false };
    this.dirtyRoads = this.dirtyBase = true; this.listeners = [];
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(root);
    this.listen();
    this.resize();
  }
  destroy() { this.observer.disconnect(); this.listeners.forEach(([e, t, f]) => e.removeEventListener(t, f)); }
  resize() {
    const box = this.root.getBoundingClientRect();
    if (!box.width || !box.height) { if (this.w) return; } // hidden: it keeps its size, and the view that it shares
    this.w = Math.max(50, box.width | 0); this.h = Math.max(50, box.height | 0);
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const c of [this.roads, this.base, this.over]) { c.width = this.w * this.ratio; c.height = this.h * this.ratio; }
    this.dirtyRoads = true;
    if (!this.view.k || this.view.isWhole) this.fit();
    this.draw();
  }
  margins() { return [0, 0]; } // what lies over the map at the left and the right (pixels); the board knows it
  fit() {
    const xy = this.streets.xy; let a = 65535, b = 0, c = 65535, d = 0;
    for (let i = 0; i < xy.length; i += 2) {
      if (xy[i] < a) a = xy[i]; if (xy[i] > b) b = xy[i]; if (xy[i + 1] < c) c = xy[i + 1]; if (xy[i + 1] > d) d = xy[i + 1];
    }
    const scale = (width) => Math.min((width - 90) / Math.max(b - a, 1), (this.h - 90) / Math.max(d - c, 1));
    const [left, right] = this.margins(), free = left < this.w / 2 ? this.w - left : this.w;
    const aside = scale(free - right) > 0.75 * scale(free) ? right : 0; // beside the legend, if that costs little
    this.view.k = scale(free - aside); this.view.x = (a + b) / 2 + (aside - this.w + free) / 2 / this.view.k; this.view.y = (c + d) / 2;
    this.view.k0 = this.view.k; this.view.isWhole = true; // a window of another size shows the whole town again
  }
  px(x) { return (x - this.view.x) * this.view.k + this.w / 2; }
  py(y) { return this.h / 2 - (y - this.view.y) * this.view.k; }
  metresPerPixel() { return this.town.side_m / 65535 / this.view.k; }
  listen() {
    const on = (type, f, options) => { this.over.addEventListener(type, f, options); this.listeners.push([this.over, type, f]); };
    let from = null, moved = false;
    on("pointerdown", (e) => { from = [e.clientX, e.clientY]; moved = false; this.over.setPointerCapture(e.pointerId); e.stopPropagation(); });
    on("pointermove", (e) => {
      if (!from) return;
      const dx = e.clientX - from[0], dy = e.clientY - from[1];
      if (!moved && Math.hypot(dx, dy) < 4) return;
      moved = true; from = [e.clientX, e.clientY];
      this.view.x -= dx / this.view.k; this.view.y += dy / this.view.k; this.view.isWhole = false; this.onView();
    });
    on("pointerup", (e) => {
      if (from && !moved) {
        const box = this.over.getBoundingClientRect();
        this.pick(e.clientX - box.left, e.clientY - box.top);
      }
      from = null;
    });
    on("wheel", (e) => {
      e.preventDefault();
      const box = this.over.getBoundingClientRect();
      this.zoom(Math.exp(-e.deltaY * 0.0015), e.clientX - box.left, e.clientY - box.top);
    }, { passive: false });
    on("dblclick", (e) => { const box = this.over.getBoundingClientRect(); this.zoom(2, e.clientX - box.left, e.clientY - box.top); });
    on("keydown", (e) => {
      const step = 60 / this.view.k, ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }, way = ways[e.key];
      if (way) { this.view.x += way[0]; this.view.y += way[1]; this.view.isWhole = false; this.onView(); }
      else if (e.key === "+" || e.key === "=") this.zoom(1.3); else if (e.key === "-") this.zoom(1 / 1.3);
      else if (e.key === "0") { this.fit(); this.onView(); }
      else if (e.key === "Enter") this.pick(this.w / 2, this.h / 2); else return;
      e.preventDefault();
    });
  }
  pick(px, py) {
    const x = (px - this.w / 2) / this.view.k + this.view.x, y = (this.h / 2 - py) / this.view.k + this.view.y;
    this.onPick(x, y, 9 / this.view.k);
  }
  zoom(factor, px = this.w / 2, py = this.h / 2) {
    const v = this.view, k = Math.min(Math.max(v.k * factor, v.k0 / 3), v.k0 * 80);
    v.x += (px - this.w / 2) * (1 / v.k - 1 / k); v.y -= (py - this.h / 2) * (1 / v.k - 1 / k); v.k = k; v.isWhole = false; this.onView();
  }
  centre([x, y]) { this.view.x = x; this.view.y = y; this.view.isWhole = false; this.view.k = Math.max(this.view.k, 4 * this.view.k0); this.mark = { xy: [x, y] }; this.onView(); }
  show(frame) {
    this.glide(frame, performance.now());
    this.frame = frame;
    if (frame.homesSide) { this.homes = frame.homes; this.homesSide = frame.homesSide; this.homesImage = null; this.dirtyBase = true; }
  }
  draw() {
    if (this.dirtyRoads) { this.placeLabels(); this.drawRoads(); this.dirtyBase = true; }
    if (this.dirtyBase) this.drawBase();
    this.dirtyRoads = this.dirtyBase = false;
    this.pixels.set(this.under);
    if (this.frame) this.drawDots();
    this.c.putImageData(this.image, 0, 0);
    if (this.frame) this.drawOver(this.c);
  }
  drawRoads() {
    const c = this.roads.getContext("2d"), s = this.streets;
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0); c.clearRect(0, 0, this.w, this.h);
    const wide = Math.min(3, Math.max(1, Math.sqrt(this.view.k / this.view.k0)));
    c.lineCap = "round"; c.lineJoin = "round";
    for (let level = 4; level >= 0; level--) {
      c.strokeStyle = STREET[level][0]; c.lineWidth = STREET[level][1] * wide; c.beginPath();
      for (let k = 0; k < s.n; k++) if (s.level[k] === level) this.trace(c, k);
      c.stroke();
    }
    if (this.layer) this.drawLayer(c, wide);
    this.drawPlaces(c); this.drawNames(c);
  }
  drawBase() {
    const c = this.base.getContext("2d", { alpha: false, willReadFrequently: true }), { width, height } = this.base;
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    c.fillStyle = "#fbfbf8"; c.fillRect(0, 0, this.w, this.h);
    this.drawGround(c);
    if (this.difference) this.drawDifference(c); else if (this.homes && this.layers.homes) this.drawHomes(c);
    if (this.layers.zones) this.drawZones(c);
    this.drawChosen(c);
    c.setTransform(1, 0, 0, 1, 0, 0); c.drawImage(this.roads, 0, 0);
    this.image = c.getImageData(0, 0, width, height); this.pixels = new Uint32Array(this.image.data.buffer);
    this.under = this.pixels.slice();
  }
  trace(c, k) {
    const s = this.streets, a = s.first[k], b = s.first[k + 1];
    c.moveTo(this.px(s.xy[2 * a]), this.py(s.xy[2 * a + 1]));
    for (let i = a + 1; i < b; i++) c.lineTo(this.px(s.xy[2 * i]), this.py(s.xy[2 * i + 1]));
  }
  drawHomes(c) {
    const n = this.homesSide;
    if (!this.homesImage) {
      const image = new ImageData(n, n);
      for (let r = 0; r < n; r++) for (let k = 0; k < n; k++) {
        const v = this.homes[r * n + k], o = 4 * ((n - 1 - r) * n + k);
        image.data[o] = HOME[0]; image.data[o + 1] = HOME[1]; image.data[o + 2] = HOME[2]; image.data[o + 3] = v ? 14 + v * 0.3 : 0;
      }
      this.homesImage = document.createElement("canvas"); this.homesImage.width = this.homesImage.height = n;
      this.homesImage.getContext("2d").putImageData(image, 0, 0);
    }
    c.imageSmoothingEnabled = true;
    const size = 65536 * this.view.k;
    c.drawImage(this.homesImage, this.px(0), this.py(65536), size, size);
  }
  drawZones(c) {
    c.strokeStyle = "#7a6a3a"; c.lineWidth = 1.2; c.setLineDash([5, 4]); c.font = "12px system-ui, sans-serif"; c.fillStyle = "#5b4f2b";
    for (const zone of this.town.zones) for (const ring of zone.rings) {
      c.beginPath(); let sx = 0, sy = 0;
      for (let i = 0; i < ring.length; i += 2) { c.lineTo(this.px(ring[i]), this.py(ring[i + 1])); sx += ring[i]; sy += ring[i + 1]; }
      c.stroke();
      if (this.town.zones.length < 40 || this.view.k > 2 * this.view.k0) c.fillText(zone.name, this.px((2 * sx) / ring.length) - 12, this.py((2 * sy) / ring.length));
    }
    c.setLineDash([]);
  }
  drawDots() {
    if (this.mode === "none") return;
    const f = this.frame, pixels = this.pixels, { width: W, height: H } = this.image, r = this.ratio;
    const k = this.view.k * r, ox = W / 2 - this.view.x * k, oy = H / 2 + this.view.y * k;
    if (this.isDense()) { this.density(pixels, W, H, k, ox, oy, r); return; }
    const zoomed = Math.sqrt(this.view.k / this.view.k0), size = Math.round(Math.min(7, (f.n > 5000 ? 1.8 : f.n > 800 ? 2.6 : 3.6) * Math.max(1, zoomed * 0.8)) * r), half = size >> 1;
    const share = this.share(), from = this.from, back = 1 - share;
    for (let i = 0; i < f.n; i++) {
      const px = from ? share * f.points[2 * i] + back * from[2 * i] : f.points[2 * i], py = from ? share * f.points[2 * i + 1] + back * from[2 * i + 1] : f.points[2 * i + 1];
      const x = (px * k + ox - half) | 0, y = (oy - py * k - half) | 0;
      if (x < 0 || y < 0 || x + size >= W || y + size >= H) continue;
      const colour = KIND_RGBA[f.kind[i]];
      for (let b = 0; b < size; b++) { const row = (y + b) * W + x; for (let a = 0; a < size; a++) pixels[row + a] = colour; }
    }
  }
  drawOver(c) {
    const f = this.frame;
    c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.drawFront(c); this.drawClosed(c); this.drawImpacts(c);
    const pack = f.shelters;
    this.town.shelters.forEach((s, i) => {
      const x = this.px(s.xy[0]), y = this.py(s.xy[1]), open = pack[2 * i + 1];
      if (s.is_stop) {
        c.fillStyle = open ? STOP : "#fff"; c.strokeStyle = "#fff"; c.lineWidth = 1.5; c.beginPath(); c.arc(x, y, 7, 0, 7); c.fill(); c.strokeStyle = STOP; c.stroke();
        c.fillStyle = open ? "#fff" : STOP; c.font = "700 10px system-ui, sans-serif"; c.textAlign = "center"; c.textBaseline = "middle"; c.fillText("P", x, y + 0.5);
        c.textAlign = "left"; if (pack[2 * i]) { c.fillStyle = STOP; c.font = "600 11px system-ui, sans-serif"; c.fillText(t("{n} wait", { n: num(pack[2 * i]) }), x + 10, y); }
        return;
      }
      c.fillStyle = open ? SHELTER : "#fff"; c.strokeStyle = "#5e2447"; c.lineWidth = 1.5;
      c.fillRect(x - 5, y - 5, 10, 10); c.strokeRect(x - 5, y - 5, 10, 10);
      const share = Math.min(1, pack[2 * i] / Math.max(1, s.capacity));
      c.fillStyle = "#5e2447"; c.fillRect(x - 5, y + 5 - 10 * share, 10, 10 * share);
    });
    this.drawExits(c); this.drawScale(c); this.drawDensityScale(c);
    if (this.way) this.drawWay(c);
    if (this.mark) this.drawMark(c);
  }
  drawFront(c) {
    const p = this.frame.front;
    for (let from = 0, i = 0; i < p.length; i += 2) {
      if (p[i + 1] < 65534) continue;
      const km = p[i] / 10, line = p.subarray(from, i);
      from = i + 2;
      if (p[i + 1] === 65534) { this.pointToFront(c, line, km); continue; }
      c.strokeStyle = FRONT; c.lineWidth = km ? 1.2 : 4; c.setLineDash(km ? [2, 4] : [12, 5]); c.beginPath();
      for (let k = 0; k < line.length; k += 2) c.lineTo(this.px(line[k]), this.py(line[k + 1]));
      c.stroke(); c.setLineDash([]);
      for (const share of [0.5, 0.3, 0.7, 0.15, 0.85]) { // where the view shows it
        const k = 2 * Math.floor((share * line.length) / 2), x = this.px(line[k]), y = this.py(line[k + 1]);
        if (x > 60 && y > 20 && x < this.w - 60 && y < this.h - 20) { this.label(c, km ? t("{km} km from the front", { km }) : t("front"), x, y, FRONT); break; }
      }
    }
  }
  pointToFront(c, [x0, y0, x1, y1], km) { // an arrow near the edge of the view
    const dx = x1 - x0, dy = y0 - y1, reach = Math.min((this.w / 2 - 100) / Math.max(Math.abs(dx), 1e-9), (this.h / 2 - 45) / Math.max(Math.abs(dy), 1e-9));
    const x = this.w / 2 + dx * reach, y = this.h / 2 + dy * reach, far = Math.hypot(dx, dy), ux = dx / far, uy = dy / far;
    this.label(c, t("front, {km} km from the middle", { km: num(km, 1) }), x, y + (uy < 0 ? 22 : -22), FRONT);
    c.fillStyle = FRONT; c.beginPath(); c.moveTo(x + 26 * ux, y + 26 * uy);
    for (const side of [1, -1]) c.lineTo(x + 6 * ux - 11 * side * uy, y + 6 * uy + 11 * side * ux);
    c.fill();
  }
  label(c, text, x, y, colour) {
    c.font = LABEL; c.textAlign = "center"; c.textBaseline = "middle";
    const w = c.measureText(text).width + 8;
    for (const [bx, by, bw, bh] of this.lies || []) if (x + w / 2 > bx && x - w / 2 < bx + bw && y + 8 > by && y - 8 < by + bh) y = by - 12;
    const left = Math.min(Math.max(x, w / 2 + 4), this.w - w / 2 - 4);
    c.fillStyle = "rgba(255,255,255,0.88)"; c.fillRect(left - w / 2, y - 8, w, 16); c.fillStyle = colour; c.fillText(text, left, y);
    c.textAlign = "left";
  }
  drawClosed(c) {
    const all = this.frame.closed; if (!all.length) return;
    for (const [width, colour, dash] of [[6, "#fff", []], [4, "#000", [4, 4]]]) {
      c.strokeStyle = colour; c.lineWidth = width; c.setLineDash(dash); c.lineCap = "butt"; c.beginPath();
      for (const v of all) this.trace(c, v >>> 1);
      c.stroke();
    }
    c.setLineDash([]); c.lineWidth = 2; c.strokeStyle = "#000";
    const s = this.streets;
    for (const v of all) {
      const a = s.first[v >>> 1], b = s.first[(v >>> 1) + 1], m = (a + b) >> 1;
      const x = b - a === 2 ? (s.xy[2 * a] + s.xy[2 * a + 2]) / 2 : s.xy[2 * m], y = b - a === 2 ? (s.xy[2 * a + 1] + s.xy[2 * a + 3]) / 2 : s.xy[2 * m + 1];
      const px = this.px(x), py = this.py(y), long = Math.hypot(s.xy[2 * b - 2] - s.xy[2 * a], s.xy[2 * b - 1] - s.xy[2 * a + 1]) * this.view.k;
      if (all.length > 40 && long < 40) continue; // of many, signs on the long ones; the zebra shows all
      c.fillStyle = "#fff"; c.beginPath(); c.arc(px, py, 6, 0, 7); c.fill(); c.stroke();
      c.beginPath(); c.moveTo(px - 3.5, py); c.lineTo(px + 3.5, py); c.stroke();
    }
  }
  drawImpacts(c) {
    const p = this.frame.impacts;
    for (let i = 0; i < p.length; i += 4) {
      if (p[i] % 65535 === 0 || p[i + 1] % 65535 === 0) continue; // beyond the map
      const fade = 1 - p[i + 2] / 65535, x = this.px(p[i]), y = this.py(p[i + 1]), r = 3.5 + 2.5 * p[i + 3];
      c.fillStyle = `rgba(${IMPACT},${0.12 + 0.6 * fade})`; c.strokeStyle = `rgba(90,15,55,${0.2 + 0.8 * fade})`; c.lineWidth = 1.2;
      c.beginPath(); c.arc(x, y, r, 0, 7); c.fill(); c.stroke();
      if (p[i + 2] < 65535 / 60) { c.lineWidth = 2; c.beginPath(); c.arc(x, y, r + 5, 0, 7); c.stroke(); }
    }
  }
  placeLabels() { // of exits, each where it hides no exit, no pickup point and no other label; kept until the view changes
    const c = this.c, spots = this.town.exits.map((x) => [this.px(x.xy[0]), this.py(x.xy[1])]);
    const placed = this.town.shelters.map((s) => [this.px(s.xy[0]) - 8, this.py(s.xy[1]) - 8, s.is_stop ? 72 : 16, 16]); // with how many wait
    this.lies = this.covered ? this.covered() : [];
    placed.push(...this.lies);
    const hits = (b) => b[0] < 3 || b[1] < 3 || b[0] + b[2] > this.w - 3 || b[1] + b[3] > this.h - 3 || 
      placed.some((p) => b[0] < p[0] + p[2] && p[0] < b[0] + b[2] && b[1] < p[1] + p[3] && p[1] < b[1] + b[3]) ||
      spots.some(([x, y]) => x > b[0] - 9 && x < b[0] + b[2] + 9 && y > b[1] - 8 && y < b[1] + b[3] + 8);
    c.font = LABEL;
    this.labels = [];
    spots.forEach(([x, y], i) => {
      if (x < -20 || y < -20 || x > this.w + 20 || y > this.h + 20) return;
      const name = this.town.exits[i].name, most = this.w < 500 ? 16 : 26, title = name.length > most ? name.slice(0, most - 1) + "…" : name;
      const w = Math.max(c.measureText(title).width, 104) + 8, h = 30;
      let box = null;
      for (let far = 12; far < 260 && !box; far += 14) for (const [dx, dy] of [[1, 0], [-1, 0], [0, -1], [0, 1], [1, -1], [-1, -1], [1, 1], [-1, 1]]) {
        const tried = [x + dx * far + (dx < 0 ? -w : dx ? 0 : -w / 2), y + dy * far + (dy < 0 ? -h : dy ? 0 : -h / 2), w, h];
        if (!hits(tried)) { box = tried; placed.push(box); break; }
      }
      this.labels.push({ i, x, y, title, box });
    });
  }
  drawExits(c) {
    const e = this.frame.exits;
    let most = 20;
    for (let i = 0; i < e.length; i += 3) most = Math.max(most, e[i + 1]);
    c.textBaseline = "middle"; c.textAlign = "left";
    for (const { i, x, y, title, box } of this.labels) {
      const open = e[3 * i + 2];
      if (box) {
        const [bx, by, w, h] = box, near = [Math.min(Math.max(x, bx), bx + w), Math.min(Math.max(y, by), by + h)];
        c.strokeStyle = "#444"; c.lineWidth = 1; c.beginPath(); c.moveTo(x, y); c.lineTo(...near); c.stroke();
        c.fillStyle = "rgba(255,255,255,0.9)"; c.fillRect(bx, by, w, h); c.strokeStyle = "#bbb"; c.strokeRect(bx + 0.5, by + 0.5, w - 1, h - 1);
        c.fillStyle = "#222"; c.font = LABEL; c.fillText(title, bx + 4, by + 8);
        const line = open ? t("{n} out", { n: num(e[3 * i]) }) : t("{n} out, closed", { n: num(e[3 * i]) });
        c.font = SMALL; c.fillText(line, bx + 4, by + 21);
        const left = bx + 8 + c.measureText(line).width, room = w - (left - bx) - 5;
        if (room > 20) { c.fillStyle = "#e4e4e4"; c.fillRect(left, by + 17, room, 8); c.fillStyle = KINDS[1][1]; c.fillRect(left, by + 17, (room * e[3 * i + 1]) / most, 8); }
      }
      c.fillStyle = open ? EXIT : "#fff"; c.strokeStyle = open ? "#fff" : "#000"; c.lineWidth = 2;
      c.beginPath(); c.moveTo(x, y - 9); c.lineTo(x + 8, y + 6); c.lineTo(x - 8, y + 6); c.closePath(); c.fill(); c.stroke();
    }
  }
  drawScale(c) {
    const aim = 140 * this.metresPerPixel(), power = 10 ** Math.floor(Math.log10(aim));
    const length = [5, 2, 1].map((m) => m * power).find((v) => v <= aim), px = length / this.metresPerPixel();
    const x = 16, y = this.h - 18, text = length >= 1000 ? t("{length} km", { length: length / 1000 }) : t("{length} m", { length });
    c.fillStyle = "rgba(255,255,255,0.85)"; c.fillRect(x - 6, y - 20, px + 12, 30);
    c.strokeStyle = "#222"; c.lineWidth = 2; c.beginPath(); c.moveTo(x, y - 4); c.lineTo(x, y + 2); c.lineTo(x + px, y + 2); c.lineTo(x + px, y - 4); c.stroke();
    c.fillStyle = "#222"; c.font = "12px system-ui, sans-serif"; c.fillText(text, x + 5, y - 9);
    c.beginPath(); c.moveTo(this.w - 24, 36); c.lineTo(this.w - 24, 14); c.lineTo(this.w - 28, 21); c.moveTo(this.w - 24, 14); c.lineTo(this.w - 20, 21); c.stroke();
    c.fillText("N", this.w - 28, 46);
  }
  drawMark(c) {
    const m = this.mark; c.strokeStyle = "#fff"; c.lineWidth = 9;
    for (const [colour, width] of [["rgba(255,255,255,0.9)", 9], [COLOURS.mark, 4]]) {
      c.strokeStyle = colour; c.lineWidth = width; c.beginPath();
      if (m.street !== undefined && m.street !== null) this.trace(c, m.street); else c.arc(this.px(m.xy[0]), this.py(m.xy[1]), 11, 0, 7);
      c.stroke();
    }
  }
}
Object.assign(TownMap.prototype, looks, ground, motion, dense);
