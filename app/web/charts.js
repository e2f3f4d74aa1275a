// Charts of what has happened so far, on canvases of their own; one hour of the clock is the same width in all.
const STATUS = [ // index of the row, label, colour; from the bottom of the stack up, as in the pictures of runs
  [6, "out of the area", "#009E73"], [3, "on the way", "#56B4E9"], [2, "waiting for a seat or the road", "#0072B2"],
  [5, "cut off, no way out", "#D55E00"], [4, "in a shelter", "#CC79A7"], [1, "preparing to leave", "#F0E442"],
  [0, "at home", "#D9D9D9"], [7, "killed or died of injuries", "#000000"],
];
const PLACE = [["outdoors", "#D55E00"], ["in a vehicle", "#E69F00"], ["home, upper floor", "#F0E442"], ["home, inner room", "#56B4E9"],
  ["basement", "#0072B2"], ["shelter", "#009E73"], ["armoured vehicle", "#CC79A7"]];
const SERIES = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#222222", "#999900", "#7b4fa3", "#666666"];

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

function chartList(nExits, exitNames) {
  const queue = ROW.exits + nExits;
  const exitSeries = exitNames.map((name, i) => [name, SERIES[i % SERIES.length]]);
  return [
    { id: "status", title: "People by status", unit: "people", stack: true, series: STATUS.map(([i, label, colour]) => [label, colour, (r) => (k) => r.at(k, ROW.status + i)]) },
    { id: "mode", title: "Out per hour, by mode", unit: "people per hour", series: [["by car", "#0072B2", (r) => rate(r, ROW.byCar, 900)], ["on foot", "#E69F00", (r) => rate(r, ROW.onFoot, 900)]] },
    { id: "exit", title: "Out per hour, by exit", unit: "people per hour", series: exitSeries.map(([name, colour], i) => [name, colour, (r) => rate(r, ROW.exits + i, 900)]) },
    { id: "queue", title: "Cars on the last kilometre before each exit", unit: "cars", series: exitSeries.map(([name, colour], i) => [name, colour, (r) => (k) => r.at(k, queue + i)]) },
    { id: "harm", title: "Casualties so far", unit: "people", stack: true, series: [["killed or died", "#000000", (r) => (k) => r.at(k, ROW.injury + 2)], ["seriously injured", "#D55E00", (r) => (k) => r.at(k, ROW.injury + 1)], ["lightly injured", "#F0E442", (r) => (k) => r.at(k, ROW.injury)]] },
    { id: "exposure", title: "Time at risk so far, by place", unit: "person-hours", stack: true, series: PLACE.map(([label, colour], i) => [label, colour, (r) => (k) => r.at(k, ROW.exposure + i)]) },
  ];
}

