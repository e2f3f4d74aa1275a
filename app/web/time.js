// Time on the page: the bar with what is planned and what has happened, and where one can go.
// Orders are filled flags, what was done hollow ones, closures zebras as on the map: shapes, so that no colour means two things.

function drawLine(canvas, town, timeS, clock, done) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2), w = canvas.clientWidth, h = canvas.clientHeight;
  if (!w || !h) return;
  if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) { canvas.width = Math.round(w * ratio); canvas.height = Math.round(h * ratio); }
  const c = canvas.getContext("2d"), X = (t) => (w * t) / town.duration_s, style = getComputedStyle(canvas), ink = style.color;
  c.setTransform(ratio, 0, 0, ratio, 0, 0); c.clearRect(0, 0, w, h);
  const top = 13, bottom = h - 3;
  c.fillStyle = style.getPropertyValue("--sp-track"); c.fillRect(0, top, w, bottom - top);
  c.fillStyle = style.getPropertyValue("--sp-curfew"); for (const [a, b] of town.curfew) c.fillRect(X(a), top, X(b) - X(a), bottom - top);
  const marks = town.marks || { impacts: [], orders: [], closures: [], front: [] }, bins = marks.impacts, most = Math.max(1, ...bins);
  c.fillStyle = style.getPropertyValue("--sp-impact");
  bins.forEach((n, i) => { if (n && (i * town.duration_s) / bins.length < timeS) { const tall = 3 + (bottom - top - 5) * Math.sqrt(n / most); c.fillRect((i * w) / bins.length, bottom - tall, Math.max(1.5, w / bins.length), tall); } });
  c.fillStyle = style.getPropertyValue("--sp-link"); c.fillRect(0, bottom - 2, X(timeS), 3);
  for (const [a, b] of marks.closures) zebra(c, X(a), top, Math.max(4, X(Math.min(b, town.duration_s)) - X(a)));
  c.font = "10px system-ui, sans-serif"; c.textBaseline = "middle"; c.textAlign = "center"; c.fillStyle = ink;
  for (const [t, text] of clock.ticks(w)) if (X(t) > 16 && X(t) < w - 16) c.fillText(text, X(t), 6);
  const flag = (t, colour) => { c.fillStyle = colour; c.strokeStyle = ink; c.lineWidth = 1.3; c.beginPath(); c.moveTo(X(t) - 4.5, top - 1); c.lineTo(X(t) + 4.5, top - 1); c.lineTo(X(t), top + 8); c.closePath(); c.fill(); c.stroke(); };
  for (const [t] of marks.front) { c.fillStyle = COLOURS.front; c.fillRect(X(t) - 1, top, 2, bottom - top); }
  for (const [t] of marks.orders) flag(t, ink);
  for (const [t] of done) flag(t, style.getPropertyValue("--sp-ground"));
  c.fillStyle = ink; c.fillRect(X(timeS) - 1, top - 4, 2, bottom - top + 6); c.beginPath(); c.arc(X(timeS), bottom, 3.5, 0, 7); c.fill();
}

function zebra(c, x, y, wide) { // white, and black in pieces of 4
  c.fillStyle = "#fff"; c.fillRect(x, y, wide, 4); c.fillStyle = "#000";
  for (let from = 0; from < wide; from += 8) c.fillRect(x + from, y, Math.min(4, wide - from), 4);
}

