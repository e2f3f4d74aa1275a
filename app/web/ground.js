// What lies beneath the streets: water, green, railways and names of places, as the scenario's file has them.
const GROUND = { water: "#b9dcea", green: "#dcebd3", railway: "#6f6f6f" }, PLACE_INK = "#4b4b4b", MOST_PLACES = 40;

const ground = {
  drawGround(c) { // before all else; the list has green first, then water, then railways
    for (const thing of this.town.background || []) {
      if (thing.kind === "place" || this.layers.ground === false) continue;
      c.beginPath();
      for (const xy of thing.parts) for (let i = 0; i < xy.length; i += 2) { const x = this.px(xy[i]), y = this.py(xy[i + 1]); if (i) c.lineTo(x, y); else c.moveTo(x, y); }
      if (thing.is_area) { c.fillStyle = GROUND[thing.kind]; c.fill("evenodd"); continue; }
      const wide = Math.min(3, Math.max(1, Math.sqrt(this.view.k / this.view.k0)));
      c.strokeStyle = GROUND[thing.kind]; c.lineJoin = "round"; c.lineCap = "butt";
      if (thing.kind !== "railway") { c.lineWidth = 3 * wide; c.stroke(); continue; }
      c.lineWidth = 1.8 * wide; c.stroke(); c.strokeStyle = "#fff"; c.lineWidth = wide; c.setLineDash([5, 5]); c.stroke(); c.setLineDash([]);
    }
  },
  drawPlaces(c) { // names of places and of water: the largest first, none over another or over the label of an exit
    const taken = (this.labels || []).map((label) => label.box).filter(Boolean), most = taken.length + MOST_PLACES, add = (text, x, y, font, ink) => {
      c.font = font; const w = c.measureText(text).width + 8, box = [x - w / 2, y - 9, w, 18];
      if (x < 0 || y < 0 || x > this.w || y > this.h || taken.length >= most || taken.some((b) => box[0] < b[0] + b[2] && b[0] < box[0] + box[2] && box[1] < b[1] + b[3] && b[1] < box[1] + box[3])) return;
      taken.push(box); c.lineWidth = 3; c.lineJoin = "round"; c.strokeStyle = "rgba(251,251,248,0.9)"; c.strokeText(text, x, y); c.fillStyle = ink; c.fillText(text, x, y);
    };
    if (this.layers.names === false || this.layers.ground === false) return;
    c.textAlign = "center"; c.textBaseline = "middle";
    for (const { kind, name, parts } of this.town.background || []) {
      if (!name || !parts[0]) continue;
      if (kind === "place") { add(name, this.px(parts[0][0]), this.py(parts[0][1]), "600 13px system-ui, sans-serif", PLACE_INK); continue; }
      if (kind === "railway" || this.view.k < 1.5 * this.view.k0) continue;
      let x = 0, y = 0; for (let i = 0; i < parts[0].length; i += 2) { x += parts[0][i]; y += parts[0][i + 1]; }
      add(name, this.px((2 * x) / parts[0].length), this.py((2 * y) / parts[0].length), "italic 12px system-ui, sans-serif", kind === "water" ? "#1d5a75" : "#3d5c31");
    }
    c.textAlign = "left";
  },
};
