// Charts of what has happened so far, on canvases of their own; one hour of the clock is the same width in all.
// STATUS, PLACE, INJURY: number, words and colour of each, from the bottom of a stack up; safepassage.app.map writes them.
const OF_EXITS = ["#00513B", COLOURS.exit].flatMap((colour) => [[], [7, 3], [2, 3]].map((dash) => ({ colour, dash })));
// Exits are green; which exit, shade and dashes tell.

class Rows {
  constructor(width) { this.width = width; this.n = 0; this.data = new Float32Array(width * 1024); }
  add(rows) {
    const k = rows.length / this.width;
    while ((this.n + k) * this.width > this.data.length) { const bigger = new Float32Array(2 * this.data.length); bigger.set(this.data); this.data = bigger; }
    this.data.set(rows, this.n * this.width); this.n += k;
  }
  at(row, column) { return this.data[row * this.width + column]; }
  before(time) { let a = 0, b = this.n - 1; while (a < b) { const m = (a + b + 1) >> 1; if (this.at(m, 0) <= time + 1e-3) a = m; else b = m - 1; } return a; }
}

function rate(rows, column, windowS) { // per hour, over a trailing window
  return (i) => {
    const t = rows.at(i, 0); let j = i;
    while (j > 0 && t - rows.at(j, 0) < windowS) j--;
    const dt = t - rows.at(j, 0);
    return dt > 0 ? ((rows.at(i, column) - rows.at(j, column)) * 3600) / dt : 0;
  };
}

const MOST_LINES = OF_EXITS.length, OTHERS = "#8c8c8c", EXPECTED = COLOURS.expected;

function chartList(exitNames, durationS) {
  const queue = ROW.exits + exitNames.length, colours = new Map(), windowS = Math.max(900, durationS / 120);
  const column = (c) => (r) => (k) => r.at(k, c), perHour = (c) => (r) => rate(r, c, windowS);
  const exits = (read) => exitNames.map((label, i) => ({ label, ...OF_EXITS[i % MOST_LINES], read: read(i) }));
  const line = (label, colour, read) => ({ label, colour, read });
  return [
    { id: "status", title: "People by status", unit: "people", stack: true, series: STATUS.map(([i, label, colour]) => line(label, colour, column(ROW.status + i))) },
    { id: "mode", title: "Out per hour, by mode", unit: "people per hour", series: [line("by car or bus", KINDS[0][1], perHour(ROW.byCar)), line("on foot", KINDS[2][1], perHour(ROW.onFoot))] },
    { id: "exit", title: "Out per hour, by exit", unit: "people per hour", colours, series: exits((i) => perHour(ROW.exits + i)) },
    { id: "queue", title: "Cars on the last kilometre before each exit", unit: "cars", colours, series: exits((i) => column(queue + i)) },
    { id: "harm", title: "Casualties so far", unit: "people", stack: true, band: ROW.expected, series: INJURY.map(([i, label, colour]) => line(label, colour, column(ROW.injury + i - 1))) },
    { id: "exposure", title: "Time at risk so far, by place", unit: "person-hours", stack: true, series: PLACE.map(([i, label, colour]) => line(label, colour, column(ROW.exposure + i))) },
  ];
}

// Of many exits, those by which most are out so far, each in a colour that it keeps; the others are added up.
function seriesShown(chart, rows, timeS) {
  const { series, colours } = chart;
  if (!colours || series.length <= MOST_LINES || !rows || !rows.n) return series;
  const k = rows.before(timeS), out = series.map((_, i) => rows.at(k, ROW.exits + i));
  const order = series.map((_, i) => i).sort((a, b) => out[b] - out[a] || a - b), top = order.slice(0, MOST_LINES), rest = order.slice(MOST_LINES);
  for (const i of [...colours.keys()]) if (!top.includes(i)) colours.delete(i);
  for (const i of top) if (!colours.has(i)) colours.set(i, OF_EXITS.find((c) => ![...colours.values()].includes(c)));
  const sum = (r) => { const reads = rest.map((i) => series[i].read(r)); return (row) => reads.reduce((total, read) => total + read(row), 0); };
  return [...top.map((i) => ({ ...series[i], ...colours.get(i) })), { label: t("{n} other exits", { n: rest.length }), colour: OTHERS, read: sum }];
}