function nice(top) {
  if (!(top > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(top));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((m) => m * power).find((v) => v >= top);
}
function short(v) { return v >= 1e6 ? `${+(v / 1e6).toFixed(1)}M` : v >= 1e4 ? `${+(v / 1e3).toFixed(0)}k` : v >= 100 || v === 0 ? v.toFixed(0) : `${+v.toFixed(1)}`; }

function drawChart(canvas, chart, all, town, timeS, clock) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2), w = canvas.clientWidth, h = canvas.clientHeight;
  if (!w || !h) return;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) { canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio); }
  const c = canvas.getContext("2d"); c.setTransform(ratio, 0, 0, ratio, 0, 0); c.fillStyle = "#fff"; c.fillRect(0, 0, w, h);
  const left = 46, right = 8, top = 8, bottom = 20, W = w - left - right, H = h - top - bottom;
  const X = (t) => left + (W * t) / town.duration_s;
  c.fillStyle = "rgba(0,0,0,0.09)";
  for (const [a, b] of town.curfew) c.fillRect(X(a), top, X(b) - X(a), H);
  const columns = Math.min(240, W | 0), lines = all.map((rows) => sample(rows, chart, columns, town.duration_s, timeS));
  let most = 0;
  for (const line of lines) for (const v of line.top) if (v > most) most = v;
  const ceiling = nice(most), Y = (v) => top + H - (H * v) / ceiling;
  c.font = "11px system-ui, sans-serif"; c.textBaseline = "middle"; c.textAlign = "right"; c.strokeStyle = "#e6e6e6"; c.lineWidth = 1;
  for (const share of [0, 0.5, 1]) { const y = Y(share * ceiling); c.beginPath(); c.moveTo(left, y); c.lineTo(w - right, y); c.stroke(); c.fillStyle = "#444"; c.fillText(short(share * ceiling), left - 5, y); }
  c.textAlign = "center";
  for (const [t, text] of clock.ticks(W)) { c.fillStyle = "#444"; c.fillText(text, Math.min(Math.max(X(t), left + 14), w - 16), h - 8); c.strokeStyle = "#bbb"; c.beginPath(); c.moveTo(X(t), top + H); c.lineTo(X(t), top + H + 3); c.stroke(); }
  lines.forEach((line, which) => {
    const n = line.t.length; if (!n) return;
    c.setLineDash(which ? [5, 3] : []);
    if (chart.stack && which === 0) {
      const under = new Float64Array(n);
      chart.series.forEach(([, colour], s) => {
        c.fillStyle = colour; c.beginPath();
        for (let i = 0; i < n; i++) c.lineTo(X(line.t[i]), Y(under[i] + line.values[s][i]));
        for (let i = n - 1; i >= 0; i--) c.lineTo(X(line.t[i]), Y(under[i]));
        c.fill();
        for (let i = 0; i < n; i++) under[i] += line.values[s][i];
      });
    } else if (chart.stack) {
      const sum = new Float64Array(n);
      chart.series.forEach((_, s) => {
        for (let i = 0; i < n; i++) sum[i] += line.values[s][i];
        for (const [width, colour] of [[3.5, "#fff"], [1.5, "#000"]]) { c.strokeStyle = colour; c.lineWidth = width; c.setLineDash(width > 2 ? [] : [5, 3]); c.beginPath(); for (let i = 0; i < n; i++) c.lineTo(X(line.t[i]), Y(sum[i])); c.stroke(); }
      });
    } else chart.series.forEach(([, colour], s) => {
      c.strokeStyle = colour; c.lineWidth = 2; c.beginPath(); for (let i = 0; i < n; i++) c.lineTo(X(line.t[i]), Y(line.values[s][i])); c.stroke();
    });
  });
  c.setLineDash([]); c.strokeStyle = "#222"; c.lineWidth = 1; c.beginPath(); c.moveTo(X(timeS), top); c.lineTo(X(timeS), top + H); c.stroke();
}

function sample(rows, chart, columns, durationS, timeS) {
  const t = [], values = chart.series.map(() => []), top = [];
  if (!rows || !rows.n) return { t, values, top };
  const read = chart.series.map(([, , f]) => f(rows)), last = rows.before(timeS);
  let previous = -1;
  const add = (i) => {
    t.push(rows.at(i, 0)); let sum = 0, most = 0;
    read.forEach((f, s) => { const v = f(i); values[s].push(v); sum += v; most = Math.max(most, v); });
    top.push(chart.stack ? sum : most);
  };
  const span = durationS / columns;
  for (let i = 0; i <= last; i++) { const cell = Math.floor(rows.at(i, 0) / span); if (cell !== previous) { add(i); previous = cell; } }
  if (t[t.length - 1] !== rows.at(last, 0)) add(last);
  return { t, values, top };
}

class Clock {
  constructor(town) { this.start = new Date(town.start + "Z").getTime(); this.duration = town.duration_s; }
  at(s) { return new Date(this.start + 1000 * s); }
  text(s) { return this.at(s).toLocaleString("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }); }
  ticks(width) {
    const step = [1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000].find((s) => (width * s) / this.duration > 52) || 7776000;
    const ticks = [], offset = (this.start / 1000) % 86400;
    for (let t = Math.ceil(offset / step) * step - offset; t <= this.duration; t += step) {
      const d = this.at(t), time = d.toISOString().slice(11, 16);
      ticks.push([t, step >= 86400 || (time === "00:00" && this.duration > 86400) ? d.toLocaleDateString("en-GB", { timeZone: "UTC", day: "numeric", month: "short" }) : time]);
    }
    return ticks;
  }
}
