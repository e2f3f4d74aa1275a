// The component: takes pictures in, draws when the browser is ready, answers; sends what the planner clicks.
speak(null);
module.exports = {
  data() {
    return { expert: false, oneMap: false, changes: CHANGE, timeS: 0, speed: 0, fps: 0, stepMs: 0, counts: [], legend: KINDS, mode: "auto", homes: true, zones: false, beneath: true, drawer: "", legendOpen: window.innerWidth > 1100, noticeShown: false,
      short: SHORT, journey: JOURNEY.map((s) => STATUS.find(([i]) => i === s)), harm: [[-1, "injured so far", COLOURS.injured], STATUS.find(([i]) => i === DEAD)], keyCharts: ["status", "harm"],
      layer: "", names: true, sought: "", tip: null, ramp: RAMP, pointed: null, asksMoment: false, asksReset: false, logOf: 0, frontShown: false, chartsShown: [], order: { zones: [], force: "voluntary", compliance: 0.66, audience: "everyone" }, buses: { fleet: "", n: 2, at: "" }, actOn: 0, keys: {}, title: "", card: {}, planName: "my_plan", live: "" };
  },
  created() { speak(this.language); Object.assign(this, { maps: [], rows: [], frames: [], view: {}, painted: [], shown: 0, lastCharts: 0 }); this.$nextTick(() => this.open()); },
  mounted() {
    this.heart = setInterval(() => { this.ack(this.shown); if (performance.now() - (this.lastText || 0) > 1500) this.speed = 0; }, 2000);
    this.onKey = (e) => this.key(e); document.addEventListener("keydown", this.onKey);
    this.onLeave = (e) => { if (this.nActs()) { e.preventDefault(); e.returnValue = ""; } }; window.addEventListener("beforeunload", this.onLeave);
    this.hello({ tab: this.tabName(), language: localStorage.getItem("safepassage-language") || "" });
    window.safepassage = this;
    this.themed = new MutationObserver(() => this.chartsDue()); this.themed.observe(document.querySelector(".v-application"), { attributes: true, attributeFilter: ["class"] });
    this.ack(0);
  },
  beforeDestroy() { clearInterval(this.heart); this.themed.disconnect(); document.removeEventListener("keydown", this.onKey); window.removeEventListener("beforeunload", this.onLeave); clearTimeout(this.late); this.maps.forEach((m) => m.destroy()); this.maps = []; },
  watch: {
    language() { speak(this.language); this.live = ""; document.documentElement.lang = this.language.code; try { localStorage.setItem("safepassage-language", this.language.code); } catch (error) { /* private windows may forbid it */ } this.keys = {}; this.viewed(); this.chartsDue(); },
    expert() { document.body.dataset.spExpert = this.expert ? "yes" : "no"; },
    towns() { this.$nextTick(() => this.open()); },
    frame(data) { if (data && data.byteLength) this.take(data); },
    picked() { const p = this.picked; if (!p || !p.again) this.title = (p && p.title) || ""; this.tell(); if (p && p.title && !p.again && !p.is_restated) { this.live = this.card.title; if (!p.is_done) this.show("who"); } },
    acts() { this.dirty(); this.drawTime(); },
    drawer() { this.place(); this.chartsDue(); this.$nextTick(() => this.fitAgain()); },
    layers() { this.maps.forEach((m, i) => m.setLayer((this.layers || [])[i])); this.dirty(); },
    layer() { this.show_layer(this.layer); },
    found() { if (this.found && this.found.length) this.maps.forEach((m) => m.centre(this.found)); this.tip = null; },
    "order.zones"() { this.maps.forEach((m) => { m.chosen = this.order.zones; m.dirtyBase = true; }); this.dirty(); },
    oneMap() { this.show_difference(this.oneMap); this.$nextTick(() => this.viewed()); },
    difference() { if (this.maps[0]) { this.maps[0].setDifference(this.oneMap ? this.difference : null); this.dirty(); } },
    names() { this.maps.forEach((m) => { m.layers.names = this.names; m.dirtyRoads = true; }); this.dirty(); },
    mode() { this.maps.forEach((m) => { m.mode = this.mode; }); this.dirty(); },
    homes() { this.maps.forEach((m) => { m.layers.homes = this.homes; m.dirtyBase = true; }); this.dirty(); },
    beneath() { this.maps.forEach((m) => { m.layers.ground = this.beneath; m.dirtyRoads = true; }); this.dirty(); },
    zones() { this.maps.forEach((m) => { m.layers.zones = this.zones; m.dirtyBase = true; }); this.dirty(); },
  },
  methods: {
    t(text, values) { return this.language ? t(text, values) : text; }, // asks for the language, so that a change of it is shown
    open() {
      if (!this.towns.length || !this.streets || !this.streets.byteLength || !this.$refs.maps) return;
      const epoch = this.towns[0].epoch; this.watchMain();
      if (this.epoch === epoch && this.maps.length === this.towns.length) return;
      document.title = `Safepassage: ${this.towns[0].name}`; // also after another scenario is chosen
      if (this.towns.length < 2) this.oneMap = false;
      const same = this.opened === this.towns[0].name + this.towns.length;
      this.epoch = epoch; this.opened = this.towns[0].name + this.towns.length;
      this.maps.forEach((m) => m.destroy());
      if (!same) this.view = {};
      const streets = readStreets(this.streets), roots = [].concat(this.$refs.maps);
      this.maps = this.towns.map((town, i) => new TownMap(roots[i], town, streets, this.view, (x, y, r) => this.pick({ x, y, r, which: i }), () => this.viewed()));
      this.maps.forEach((m) => { m.mode = this.mode; m.layers = { homes: this.homes, zones: this.zones, names: this.names, ground: this.beneath }; m.covered = () => this.covered(m); m.margins = () => this.margins(m); });
      this.fitAgain();
      this.clock = new Clock(this.towns[0]);
      this.rows = this.towns.map(() => null);
      this.charts = chartList(this.towns[0].exits.map((e) => e.name), this.towns[0].duration_s);
      this.chartsShown = this.charts.map(({ id, title, unit }) => ({ id, title, unit }));
      this.keys = {};
      this.actOn = Math.min(this.actOn, this.towns.length - 1); this.buses.fleet = this.towns[0].fleets[0] || ""; this.buses.at = "";
      this.painted = []; this.timeS = 0; this.speed = 0; this.pending = null; this.shown = 0; this.frames = [];
      const data = this.waiting || this.frame; this.waiting = null;
      if (data && data.byteLength) this.take(data);
    },
    take(data) {
      const frames = readFrames(data);
      if (frames[0].epoch === this.epoch && this.pending === frames[0].seq && this.rows[0]) return;
      if (frames[0].epoch !== this.epoch) { this.waiting = data; return; }
      frames.forEach((f, i) => {
        if (!this.rows[i]) this.rows[i] = new Rows(f.rowWidth);
        this.rows[i].add(f.rows); if (this.maps[i]) this.maps[i].show(f);
      });
      this.frames = frames; this.pending = frames[0].seq; this.dirty();
    },
    dirty() {
      if (this.asked) return;
      this.asked = true;
      const go = () => { this.asked = false; this.paint(); };
      if (document.hidden) setTimeout(go, 250); else requestAnimationFrame(go);
    },
    paint() {
      if (this.pending !== this.shown || this.maps.some((m) => m.from)) this.nDrawn = (this.nDrawn || 0) + 1;
      const began = performance.now();
      this.maps.forEach((m) => m.draw());
      this.drawMs = (this.drawMs || 0) + performance.now() - began;
      if (this.maps.some((m) => m.from)) this.dirty();
      const f = this.frames[0];
      if (f && this.pending !== this.shown) {
        this.shown = this.pending; this.ack(this.shown);
        const now = performance.now();
        this.painted.push([now, f.time_s]); if (this.painted.length > 40) this.painted.shift();
        const [t0, s0] = this.painted[0];
        this.nPainted = (this.nPainted || 0) + 1;
        if (now - (this.lastText || 0) > 120 || f.time_s === 0) {
          this.lastText = now; this.timeS = f.time_s; this.stepMs = f.step_ms;
          this.speed = now - t0 > 200 ? ((f.time_s - s0) * 1000) / (now - t0) : 0;
          this.fps = now - t0 > 200 ? ((this.painted.length - 1) * 1000) / (now - t0) : 0;
          this.count();
        } else { clearTimeout(this.late); this.late = setTimeout(() => this.catchUp(), 200); }
        if (now - this.lastCharts > 250 || f.time_s === 0) { this.lastCharts = now; this.drawCharts(); }
      }
    },
    catchUp() { // the last picture of a pause; after Reset there may be none yet
      if (!this.frames.length) return;
      this.timeS = this.frames[0].time_s; this.count(); this.drawCharts();
    },
    count() {
      this.counts = this.rows.filter((r) => r && r.n).map((r) => {
        const i = r.before(this.timeS);
        return { status: STATUS.map((_, s) => r.at(i, ROW.status + s)), hurt: r.at(i, ROW.injury) + r.at(i, ROW.injury + 1) };
      });
    },
    drawCharts() {
      this.drawTime();
      if (!this.frames.length || !this.$refs.keyCharts) return;
      const keys = {}, draw = (canvas, chart) => { if (canvas && chart) keys[chart.id] = drawChart(canvas, chart, this.rows, this.towns[0], this.frames[0].time_s, this.clock); };
      [].concat(this.$refs.keyCharts).forEach((canvas, k) => draw(canvas, this.charts.find((c) => c.id === this.keyCharts[k])));
      if (this.drawer === "charts") [].concat(this.$refs.charts || []).forEach((canvas, i) => draw(canvas, this.charts[i]));
      if (JSON.stringify(keys) !== JSON.stringify(this.keys)) {
        const taller = Object.keys(keys).some((id) => (this.keys[id] || []).length !== keys[id].length);
        this.keys = keys; if (taller) this.chartsDue(); // their room on the screen has changed
      }
      this.frontShown = this.frames[0].front.length > 0;
    },
    chartsDue() { this.$nextTick(() => this.drawCharts()); },
    chartTitle(id) { const chart = this.chartsShown.find((c) => c.id === id); return chart ? t("{title}, {unit}, over the time of the run", { title: t(chart.title), unit: t(chart.unit) }) : ""; },
    viewed() { this.maps.forEach((m) => { m.dirtyRoads = true; }); this.dirty(); }, // one view for both maps
    number(v, digits = 0) { return v === undefined || !this.language ? "" : num(Number(v.toFixed(digits)), digits); },
    signed(v, digits = 0) { const r = Number(v.toFixed(digits)), text = num(r || 0, digits); return r > 0 ? `+${text}` : text.replace("-", "\u2212"); },
    layerRange() { const most = this.layers[0].most; return most > 0 ? `0\u2013${this.number(most, most < 10 && most % 1 ? Math.max(1, -Math.floor(Math.log10(most))) : 0)}` : t("none"); },
    planText(town) { return town.plan ? t("plan {plan}", town) : t("no plan"); },
    zoomBy(f) { if (this.maps.length) this.maps[0].zoom(f); },
    whole() { if (this.maps.length) { this.maps[0].fit(); this.viewed(); } },
    others() { const p = this.picked || {}; return p.title ? [p, ...(p.also || [])].filter((one) => one.title !== this.card.title) : []; },
    choose(title) { this.title = title; this.tell(); this.live = title; },
    tell() { // the card of the place picked; what has moved on is shown as it was last seen
      const p = this.picked || {}, all = p.title ? [p, ...(p.also || [])] : [], now = all.find((one) => one.title === this.title);
      if (now) this.card = { ...now, which: p.which, seen: this.clockText() };
      else if (!this.title) this.card = p; else this.card = { ...this.card, actions: [], gone: true };
      this.maps.forEach((m, i) => { m.mark = this.card.mark && !this.card.gone ? this.card.mark : null; m.way = this.card.way && !this.card.gone && i === (this.card.which || 0) ? this.card.way : null; }); this.dirty();
    },
    changeText(i) { const b = this.difference.bounds; return i === 0 ? t("{high} or lower", { high: this.signed(b[0]) }) : i === 4 ? t("{low} or more", { low: this.signed(b[3]) }) : t("{low} to {high}", { low: this.signed(b[i - 1]), high: this.signed(b[i]) }); },
    pickZone(name) { const at = this.order.zones.indexOf(name); if (at < 0) this.order.zones.push(name); else this.order.zones.splice(at, 1); this.show("act"); },
    issue() { this.act({ kind: "order", which: this.actOn, ...this.order }); },
    addBuses() { this.act({ kind: "buses", which: this.actOn, ...this.buses }); },
    actHere(what) { this.act({ ...what, which: this.card.which || 0 }); },
    planOf(which) { return ((this.acts || {}).plans || [])[which] || { log: [], saved: "" }; },
    margins(map) { // how wide a drawer covers a map at its left, and a tall legend at its right (pixels)
      const at = map.root.getBoundingClientRect(), [drawer, legend] = [this.$refs.drawer, this.$refs.legend].map((e) => e && e.getBoundingClientRect());
      const left = drawer && drawer.width && drawer.left <= at.left + 1 ? Math.max(0, drawer.right - at.left) : 0;
      const isOver = legend && legend.left > at.left && legend.right <= at.right && legend.height > at.height / 6;
      return [left, isOver ? at.right - legend.left : 0];
    },
    fitAgain() { if (this.maps.length && this.view.isWhole) this.maps[0].fit(); this.viewed(); },
    covered(map) { // what lies over a map, for its labels to keep clear of
      const at = map.root.getBoundingClientRect();
      return [...document.querySelectorAll(".sp-legend, .sp-zoom, .sp-search input")].map((e) => e.getBoundingClientRect()).map((b) => [b.left - at.left - 2, b.top - at.top - 2, b.width + 4, b.height + 4]);
    },
    resultRows() {
      const c = this.counts; if (!c.length) return [];
      const ex = (what) => this.rows.filter((r) => r && r.n).map((r) => r.at(r.before(this.timeS), what));
      return [...this.journey.map((s) => [t(s[1]), c.map((one) => one.status[s[0]])]), ...this.harm.map((h) => [t(h[1]), c.map((_, i) => this.harmOf(i, h[0]))]), [t("expected casualties"), ex(ROW.expected), 1]].filter(([, v]) => !v.some(Number.isNaN));
    },
    saveAs(blob, ending) {
      const a = document.createElement("a"); a.href = URL.createObjectURL(blob);
      a.download = `${this.towns[0].name}-${this.clock.at(this.timeS).toISOString().slice(0, 16).replace(/[:T]/g, "-")}.${ending}`; a.click();
      setTimeout(() => URL.revokeObjectURL(a.href), 10000);
    },
    savePicture() { this.maps.forEach((m) => m.over.toBlob((blob) => this.saveAs(blob, "png"))); },
    saveCurves() { // each row of the charts, as far as the run has come
      const names = ["map", ...COLUMNS, ...this.towns[0].exits.map((e) => `n_out_by_${e.name}`), ...this.towns[0].exits.map((e) => `n_cars_last_km_of_${e.name}`)];
      const quoted = (v) => (/[",\n]/.test(v) ? `"${v.replace(/"/g, '""')}"` : v), lines = [names.map(quoted).join(",")];
      this.rows.forEach((r, i) => { for (let k = 0; r && k < r.n; k++) lines.push([i ? "right" : "left", ...r.data.slice(k * r.width, (k + 1) * r.width)].join(",")); });
      this.saveAs(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }), "csv");
    },
    total(i) { return this.counts[i].status.reduce((sum, n) => sum + n, 0); },
    harmOf(i, what) { return what === DEAD ? this.counts[i].status[DEAD] : this.counts[i].hurt; },
    grounds() { const there = new Set((this.towns.length && this.towns[0].background || []).map((one) => one.kind)); return Object.entries(GROUND).filter(([kind]) => there.has(kind)); },
    hasStops() { return this.towns.length && this.towns[0].shelters.some((s) => s.is_stop); },
    hasMovers() { return this.towns.length && (!this.towns[0].is_replay || this.towns[0].has_places); },
    tabName() { // kept over a reload of the tab, and by no other tab
      let name = sessionStorage.getItem("safepassage-tab");
      if (!name) { name = crypto.randomUUID ? crypto.randomUUID() : `tab-${Date.now()}-${Math.random().toString(36).slice(2)}`; sessionStorage.setItem("safepassage-tab", name); }
      return name;
    },
    drawers() {
      const live = this.language && !this.towns[0].is_replay;
      return [["ask", t("Ask"), t("Scenario, plan and values"), "?"], ["act", t("Act"), t("Orders, buses, what was done"), "!"], ["who", t("Who"), t("What is at the place clicked"), "◎"], ["log", t("Log"), t("What has happened"), "≡"], ["result", t("Result"), t("Differences, and many seeds"), "Δ"], ["charts", t("Charts"), t("All charts"), "∿"]]
        .filter(([id]) => (live || (id !== "ask" && id !== "act" && id !== "log")));
    },
    drawerName() { const found = this.towns.length ? this.drawers().find(([id]) => id === this.drawer) : null; return found ? found[2] : t("Drawers"); },
    open_(id) { this.drawer = this.drawer === id ? "" : id; },
    show(id) { this.drawer = id; },
    place() { // the fields are a component of their own; they lie over the drawer
      this.$nextTick(() => {
        const box = this.$refs.drawer && this.$refs.drawer.getBoundingClientRect(), root = document.documentElement;
        document.body.dataset.spDrawer = this.drawer || "none";
        if (box && box.width) for (const [name, v] of [["left", box.left], ["top", box.top], ["width", box.width], ["height", box.height]]) root.style.setProperty(`--sp-drawer-${name}`, `${v}px`);
      });
    },
    watchMain() { if (this.mainWatched || !this.$refs.main) return; this.mainWatched = new ResizeObserver(() => { this.place(); this.chartsDue(); }); this.mainWatched.observe(this.$refs.main); },
    key(e) {
      if (e.target.closest("input, select, textarea, button, summary, [contenteditable]") || e.ctrlKey || e.metaKey || e.altKey || !this.towns.length) { if (e.key === "Escape" && this.drawer) this.drawer = ""; return; }
      if (e.key === " ") this.play({ what: this.player.playing ? "pause" : "play" }); else if (e.key === ".") this.play({ what: "step" }); else if (e.key === "Escape") this.drawer = ""; else return;
      e.preventDefault();
    },
    ...timeMethods,
    ...findMethods,
  },
};