const rgbOf = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
function luminance(hex) { return rgbOf(hex).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0); }
function contrast(a, b) { const [x, y] = [luminance(a), luminance(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); }
function isFaint(colour, ground) { return contrast(colour, ground) < 3; } // WCAG 2.2, 1.4.11: such a colour gets an edge
function chartLook(canvas) { // colours of the theme that the chart stands in
  const style = getComputedStyle(canvas), of = (name, other) => (style.getPropertyValue(name) || other).trim().replace(/^#(.)(.)(.)$/, "#$1$1$2$2$3$3");
  return { ground: of("--sp-field", "#ffffff"), ink: of("--sp-ink", "#222222"), quiet: of("--sp-quiet", "#595959"), grid: of("--sp-track", "#e9e9e9"), curfew: of("--sp-shade", "rgba(0, 0, 0, 0.09)") };
}
function swatch(colour, dash, isArea) { return { isArea, style: { background: dash && dash.length ? `repeating-linear-gradient(90deg, ${colour} 0 ${dash[0]}px, transparent ${dash[0]}px ${dash[0] + dash[1]}px)` : colour } }; }

function nice(top) {
  if (!(top > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(top));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((m) => m * power).find((v) => v >= top);
}
function short(v) { return v >= 1e6 ? t("{n}M", { n: num(v / 1e6, v % 1e6 ? 1 : 0) }) : v >= 1e4 ? t("{n}k", { n: num(v / 1e3) }) : num(v, v >= 100 || v === Math.round(v) ? 0 : 1); }

function full(v) { return Number.isNaN(v) ? t("not recorded") : num(v, v >= 100 || +v.toFixed(1) === Math.round(v) ? 0 : 1); }

// Draws one chart and returns its legend as of the moment shown: label, colour, value of each series.
function drawChart(canvas, chart, all, town, timeS, clock) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2), w = canvas.clientWidth, h = canvas.clientHeight;
  if (!w || !h) return [];
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) { canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio); }
  const c = canvas.getContext("2d"), look = chartLook(canvas); c.setTransform(ratio, 0, 0, ratio, 0, 0); c.fillStyle = look.ground; c.fillRect(0, 0, w, h);
  const right = 8, top = 8, bottom = 20, H = h - top - bottom;
  const series = seriesShown(chart, all[0], timeS), columns = Math.min(240, Math.max(1, w - 60));
  const lines = all.map((rows) => sample(rows, chart, series, columns, town.duration_s, timeS));
  let most = 0;
  for (const line of lines) for (const v of line.top) if (v > most) most = v;
  const ceiling = nice(most), Y = (v) => top + H - (H * v) / ceiling;
  c.font = "11px system-ui, sans-serif"; c.textBaseline = "middle"; c.textAlign = "right"; c.strokeStyle = look.grid; c.lineWidth = 1;
  const left = Math.max(46, ...[0.5, 1].map((share) => 7 + c.measureText(short(share * ceiling)).width)), W = w - left - right; // "150 тис." is longer than "150k"
  const X = (t) => left + (W * t) / town.duration_s;
  c.fillStyle = look.curfew;
  for (const [a, b] of town.curfew) c.fillRect(X(a), top, X(b) - X(a), H);
  for (const share of [0, 0.5, 1]) { const y = Y(share * ceiling); c.beginPath(); c.moveTo(left, y); c.lineTo(w - right, y); c.stroke(); c.fillStyle = look.quiet; c.fillText(short(share * ceiling), left - 5, y); }
  c.textAlign = "center";
  for (const [t, text] of clock.ticks(W)) { c.fillStyle = look.quiet; c.fillText(text, Math.min(Math.max(X(t), left + 14), w - 16), h - 8); c.strokeStyle = look.quiet; c.beginPath(); c.moveTo(X(t), top + H); c.lineTo(X(t), top + H + 3); c.stroke(); }
  const trace = (line, y) => { c.beginPath(); for (let i = 0; i < line.t.length; i++) c.lineTo(X(line.t[i]), Y(y(i))); };
  lines.forEach((line, which) => {
    const n = line.t.length; if (!n) return;
    c.setLineDash(which ? [5, 3] : []);
    if (chart.stack) {
      if (line.band && which === 0) shadeBand(c, line, X, Y, trace);
      const under = new Float64Array(n);
      series.forEach(({ colour }, s) => {
        const over = under.map((v, i) => v + line.values[s][i]);
        if (which === 0) {
          c.fillStyle = colour; trace(line, (i) => over[i]);
          for (let i = n - 1; i >= 0; i--) c.lineTo(X(line.t[i]), Y(under[i]));
          c.fill();
          if (isFaint(colour, look.ground)) { c.strokeStyle = look.ink; c.lineWidth = 0.8; trace(line, (i) => over[i]); c.stroke(); }
        } else for (const [width, edge] of [[3.5, look.ground], [1.5, look.ink]]) { c.strokeStyle = edge; c.lineWidth = width; c.setLineDash(width > 2 ? [] : [5, 3]); trace(line, (i) => over[i]); c.stroke(); }
        under.set(over);
      });
      if (line.band && which === 0) drawBand(c, line, trace, look);
    } else series.forEach(({ colour, dash }, s) => {
      c.setLineDash(which ? [5, 3] : dash || []);
      if (isFaint(colour, look.ground)) { c.strokeStyle = look.ink; c.lineWidth = 3.2; trace(line, (i) => line.values[s][i]); c.stroke(); }
      c.strokeStyle = colour; c.lineWidth = 2; trace(line, (i) => line.values[s][i]); c.stroke();
    });
  });
  c.setLineDash([]); c.strokeStyle = look.ink; c.lineWidth = 1; c.beginPath(); c.moveTo(X(timeS), top); c.lineTo(X(timeS), top + H); c.stroke();
  return legendOf(chart, series, lines);
}