const timeMethods = {
  marksAt(moment, reach) { // words of what is marked near a moment
    const town = this.towns[0], m = town.marks || { orders: [], closures: [], front: [] }, near = (at) => Math.abs(at - moment) <= reach, said = ([, text, values]) => t(text, values);
    const impacts = (m.impacts || []).map((n, i) => [((i + 0.5) * town.duration_s) / m.impacts.length, n]).filter(([at, n]) => n && near(at) && at < this.timeS).reduce((sum, [, n]) => sum + n, 0);
    return [...m.orders.filter(([at]) => near(at)).map(said), ...this.doneMarks().filter(([at]) => near(at)).map(([, text]) => text), ...m.closures.filter(([a, b]) => near(a) || near(b)).map((one) => said(one.slice(1))),
      ...m.front.filter(([at]) => near(at)).map(said), ...(impacts ? [t("impacts: {n}", { n: num(impacts) })] : []), ...(town.curfew.some(([a, b]) => moment >= a && moment < b) ? [t("curfew")] : [])];
  },
  doneMarks() { return this.towns.flatMap((_, i) => this.planOf(i).log.map((one) => [one.time_s, one.text])); },
  drawTime() { if (this.$refs.line && this.clock && this.towns.length) drawLine(this.$refs.line, this.towns[0], this.timeS, this.clock, this.doneMarks()); },
  pointAt(event) {
    const box = this.$refs.line.getBoundingClientRect(), share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)), t = share * this.towns[0].duration_s;
    this.pointed = { left: `${Math.min(86, Math.max(4, 100 * share))}%`, text: [this.momentText(t), ...this.marksAt(t, (5 * this.towns[0].duration_s) / box.width)].slice(0, 5).join(" · ") };
  },
  scrub(t) { if (this.towns[0].is_replay) this.go_to(t); },
  leap(t) { if (!this.towns[0].is_replay) this.go_to(t); },
  targets() {
    const town = this.towns[0], m = town.marks || { orders: [], closures: [], front: [] }, found = [], after = (list) => list.filter((at) => at > this.timeS + 1 && at <= town.duration_s).sort((a, b) => a - b)[0];
    const add = (name, at) => { if (at !== undefined && this.language) found.push([at, `${name}, ${this.momentText(at)}`]); };
    add(t("next order"), after(m.orders.map(([at]) => at)));
    add(t("next closure"), after(m.closures.flatMap(([a, b]) => [a, b])));
    add(t("next curfew"), after(town.curfew.map(([a]) => a)));
    add(t("end of the curfew"), after(town.curfew.map(([, b]) => b)));
    add(t("front nearer"), after(m.front.map(([at]) => at)));
    if (m.next_impacts) add(t("next impact"), m.next_impacts.find((at) => at > this.timeS + 1));
    add(t("an hour later"), after([this.timeS + 3600])); add(t("a day later"), after([this.timeS + 86400])); add(t("end"), after([town.duration_s]));
    return found;
  },
  runTo(value) { if (value === "moment") { this.asksMoment = true; this.$nextTick(() => this.$refs.moment && this.$refs.moment.focus()); } else if (value) this.go_to(+value); },
  momentOf(t) { return this.clock ? this.clock.at(t).toISOString().slice(0, 16) : ""; },
  runToMoment(value) { const t = (new Date(`${value}Z`).getTime() - this.clock.start) / 1000; this.asksMoment = false; if (Number.isFinite(t)) this.go_to(Math.min(Math.max(t, 0), this.towns[0].duration_s)); },
  momentText(at) { return this.clock && this.language ? dated(this.clock.at(at), { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }) : ""; },
  reset() { if (this.nActs()) this.asksReset = true; else this.restart(); },
  restart() { this.asksReset = false; this.play({ what: "restart" }); },
  nActs() { return this.towns.reduce((sum, _, i) => sum + this.planOf(i).log.length, 0); },
  log() { return ((this.happened || [])[this.logOf] || []).slice(-300).reverse(); },
  goToEvent(e) { if (e.xy && this.maps.length) { this.maps[this.logOf] && this.maps.forEach((m) => m.centre(e.xy)); } },
  clockText() { return this.clock && this.towns.length && this.language ? this.clock.text(this.timeS) : ""; },
  sinceText() { const m = Math.round(this.timeS / 60); return m < 2880 ? t("{h} h {min} min after the start", { h: Math.floor(m / 60), min: String(m % 60).padStart(2, "0") }) : t("day {n}", { n: Math.floor(m / 1440) + 1 }); },
  speedText() { return this.speed > 1 ? t("{n} times real time", { n: num(this.speed) }) : this.player.playing ? t("working …") : t("paused"); },
  inCurfew() { return this.towns.length && this.towns[0].curfew.some(([a, b]) => this.timeS >= a && this.timeS < b); },
  isOver() { return !!(this.towns.length && !this.towns[0].is_replay && this.timeS >= this.towns[0].duration_s); },
};
