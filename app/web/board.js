// The component: takes pictures in, draws when the browser is ready, answers; sends what the planner clicks.
module.exports = {
  data() {
    return { timeS: 0, speed: 0, fps: 0, stepMs: 0, counts: [], legend: KINDS, statuses: STATUS, mode: "auto", homes: true, zones: false, over: false,
      chartsShown: [], order: { zones: [], force: "voluntary", compliance: 0.66, audience: "everyone" }, buses: { fleet: "", n: 2, at: "" }, actOn: 0, keys: [], title: "", card: {}, planName: "my_plan", live: "" };
  },
  created() { Object.assign(this, { maps: [], rows: [], frames: [], view: {}, painted: [], shown: 0, chartsDue: true, lastCharts: 0 }); this.$nextTick(() => this.open()); },
  mounted() {
    this.heart = setInterval(() => { this.ack(this.shown); if (performance.now() - (this.lastText || 0) > 1500) this.speed = 0; }, 2000);
    this.labels = setInterval(this.nameControls, 1000);
    window.safepassage = this;
    this.ack(0);
  },
  beforeDestroy() { clearInterval(this.heart); clearInterval(this.labels); clearTimeout(this.late); this.maps.forEach((m) => m.destroy()); this.maps = []; },
  watch: {
    towns() { this.$nextTick(() => this.open()); },
    frame(data) { if (data && data.byteLength) this.take(data); },
    picked() { const p = this.picked; if (!p || !p.again) this.title = (p && p.title) || ""; this.tell(); if (p && p.title && !p.again) this.live = this.card.title; },
    mode() { this.maps.forEach((m) => { m.mode = this.mode; }); this.dirty(); },
    homes() { this.maps.forEach((m) => { m.layers.homes = this.homes; m.dirtyBase = true; }); this.dirty(); },
    zones() { this.maps.forEach((m) => { m.layers.zones = this.zones; m.dirtyBase = true; }); this.dirty(); },
  },
  methods: {
    open() {
      if (!this.towns.length || !this.streets || !this.streets.byteLength || !this.$refs.maps) return;
      const epoch = this.towns[0].epoch;
      if (this.epoch === epoch && this.maps.length === this.towns.length) return;
      document.title = `Safepassage: ${this.towns[0].name}`; // also after another scenario is chosen
      const same = this.opened === this.towns[0].name + this.towns.length;
      this.epoch = epoch; this.opened = this.towns[0].name + this.towns.length;
      this.maps.forEach((m) => m.destroy());
      if (!same) this.view = {};
      const streets = readStreets(this.streets), roots = [].concat(this.$refs.maps);
      this.maps = this.towns.map((town, i) => new TownMap(roots[i], town, streets, this.view, (x, y, r) => this.pick({ x, y, r, which: i }), () => this.viewed()));
      this.maps.forEach((m) => { m.mode = this.mode; m.layers = { homes: this.homes, zones: this.zones }; });
      this.clock = new Clock(this.towns[0]);
      this.rows = this.towns.map(() => null);
      this.charts = chartList(this.towns[0].exits.map((e) => e.name), this.towns[0].duration_s);
      this.chartsShown = this.charts.map(({ id, title, unit }) => ({ id, title, unit }));
      this.keys = [];
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
      this.maps.forEach((m) => m.draw());
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
        return { status: STATUS.map(([s]) => r.at(i, ROW.status + s)), hurt: r.at(i, ROW.injury) + r.at(i, ROW.injury + 1) };
      });
    },
    drawCharts() {
      if (!this.frames.length || !this.$refs.charts) return;
      const keys = [].concat(this.$refs.charts).map((canvas, i) => (this.charts[i] ? drawChart(canvas, this.charts[i], this.rows, this.towns[0], this.frames[0].time_s, this.clock) : []));
      if (JSON.stringify(keys) !== JSON.stringify(this.keys)) this.keys = keys;
    },
    viewed() { this.maps.forEach((m) => { m.dirtyRoads = true; }); this.dirty(); }, // one view for both maps
    clockText() { return this.clock && this.towns.length ? this.clock.text(this.timeS) : ""; },
    sinceText() { const m = Math.round(this.timeS / 60); return m < 2880 ? `${Math.floor(m / 60)} h ${String(m % 60).padStart(2, "0")} min after the start` : `day ${Math.floor(m / 1440) + 1}`; },
    speedText() { return this.speed > 1 ? `${Math.round(this.speed).toLocaleString("en")} times real time` : "paused"; },
    inCurfew() { return this.towns.length && this.towns[0].curfew.some(([a, b]) => this.timeS >= a && this.timeS < b); },
    part(s) { return this.towns.length ? `${(100 * s) / this.towns[0].duration_s}%` : "0"; },
    number(v) { return v === undefined ? "" : Math.round(v).toLocaleString("en"); },
    signed(v) { const r = Math.round(v); return r > 0 ? `+${r.toLocaleString("en")}` : r.toLocaleString("en"); },
    planText(town) { return town.plan ? `plan ${town.plan}` : "no plan"; },
    zoomBy(f) { if (this.maps.length) this.maps[0].zoom(f); },
    whole() { if (this.maps.length) { this.maps[0].fit(); this.viewed(); } },
    others() { const p = this.picked || {}; return p.title ? [p, ...(p.also || [])].filter((one) => one.title !== this.card.title) : []; },
    choose(title) { this.title = title; this.tell(); this.live = title; },
    tell() { // the card of the place picked; what has moved on is shown as it was last seen
      const p = this.picked || {}, all = p.title ? [p, ...(p.also || [])] : [], now = all.find((one) => one.title === this.title);
      if (now) this.card = { ...now, which: p.which, seen: this.clockText() };
      else if (!this.title) this.card = p; else this.card = { ...this.card, actions: [], gone: true };
      this.maps.forEach((m) => { m.mark = this.card.mark && !this.card.gone ? this.card.mark : null; }); this.dirty();
    },
    isOver() { return this.towns.length && !this.towns[0].is_replay && this.timeS >= this.towns[0].duration_s; },
    issue() { this.act({ kind: "order", which: this.actOn, ...this.order }); },
    addBuses() { this.act({ kind: "buses", which: this.actOn, ...this.buses }); },
    actHere(what) { this.act({ ...what, which: this.card.which || 0 }); },
    planOf(which) { return ((this.acts || {}).plans || [])[which] || { log: [], saved: "" }; },
    nameControls() { // Mesa's buttons carry signs only; name them for screen readers
      document.querySelectorAll(".v-navigation-drawer button, .sidebar button").forEach((b) => {
        const words = { "▶": "Play", "❚❚": "Pause", Reset: "Reset: start again with the values chosen", Step: "Step: advance one step" }[b.textContent.trim()];
        if (words && b.getAttribute("aria-label") !== words) { b.setAttribute("aria-label", words); b.title = words; }
      });
      document.querySelectorAll(".v-navigation-drawer .v-input").forEach((input) => {
        const label = input.querySelector("label"), field = input.querySelector("input");
        if (label && field && !field.getAttribute("aria-label")) field.setAttribute("aria-label", label.innerText);
      });
    },
  },
};