function shadeBand(c, line, X, Y, trace) { // under what has happened, whose colours it must not change
  const [, low, high] = line.band;
  c.fillStyle = `rgba(${rgbOf(EXPECTED)}, 0.22)`; trace(line, (i) => high[i]);
  for (let i = line.t.length - 1; i >= 0; i--) c.lineTo(X(line.t[i]), Y(low[i]));
  c.fill();
}

function drawBand(c, line, trace, look) {
  const [mean, low, high] = line.band;
  for (const [edge, width, dash] of [[low, 1.2, [2, 2]], [high, 1.2, [2, 2]], [mean, 2, []]]) {
    c.strokeStyle = look.ground; c.lineWidth = width + 2; c.setLineDash([]); trace(line, (i) => edge[i]); c.stroke();
    c.strokeStyle = EXPECTED; c.lineWidth = width; c.setLineDash(dash); trace(line, (i) => edge[i]); c.stroke();
  }
}

function legendOf(chart, series, lines) {
  const now = lines.filter((line) => line.t.length), last = (values) => values[values.length - 1];
  const keys = series.map(({ label, colour, dash }, s) => ({ label: t(label), look: swatch(colour, dash, chart.stack), value: now.map((line) => full(last(line.values[s]))).join(" | ") }));
  if (now.length && now[0].band) {
    const bands = now.filter((line) => line.band).map((line) => line.band.map((values) => full(last(values))));
    keys.push({ label: t("expected"), look: swatch(EXPECTED, [], false), value: bands.map(([mean]) => mean).join(" | ") });
    keys.push({ label: t("95 % range of chance"), look: swatch(`rgba(${rgbOf(EXPECTED)}, 0.22)`, [], true), value: bands.map(([, low, high]) => `${low}–${high}`).join(" | ") });
  }
  return keys;
}

function sample(rows, chart, series, columns, durationS, timeS) {
  const t = [], values = series.map(() => []), top = [], band = [[], [], []];
  if (!rows || !rows.n) return { t, values, top };
  const read = series.map((one) => one.read(rows)), last = rows.before(timeS), hasBand = chart.band && !Number.isNaN(rows.at(0, chart.band));
  let previous = -1;
  const add = (i) => {
    t.push(rows.at(i, 0)); let sum = 0, most = 0;
    read.forEach((f, s) => { const v = f(i); values[s].push(v); sum += v; most = Math.max(most, v); });
    if (hasBand) band.forEach((edge, b) => edge.push(rows.at(i, chart.band + b)));
    top.push(Math.max(chart.stack ? sum : most, hasBand ? rows.at(i, chart.band + 2) : 0));
  };
  const span = durationS / columns;
  for (let i = 0; i <= last; i++) { const cell = Math.floor(rows.at(i, 0) / span); if (cell !== previous) { add(i); previous = cell; } }
  if (t[t.length - 1] !== rows.at(last, 0)) add(last);
  return { t, values, top, band: hasBand ? band : null };
}

class Clock {
  constructor(town) { this.start = new Date(town.start + "Z").getTime(); this.duration = town.duration_s; }
  at(s) { return new Date(this.start + 1000 * s); }
  text(s) { return dated(this.at(s), { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }); }
  ticks(width) {
    const step = [1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000].find((s) => (width * s) / this.duration > 52) || 7776000;
    const ticks = [], offset = (this.start / 1000) % 86400;
    for (let t = Math.ceil(offset / step) * step - offset; t <= this.duration; t += step) {
      const d = this.at(t), time = d.toISOString().slice(11, 16);
      ticks.push([t, step >= 86400 || (time === "00:00" && this.duration > 86400) ? dated(d, { day: "numeric", month: "short" }) : time]);
    }
    return ticks;
  }
}
